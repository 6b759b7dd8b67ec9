package copier

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sqlgen"
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

// copy copies the chunk, again and again until it is committed. Copying twice what is in the shadow already is harmless.
func (w *worker) copy(ctx context.Context, t task) error {
	history := history{mapping: w.deps.Mapping, retries: w.config.Retries}
	for {
		rows, took, err := w.attempt(ctx, t.Range, history.reading())
		if err == nil {
			w.stats.rows.Add(uint64(rows))
			w.stats.chunks.Add(1)
			w.deps.Chunker.Report(t.Chunk, took)
			w.copied.Complete(t.ticket)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		next, err := history.add(err)
		if err != nil {
			return err
		}
		w.stats.retries.Add(1)
		if next.settle {
			if err := w.deps.Settler.Settle(ctx); err != nil {
				return fmt.Errorf("wait for the changes that may explain a duplicate: %w", err)
			}
		}
		if err := conn.Pause(ctx, next.pause); err != nil {
			return err
		}
	}
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
	begun := time.Now()
	result, err := w.session.ExecContext(ctx, w.statements.Statement(r, reading))
	took := time.Since(begun)
	if err != nil {
		return 0, 0, w.locate(ctx, r, err)
	}
	if err := w.refuseWarnings(ctx, r); err != nil {
		return 0, 0, err
	}
	rows, err := result.RowsAffected()
	if err != nil {
		return 0, 0, fmt.Errorf("count rows: %w", err)
	}
	return rows, took, w.exec(ctx, "COMMIT")
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
