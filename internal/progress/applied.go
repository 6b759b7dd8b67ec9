package progress

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/midstreamdb/midstream/internal/binlog"
)

// Point is a place in the stream: a position, and the newest fence and heartbeat at or before it. The position is that of
// the newest of them: only there does a stream that goes on meet at once what it read last (binlog.Witness).
type Point struct {
	Position  binlog.Position
	Fence     uint64
	Heartbeat time.Time // when it was written, by the tool's clock; zero: none yet
}

// Applied is the low watermark of what has been applied and committed on the shadow table. Positions, fences and
// heartbeats move it only in the order of the stream, and only when all before them is complete. It is safe for
// concurrent use; Begin is for the one goroutine that reads the stream's order.
type Applied struct {
	begun Point // of the newest piece begun; owned by the caller of Begin
	mark  *Watermark[Point]

	mu    sync.Mutex
	moved chan struct{} // closed and renewed when the low watermark moves
	ended bool
	err   error
}

// NewApplied returns a watermark at the position where the stream starts.
func NewApplied(start binlog.Position) *Applied {
	p := Point{Position: start}
	return &Applied{begun: p, mark: NewWatermark(p), moved: make(chan struct{})}
}

// Begin adds the stream's next item: a piece that ends at end and carries the fence (0: none) and heartbeat (zero: none).
func (a *Applied) Begin(end binlog.Position, fence uint64, heartbeat time.Time) Ticket {
	if fence != 0 || !heartbeat.IsZero() {
		a.begun.Position = end
	}
	a.begun.Fence = max(a.begun.Fence, fence)
	if !heartbeat.IsZero() {
		a.begun.Heartbeat = heartbeat
	}
	return a.mark.Begin(a.begun)
}

// Complete marks an item as applied and committed.
func (a *Applied) Complete(t Ticket) {
	if !a.mark.Complete(t) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.ended {
		close(a.moved)
		a.moved = make(chan struct{})
	}
}

// End says that nothing will be applied any more, because of err (nil: the work is over). It wakes all who wait.
func (a *Applied) End(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.ended {
		a.ended, a.err = true, err
		close(a.moved)
	}
}

// Low returns the applied low watermark.
func (a *Applied) Low() Point { return a.mark.Low() }

// ErrEnded is the answer to a wait for something that will not be applied any more.
var ErrEnded = errors.New("the applier has ended")

// WaitFence returns when everything up to the fence is applied. It ends with the context's cause, and with the error of
// End or ErrEnded.
func (a *Applied) WaitFence(ctx context.Context, fence uint64) error {
	for {
		a.mu.Lock()
		moved, ended, err := a.moved, a.ended, a.err
		a.mu.Unlock()
		if a.Low().Fence >= fence {
			return nil
		}
		if ended {
			return cmp.Or(err, ErrEnded)
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
