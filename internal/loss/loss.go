// Package loss says what of a row does not survive its conversion, and what to do about it. That a row loses something is
// found by the statements that write it: by their guards, or by the server itself.
package loss

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// Explainer names what is lost.
type Explainer struct {
	mapping *table.Mapping
	sql     *sqlgen.Loss
	key     *sqlgen.Key
}

// New returns an Explainer of a mapping.
func New(m *table.Mapping, server *conn.Server) *Explainer {
	return &Explainer{mapping: m, sql: sqlgen.NewLoss(m, server), key: sqlgen.NewKey(m)}
}

// Explain says why the row with the key is refused: the column, its value and what would become of it, as far as the row still
// has it. The session is between two transactions, and is so again.
func (e *Explainer) Explain(ctx context.Context, c *sql.Conn, key []table.Value, refusal error) string {
	return e.explain(ctx, c, key, refusal, e.try)
}

// ExplainUnderLock is Explain by a session that holds table locks, which a transaction would release: what would become of the
// value is not tried.
func (e *Explainer) ExplainUnderLock(ctx context.Context, c *sql.Conn, key []table.Value, refusal error) string {
	return e.explain(ctx, c, key, refusal, untried)
}

// trial returns what becomes of the value of a pair, by its number; nil: not known.
type trial func(ctx context.Context, c *sql.Conn, key []table.Value, i int) *sql.NullString

func untried(context.Context, *sql.Conn, []table.Value, int) *sql.NullString { return nil }

func (e *Explainer) explain(ctx context.Context, c *sql.Conn, key []table.Value, refusal error, try trial) string {
	fits := fmt.Sprintf("the row with %s does not fit into the new table: ", e.key.DescribeRow(key))
	pair, before, after := e.look(ctx, c, key, refusal, try)
	if pair == nil {
		return fits + Message(refusal)
	}
	what := fmt.Sprintf("in column %s of %s %s", table.Quote(pair.Source.Name), e.mapping.Source.Name, shown(before))
	if after != nil {
		what += " becomes " + shown(*after)
	} else {
		what += " would be changed"
	}
	if !conn.IsLoss(refusal) {
		what = conn.Message(refusal) + ": " + what
	}
	return fits + what + e.advice(pair)
}

// Message is the server's own, or says what a guard means.
func Message(refusal error) string {
	if conn.IsLoss(refusal) {
		return "a value would be changed by its conversion: see the columns of the dry run's plan that may lose something"
	}
	return conn.Message(refusal)
}

func (e *Explainer) advice(p *table.Pair) string {
	if !e.mapping.MayAllow(p) {
		return ": change it first"
	}
	return ": change it, or accept such losses with --allow-lossy=" + p.Source.Name
}

// look finds the column and its value before and, if the server lets it be tried, after the conversion; nil for no column.
func (e *Explainer) look(ctx context.Context, c *sql.Conn, key []table.Value, refusal error, try trial) (pair *table.Pair, before sql.NullString, after *sql.NullString) {
	pairs := e.sql.Pairs()
	if len(pairs) == 0 {
		return nil, before, nil
	}
	kept, old := make([]bool, len(pairs)), make([]sql.NullString, len(pairs))
	var into []any
	for i := range pairs {
		into = append(into, &kept[i], &old[i])
	}
	if err := c.QueryRowContext(ctx, e.sql.Before(key)).Scan(into...); err != nil {
		return nil, before, nil // the row is gone, or the server is: what is known is said
	}
	// The server names a column, or what it says is about the question of a guard.
	i := slices.IndexFunc(pairs, func(p *table.Pair) bool { return SaysColumn(conn.Message(refusal), p.Shadow.Name) })
	if i < 0 {
		i = slices.Index(kept, false)
	}
	if i < 0 {
		return nil, before, nil
	}
	return pairs[i], old[i], try(ctx, c, key, i)
}

// try writes the row and reads what became of the value; nothing of that stays.
func (e *Explainer) try(ctx context.Context, c *sql.Conn, key []table.Value, i int) *sql.NullString {
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return nil
	}
	defer func() { _ = tx.Rollback() }() // the run is ending
	if _, err := tx.ExecContext(ctx, e.sql.Write(key)); err != nil {
		return nil
	}
	values := make([]sql.NullString, len(e.sql.Pairs()))
	into := make([]any, len(values))
	for j := range values {
		into[j] = &values[j]
	}
	if err := tx.QueryRowContext(ctx, e.sql.After(key)).Scan(into...); err != nil {
		return nil
	}
	return &values[i]
}

// columnOf finds the column in the texts of both engines: for column 'c' at row 1, for column `s`.`t`.`c` at row 1,
// Column 'c' cannot be null.
var columnOf = regexp.MustCompile("(?i:column) (?:'([^']+)'|(?:`(?:[^`]|``)*`\\.)*`((?:[^`]|``)+)`)(?: at row \\d+| cannot be null)?$")

// SaysColumn says whether a message of the server, about a value, is about the column.
func SaysColumn(message, column string) bool {
	m := columnOf.FindStringSubmatch(message)
	return m != nil && (table.SameIdentifier(m[1], column) || table.SameIdentifier(strings.ReplaceAll(m[2], "``", "`"), column))
}

// longest is the number of characters of a value that are shown.
const longest = 120

func shown(v sql.NullString) string {
	if !v.Valid {
		return "NULL"
	}
	if utf8.RuneCountInString(v.String) > longest {
		return string([]rune(v.String)[:longest]) + "…"
	}
	return v.String
}
