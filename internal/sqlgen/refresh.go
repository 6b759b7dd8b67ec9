package sqlgen

import (
	"slices"
	"strings"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// Refresh makes the statements that make rows of the shadow match the source, by their keys. Values are taken by the server
// from the source; only keys stand in the statements, in the order of the migration key's columns. No statement that
// changes the shadow takes a lock on a row of the source, at READ COMMITTED.
type Refresh struct {
	mapping *table.Mapping
	copy    *Copy
	deletes *Replay
	verb    string
	after   string
}

// MostKeysOf returns how many keys of the mapping a statement should have at most: MostKeys, or so few that it fits into the
// least max_allowed_packet that is accepted, whatever their values are.
func MostKeysOf(m *table.Mapping) int {
	const packet, others, written = 960 << 10, 64 << 10, 2 // bytes; without the keys, and in hexadecimal
	each := written * m.Key.Bytes()
	for _, p := range m.Key.Columns {
		each += len("`` = _utf8mb4 x'' AND ") + len(p.Source.Name)
	}
	return min(MostKeys, (packet-others)/each)
}

// MostKeys is the most keys that a statement of Refresh should have: MariaDB makes a join of a list of 1000 values, and
// beyond some thousands MySQL gives up looking them up in the index.
const MostKeys = 999

// NewRefresh returns the statements of a mapping. Rows are written in place (ON DUPLICATE KEY UPDATE) where the mapping
// allows it, unless losses are accepted, since an update does not make a 0 of NULL; by REPLACE where every unique key of the
// shadow is the source's too; by plain INSERT, the keys having been deleted, where the ALTER adds one.
func NewRefresh(m *table.Mapping, server *conn.Server) *Refresh {
	r := &Refresh{mapping: m, copy: NewCopy(m, server), deletes: NewReplay(m, server), verb: "INSERT"}
	switch {
	case r.DeletesFirst():
	case m.InPlace() && !m.Lossy():
		r.after = "\n    ON DUPLICATE KEY UPDATE " + r.inPlace()
	default:
		r.verb = "REPLACE"
	}
	return r
}

// DeletesFirst says whether the keys must be deleted before, in the same transaction.
func (r *Refresh) DeletesFirst() bool { return len(r.mapping.AddedUnique) > 0 }

// Write returns the statement that writes the rows that the source has under the keys.
func (r *Refresh) Write(keys [][]table.Value) string {
	return r.statement(keys, guard(r.mapping, sourceColumn))
}

// Leniently is Write in a mode that is not strict: what was changed stands in the warnings.
func (r *Refresh) Leniently(keys [][]table.Value) string { return leniently(r.Write(keys)) }

func (r *Refresh) statement(keys [][]table.Value, guards []string) string {
	into, from := r.copy.columns()
	return r.verb + " INTO " + written(r.mapping) + "\n" +
		"       (" + strings.Join(into, ", ") + ")\n" +
		"SELECT " + strings.Join(from, ", ") + "\n" +
		r.copy.key.from() + where(append([]string{r.copy.key.among(keys)}, guards...)) + r.after
}

// Count returns the statement that counts the rows that the source has under the keys: as many as keys if each has one.
func (r *Refresh) Count(keys [][]table.Value) string {
	return "SELECT COUNT(*)\n" + r.copy.key.from() + "\n WHERE " + r.copy.key.among(keys)
}

// Present returns the statement that reads those of the keys that the source has, as they are written there. ParseKey of
// the Key reads its rows.
func (r *Refresh) Present(keys [][]table.Value) string {
	return "SELECT " + r.copy.key.exact() + "\n" + r.copy.key.from() + "\n WHERE " + r.copy.key.among(keys)
}

// Deletes returns the statements that delete the rows of the shadow under the keys, each of at most limit bytes unless one
// key alone is longer.
func (r *Refresh) Deletes(keys [][]table.Value, limit int) []string {
	return r.deletes.Deletes(keys, limit)
}

// inPlace sets every column to the source's value, the key's too: it may be written otherwise and still be equal.
func (r *Refresh) inPlace() string {
	source := r.mapping.Source.Name.String()
	sets := make([]string, len(r.mapping.Columns))
	for i, p := range r.mapping.Columns {
		sets[i] = r.mapping.Shadow.Name.String() + "." + table.Quote(p.Shadow.Name) + " = " + p.Wrap.Around(source+"."+table.Quote(p.Source.Name))
	}
	return strings.Join(sets, ",\n                            ")
}

// among is the condition that the key is one of those given: at least one.
func (k *Key) among(keys [][]table.Value) string {
	if len(k.columns) == 1 {
		list := []byte(table.Quote(k.columns[0].Name) + " IN (")
		for i, key := range keys {
			if i > 0 {
				list = append(list, ", "...)
			}
			list = AppendLiteral(list, k.columns[0].Column, key[0])
		}
		return string(append(list, ')'))
	}
	conditions := make([]string, len(keys))
	for i, key := range keys {
		conditions[i] = "(" + k.DescribeRow(key) + ")"
	}
	return "(" + strings.Join(conditions, "\n    OR ") + ")"
}

// Exact says whether two keys are equal only if their values are the same bytes. Otherwise a collation decides.
func (k *Key) Exact() bool {
	return !slices.ContainsFunc(k.columns, func(c keyColumn) bool { return c.IsString() && charsetOf(c.Column) != "binary" })
}

// Greatest returns the statement that reads the greatest value of the shadow's migration key, whose only column is an integer;
// NULL if there is no row.
func Greatest(m *table.Mapping) string {
	return "SELECT MAX(" + table.Quote(m.Key.Columns[0].Shadow.Name) + ")\n  FROM " + m.Shadow.Name.String()
}
