package applier

import (
	"context"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/progress"
	"github.com/midstreamdb/midstream/internal/schedule"
)

// toil is what every way of applying works with.
type toil struct {
	holding
	cfg      Config
	deps     Deps
	counters counters

	queue chan *binlog.Transaction
	room  *semaphore.Weighted

	awaited atomic.Int64  // calls of WaitApplied
	hurry   chan struct{} // one of them has begun
}

func newToil(cfg Config, deps Deps) toil {
	return toil{
		holding: newHolding(), cfg: cfg, deps: deps,
		queue: make(chan *binlog.Transaction, 256), room: semaphore.NewWeighted(cfg.QueueBytes),
		hurry: make(chan struct{}, 1),
	}
}

// counters are read by the status display at any time.
type counters struct {
	seen, applied, retries           atomic.Uint64
	looked                           atomic.Uint64 // of refresh: row changes whose keys were looked at, if not settled yet
	workers, busy, waiting, mostBusy atomic.Int64

	mu      sync.Mutex
	figures schedule.Figures
	cost    costs
}

// Feed takes the stream's next item; items come in the order of the log, from one goroutine. It blocks while too much
// waits already, and ends with ctx.
func (r *toil) Feed(ctx context.Context, tx *binlog.Transaction) error {
	if err := r.room.Acquire(ctx, r.weight(tx)); err != nil {
		return context.Cause(ctx)
	}
	r.counters.seen.Add(uint64(len(tx.Changes)))
	select {
	case r.queue <- tx:
		return nil
	case <-r.ended:
		return progress.ErrEnded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// itemOverhead is what a transaction without changes weighs in the queue, in bytes.
const itemOverhead = 512

func (r *toil) weight(tx *binlog.Transaction) int64 {
	return min(int64(tx.Bytes)+itemOverhead, r.cfg.QueueBytes)
}

// WaitApplied implements the cut-over's Applier.
func (r *toil) WaitApplied(ctx context.Context, fence uint64) error {
	r.awaited.Add(1)
	select {
	case r.hurry <- struct{}{}:
	default:
	}
	defer r.awaited.Add(-1)
	return r.deps.Applied.WaitFence(ctx, fence)
}
