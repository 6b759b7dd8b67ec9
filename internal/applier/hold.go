package applier

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/loss"
	"github.com/midstreamdb/midstream/internal/progress"
	"github.com/midstreamdb/midstream/internal/schedule"
)

// Hold is an applier that is held back: no batch is in flight, and none starts until Release. Its methods are called by
// one goroutine.
type Hold struct{ h *holding }

// holding is what passes between a dispatcher and those who hold it back.
type holding struct {
	requests chan request
	ended    chan struct{} // closed when Run has returned
}

func newHolding() holding { return holding{requests: make(chan request), ended: make(chan struct{})} }

// request is one of: a hold that is wanted, a drain, the end of a hold.
type request struct {
	hold    chan struct{} // closed when granted
	drain   *drainRequest
	forever bool // the end is one for ever
}

// held is the dispatcher's side: it is asked to keep still.
type held struct {
	hold chan struct{} // closed when nothing is in flight any more; nil: nobody holds the applier back
}

// obey does what is asked for, with busy pieces of work in flight. The error is errStopped when the applier is to end.
func (h *held) obey(q request, busy int, drain func(drainRequest) error) error {
	switch {
	case q.hold != nil:
		h.hold = q.hold
		h.grant(busy)
	case q.drain != nil:
		q.drain.done <- drain(*q.drain)
	default:
		h.hold = nil
		if q.forever {
			return errStopped
		}
	}
	return nil
}

// grant lets a hold begin once nothing is in flight.
func (h *held) grant(busy int) {
	if h.hold != nil && busy == 0 {
		close(h.hold)
	}
}

// drainRequest asks the dispatcher to apply everything up to a fence through a session.
type drainRequest struct {
	ctx     context.Context // of the call that waits for done
	session *sql.Conn
	fence   uint64
	done    chan error // with room for the answer
}

// Hold lets the batches in flight commit and starts no more. The stream goes on being read up to the queue's bound. An
// error, ctx's included, means that nothing is held. One hold at a time.
func (r *holding) Hold(ctx context.Context) (*Hold, error) {
	granted := make(chan struct{})
	select {
	case r.requests <- request{hold: granted}:
	case <-r.ended:
		return nil, progress.ErrEnded
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	h := &Hold{r}
	select {
	case <-granted:
		return h, nil
	case <-r.ended:
		return nil, progress.ErrEnded
	case <-ctx.Done():
		h.end(false)
		return nil, context.Cause(ctx)
	}
}

// Drain applies everything up to the fence through the session in autocommit statements. After an error, the batch that
// failed is applied again, whole, after Release.
func (h *Hold) Drain(ctx context.Context, session *sql.Conn, fence uint64) error {
	drain := &drainRequest{ctx: ctx, session: session, fence: fence, done: make(chan error, 1)}
	select {
	case h.h.requests <- request{drain: drain}:
	case <-h.h.ended:
		return progress.ErrEnded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return <-drain.done
}

// Release ends the hold: the applier goes on with all that is not committed.
func (h *Hold) Release() { h.end(false) }

// Stop ends the hold and the applier, whose Run returns nil.
func (h *Hold) Stop() { h.end(true) }

func (h *Hold) end(forever bool) {
	select {
	case h.h.requests <- request{forever: forever}:
	case <-h.h.ended:
	}
}

// applyUnderLock applies a batch through the session that holds the table locks: autocommit statements only, since
// anything that begins or ends a transaction releases them. Applying it again later, whole, gives the same rows.
func (d *dispatcher) applyUnderLock(ctx context.Context, session *sql.Conn, batch *schedule.Batch[item]) error {
	p := d.plan(batch.Items)
	err := d.execute(ctx, session, p)
	var refused []outcome
	if d.serial && conn.IsDuplicate(err) {
		refused, err = d.writeApart(ctx, session, p)
	}
	if err == nil && d.serial {
		d.owed.note(p.outs, refused)
	}
	if err == nil && d.serial {
		err = d.settle(ctx, session, p)
	}
	if conn.IsLoss(err) {
		err = errors.New(loss.Message(err))
	}
	if err != nil {
		return fmt.Errorf("apply %s to %s under the table lock: %w", p, d.deps.Mapping.Shadow.Name, err)
	}
	return nil
}

// execute executes the plan's statements one by one.
func (r *Replay) execute(ctx context.Context, c *sql.Conn, p *plan) error {
	for _, statement := range p.statements(r.sql, r.cfg.StatementBytes) {
		if _, err := c.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
