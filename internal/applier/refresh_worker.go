package applier

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/loss"
	"github.com/midstreamdb/midstream/internal/table"
)

// result is what became of a portion: all of it is committed.
type result struct {
	portion *portion
	took    time.Duration
	missing [][]table.Value // the source has no row, nor has the shadow any more
	refused []refusedRow    // another unique key refused the row; the shadow has none
}

type refusedRow struct {
	key   []table.Value
	added bool // by a key other than the migration key
	err   error
}

// worker refreshes portions on its own connection until ctx ends.
func (r *Refresh) worker(ctx context.Context, work <-chan *portion, results chan<- result) error {
	var s session
	defer func() { s.close() }()
	for {
		select {
		case p := <-work:
			if err := r.deps.Gate.Wait(ctx); err != nil {
				return err
			}
			begun := time.Now()
			res, err := r.refresh(ctx, &s, p)
			if err != nil {
				return fmt.Errorf("refresh %d rows of %s: %w", len(p.keys), r.deps.Mapping.Shadow.Name, err)
			}
			res.took = time.Since(begun)
			r.counters.observe(res.took, len(p.keys))
			results <- res
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// refresh makes the keys match the source. Each of its steps may be done again, whole, and reads anew then.
func (r *Refresh) refresh(ctx context.Context, s *session, p *portion) (result, error) {
	res := result{portion: p}
	err := r.retrying(ctx, s, func() error { return r.write(ctx, s, p.keys) })
	if conn.IsDuplicate(err) {
		err = r.retrying(ctx, s, func() (err error) {
			res.refused, err = r.writeApart(ctx, s.conn, p.keys, true)
			return err
		})
	}
	if err != nil {
		return res, r.locate(ctx, s, p.keys, err)
	}
	if err := r.judge(ctx, s, res.refused); err != nil {
		return res, r.locate(ctx, s, p.keys, err)
	}
	err = r.retrying(ctx, s, func() (err error) {
		res.missing, err = r.erase(ctx, s.conn, p.gone, res.refused)
		return err
	})
	return res, err
}

// write writes the rows that the source has.
func (r *Refresh) write(ctx context.Context, s *session, keys [][]table.Value) error {
	if !r.sql.DeletesFirst() {
		return r.fill(ctx, s.conn, keys)
	}
	if err := r.execute(ctx, s.conn, "START TRANSACTION"); err != nil {
		return err
	}
	if err := r.rewrite(ctx, s.conn, keys); err != nil {
		return err // retrying rolls back
	}
	return r.execute(ctx, s.conn, "COMMIT")
}

// rewrite deletes the keys and writes their rows.
func (r *Refresh) rewrite(ctx context.Context, c *sql.Conn, keys [][]table.Value) error {
	for _, statement := range r.sql.Deletes(keys, r.cfg.StatementBytes) {
		if err := r.execute(ctx, c, statement); err != nil {
			return err
		}
	}
	return r.fill(ctx, c, keys)
}

// writeApart deletes the keys and writes their rows one by one, in a transaction where that is possible; it returns those
// that were refused. These stay deleted: rows of two portions that exchange their values would refuse each other for ever.
func (r *Refresh) writeApart(ctx context.Context, c *sql.Conn, keys [][]table.Value, transaction bool) ([]refusedRow, error) {
	if transaction {
		if err := r.execute(ctx, c, "START TRANSACTION"); err != nil {
			return nil, err
		}
	}
	for _, statement := range r.sql.Deletes(keys, r.cfg.StatementBytes) {
		if err := r.execute(ctx, c, statement); err != nil {
			return nil, err
		}
	}
	var refused []refusedRow
	for i := range keys {
		err := r.fill(ctx, c, keys[i:i+1])
		if conn.IsDuplicate(err) {
			own := conn.IsDuplicateOf(err, r.deps.Mapping.Shadow.Name.Table, r.deps.Mapping.Key.ShadowName)
			refused = append(refused, refusedRow{keys[i], !own, err})
		} else if err != nil {
			return nil, err
		}
	}
	if transaction {
		return refused, r.execute(ctx, c, "COMMIT")
	}
	return refused, nil
}

// erase deletes from the shadow what the source has no row for, and returns those keys.
func (r *Refresh) erase(ctx context.Context, c *sql.Conn, keys [][]table.Value, refused []refusedRow) ([][]table.Value, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	missing, err := r.missing(ctx, c, keys, refused)
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	for _, statement := range r.sql.Deletes(missing, r.cfg.StatementBytes) {
		if err := r.execute(ctx, c, statement); err != nil {
			return nil, err
		}
	}
	return missing, nil
}

// missing returns the keys, but for those refused, that the source has no row under.
func (r *Refresh) missing(ctx context.Context, c *sql.Conn, keys [][]table.Value, refused []refusedRow) ([][]table.Value, error) {
	var n int
	if err := c.QueryRowContext(ctx, r.sql.Count(keys)).Scan(&n); err != nil {
		return nil, err
	}
	if n == len(keys) {
		return nil, nil
	}
	present, err := r.present(ctx, c, keys)
	if err != nil {
		return nil, err
	}
	for _, row := range refused {
		present[string(table.AppendKey(nil, row.key))] = true
	}
	var missing [][]table.Value
	for i, key := range keys {
		if present[string(table.AppendKey(nil, key))] {
			continue
		}
		if !r.key.Exact() { // it may be there in another spelling
			if err := c.QueryRowContext(ctx, r.sql.Count(keys[i:i+1])).Scan(&n); err != nil {
				return nil, err
			}
			if n > 0 {
				continue
			}
		}
		missing = append(missing, key)
	}
	return missing, nil
}

// present returns the keys that the source has, encoded, as they are spelled there.
func (r *Refresh) present(ctx context.Context, c *sql.Conn, keys [][]table.Value) (map[string]bool, error) {
	found, err := chunk.Keys(ctx, c, r.key, r.sql.Present(keys))
	if err != nil {
		return nil, err
	}
	present := make(map[string]bool, len(found))
	for _, key := range found {
		present[string(table.AppendKey(nil, key))] = true
	}
	return present, nil
}

// refreshUnderLock makes the keys match the source through the session that holds the table locks: autocommit statements
// only, since anything that begins or ends a transaction releases them.
func (r *Refresh) refreshUnderLock(ctx context.Context, c *sql.Conn, p *portion) (result, error) {
	res := result{portion: p}
	var err error
	if r.sql.DeletesFirst() {
		err = r.rewrite(ctx, c, p.keys)
	} else {
		err = r.fill(ctx, c, p.keys)
	}
	if conn.IsDuplicate(err) {
		res.refused, err = r.writeApart(ctx, c, p.keys, false)
	}
	if isAboutValue(err) {
		return res, r.locateUnderLock(ctx, c, p.keys, err)
	}
	if err != nil {
		return res, err
	}
	res.missing, err = r.erase(ctx, c, p.gone, res.refused)
	return res, err
}

// fill writes the rows that the source has, and refuses values that were stored otherwise than they were, but in columns in
// which that is accepted.
func (r *Refresh) fill(ctx context.Context, c *sql.Conn, keys [][]table.Value) error {
	err := r.execute(ctx, c, r.sql.Write(keys))
	if conn.IsBadValue(err) && r.deps.Mapping.Lossy() {
		return r.fillLeniently(ctx, c, keys)
	}
	if err != nil {
		return err
	}
	return r.refuseWarnings(ctx, c)
}

// fillLeniently is fill for rows of which some are to lose something: so few by one statement that the server shows all that
// it warns of.
func (r *Refresh) fillLeniently(ctx context.Context, c *sql.Conn, keys [][]table.Value) error {
	lossy := 0
	for _, p := range r.deps.Mapping.Columns {
		if p.Lossy {
			lossy++
		}
	}
	for some := range slices.Chunk(keys, max(mostWarnings/lossy, 1)) {
		if err := r.execute(ctx, c, r.sql.Leniently(some)); err != nil {
			return err
		}
		if err := r.refuseWarnings(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// mostWarnings is the number of values that a statement may change: about half of the warnings that a server shows.
const mostWarnings = 500

// refuseWarnings returns an error if the statement just carried out changed a value in a column in which that is not accepted.
func (r *Refresh) refuseWarnings(ctx context.Context, c *sql.Conn) error {
	warnings, err := conn.Warnings(ctx, c)
	if err != nil {
		return err
	}
	for _, warning := range warnings {
		if warning.ChangesValue() && !r.accepts(warning) {
			return &valueError{warning.Message}
		}
	}
	return nil
}

// accepts says whether the warning is about a column in which losses are accepted.
func (r *Refresh) accepts(w conn.Warning) bool {
	return slices.ContainsFunc(r.deps.Mapping.Columns, func(p table.Pair) bool {
		return p.Lossy && loss.SaysColumn(w.Message, p.Shadow.Name)
	})
}

// valueError says that a value was stored otherwise than it was.
type valueError struct{ message string }

func (e *valueError) Error() string { return e.message }

func (r *Refresh) execute(ctx context.Context, c *sql.Conn, statement string) error {
	_, err := c.ExecContext(ctx, statement)
	return err
}

// locate finds the row that an error is about, by writing each alone.
func (r *Refresh) locate(ctx context.Context, s *session, keys [][]table.Value, err error) error {
	if !isAboutValue(err) {
		return err
	}
	for i := range keys {
		alone := r.retrying(ctx, s, func() error { return r.write(ctx, s, keys[i:i+1]) })
		if isAboutValue(alone) {
			if err := r.open(ctx, s); err != nil {
				return errors.Join(alone, err)
			}
			return errors.New(r.loss.Explain(ctx, s.conn, keys[i], alone))
		}
	}
	return errors.New(loss.Message(err)) // the row has another value by now
}

// locateUnderLock is locate in autocommit statements.
func (r *Refresh) locateUnderLock(ctx context.Context, c *sql.Conn, keys [][]table.Value, err error) error {
	for i := range keys {
		if alone := r.fill(ctx, c, keys[i:i+1]); isAboutValue(alone) {
			return errors.New(r.loss.ExplainUnderLock(ctx, c, keys[i], alone))
		}
	}
	return errors.New(loss.Message(err))
}

// isAboutValue says whether an error is about the value of a row.
func isAboutValue(err error) bool {
	var stored *valueError
	return conn.IsBadValue(err) || conn.IsLoss(err) || errors.As(err, &stored)
}
