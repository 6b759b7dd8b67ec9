package sqlgen

import (
	"strings"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// keeps is the condition, TRUE or FALSE, that a value survives the pair's conversion, where the server would not say so.
func keeps(p *table.Pair, value string) string {
	return "COALESCE(" + value + " IS NULL OR (" + p.Loss.Keeps.Around(value) + "), FALSE)"
}

// guarded are the pairs whose values are looked at before they are written.
func guarded(m *table.Mapping) []*table.Pair {
	var pairs []*table.Pair
	for i := range m.Columns {
		if p := &m.Columns[i]; p.Loss.Keeps != "" && !p.Lossy {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

// guard is the condition that a row of the source loses nothing, if there is anything to be looked at. A row that would lose
// something fails the statement (conn.IsLoss): its subquery has two rows. value names the source's column.
func guard(m *table.Mapping, value func(*table.Pair) string) []string {
	pairs := guarded(m)
	if len(pairs) == 0 {
		return nil
	}
	conditions := make([]string, len(pairs))
	for i, p := range pairs {
		conditions[i] = keeps(p, value(p))
	}
	return []string{"IF(" + strings.Join(conditions, "\n      AND ") + ", TRUE, (SELECT 1 UNION ALL SELECT 2))"}
}

func sourceColumn(p *table.Pair) string { return table.Quote(p.Source.Name) }

// leniently returns an INSERT or REPLACE that stores what fits of a value, with a warning, as an ALTER TABLE does in a mode
// that is not strict. Each engine reads its own comment.
func leniently(statement string) string {
	const mode = "sql_mode = '" + conn.LenientMode + "'"
	verb, rest, _ := strings.Cut(statement, " ")
	return "/*M!100600 SET STATEMENT " + mode + " FOR */ " + verb + " /*+ SET_VAR(" + mode + ") */ " + rest
}

// Loss makes the statements that say what of one row would be lost.
type Loss struct {
	mapping *table.Mapping
	write   *Refresh
	there   *Key
	pairs   []*table.Pair
}

// NewLoss returns the statements of a mapping.
func NewLoss(m *table.Mapping, server *conn.Server) *Loss {
	l := &Loss{mapping: m, write: NewRefresh(m, server), there: shadowKey(m)}
	l.write.verb, l.write.after = "REPLACE", ""
	for i := range m.Columns {
		if p := &m.Columns[i]; p.Loss.May() && !p.Lossy {
			l.pairs = append(l.pairs, p)
		}
	}
	return l
}

// Pairs are those that may lose something that is not accepted.
func (l *Loss) Pairs() []*table.Pair { return l.pairs }

// Before returns the statement that reads, of the row with the key, for each of the Pairs: 1 if its value is kept as far as
// that can be told beforehand, or 0; and the value as a text for people. At least one pair is needed.
func (l *Loss) Before(key []table.Value) string {
	var terms []string
	for _, p := range l.pairs {
		kept := "1"
		if p.Loss.Keeps != "" {
			kept = keeps(p, sourceColumn(p))
		}
		terms = append(terms, kept, readable(p.Source))
	}
	return "SELECT " + strings.Join(terms, ",\n       ") + "\n" + l.write.copy.key.from() + where([]string{l.write.copy.key.DescribeRow(key)})
}

// Write returns the statement that writes the row to the shadow with all its losses: for a transaction that is rolled back.
func (l *Loss) Write(key []table.Value) string {
	return leniently(l.write.statement([][]table.Value{key}, nil))
}

// After returns the statement that reads the Pairs' values in the shadow as texts for people.
func (l *Loss) After(key []table.Value) string {
	terms := make([]string, len(l.pairs))
	for i, p := range l.pairs {
		terms[i] = readable(p.Shadow)
	}
	return "SELECT " + strings.Join(terms, ",\n       ") + "\n" + l.there.from() + where([]string{l.there.DescribeRow(key)})
}
