package sqlgen

import (
	"slices"
	"strconv"
	"strings"

	"github.com/midstreamdb/midstream/internal/table"
)

// Verify makes the statements that compare the shadow with the source, exactly: texts byte for byte, floats with the sign
// of zero, JSON with the types inside. Each reads both tables as of one moment and takes no lock. Where the ALTER converts a
// column, the server converts the source's rows once more, into a temporary table (Scratch), which is compared instead.
type Verify struct {
	mapping *table.Mapping
	key     *Key // in the source
	there   *Key // the same columns in the shadow, with the source's directions
	left    *Key // in what is compared: the source, or the scratch table
	pairs   []table.Pair
	columns []compared
	scratch *table.Name // nil: nothing is converted
}

// compared is a column of both tables.
type compared struct {
	from, to *table.Column
	equal    string // condition, TRUE or FALSE
}

// NewVerify returns the statements of a mapping. scratch is the name that a temporary table may have.
func NewVerify(m *table.Mapping, scratch table.Name) *Verify {
	v := &Verify{mapping: m, key: NewKey(m)}
	v.there, v.left, v.pairs = shadowKey(m), v.key, valued(m)
	if slices.ContainsFunc(v.pairs, func(p table.Pair) bool { return !comparable(&p) }) {
		left := *v.there
		left.table, left.name = scratch, "PRIMARY"
		v.left, v.scratch = &left, &scratch
	}
	for _, p := range v.pairs {
		if v.scratch != nil {
			v.compare(p.Shadow, p.Shadow)
		} else {
			v.compare(p.Source, p.Shadow)
		}
	}
	v.compareGenerated()
	return v
}

// valued are the pairs whose values come from the source: also those of the migration key that the server computes.
func valued(m *table.Mapping) []table.Pair {
	pairs := slices.DeleteFunc(slices.Clone(m.Columns), func(p table.Pair) bool { return p.IsConstant() })
	for _, k := range m.Key.Columns {
		if !slices.ContainsFunc(pairs, func(p table.Pair) bool { return p.Shadow == k.Shadow }) {
			pairs = append(pairs, k)
		}
	}
	return pairs
}

// compareGenerated adds the generated columns that both tables compute by the same expression of columns that are not converted.
func (v *Verify) compareGenerated() {
	for i := range v.mapping.Shadow.Columns {
		to := &v.mapping.Shadow.Columns[i]
		from := v.mapping.Source.Column(to.Name)
		listed := slices.ContainsFunc(v.pairs, func(p table.Pair) bool { return p.Shadow == to })
		if listed || from == nil || to.Generation == table.NotGenerated || from.Generation == table.NotGenerated || from.Expression != to.Expression {
			continue
		}
		pair := table.Pair{Source: from, Shadow: to}
		switch {
		case !comparable(&pair):
		case v.scratch == nil:
			v.compare(from, to)
		case !v.converts(to.Expression):
			v.pairs = append(v.pairs, pair)
			v.compare(to, to)
		}
	}
}

// converts says whether an expression may have another value in the shadow: it is made of columns that are converted, or of
// computed ones, of which that is not known.
func (v *Verify) converts(expression string) bool {
	return slices.ContainsFunc(v.mapping.Shadow.Columns, func(c table.Column) bool {
		i := slices.IndexFunc(v.pairs, func(p table.Pair) bool { return p.Shadow.Name == c.Name })
		return table.Mentions(expression, c.Name) && (i < 0 || !comparable(&v.pairs[i]))
	})
}

func (v *Verify) compare(from, to *table.Column) {
	left := v.left.table.String() + "." + table.Quote(from.Name)
	v.columns = append(v.columns, compared{from, to, equal(left, v.mapping.Shadow.Name.String()+"."+table.Quote(to.Name), to)})
}

// comparable says whether a value of the source's column is kept in the shadow's exactly if equal holds: nothing is converted
// but the width, and nothing may be lost.
func comparable(p *table.Pair) bool {
	from, to := p.Source, p.Shadow
	switch {
	case p.Wrap != "" || p.Lossy || from.Kind != to.Kind:
		return false
	case from.Charset != to.Charset:
		return false
	}
	switch from.Kind {
	case table.Int, table.Bit, table.Year, table.Date, table.UUID, table.Inet4, table.Inet6,
		table.VarChar, table.Text, table.VarBinary, table.Blob, table.JSON:
		return true
	case table.Decimal, table.Time, table.DateTime, table.Timestamp:
		return to.Scale >= from.Scale
	case table.Char:
		return to.Length >= from.Length
	default: // the lists of ENUM and SET, BINARY's padding, digits of FLOAT(M,D), subtypes of GEOMETRY
		return from.ColumnType == to.ColumnType
	}
}

// equal is the condition that two values of a column's type are the same. It is never NULL.
func equal(a, b string, c *table.Column) string {
	switch c.Kind {
	case table.Float, table.Double:
		// Zero has a sign, which comparing does not see and the angle does.
		return "(" + a + " <=> " + b + " AND ATAN2(" + a + ", -1) <=> ATAN2(" + b + ", -1))"
	case table.Enum, table.Set:
		return "(CAST(" + a + " AS UNSIGNED) <=> CAST(" + b + " AS UNSIGNED))"
	case table.Char, table.VarChar, table.Text:
		if charset := charsetOf(c); charset != "binary" {
			// The collations by code points may ignore spaces at the end.
			return "(" + a + " COLLATE " + charset + "_bin <=> " + b + " COLLATE " + charset + "_bin AND LENGTH(" + a + ") <=> LENGTH(" + b + "))"
		}
	case table.JSON:
		// The text does not tell a DECIMAL inside the document from a DOUBLE, nor a DATE from a string; its size as a fresh
		// document does.
		return "IF(" + a + " IS NULL OR " + b + " IS NULL, " + a + " IS NULL AND " + b + " IS NULL, COALESCE(" +
			"CAST(" + a + " AS CHAR) COLLATE utf8mb4_bin = CAST(" + b + " AS CHAR) COLLATE utf8mb4_bin AND " +
			"JSON_STORAGE_SIZE(JSON_ARRAY(" + a + ")) = JSON_STORAGE_SIZE(JSON_ARRAY(" + b + ")), FALSE))"
	}
	return "(" + a + " <=> " + b + ")"
}

// Scratch returns the statement that creates the temporary table, "" where none is needed. It is the session's. Whatever the
// server's default may be, it can hold what the shadow can.
func (v *Verify) Scratch() string {
	if v.scratch == nil {
		return ""
	}
	names := make([]string, len(v.columns))
	for i, c := range v.columns {
		names[i] = table.Quote(c.to.Name)
	}
	return "CREATE TEMPORARY TABLE " + v.scratch.String() + "\n" +
		"       (PRIMARY KEY (" + table.QuoteList(v.mapping.Key.ShadowNames()) + ")) ENGINE=InnoDB ROW_FORMAT=DYNAMIC\n" +
		"SELECT " + strings.Join(names, ", ") + "\n" +
		"  FROM " + v.mapping.Shadow.Name.String() + "\n WHERE FALSE"
}

// Fill returns the statements that put the source's rows of the range into the scratch table, converted, and nothing else;
// none where there is no scratch table.
func (v *Verify) Fill(r Range) []string { return v.fill(v.key.within(r)) }

// FillKeys is Fill for the rows under the keys, at least one.
func (v *Verify) FillKeys(keys [][]table.Value) []string { return v.fill([]string{v.key.among(keys)}) }

func (v *Verify) fill(conditions []string) []string {
	if v.scratch == nil {
		return nil
	}
	var into, from []string
	for _, p := range v.pairs {
		into = append(into, table.Quote(p.Shadow.Name))
		from = append(from, p.Wrap.Around(table.Quote(p.Source.Name)))
	}
	fill := "INSERT INTO " + v.scratch.String() + "\n" +
		"       (" + strings.Join(into, ", ") + ")\n" +
		"SELECT " + strings.Join(from, ", ") + "\n" +
		v.key.from() + where(conditions)
	if v.mapping.Lossy() { // the shadow has nothing else that a strict mode refuses
		fill = leniently(fill)
	}
	return []string{"DELETE FROM " + v.scratch.String(), fill}
}

// Compare returns the statement that counts, within the range: the rows of the source, those of them that the shadow has
// alike, and the rows of the shadow. The tables agree there if all three are the same. With a scratch table it must hold
// the range.
func (v *Verify) Compare(r Range) string {
	return "SELECT COUNT(*),\n" +
		"       COALESCE(SUM(" + v.alike() + "), 0),\n" +
		"       (SELECT COUNT(*)\n        " + v.there.from() + where(v.there.within(r)) + ")\n" +
		v.outer() + where(v.within(r))
}

// Differing returns the statement that reads the keys of at most limit rows of the range that the shadow does not have
// alike. ParseKey of the source's Key reads its rows.
func (v *Verify) Differing(r Range, limit int) string {
	return v.differing(v.within(r), limit)
}

// DifferingAmong is Differing for the keys given, at least one. With a scratch table it must hold their rows.
func (v *Verify) DifferingAmong(keys [][]table.Value) string {
	return v.differing([]string{v.left.among(keys)}, len(keys))
}

func (v *Verify) differing(conditions []string, limit int) string {
	return "SELECT " + v.left.exact() + "\n" +
		v.outer() + where(append(conditions, "COALESCE("+v.alike()+", FALSE) = FALSE")) +
		"\n LIMIT " + strconv.Itoa(limit)
}

// Extra returns the statement that reads the keys of at most limit rows of the shadow, within the range, that the source does
// not have. ParseKey of the source's Key reads its rows.
func (v *Verify) Extra(r Range, limit int) string {
	return v.extra(v.there.within(r), limit)
}

// ExtraAmong is Extra for the keys given, at least one.
func (v *Verify) ExtraAmong(keys [][]table.Value) string {
	return v.extra([]string{v.there.among(keys)}, len(keys))
}

func (v *Verify) extra(conditions []string, limit int) string {
	missing := "(SELECT 1" + v.lookUp(v.key, v.there) + ") IS NULL"
	return "SELECT " + v.there.exact() + "\n" +
		v.there.from() + where(append(conditions, missing)) +
		"\n LIMIT " + strconv.Itoa(limit)
}

// Columns returns the names of the compared columns, in the shadow.
func (v *Verify) Columns() []string {
	names := make([]string, len(v.columns))
	for i, c := range v.columns {
		names[i] = c.to.Name
	}
	return names
}

// Agreement returns the statement that says of each compared column, in order, whether the row with the key has the same
// value in both tables, in one text: a digit 1 or 0 for each, NULL where the shadow has no row. No row: the source has none.
// It names each table once: MySQL lets a session with LOCK TABLES do no more.
func (v *Verify) Agreement(key []table.Value) string {
	each := make([]string, len(v.columns))
	for i, c := range v.columns {
		each[i] = c.equal
	}
	return "SELECT " + v.look("CONCAT("+strings.Join(each, ",\n                       ")+")") + "\n" +
		v.outer() + where([]string{v.left.DescribeRow(key)})
}

// Expected returns the statement that reads the compared columns of the row with the key as texts for people, as the shadow
// should have them.
func (v *Verify) Expected(key []table.Value) string {
	return v.texts(v.outer(), v.left, key, func(c compared) *table.Column {
		if v.scratch != nil {
			return c.to
		}
		return c.from
	})
}

// Actual is Expected for what the shadow has.
func (v *Verify) Actual(key []table.Value) string {
	return v.texts(v.there.from(), v.there, key, func(c compared) *table.Column { return c.to })
}

func (v *Verify) texts(from string, k *Key, key []table.Value, column func(compared) *table.Column) string {
	texts := make([]string, len(v.columns))
	for i, c := range v.columns {
		texts[i] = readable(column(c))
	}
	return "SELECT " + strings.Join(texts, ",\n       ") + "\n" + from + where([]string{k.DescribeRow(key)})
}

// readable is an expression whose text shows the column's value in full.
func readable(c *table.Column) string {
	name := table.Quote(c.Name)
	switch c.Kind {
	case table.Binary, table.VarBinary, table.Blob, table.Bit, table.Geometry, table.Vector:
		return "CONCAT('0x', HEX(" + name + "))"
	case table.Float, table.Double:
		return "CAST(" + name + " * 1e0 AS CHAR)"
	case table.Enum, table.Set:
		return "CONCAT('''', " + name + ", ''' (number ', CAST(" + name + " AS UNSIGNED), ')')"
	case table.Char, table.VarChar, table.Text:
		return "CONCAT('''', CONVERT(" + name + " USING utf8mb4), ''' (0x', HEX(" + name + "), ')')"
	default:
		return "CAST(" + name + " AS CHAR)"
	}
}

// alike is TRUE where the shadow has the row of the outer table with equal values, FALSE with others, NULL where it has none.
func (v *Verify) alike() string {
	conditions := make([]string, len(v.columns))
	for i, c := range v.columns {
		conditions[i] = c.equal
	}
	return v.look(strings.Join(conditions, "\n                AND "))
}

// look is a scalar subquery: looked up row by row through the index, whatever the statistics say.
func (v *Verify) look(what string) string {
	return "(SELECT " + what + v.lookUp(v.there, v.left) + ")"
}

// lookUp finds, in the table of one key, the row of the other, outer one.
func (v *Verify) lookUp(in, of *Key) string {
	const indent = "\n          "
	equal := make([]string, len(in.columns))
	for i := range in.columns {
		equal[i] = in.table.String() + "." + table.Quote(in.columns[i].Name) + " = " + of.table.String() + "." + table.Quote(of.columns[i].Name)
	}
	return indent + " FROM " + in.table.String() + " FORCE INDEX (" + table.Quote(in.name) + ")" +
		indent + "WHERE " + strings.Join(equal, indent+"  AND ")
}

// outer is the table whose rows are looked up in the shadow.
func (v *Verify) outer() string {
	if v.scratch != nil {
		return "  FROM " + v.scratch.String()
	}
	return v.left.from()
}

// within cuts the range out of the outer table: the scratch table has nothing else.
func (v *Verify) within(r Range) []string {
	if v.scratch != nil {
		return nil
	}
	return v.left.within(r)
}
