package cutover

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// ErrUnknownOutcome says that it could not be found out whether the swap happened: start nothing, drop nothing, and have a
// person look at the tables that the error names.
var ErrUnknownOutcome = errors.New("not known whether the tables were swapped")

// ErrUnseen says that the swap was tried and the server restarted before it could be seen what became of it: the tables tell, as
// soon as they are looked at.
var ErrUnseen = errors.New("not seen whether the tables were swapped")

// Outcome is what became of a swap.
type Outcome int

// The outcomes.
const (
	Unknown    Outcome = iota
	NotSwapped         // the source serves under its name, the shadow exists
	Swapped            // the shadow serves under the source's name, the source has become the retired table
	Torn               // the source has become the retired table, and nothing serves under its name
)

// String returns the outcome in words.
func (o Outcome) String() string {
	switch o {
	case NotSwapped:
		return "not swapped"
	case Swapped:
		return "swapped"
	case Torn:
		return "torn"
	}
	return "unknown"
}

// Definitions tell source and shadow apart after a swap: their columns as the server shows them. They survive renaming
// and comparing them takes no lock.
type Definitions struct {
	Source string
	Shadow string
	// Certain: the swap was seen to have happened, and the retired table may have been dropped since.
	Certain bool
}

// Look reads the definitions of source and shadow before a swap.
func Look(ctx context.Context, q conn.Querier, names table.Names) (Definitions, error) {
	var d Definitions
	var err error
	if d.Source, err = definition(ctx, q, names.Source); err != nil {
		return d, err
	}
	if d.Shadow, err = definition(ctx, q, names.Shadow); err != nil {
		return d, err
	}
	if d.Source == "" || d.Shadow == "" {
		return d, fmt.Errorf("look at %s and %s before the swap: not both are there", names.Source, names.Shadow)
	}
	return d, nil
}

func (c *Cutover) look(ctx context.Context) (Definitions, error) { return Look(ctx, c.db, c.cfg.Names) }

// definition returns the columns of a table in one text, "" when there is no such table.
func definition(ctx context.Context, q conn.Querier, name table.Name) (string, error) {
	const columns = `
		SELECT column_name, column_type, is_nullable, COALESCE(collation_name, '')
		  FROM information_schema.columns
		 WHERE table_schema = ? AND table_name = ?
		 ORDER BY ordinal_position`
	rows, err := q.QueryContext(ctx, columns, name.Schema, name.Table)
	if err != nil {
		return "", fmt.Errorf("look at columns of %s: %w", name, err)
	}
	defer func() { _ = rows.Close() }() // Err tells
	var lines []string
	for rows.Next() {
		var column [4]string
		if err := rows.Scan(&column[0], &column[1], &column[2], &column[3]); err != nil {
			return "", fmt.Errorf("look at columns of %s: %w", name, err)
		}
		lines = append(lines, fmt.Sprintf("%q", column))
	}
	if err := rows.Err(); err != nil {
		return "", fmt.Errorf("look at columns of %s: %w", name, err)
	}
	return strings.Join(lines, "\n"), nil
}

// Determine finds out from the tables themselves whether the swap happened. No session that could still swap them may be
// left. Unknown, with an error that names what is there, is returned for tables that fit neither outcome.
func Determine(ctx context.Context, q conn.Querier, names table.Names, before Definitions) (Outcome, error) {
	source, err := definition(ctx, q, names.Source)
	if err != nil {
		return Unknown, err
	}
	shadow, err := definition(ctx, q, names.Shadow)
	if err != nil {
		return Unknown, err
	}
	retired, err := definition(ctx, q, names.Retired)
	if err != nil {
		return Unknown, err
	}
	sentry, err := isSentry(ctx, q, names.Retired)
	if err != nil {
		return Unknown, err
	}
	switch {
	case source == before.Source && shadow != "" && (retired == "" || sentry):
		return NotSwapped, nil // whatever others did to the shadow
	case source == before.Source && source != before.Shadow && shadow == "" && (retired == "" || sentry):
		return NotSwapped, nil // others have dropped it
	case source == before.Shadow && shadow == "" && retired == before.Source && !sentry:
		return Swapped, nil
	case before.Certain && source == before.Shadow && shadow == "" && retired == "":
		return Swapped, nil
	case source == "" && shadow == before.Shadow && retired == before.Source && !sentry:
		return Torn, nil
	}
	return Unknown, fmt.Errorf("%w: %s is %s, %s is %s, %s is %s", ErrUnknownOutcome,
		names.Source, before.tell(source), names.Shadow, before.tell(shadow), names.Retired, before.tell(retired))
}

// tell says what a definition is.
func (d Definitions) tell(definition string) string {
	switch definition {
	case "":
		return "absent"
	case d.Source:
		return "as the source was"
	case d.Shadow:
		return "as the shadow was"
	}
	return "neither as the source nor as the shadow was"
}

// determine ends the sessions, however often the connection fails, and then looks at the tables.
func (c *Cutover) determine(ctx context.Context, before Definitions, sessions ...*session) (Outcome, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.ReconnectTimeout)
	defer cancel()
	var outcome Outcome
	err := c.insist(ctx, func() error {
		for _, s := range sessions {
			if err := c.kill(ctx, s); err != nil {
				return err
			}
		}
		var err error
		outcome, err = Determine(ctx, c.db, c.cfg.Names, before)
		return err
	})
	switch {
	case err == nil, errors.Is(err, ErrUnknownOutcome):
		return outcome, err
	case errors.Is(err, conn.ErrRestarted):
		return outcome, fmt.Errorf("%w: %w", ErrUnseen, err)
	}
	n := c.cfg.Names
	return outcome, fmt.Errorf("%w: look at %s, %s and %s: %w", ErrUnknownOutcome, n.Source, n.Shadow, n.Retired, err)
}

// mend gives the source its name back after a RENAME that the server neither finished nor undid. Nobody has written to the
// table meanwhile by its name. It returns cause, with what was done.
func (c *Cutover) mend(ctx context.Context, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.ReconnectTimeout)
	defer cancel()
	n := c.cfg.Names
	back := fmt.Sprintf(`RENAME TABLE %s TO %s`, n.Retired, n.Source)
	err := c.insist(ctx, func() error {
		_, err := c.db.ExecContext(ctx, back+" "+c.cfg.Conn.Mark())
		if there, looked := definition(ctx, c.db, n.Source); looked == nil && there != "" {
			return nil // also when the answer to an earlier try was lost
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%w: the server renamed %s and failed at %s; put it right by %s: %w", ErrUnknownOutcome, n.Source, n.Shadow, back, errors.Join(err, cause))
	}
	return fmt.Errorf("cut over %s: the server did half of the swap, and was made to undo it: %w", n.Source, cause)
}

const reconnectPause = 100 * time.Millisecond

// insist repeats what may succeed a little later until ctx ends: a server that is full or read-only has not told the outcome.
func (c *Cutover) insist(ctx context.Context, do func() error) error {
	for {
		err := do()
		if err == nil || errors.Is(err, ErrUnknownOutcome) || !conn.IsPassing(err) {
			return err
		}
		if conn.Pause(ctx, reconnectPause) != nil {
			return err
		}
	}
}
