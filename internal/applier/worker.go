package applier

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/loss"
	"github.com/midstreamdb/midstream/internal/schedule"
	"github.com/midstreamdb/midstream/internal/sqlgen"
)

// maxAttempts bounds how often one batch is tried again after deadlocks and lock waits.
const maxAttempts = 100

// session is a worker's own connection.
type session struct {
	conn   *sql.Conn // nil: not connected
	id     uint64    // on the server
	unsure bool      // the connection was lost: the server may still be at work for it
}

// worker applies batches on its own connection until work is closed or ctx ends.
func (r *Replay) worker(ctx context.Context, work <-chan *schedule.Batch[item], committed chan<- *schedule.Batch[item]) error {
	var s session
	defer func() { s.close() }()
	for {
		select {
		case batch := <-work:
			if err := r.deps.Gate.Wait(ctx); err != nil {
				return err
			}
			if err := r.apply(ctx, &s, batch); err != nil {
				return err
			}
			committed <- batch
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// apply applies a batch as one transaction on the shadow; it returns nil only after COMMIT has returned.
func (r *Replay) apply(ctx context.Context, s *session, batch *schedule.Batch[item]) error {
	p := r.plan(batch.Items)
	start := time.Now()
	err := r.retrying(ctx, s, func() error { return r.commit(ctx, s, p.statements(r.sql, r.cfg.StatementBytes)) })
	if r.serial {
		err = r.applySerial(ctx, s, p, err)
	}
	if isAboutValue(err) {
		err = r.locate(ctx, s, p, err)
	}
	if err != nil {
		return fmt.Errorf("apply %s to %s: %w", p, r.deps.Mapping.Shadow.Name, err)
	}
	r.counters.observe(time.Since(start), len(p.outs))
	return nil
}

// locate finds the row that an error is about, by writing each alone; that is undone.
func (r *Replay) locate(ctx context.Context, s *session, p *plan, err error) error {
	for i := range p.outs {
		alone := r.retrying(ctx, s, func() error { return r.try(ctx, s, &plan{outs: p.outs[i : i+1]}) })
		if isAboutValue(alone) {
			key := sqlgen.NewKey(r.deps.Mapping).DescribeRow(p.outs[i].key)
			return fmt.Errorf("the row with %s does not fit into the new table: %s", key, loss.Message(alone))
		}
	}
	return errors.New(loss.Message(err))
}

// try executes the plan's statements and undoes them.
func (r *Replay) try(ctx context.Context, s *session, p *plan) error {
	defer s.rollback(ctx)
	if _, err := s.conn.ExecContext(ctx, "START TRANSACTION"); err != nil {
		return err
	}
	return r.execute(ctx, s.conn, p)
}

// applySerial ends the work on a plan, given what came of writing it at once, where the ALTER adds a unique key.
func (r *Replay) applySerial(ctx context.Context, s *session, p *plan, err error) error {
	switch {
	case err == nil:
		r.owed.note(p.outs, nil)
	case conn.IsDuplicate(err):
		err = r.retrying(ctx, s, func() error { return r.applyApart(ctx, s, p) })
	}
	if err != nil {
		return err
	}
	return r.retrying(ctx, s, func() error { return r.settle(ctx, s.conn, p) })
}

// commit executes the statements and commits them, in as few round trips as the packet size allows. Trying it again after
// any error, also one that leaves the outcome open, gives the same rows.
func (r *Replay) commit(ctx context.Context, s *session, statements []string) error {
	if len(statements) == 0 {
		return nil
	}
	text := "START TRANSACTION"
	for _, statement := range append(statements, "COMMIT") {
		if len(text)+len(statement) > r.cfg.StatementBytes {
			if _, err := s.conn.ExecContext(ctx, text); err != nil {
				return err
			}
			text = statement
			continue
		}
		text += ";\n" + statement
	}
	_, err := s.conn.ExecContext(ctx, text)
	return err
}

// retrying does the work on the session until it succeeds, fails for good, or ctx ends: deadlocks at once, lock waits
// and lost connections after a pause. The work is repeated whole, from a rolled back transaction.
func (r *toil) retrying(ctx context.Context, s *session, work func() error) error {
	var lost time.Time
	for attempt := 1; ; attempt++ {
		err := r.open(ctx, s)
		if err == nil {
			err = work()
		}
		if err == nil || ctx.Err() != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		switch {
		case conn.IsDeadlock(err), conn.IsLockWait(err):
			if attempt >= maxAttempts {
				return fmt.Errorf("give up after %d attempts: %w", attempt, err)
			}
			s.rollback(ctx)
		case conn.IsConnectionLost(err), conn.IsReadOnly(err):
			if lost.IsZero() {
				lost = time.Now()
			}
			if time.Since(lost) > r.cfg.ReconnectTimeout {
				return fmt.Errorf("no usable connection for %s: %w", r.cfg.ReconnectTimeout, err)
			}
			s.lose()
		default:
			s.rollback(ctx)
			return err
		}
		r.counters.retries.Add(1)
		if err := pause(ctx, attempt, conn.IsDeadlock(err)); err != nil {
			return err
		}
	}
}

// pause waits before the next attempt: not at all after the first deadlocks, else up to two seconds, with jitter.
func pause(ctx context.Context, attempt int, deadlock bool) error {
	if deadlock && attempt < 10 {
		return nil
	}
	longest := min(2*time.Second, 10*time.Millisecond<<min(attempt, 10))
	timer := time.NewTimer(longest/2 + rand.N(longest/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// open connects the session if it is not connected. What a lost one was doing is ended first: its work is done again.
func (r *toil) open(ctx context.Context, s *session) error {
	if s.conn != nil {
		return nil
	}
	c, id, err := conn.Session(ctx, r.deps.DB)
	if err != nil {
		return err
	}
	if err := r.makeCertain(ctx, s, c); err != nil {
		return errors.Join(err, c.Close())
	}
	s.conn, s.id, s.unsure = c, id, false
	return nil
}

// makeCertain returns nil when nothing of a lost session goes on in the server.
func (r *toil) makeCertain(ctx context.Context, s *session, c *sql.Conn) error {
	if !s.unsure {
		return nil
	}
	return r.deps.Conn.EndSession(ctx, c, r.deps.Server, s.id)
}

// rollback ends the open transaction; a session that cannot do even that is lost.
func (s *session) rollback(ctx context.Context) {
	if s.conn == nil {
		return
	}
	if _, err := s.conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		s.lose()
	}
}

// lose gives up a connection whose state on the server is not known; the pool must not give it to anybody again.
func (s *session) lose() {
	if s.conn != nil {
		s.unsure = true
		_ = s.conn.Raw(func(any) error { return driver.ErrBadConn }) // closes it
		s.close()
	}
}

// close gives the connection back.
func (s *session) close() {
	if s.conn != nil {
		_ = s.conn.Close() // what was to be committed is
		s.conn = nil
	}
}
