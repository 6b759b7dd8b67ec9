package copier

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// worker copies one chunk at a time in a session of its own. It belongs to one goroutine.
type worker struct {
	*Copier
	db *sql.DB

	session *sql.Conn // nil: none is open
	id      uint64    // of the session
	// uncertain is the id of a session whose connection was lost: its statement may still run. 0: none.
	uncertain uint64
}

func (w *worker) run(ctx context.Context, planned <-chan task) error {
	for {
		if err := w.deps.Gate.Wait(ctx); err != nil {
			return err
		}
		select {
		case t, ok := <-planned:
			if !ok {
				return nil
			}
			if err := w.copy(ctx, t); err != nil {
				return fmt.Errorf("chunk %d (%s): %w", t.ID, w.key.Describe(t.Range), err)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// part is a range that is copied by one statement: a chunk, or a piece of one.
type part struct {
	sqlgen.Range
	size int // rows that it was planned for
}

// copy copies the chunk, again and again until it is committed. Copying twice what is in the shadow already is harmless.
func (w *worker) copy(ctx context.Context, t task) error {
	history := history{mapping: w.deps.Mapping, retries: w.config.Retries}
	parts := []part{{t.Range, t.Size}}
	for len(parts) > 0 {
		rows, took, err := w.attempt(ctx, parts[0].Range, history.reading(parts[0]))
		if err == nil {
			w.stats.rows.Add(uint64(rows))
			if parts[0].size == t.Size {
				w.deps.Chunker.Report(t.Chunk, took)
			}
			parts = parts[1:]
			history.forget()
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		next, err := history.add(err, parts[0])
		if err != nil {
			return w.locate(ctx, parts[0], err)
		}
		w.stats.retries.Add(1)
		if next.split {
			parts = w.split(ctx, parts)
		}
		if err := w.wait(ctx, next); err != nil {
			return err
		}
	}
	w.stats.chunks.Add(1)
	w.copied.Complete(t.ticket)
	return nil
}

func (w *worker) wait(ctx context.Context, next remedy) error {
	if next.settle {
		if err := w.deps.Settler.Settle(ctx); err != nil {
			return fmt.Errorf("wait for the changes that may explain a duplicate: %w", err)
		}
	}
	return conn.Pause(ctx, next.pause)
}

// split halves the first part, so that a locked row keeps fewer others from being copied, and is waited for by itself in
// the end. Where the middle cannot be read the part stays: the next attempt meets the reason.
func (w *worker) split(ctx context.Context, parts []part) []part {
	whole, half := parts[0], parts[0].size/2
	middle, err := w.boundary(ctx, whole.Range, half)
	if err != nil {
		return parts
	}
	if middle == nil { // there are not so many rows
		parts[0].size = half
		return parts
	}
	lower := part{sqlgen.Range{Lower: whole.Lower, Upper: middle}, half}
	upper := part{sqlgen.Range{Lower: middle, Upper: whole.Upper}, whole.size - half}
	return append([]part{lower, upper}, parts[1:]...)
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

// attempt copies a range in one transaction and returns the rows inserted and the time of the one statement. After an
// error nothing of it is in the shadow, or the session is uncertain.
func (w *worker) attempt(ctx context.Context, r sqlgen.Range, reading sqlgen.Reading) (int64, time.Duration, error) {
	if err := w.open(ctx); err != nil {
		return 0, 0, err
	}
	rows, took, err := w.transact(ctx, r, reading)
	if err == nil {
		return rows, took, nil
	}
	if answered(err) && w.exec(ctx, "ROLLBACK") == nil {
		return 0, 0, err
	}
	w.drop()
	return 0, 0, err
}

func (w *worker) transact(ctx context.Context, r sqlgen.Range, reading sqlgen.Reading) (int64, time.Duration, error) {
	if err := w.exec(ctx, "START TRANSACTION"); err != nil {
		return 0, 0, err
	}
	if err := w.claim(ctx, r, reading); err != nil {
		return 0, 0, err
	}
	begun := time.Now()
	result, err := w.session.ExecContext(ctx, w.statements.Statement(r, reading))
	took := time.Since(begun)
	if err != nil {
		return 0, 0, err
	}
	if err := w.refuseWarnings(ctx); err != nil {
		return 0, 0, err
	}
	rows, err := result.RowsAffected()
	if err != nil {
		return 0, 0, fmt.Errorf("count rows: %w", err)
	}
	return rows, took, w.exec(ctx, "COMMIT")
}

// claim takes the locks of the source's rows where the copying statement cannot without waiting.
func (w *worker) claim(ctx context.Context, r sqlgen.Range, reading sqlgen.Reading) error {
	statement := w.statements.Claim(r)
	if reading != sqlgen.LockingNow || statement == "" {
		return nil
	}
	return w.exec(ctx, statement)
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

// errRestarted says that what was committed may be lost, and with it chunks that count as copied.
var errRestarted = errors.New("the server was restarted, or another one answers at its address: begin again")

// open makes sure of a session on the same run of the server, and that nothing of a lost one goes on.
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
	server, err := conn.Inspect(ctx, session)
	if err != nil {
		return err
	}
	if !server.SameRun(w.deps.Server) {
		return errRestarted
	}
	if w.uncertain == 0 {
		return nil
	}
	if err := w.deps.Conn.EndSession(ctx, session, server, w.uncertain); err != nil {
		return err
	}
	w.uncertain = 0
	return nil
}

// drop gives the session up, whatever state it is in.
func (w *worker) drop() {
	w.uncertain = w.id
	_ = w.session.Close() // the connection may be broken; makeCertain sees to what it left
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
