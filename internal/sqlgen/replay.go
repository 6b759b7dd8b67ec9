package sqlgen

import (
	"slices"
	"strings"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// Replay makes the statements that bring row images of the source into the shadow table.
type Replay struct {
	mapping    *table.Mapping
	writes     []writer
	keys       []writer
	guards     list
	insert     list
	deleteFrom list
	columnwise bool // keys are compared column by column
}

// list is a statement around its items.
type list struct{ head, separator, tail string }

// writer renders one column's value.
type writer struct {
	pair   table.Pair
	key    bool // compared, not written
	member bool // ENUM and SET with other members: written by name, not by number
}

// NewReplay returns the statements for a mapping. Rows are written in place (ON DUPLICATE KEY UPDATE) where the mapping
// allows it; by REPLACE where every unique key of the shadow is the source's too, so that it may push out another row; by
// plain INSERT, the rows' keys having been deleted, where the ALTER adds a unique key.
func NewReplay(m *table.Mapping, server *conn.Server) *Replay {
	r := &Replay{mapping: m, writes: writers(m.Columns, false), keys: writers(m.Key.Columns, true)}
	names := make([]string, len(m.Columns))
	for i, p := range m.Columns {
		names[i] = p.Shadow.Name
	}
	verb, after := "INSERT", ""
	switch {
	case len(m.AddedUnique) > 0:
	case m.InPlace():
		after = inPlace(names, server)
	default:
		verb = "REPLACE"
	}
	r.insert = list{verb + " INTO " + written(m) + " (" + table.QuoteList(names) + ") VALUES\n", ",\n", after}
	r.guards = list{"SET @midstream_kept = ", ",\n    @midstream_kept = ", ""} // MariaDB's DO passes errors over
	r.deleteFrom = list{"DELETE FROM " + written(m) + " WHERE " + keyTuple(m.Key.ShadowNames()) + " IN (\n", ",\n", ")"}
	// For a list of tuples MariaDB reads the whole table, and in one MySQL compares ENUM and SET as texts: no number is found.
	r.columnwise = len(r.keys) > 1 && (server.IsMariaDB() || slices.ContainsFunc(m.Key.Columns, func(p table.Pair) bool {
		return p.Shadow.Kind == table.Enum || p.Shadow.Kind == table.Set
	}))
	if r.columnwise {
		r.deleteFrom = list{"DELETE FROM " + written(m) + " WHERE\n", " OR\n", ""}
	}
	return r
}

// DeletesFirst says whether the keys of rows to be written must be deleted before.
func (r *Replay) DeletesFirst() bool { return len(r.mapping.AddedUnique) > 0 }

// Writes returns the statements that write the rows, each of at most limit bytes unless one row alone is longer; before them
// those of guardRows.
func (r *Replay) Writes(rows []table.Row, limit int) []string {
	return append(r.guardRows(rows, limit), r.insert.split(len(rows), limit, func(dst []byte, i int) []byte {
		return appendTuple(dst, r.writes, func(p table.Pair) table.Value { return rows[i][p.Source.Ordinal] })
	})...)
}

// guardRows returns the statements that fail (conn.IsLoss) if one of the rows would lose something, none if that cannot be.
func (r *Replay) guardRows(rows []table.Row, limit int) []string {
	if len(guarded(r.mapping)) == 0 {
		return nil
	}
	return r.guards.split(len(rows), limit, func(dst []byte, i int) []byte {
		return append(dst, guard(r.mapping, func(p *table.Pair) string {
			w := r.writes[slices.IndexFunc(r.mapping.Columns, func(c table.Pair) bool { return c.Shadow == p.Shadow })]
			return string(w.appendValue(nil, rows[i][p.Source.Ordinal]))
		})[0]...)
	})
}

// Deletes returns the statements that delete the rows under the given keys, in the order of the migration key's columns.
func (r *Replay) Deletes(keys [][]table.Value, limit int) []string {
	var statements []string
	for some := range slices.Chunk(keys, MostKeys) {
		statements = append(statements, r.deleteFrom.split(len(some), limit, func(dst []byte, i int) []byte {
			return r.appendKey(dst, some[i])
		})...)
	}
	return statements
}

func (r *Replay) appendKey(dst []byte, key []table.Value) []byte {
	if len(r.keys) == 1 {
		return r.keys[0].append(dst, key[0])
	}
	if r.columnwise {
		return r.appendConditions(dst, key)
	}
	next := -1
	return appendTuple(dst, r.keys, func(table.Pair) table.Value { next++; return key[next] })
}

// appendConditions appends the comparison of each column of the key.
func (r *Replay) appendConditions(dst []byte, key []table.Value) []byte {
	separator := "("
	for i, w := range r.keys {
		dst = append(append(dst, separator...), table.Quote(w.pair.Shadow.Name)...)
		dst = w.append(append(dst, " = "...), key[i])
		separator = " AND "
	}
	return append(dst, ')')
}

// split makes statements of n items, each of at most limit bytes unless one item alone is longer.
func (l list) split(n, limit int, item func(dst []byte, i int) []byte) []string {
	var statements []string
	var text []byte
	for i := range n {
		before := len(text)
		if before == 0 {
			text = append(text, l.head...)
		} else {
			text = append(text, l.separator...)
		}
		text = item(text, i)
		if before > 0 && len(text)+len(l.tail) > limit {
			statements = append(statements, string(text[:before])+l.tail)
			text = item(append(text[:0], l.head...), i)
		}
	}
	if len(text) > 0 {
		statements = append(statements, string(text)+l.tail)
	}
	return statements
}

// inPlace is the clause that updates a row under the same key with all columns of the image.
func inPlace(names []string, server *conn.Server) string {
	alias := server.HasRowAlias()
	sets := make([]string, len(names))
	for i, n := range names {
		sets[i] = table.Quote(n) + " = VALUES(" + table.Quote(n) + ")"
		if alias {
			sets[i] = table.Quote(n) + " = `image`." + table.Quote(n)
		}
	}
	clause := "\nON DUPLICATE KEY UPDATE\n  " + strings.Join(sets, ",\n  ")
	if alias {
		return "\nAS `image`" + clause
	}
	return clause
}

func keyTuple(names []string) string {
	if len(names) == 1 {
		return table.Quote(names[0])
	}
	return "(" + table.QuoteList(names) + ")"
}

func writers(pairs []table.Pair, key bool) []writer {
	ws := make([]writer, len(pairs))
	for i, p := range pairs {
		members := p.Source.Kind == table.Enum || p.Source.Kind == table.Set
		ws[i] = writer{pair: p, key: key, member: members && (p.Shadow.Kind != p.Source.Kind || !slices.Equal(p.Source.Values, p.Shadow.Values))}
	}
	return ws
}

func appendTuple(dst []byte, ws []writer, value func(table.Pair) table.Value) []byte {
	dst = append(dst, '(')
	for i, w := range ws {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = w.append(dst, value(w.pair))
	}
	return append(dst, ')')
}

func (w writer) append(dst []byte, v table.Value) []byte {
	if w.pair.Wrap == "" {
		return w.appendValue(dst, v)
	}
	return append(dst, w.pair.Wrap.Around(string(w.appendValue(nil, v)))...)
}

func (w writer) appendValue(dst []byte, v table.Value) []byte {
	switch {
	case w.member:
		return AppendMember(dst, w.pair.Source, v)
	case w.key:
		return AppendLiteral(dst, w.pair.Source, v)
	}
	return AppendStored(dst, w.pair.Source, v)
}
