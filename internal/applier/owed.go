package applier

import (
	"context"
	"database/sql"
	"fmt"
	"sync"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// owed are rows that a unique key which only the shadow has refused: passing, while the row that holds the value is to
// change by a transaction still to come, or for good, if the source holds the value twice. They are written when their
// key is applied again, or settled at a fence.
type owed struct {
	mu   sync.Mutex
	rows map[string]table.Row // by encoded key; the image that was refused last
	from uint64               // from this fence on nothing may be owed; 0: not yet
}

func (o *owed) require(fence uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.from = fence
}

// note replaces what is owed for the keys that were written by what was refused now.
func (o *owed) note(written, refused []outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, out := range written {
		delete(o.rows, out.id)
	}
	for _, out := range refused {
		o.rows[out.id] = out.row
	}
}

// due returns the rows that must be written now, given that the plan was the newest.
func (o *owed) due(p *plan) map[string]table.Row {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.from == 0 || p.fence < o.from {
		return nil
	}
	due := make(map[string]table.Row, len(o.rows))
	for id, row := range o.rows {
		due[id] = row
	}
	return due
}

// Owes says whether rows are owed now that a unique key of the ALTER refused: they are known to this process only. A position
// that was applied before the question must not be relied on while they are.
func (r *Replay) Owes() bool {
	r.owed.mu.Lock()
	defer r.owed.mu.Unlock()
	return len(r.owed.rows) > 0
}

func (o *owed) settled(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.rows, id)
}

// applyApart is writeApart in a transaction of its own.
func (r *Replay) applyApart(ctx context.Context, s *session, p *plan) error {
	if _, err := s.conn.ExecContext(ctx, "START TRANSACTION"); err != nil {
		return err
	}
	refused, err := r.writeApart(ctx, s.conn, p)
	if err != nil {
		return err
	}
	if _, err := s.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return err
	}
	r.owed.note(p.outs, refused)
	return nil
}

// writeApart writes a plan whose rows conflict with others of the shadow: all keys are deleted, then the rows are written
// one by one. It returns those that were refused.
func (r *Replay) writeApart(ctx context.Context, c *sql.Conn, p *plan) ([]outcome, error) {
	for _, statement := range r.sql.Deletes(p.deletes(true), r.cfg.StatementBytes) {
		if _, err := c.ExecContext(ctx, statement); err != nil {
			return nil, err
		}
	}
	var refused []outcome
	for _, out := range p.outs {
		if out.row == nil {
			continue
		}
		err := r.rewrite(ctx, c, out.row)
		if conn.IsDuplicate(err) {
			refused = append(refused, out)
		} else if err != nil {
			return nil, err
		}
	}
	return refused, nil
}

// settle writes what is owed once everything up to a fence after the copy's end is applied: the shadow then is the source
// as of one moment, and a row that is still refused shares its value with another row of the source.
func (r *Replay) settle(ctx context.Context, c *sql.Conn, p *plan) error {
	for id, row := range r.owed.due(p) {
		if err := r.rewrite(ctx, c, row); err != nil {
			if conn.IsDuplicate(err) {
				return &DuplicateError{Table: r.deps.Mapping.Source.Name, Message: conn.Message(err)}
			}
			return err
		}
		r.owed.settled(id)
	}
	return nil
}

// rewrite puts a row in the place of what the shadow has under its key, which a chunk may have copied meanwhile. What is
// refused then is refused by another unique key.
func (r *Replay) rewrite(ctx context.Context, c *sql.Conn, row table.Row) error {
	key := [][]table.Value{r.deps.Mapping.Key.Of(row)}
	var err error
	for range rewriteAttempts {
		for _, statement := range append(r.sql.Deletes(key, r.cfg.StatementBytes), r.sql.Writes([]table.Row{row}, r.cfg.StatementBytes)...) {
			if _, err = c.ExecContext(ctx, statement); err != nil {
				break
			}
		}
		if !conn.IsDuplicateOf(err, r.deps.Mapping.Shadow.Name.Table, r.deps.Mapping.Key.ShadowName) {
			return err
		}
	}
	return err
}

// rewriteAttempts bounds how often a chunk may copy a row between its deletion and its writing.
const rewriteAttempts = 10

// DuplicateError says that the source holds a value twice that a unique key of the ALTER allows once.
type DuplicateError struct {
	Table   table.Name
	Message string // the server's, naming value and key
}

// Error implements error.
func (e *DuplicateError) Error() string {
	return fmt.Sprintf("rows of %s share a value of a unique key of the new table (%s): change or delete one of them, or make the key not unique", e.Table, e.Message)
}
