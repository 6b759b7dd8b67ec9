package sqlgen

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/midstreamdb/midstream/internal/table"
)

// Range is a part of the migration key's order: what follows Lower, up to and including Upper. A nil bound is open; a
// bound that is not has a value for each column of the key.
type Range struct {
	Lower []table.Value
	Upper []table.Value
}

// Key is the migration key in the source, in the order of its index there: all statements that walk over the key or cut
// a range out of it come from here, so that they agree about the order.
type Key struct {
	table   table.Name
	name    string
	columns []keyColumn
}

type keyColumn struct {
	*table.Column
	descending bool
	least      uint64 // of an ENUM: no lesser number is asked for
}

// NewKey returns the migration key of the mapping.
func NewKey(m *table.Mapping) *Key {
	k := &Key{table: m.Source.Name, name: m.Key.Name}
	var parts []table.KeyPart
	for i := range m.Source.Keys {
		if m.Source.Keys[i].Name == m.Key.Name {
			parts = m.Source.Keys[i].Parts
		}
	}
	for i, p := range m.Key.Columns {
		k.columns = append(k.columns, keyColumn{Column: p.Source, descending: i < len(parts) && parts[i].Descending})
	}
	return k
}

// Len returns the number of the key's columns.
func (k *Key) Len() int { return len(k.columns) }

// Dense returns the key's only column if that is an integer in ascending order, else nil: the keys of a range can then be
// reckoned without reading them.
func (k *Key) Dense() *table.Column {
	if c := k.columns[0]; len(k.columns) == 1 && c.Kind == table.Int && !c.descending {
		return c.Column
	}
	return nil
}

// Ordered says whether table.AppendKey orders the key's values as its index does: no column is descending, and none has an
// order of its own (a collation, a sign, a point in a text).
func (k *Key) Ordered() bool {
	return !slices.ContainsFunc(k.columns, func(c keyColumn) bool {
		switch c.Kind {
		case table.Int, table.Year, table.Bit, table.Enum, table.Binary, table.VarBinary,
			table.Date, table.DateTime, table.Timestamp:
			return c.descending
		case table.Set:
			return c.descending || len(c.Values) == mostOfSet
		default:
			return true
		}
	})
}

// mostOfSet is the number of members of which the last one is the sign of the number by which the server compares a SET.
const mostOfSet = 64

// from is the source table, read by the migration key.
func (k *Key) from() string {
	return "  FROM " + k.table.String() + " FORCE INDEX (" + table.Quote(k.name) + ")"
}

// order is the list after ORDER BY: the order of the index, so that nothing is sorted.
func (k *Key) order() string { return k.ordered(false) }

// reverse is the opposite of order.
func (k *Key) reverse() string { return k.ordered(true) }

func (k *Key) ordered(backwards bool) string {
	terms := make([]string, len(k.columns))
	for i, c := range k.columns {
		terms[i] = table.Quote(c.Name)
		if c.descending != backwards {
			terms[i] += " DESC"
		}
	}
	return strings.Join(terms, ", ")
}

// within returns the conditions that together cut the range out of the key, none for a range open at both ends. Columns
// in which both bounds are equal are compared once.
func (k *Key) within(r Range) []string {
	var conditions []string
	columns, lower, upper := k.columns, r.Lower, r.Upper
	for len(columns) > 1 && lower != nil && upper != nil && same(lower[0], upper[0]) {
		conditions = append(conditions, columns[0].compare("=", lower[0]))
		columns, lower, upper = columns[1:], lower[1:], upper[1:]
	}
	if lower != nil && upper != nil {
		columns = slices.Clone(columns)
		columns[0].least = min(lower[0].Num, upper[0].Num)
	}
	if lower != nil {
		conditions = append(conditions, after(columns, lower))
	}
	if upper != nil {
		conditions = append(conditions, upTo(columns, upper))
	}
	return conditions
}

// after is the row comparison (a, b, …) > (x, y, …) in the form that servers turn into index ranges.
func after(columns []keyColumn, bound []table.Value) string {
	c := columns[0]
	if len(columns) == 1 {
		return c.compare(c.beyond(), bound[0])
	}
	return spread(c, c.beyond(), bound[0], after(columns[1:], bound[1:]))
}

// upTo is the row comparison (a, b, …) <= (x, y, …).
func upTo(columns []keyColumn, bound []table.Value) string {
	c := columns[0]
	if len(columns) == 1 {
		return c.compare(c.before()+"=", bound[0])
	}
	return spread(c, c.before(), bound[0], upTo(columns[1:], bound[1:]))
}

// spread joins the comparison of a first column with that of the rest. The leading condition follows from the other two;
// it is what the index range is made of.
func spread(c keyColumn, strict string, v table.Value, rest string) string {
	return "(" + c.compare(strict+"=", v) +
		" AND (" + c.compare(strict, v) +
		" OR (" + c.compare("=", v) + " AND " + rest + ")))"
}

// beyond is the operator for what comes later in the index.
func (c keyColumn) beyond() string {
	if c.descending {
		return "<"
	}
	return ">"
}

// before is the operator for what comes earlier in the index.
func (c keyColumn) before() string {
	if c.descending {
		return ">"
	}
	return "<"
}

// compare returns the comparison of the column with a value. The servers use an index for an ENUM only where it is equal
// to something; for a SET not even then, so that ranges of one are right but slow.
func (c keyColumn) compare(operator string, v table.Value) string {
	if c.Kind == table.Enum && operator != "=" && len(c.Values) <= mostMembers {
		return c.among(operator, v.Num)
	}
	return string(AppendLiteral([]byte(table.Quote(c.Name)+" "+operator+" "), c.Column, v))
}

// mostMembers bounds the lists of an ENUM's numbers, so that statements stay far below any max_allowed_packet.
const mostMembers = 1000

// among is the comparison of an ENUM as the list of all the numbers for which it holds.
func (c keyColumn) among(operator string, than uint64) string {
	from, to := c.least, uint64(len(c.Values))
	switch operator {
	case ">":
		from = than + 1
	case ">=":
		from = than
	case "<=":
		to = than
	case "<":
		if than == 0 {
			return "FALSE"
		}
		to = than - 1
	}
	if from > to {
		return "FALSE"
	}
	list := []byte(table.Quote(c.Name) + " IN (")
	for n := from; n <= to; n++ {
		if n > from {
			list = append(list, ", "...)
		}
		list = strconv.AppendUint(list, n, 10)
	}
	return string(append(list, ')'))
}

func same(a, b table.Value) bool {
	return a.Kind == b.Kind && a.Num == b.Num && bytes.Equal(a.Text, b.Text)
}

// Describe returns the range as a person reads it: the conditions, or "all rows".
func (k *Key) Describe(r Range) string {
	if conditions := k.within(r); len(conditions) > 0 {
		return strings.Join(conditions, " AND ")
	}
	return "all rows"
}

// DescribeRow returns the conditions that hold for the row with these key values only.
func (k *Key) DescribeRow(values []table.Value) string {
	conditions := make([]string, len(values))
	for i, v := range values {
		conditions[i] = k.columns[i].compare("=", v)
	}
	return strings.Join(conditions, " AND ")
}

// where lays the conditions out, one a line; "" for none.
func where(conditions []string) string {
	if len(conditions) == 0 {
		return ""
	}
	return "\n WHERE " + strings.Join(conditions, "\n   AND ")
}
