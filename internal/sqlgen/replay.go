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
	insert     string // up to VALUES
	after      string // behind the last row, "" for nothing
	deleteFrom string // up to the list of keys
}

// writer renders one column's value.
type writer struct {
	pair   table.Pair
	key    bool // compared, not written
	member bool // ENUM and SET with other members: written by name, not by number
}

// NewReplay returns the statements for a mapping. Rows are written in place (ON DUPLICATE KEY UPDATE) where the migration
// key is the shadow's only unique key; by REPLACE where every unique key of the shadow is the source's too, so that it
// may push out another row; by plain INSERT, the rows' keys having been deleted, where the ALTER adds a unique key.
func NewReplay(m *table.Mapping, server *conn.Server) *Replay {
	r := &Replay{mapping: m, writes: writers(m.Columns, false), keys: writers(m.Key.Columns, true)}
	names := make([]string, len(m.Columns))
	for i, p := range m.Columns {
		names[i] = p.Shadow.Name
	}
	verb := "INSERT"
	switch {
	case len(m.AddedUnique) > 0:
	case m.OnlyKey():
		r.after = inPlace(names, server)
	default:
		verb = "REPLACE"
	}
	r.insert = verb + " INTO " + m.Shadow.Name.String() + " (" + table.QuoteList(names) + ") VALUES\n"
	r.deleteFrom = "DELETE FROM " + m.Shadow.Name.String() + " WHERE " + keyTuple(m.Key.ShadowNames()) + " IN (\n"
	return r
}

// DeletesFirst says whether the keys of rows to be written must be deleted before.
func (r *Replay) DeletesFirst() bool { return len(r.mapping.AddedUnique) > 0 }

// Writes returns the statements that write the rows, each of at most limit bytes unless one row alone is longer.
func (r *Replay) Writes(rows []table.Row, limit int) []string {
	return r.split(len(rows), limit, r.insert, r.after, func(dst []byte, i int) []byte {
		return appendTuple(dst, r.writes, func(p table.Pair) table.Value { return rows[i][p.Source.Ordinal] })
	})
}

// Deletes returns the statements that delete the rows under the given keys, in the order of the migration key's columns.
func (r *Replay) Deletes(keys [][]table.Value, limit int) []string {
	return r.split(len(keys), limit, r.deleteFrom, ")", func(dst []byte, i int) []byte {
		if len(r.keys) == 1 {
			return r.keys[0].append(dst, keys[i][0])
		}
		next := -1
		return appendTuple(dst, r.keys, func(table.Pair) table.Value { next++; return keys[i][next] })
	})
}

// split makes statements of n items between head and tail.
func (r *Replay) split(n, limit int, head, tail string, item func(dst []byte, i int) []byte) []string {
	var statements []string
	var text []byte
	for i := range n {
		before := len(text)
		if before == 0 {
			text = append(text, head...)
		} else {
			text = append(text, ",\n"...)
		}
		text = item(text, i)
		if before > 0 && len(text)+len(tail) > limit {
			statements = append(statements, string(text[:before])+tail)
			text = item(append(text[:0], head...), i)
		}
	}
	if len(text) > 0 {
		statements = append(statements, string(text)+tail)
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
