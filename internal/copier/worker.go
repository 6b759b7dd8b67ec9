package copier

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// worker copies one chunk at a time in a session of its own. It belongs to one goroutine.
type worker struct {
	*Copier
	db      *sql.DB
	adopted *errgroup.Group // waits for what the applier writes

	begun   *task         // the chunk that it has copied in part; nil: none
	took    time.Duration // of its last turn
	session *sql.Conn     // nil: none is open
	id      uint64        // of the session
	// uncertain is the id of a session whose connection was lost: its statement may still run. 0: none.
	uncertain uint64
}

func (w *worker) run(ctx context.Context, planned <-chan task) error {
	for {
		if more, err := w.turn(ctx, planned); err != nil || !more {
			return err
		}
	}
}

// turn copies the next chunk, or piece of one, when its turn comes, or returns false behind the last. It takes the chunk last, so
// that none waits with a worker that may not go on, and none is begun after the gate has closed.
func (w *worker) turn(ctx context.Context, planned <-chan task) (bool, error) {
	if err := w.pool.enter(ctx); err != nil {
		return false, err
	}
	defer func() { w.pool.leave(w.stats.rows.Load(), time.Now()) }()
	begun := time.Now()
	if w.deps.Pause != nil {
		if conn.Pause(ctx, w.deps.Pause(w.took)) != nil {
			return false, context.Cause(ctx)
		}
	}
	if err := w.deps.Gate.Wait(ctx); err != nil {
		return false, err
	}
	if time.Since(begun) >= heldBack {
		w.pool.forget()
	}
	t := w.begun
	if t == nil {
		select {
		case next, ok := <-planned:
			if !ok {
				return false, nil
			}
			t = &next
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
	copy := w.copy
	if t.flight != nil {
		copy = w.copyPlain
	}
	begun = time.Now()
	if err := copy(ctx, *t); err != nil {
		return false, fmt.Errorf("chunk %d (%s): %w", t.ID, w.key.Describe(t.Range), err)
	}
	w.took = time.Since(begun)
	if w.begun = nil; t.flight != nil && t.flight.rest != nil {
		w.begun = t
	}
	return true, nil
}

// part is a range and the number of rows that it was planned for.
type part struct {
	sqlgen.Range
	size int
}

// copy copies the chunk, again and again until every row of it is committed. Copying twice what is in the shadow already
// is harmless.
func (w *worker) copy(ctx context.Context, t task) error {
	history := w.history()
	p, apart := part{t.Range, t.Size}, false
	for more := true; more; {
		did, err := w.attempt(ctx, p, apart)
		if err == nil {
			w.stats.rows.Add(uint64(did.rows))
			if did.took > 0 {
				w.deps.Chunker.Report(t.Chunk, did.took)
			}
			if err := w.copyRows(ctx, did.left); err != nil {
				return err
			}
			p.Range, more = did.within, len(did.left) == mostLeft
			continue
		}
		next, err := w.retry(ctx, history, err)
		if err != nil {
			return w.locate(ctx, p, err)
		}
		apart = apart || next.apart && w.config.PassLocked
	}
	w.complete(t)
	return nil
}

func (w *worker) complete(t task) {
	w.stats.chunks.Add(1)
	w.copied.Complete(t.Begun)
}

// copyRows copies the rows with these keys, one by one: they were locked, or came meanwhile.
func (w *worker) copyRows(ctx context.Context, keys [][]table.Value) error {
	for _, key := range keys {
		history := w.history()
		for {
			rows, err := w.copyRow(ctx, key)
			if err == nil || history.isApplied(err) {
				w.stats.rows.Add(uint64(rows))
				break
			}
			if _, err := w.retry(ctx, history, err); err != nil {
				if refused(err) {
					return w.valueError(ctx, key, err)
				}
				return fmt.Errorf("row with %s: %w", w.key.DescribeRow(key), err)
			}
		}
	}
	return nil
}

func (w *worker) history() *history {
	return &history{mapping: w.deps.Mapping, retries: w.config.Retries}
}

// retry does what must come before the next try, or returns the error that ends the copying.
func (w *worker) retry(ctx context.Context, h *history, err error) (remedy, error) {
	if ctx.Err() != nil {
		return remedy{}, context.Cause(ctx)
	}
	next, err := h.add(err)
	if err != nil {
		return remedy{}, err
	}
	w.stats.retries.Add(1)
	if next.settle {
		if err := w.deps.Settler.Settle(ctx); err != nil {
			return remedy{}, fmt.Errorf("wait for the changes that may explain a duplicate: %w", err)
		}
	}
	return next, conn.Pause(ctx, next.pause)
}

// boundary returns the key of the n-th row of the range, nil if there are fewer.
func (w *worker) boundary(ctx context.Context, r sqlgen.Range, n int) ([]table.Value, error) {
	if err := w.open(ctx); err != nil {
		return nil, err
	}
	key, err := chunk.Boundary(ctx, w.session, w.key, r, n)
	if err != nil && !answered(err) {
		w.drop()
	}
	return key, err
}

// mostLeft bounds how many rows are copied one by one before the range is looked at again.
const mostLeft = 1000

// outcome is what an attempt did.
type outcome struct {
	within sqlgen.Range // closed: what lies beyond the end of the last chunk comes through the log
	rows   int64        // inserted
	took   time.Duration
	left   [][]table.Value // keys of rows that the shadow does not have yet
}

// attempt copies a range in one transaction; apart: it only looks which rows are to be copied. After an error nothing of it
// is in the shadow, or the session is uncertain.
func (w *worker) attempt(ctx context.Context, p part, apart bool) (outcome, error) {
	var did outcome
	err := w.transact(ctx, func() (err error) {
		if did.within, err = w.closed(ctx, p.Range); err != nil || did.within.Upper == nil {
			return err
		}
		if !apart {
			if err := w.bulk(ctx, &did); err != nil {
				return err
			}
		}
		return w.look(ctx, &did)
	})
	return did, err
}

// closed gives the last range an end: every row that exists. What is inserted behind it later was not there when the
// stream began, or the chunk became readable, and comes through the log. A range without rows stays open.
func (w *worker) closed(ctx context.Context, r sqlgen.Range) (sqlgen.Range, error) {
	if r.Upper != nil {
		return r, nil
	}
	keys, err := chunk.Keys(ctx, w.session, w.key, w.statements.End(r, w.reading()))
	if err == nil && len(keys) == 1 {
		r.Upper = keys[0]
	}
	return r, err
}

// bulk copies the rows of the range, but for those that are locked where that is safe.
func (w *worker) bulk(ctx context.Context, did *outcome) error {
	begun := time.Now()
	result, err := w.session.ExecContext(ctx, w.statements.Statement(did.within, w.reading()))
	if err != nil {
		return err
	}
	did.took = time.Since(begun)
	if err := w.refuseWarnings(ctx); err != nil {
		return err
	}
	if did.rows, err = result.RowsAffected(); err != nil {
		return fmt.Errorf("count rows: %w", err)
	}
	return nil
}

// look finds the visible rows of the range that are not in the shadow. Those just copied are locked still, so a count no
// greater than theirs means that there are none.
func (w *worker) look(ctx context.Context, did *outcome) error {
	var visible int64
	if err := w.session.QueryRowContext(ctx, w.statements.Count(did.within)).Scan(&visible); err != nil {
		return fmt.Errorf("count rows: %w", err)
	}
	if visible <= did.rows {
		return nil
	}
	var err error
	did.left, err = chunk.Keys(ctx, w.session, w.key, w.statements.Left(did.within, mostLeft))
	return err
}

// copyRow copies the row with that key and returns how many were inserted: one, or none.
func (w *worker) copyRow(ctx context.Context, key []table.Value) (rows int64, err error) {
	err = w.transact(ctx, func() error {
		result, err := w.session.ExecContext(ctx, w.statements.Row(key))
		if err != nil {
			return err
		}
		if err := w.refuseWarnings(ctx); err != nil {
			return err
		}
		rows, err = result.RowsAffected()
		return err
	})
	return rows, err
}

// transact does the work in a transaction, which is rolled back after an error.
func (w *worker) transact(ctx context.Context, work func() error) error {
	if err := w.open(ctx); err != nil {
		return err
	}
	err := w.exec(ctx, "START TRANSACTION")
	if err == nil {
		err = work()
	}
	if err == nil {
		err = w.exec(ctx, "COMMIT")
	}
	if err == nil {
		return nil
	}
	if answered(err) && w.exec(ctx, "ROLLBACK") == nil {
		return err
	}
	w.drop()
	return err
}

// refuseWarnings returns an error if the statement just carried out stored a value otherwise than it was.
func (w *worker) refuseWarnings(ctx context.Context) error {
	warnings, err := conn.Warnings(ctx, w.session)
	if err != nil {
		return err
	}
	for _, warning := range warnings {
		if warning.ChangesValue() {
			return errWarning{warning}
		}
	}
	return nil
}

func (w *worker) exec(ctx context.Context, statement string) error {
	_, err := w.session.ExecContext(ctx, statement)
	return err
}

// open makes sure of a session, and that nothing of a lost one goes on.
func (w *worker) open(ctx context.Context) error {
	if w.session != nil {
		return nil
	}
	session, id, err := conn.Session(ctx, w.db)
	if err != nil {
		return err
	}
	if err := w.makeCertain(ctx, session); err != nil {
		return errors.Join(err, session.Close())
	}
	w.session, w.id = session, id
	return nil
}

func (w *worker) makeCertain(ctx context.Context, session *sql.Conn) error {
	if w.uncertain == 0 {
		return nil
	}
	if err := w.deps.Conn.EndSession(ctx, session, w.deps.Server, w.uncertain); err != nil {
		return err
	}
	w.uncertain = 0
	return nil
}

// drop gives the session up, whatever state it is in: the pool must not give its connection to anybody again.
func (w *worker) drop() {
	w.uncertain = w.id
	_ = w.session.Raw(func(any) error { return driver.ErrBadConn }) // closes it; makeCertain sees to what it left
	_ = w.session.Close()
	w.session = nil
}

// leaveLimit is how long the end of a lost session is waited for after the context ended.
const leaveLimit = 10 * time.Second

// leave ends the worker's sessions.
func (w *worker) leave(ctx context.Context) {
	if w.session != nil {
		_ = w.session.Close() // between transactions: nothing is left to be told
		w.session = nil
	}
	if w.uncertain == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveLimit)
	defer cancel()
	if err := w.open(ctx); err != nil {
		w.deps.Log.Warn("session may still run", "session", w.uncertain, "error", err)
		return
	}
	_ = w.session.Close() // it has answered
}

const (
	quickest = 2 * time.Millisecond
	// slowest is the longest pause between two tries.
	slowest = 5 * time.Second
)

// backOff returns a pause that doubles with each try up to most, of which a random part is waited.
func backOff(tries int, most time.Duration) time.Duration {
	d := min(quickest<<min(tries, 20), most)
	return d/2 + rand.N(d/2)
}
