package load

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
)

// writer is one connection of the load.
type writer struct {
	g      *Generator
	number int
	seq    uint64
	rand   *rand.Rand
	pick   []*picker // by table

	session *sql.Conn // nil: to be opened
}

func newWriter(g *Generator, number int) *writer {
	w := &writer{g: g, number: number, rand: rand.New(rand.NewPCG(g.cfg.Seed, uint64(number)))}
	for _, t := range g.cfg.Tables {
		w.pick = append(w.pick, newPicker(g.cfg.Skew, w.rand, t.Rows))
	}
	return w
}

// run writes until ctx ends; hard ends what is then under way.
func (w *writer) run(ctx, hard context.Context, pace *pacer) error {
	defer w.disconnect()
	for {
		due, ok := pace.wait(ctx)
		if !ok {
			return nil
		}
		t, err := w.plan(ctx, due)
		if err != nil {
			return nil // ctx ended while a hot row was waited for
		}
		if err := w.execute(hard, t); err != nil {
			w.discard() // what it had begun ends with it
			return fmt.Errorf("connection %d, transaction %d: %w", w.number, t.seq, err)
		}
	}
}

// disconnect gives the session back to the pool.
func (w *writer) disconnect() {
	if w.session != nil {
		_ = w.session.Close() // a broken one is thrown away by the pool
		w.session = nil
	}
}

// discard closes the session, whatever it was doing.
func (w *writer) discard() {
	if w.session != nil {
		_ = w.session.Raw(func(any) error { return driver.ErrBadConn }) // which is how a pool is told to close it
		w.disconnect()
	}
}

// execute does the transaction, again and again while that may help, and tells model and figures what came of it.
func (w *writer) execute(ctx context.Context, t *transaction) error {
	began := time.Now()
	for {
		committed, err := w.try(ctx, t)
		if err != nil {
			w.g.stats.failed(err)
			if committed, err = w.afterError(ctx, t, err); err != nil {
				return err
			}
			if !committed {
				continue
			}
		}
		if !committed {
			w.g.stats.rolledBack()
			for _, p := range t.parts {
				p.m.abandon(p)
			}
			return nil
		}
		ended := time.Now()
		for _, p := range t.parts {
			p.m.commit(p, record{writer: t.writer, seq: t.seq, began: began, ended: ended, witness: p.witnessID()})
		}
		w.g.stats.committed(ended, ended.Sub(t.due), t.changes())
		return nil
	}
}

// try does the transaction once. The first result is false for one that was rolled back as planned.
func (w *writer) try(ctx context.Context, t *transaction) (committed bool, err error) {
	for _, p := range t.parts {
		p.inserted = p.inserted[:0]
	}
	if w.session == nil {
		if w.session, err = w.g.cfg.DB.Conn(ctx); err != nil {
			return false, &beforeCommit{fmt.Errorf("connect: %w", err)}
		}
	}
	if t.xa {
		return w.tryXA(ctx, t)
	}
	if err := w.exec(ctx, "BEGIN"); err != nil {
		return false, &beforeCommit{err}
	}
	if err := w.statements(ctx, t); err != nil {
		return false, &beforeCommit{err}
	}
	if t.rollback {
		if err := w.exec(ctx, "ROLLBACK"); err != nil {
			return false, &beforeCommit{err}
		}
		return false, nil
	}
	if err := w.exec(ctx, "COMMIT"); err != nil {
		return false, err
	}
	return true, nil
}

// beforeCommit is an error of a transaction that was surely not committed.
type beforeCommit struct{ error }

func (e *beforeCommit) Unwrap() error { return e.error }

// statements executes them and compares the server's answers with the model's.
func (w *writer) statements(ctx context.Context, t *transaction) error {
	for _, s := range t.statement {
		result, err := w.session.ExecContext(ctx, s.sql)
		if err != nil {
			return fmt.Errorf("exec %.300s: %w", s.sql, err)
		}
		if affected, err := result.RowsAffected(); err != nil {
			return fmt.Errorf("read affected rows: %w", err)
		} else if s.affected >= 0 && affected != s.affected {
			return fmt.Errorf("%.300s: %d rows affected, but by the model %d", s.sql, affected, s.affected)
		}
		if len(s.insert) == 0 {
			continue
		}
		first, err := result.LastInsertId()
		if err != nil {
			return fmt.Errorf("read inserted id: %w", err)
		}
		for i, r := range s.insert { // one statement of a known number of rows gets ids in a row
			s.part.inserted = append(s.part.inserted, inserted{first + int64(i), r})
		}
	}
	return nil
}

func (w *writer) exec(ctx context.Context, statement string) error {
	if _, err := w.session.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("exec %s: %w", statement, err)
	}
	return nil
}

// retryPause is how long a writer waits before it tries again to connect.
const retryPause = 20 * time.Millisecond

// afterError makes the session usable again. It returns true for a transaction that is committed all the same, false for one
// to be tried again, or the error when that would not help.
func (w *writer) afterError(ctx context.Context, t *transaction, err error) (committed bool, fatal error) {
	if ctx.Err() != nil {
		return false, fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	lost := conn.IsConnectionLost(err)
	if !lost && !conn.IsDeadlock(err) && !conn.IsLockWait(err) && !conn.IsInterrupted(err) {
		return false, err
	}
	if !lost {
		lost = w.exec(ctx, w.undo(t)) != nil
	}
	if lost {
		w.discard()
		if !pause(ctx, retryPause) {
			return false, fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
	if isBeforeCommit(err) {
		return false, nil
	}
	return w.outcome(ctx, t)
}

// witnessID is a row that the transaction wrote and left.
func (p *part) witnessID() int64 {
	for _, id := range p.touched {
		if p.rows[id].alive {
			return id
		}
	}
	return p.inserted[0].id
}

// changes is the number of rows that the transaction left changed.
func (t *transaction) changes() uint64 {
	n := 0
	for _, p := range t.parts {
		n += len(p.rows) + len(p.inserted)
	}
	return uint64(n)
}
