package applier

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/progress"
	"github.com/midstreamdb/midstream/internal/schedule"
)

// Hold is an applier that is held back: no batch is in flight, and none starts until Release. Its methods are called by
// one goroutine.
type Hold struct{ h *holding }

// holding is what passes between a dispatcher and those who hold it back.
type holding struct {
	holds  chan chan struct{} // who wants to hold; closed when granted
	drains chan drainRequest
	ends   chan bool     // of a hold, granted or not; true: for ever
	ended  chan struct{} // closed when Run has returned
}

func newHolding() holding {
	return holding{
		holds: make(chan chan struct{}), drains: make(chan drainRequest), ends: make(chan bool), ended: make(chan struct{}),
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
	case r.holds <- granted:
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
	request := drainRequest{ctx: ctx, session: session, fence: fence, done: make(chan error, 1)}
	select {
	case h.h.drains <- request:
	case <-h.h.ended:
		return progress.ErrEnded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return <-request.done
}

// Release ends the hold: the applier goes on with all that is not committed.
func (h *Hold) Release() { h.end(false) }

// Stop ends the hold and the applier, whose Run returns nil.
func (h *Hold) Stop() { h.end(true) }

func (h *Hold) end(forever bool) {
	select {
	case h.h.ends <- forever:
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
