package applier

import (
	"context"
	"fmt"
	"time"

	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/changelog"
	"github.com/midstreamdb/midstream/internal/progress"
	"github.com/midstreamdb/midstream/internal/schedule"
)

// dispatcher is the one goroutine that owns the scheduler and the order of the stream. It waits; workers never do.
type dispatcher struct {
	*Replay
	scheduler *schedule.Scheduler[item]
	work      chan *schedule.Batch[item] // with room for one batch per worker: sending never blocks
	committed chan *schedule.Batch[item] // likewise
	idle      int                        // workers without a batch
	pace      pace

	held
	returned *schedule.Batch[item] // a batch that a held session could not apply

	// large is the first piece of a transaction that is too large to hold; it waits until all before it is committed.
	large *binlog.Transaction
}

func (d *dispatcher) run(ctx context.Context) error {
	for {
		if d.large != nil && d.scheduler.Idle() && d.hold == nil {
			if err := d.applyLarge(ctx); err != nil {
				return err
			}
		}
		d.handOut()
		if err := d.step(ctx); err != nil {
			return err
		}
	}
}

// handOut gives batches to workers while there are both.
func (d *dispatcher) handOut() {
	d.scheduler.SetOverhead(d.counters.overhead())
	for d.free() > 0 && d.hold == nil {
		batch := d.next(d.free())
		if batch == nil {
			break
		}
		d.idle--
		d.work <- batch
	}
	busy := int64(d.busy())
	d.counters.workers.Store(int64(d.pace.limit()))
	d.counters.busy.Store(busy)
	d.counters.mostBusy.Store(max(busy, d.counters.mostBusy.Load()))
	d.counters.waiting.Store(int64(d.scheduler.Pending() - d.scheduler.Ready()))
	d.counters.setFigures(d.scheduler.Figures())
}

// free returns how many more batches shall be at work.
func (d *dispatcher) free() int { return d.pace.limit() - d.busy() }

// busy returns how many batches are at work.
func (d *dispatcher) busy() int { return d.pace.workers.Greatest() - d.idle }

// next returns a batch that may start, or nil.
func (d *dispatcher) next(idle int) *schedule.Batch[item] {
	if batch := d.returned; batch != nil {
		d.returned = nil
		return batch
	}
	return d.scheduler.Next(idle)
}

// step waits for one thing and handles it.
func (d *dispatcher) step(ctx context.Context) error {
	queue := d.queue
	if d.large != nil {
		queue = nil // its next pieces are read by applyLarge
	}
	select {
	case tx := <-queue:
		d.admit(tx)
	case batch := <-d.committed:
		d.idle++
		changes := batch.Cost
		d.complete(batch)
		d.pace.committed(changes, d.scheduler.Pending() > 0, time.Now())
		d.grant(d.busy())
	case q := <-d.requests:
		return d.obey(q, d.busy(), d.drain)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// admit takes the stream's next item. What changes no row is complete at once, but moves the position only behind all
// that came before it.
func (d *dispatcher) admit(tx *binlog.Transaction) {
	if tx.More {
		d.large = tx
		return
	}
	it := item{tx: tx, ticket: d.begin(tx)}
	if len(tx.Changes) == 0 && !d.serial {
		d.finish(it)
		return
	}
	d.scheduler.Add(clockOf(tx.Clock), nil, len(tx.Changes), it)
}

// begin enters the item into the order of the stream.
func (r *toil) begin(tx *binlog.Transaction) progress.Ticket {
	return r.deps.Applied.Begin(tx.End, fenceOf(tx), heartbeatOf(tx))
}

// heartbeatOf returns the newest heartbeat of the transaction, zero for none.
func heartbeatOf(tx *binlog.Transaction) (heartbeat time.Time) {
	for _, m := range tx.Marks {
		if m.ID == changelog.HeartbeatID {
			heartbeat = time.UnixMicro(int64(m.Value))
		}
	}
	return heartbeat
}

// fenceOf returns the newest fence of the transaction, 0 for none.
func fenceOf(tx *binlog.Transaction) uint64 {
	var fence uint64
	for _, m := range tx.Marks {
		if m.ID == changelog.FenceID {
			fence = max(fence, m.Value)
		}
	}
	return fence
}

// complete notes that a batch is committed on the shadow.
func (d *dispatcher) complete(batch *schedule.Batch[item]) {
	items := batch.Items
	d.scheduler.Done(batch)
	for _, it := range items {
		d.finish(it)
	}
}

// finish notes that an item is applied: its place in the order, and its room in the queue.
func (r *Replay) finish(it item) {
	r.counters.applied.Add(uint64(len(it.tx.Changes)))
	r.deps.Applied.Complete(it.ticket)
	r.room.Release(r.weight(it.tx))
}

// errTooLarge ends a drain: the transaction's pieces could not be applied again if the swap failed. It takes longer than a
// table lock should last, too, and that is what it says.
var errTooLarge = fmt.Errorf("a transaction too large to be applied under the table lock came in: %w", context.DeadlineExceeded)

// drain applies everything up to the fence through the cut-over's session.
func (d *dispatcher) drain(request drainRequest) error {
	if d.large != nil {
		return errTooLarge // it was read before the lock was had, and what follows in the queue are its pieces
	}
	for d.deps.Applied.Low().Fence < request.fence {
		if batch := d.next(1); batch != nil {
			if err := d.applyUnderLock(request.ctx, request.session, batch); err != nil {
				d.returned = batch
				return err
			}
			d.complete(batch)
			continue
		}
		select {
		case tx := <-d.queue:
			if tx.More {
				d.large = tx
				return errTooLarge
			}
			d.admit(tx)
		case <-request.ctx.Done():
			return context.Cause(request.ctx)
		}
	}
	return nil
}

// clockOf translates the log's clock into the scheduler's.
func clockOf(c binlog.Clock) schedule.Clock {
	if !c.MariaDB {
		return schedule.Clock{Epoch: c.File, LastCommitted: c.LastCommitted, SequenceNumber: c.SequenceNumber}
	}
	var flags schedule.MariaDBFlags
	for flag, set := range map[schedule.MariaDBFlags]bool{
		schedule.MariaDBGroupCommitID: c.Group != 0,
		schedule.MariaDBTransactional: true, // InnoDB tables only
		schedule.MariaDBAllowParallel: c.Parallel,
		schedule.MariaDBWaited:        c.Waited,
		schedule.MariaDBDDL:           c.DDL,
	} {
		if set {
			flags |= flag
		}
	}
	return schedule.MariaDB{Flags: flags, CommitID: c.Group}.Clock(c.File)
}
