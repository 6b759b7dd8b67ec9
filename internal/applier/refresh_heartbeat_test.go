package applier_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/applier"
	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/changelog"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// door is a gate that can be closed.
type door struct {
	shut    atomic.Bool
	pass    chan struct{} // lets one through that waits
	waiting atomic.Int64
}

func newDoor() *door { return &door{pass: make(chan struct{})} }

func (d *door) close() { d.shut.Store(true) }

// open lets through who waits and all who come, for good.
func (d *door) open() {
	d.shut.Store(false)
	close(d.pass)
}

// Wait implements applier.Gate and copier.Gate.
func (d *door) Wait(ctx context.Context) error {
	if !d.shut.Load() {
		return nil
	}
	d.waiting.Add(1)
	defer d.waiting.Add(-1)
	select {
	case <-d.pass:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// turnstile is a Fencer whose fences can be made to wait.
type turnstile struct {
	*door
	fence func(context.Context) (uint64, error)
}

func newTurnstile(fence func(context.Context) (uint64, error)) *turnstile {
	return &turnstile{door: newDoor(), fence: fence}
}

// Fence implements applier.Fencer.
func (f *turnstile) Fence(ctx context.Context) (uint64, error) {
	if err := f.Wait(ctx); err != nil {
		return 0, err
	}
	return f.fence(ctx)
}

// TestRefreshHeartbeatWaits: keys are dirty, heartbeats and fences behind them are read; the position does not move past the
// keys: not while they stand in the queue, not while the epoch before theirs is written, and not before theirs is (I2, I3).
func TestRefreshHeartbeatWaits(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		h := newStoppedHarness(t, s, 2, plainTable, "")
		db, err := conn.Open(h.conn, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		server, err := conn.Inspect(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		fences := newTurnstile(func(context.Context) (uint64, error) { return 0, nil })
		fences.close()
		refresh := applier.NewRefresh(applier.Config{Workers: 2, StatementBytes: 64 << 10, QueueBytes: 4 << 20, ReconnectTimeout: patience},
			applier.Deps{Conn: h.conn, DB: db, Server: server, Mapping: h.mapping, Applied: h.applied, Gate: open{}}, fences, applier.Covered{All: true})
		feed := func(mark binlog.Mark, changes ...binlog.RowChange) string {
			tx := h.next(h.number, changes...)
			if mark.Value != 0 {
				tx.Marks = []binlog.Mark{mark}
			}
			if err := refresh.Feed(h.ctx, tx); err != nil {
				t.Fatal(err)
			}
			return tx.End.String()
		}
		heartbeat := binlog.Mark{ID: changelog.HeartbeatID, Value: uint64(time.Now().UnixMicro())}
		mustStay := func(position, when string) {
			t.Helper()
			time.Sleep(100 * time.Millisecond) // long enough for a wrong watermark to move
			if low := h.applied.Low(); low.Position.String() != position || !low.Heartbeat.IsZero() || low.Fence != 0 {
				t.Fatalf("%s the position has moved from %s to %v", when, position, low)
			}
		}

		s.MustExec("INSERT INTO t VALUES (1, 1, 1), (2, 2, 2)")
		begin := h.applied.Low().Position.String()
		feed(binlog.Mark{}, insert(row(1)))
		mustStay(begin, "with a change in the queue")
		go func() {
			defer close(h.ended)
			h.err = refresh.Run(h.ctx)
		}()
		t.Cleanup(func() {
			h.cancel(nil)
			<-h.ended
		})
		fences.pass <- struct{}{} // the one that belongs to what was copied before
		eventually(t, "the first epoch waits for its fence", func() bool { return fences.waiting.Load() == 1 })
		feed(binlog.Mark{}, insert(row(2)))
		feed(heartbeat)
		mustStay(begin, "before the first epoch is read")
		fences.pass <- struct{}{}
		eventually(t, "the first epoch is written", func() bool { return refresh.Figures().Applied == 1 })
		mustStay(begin, "before the second epoch is read")
		feed(binlog.Mark{ID: changelog.FenceID, Value: 1})
		last := feed(heartbeat)
		mustStay(begin, "before the second epoch is read")
		fences.open()
		if err := refresh.WaitApplied(h.ctx, 1); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the position is behind all", func() bool { return h.applied.Low().Position.String() == last })
		if low := h.applied.Low(); low.Heartbeat.IsZero() || low.Fence != 1 {
			t.Errorf("after all is applied the watermark is %v", low)
		}
		seen := refresh.Figures().Applied
		feed(binlog.Mark{}, insert(row(2)))
		eventually(t, "a change without a mark is written", func() bool { return refresh.Figures().Applied > seen })
		if low := h.applied.Low(); low.Position.String() != last {
			t.Errorf("behind the last mark, at %s, the position moves to %v", last, low)
		}
		h.mustHold("1,1,1", "2,2,2")
	})
}

// TestWaitingHurriesAnEpoch: who waits for a fence that was read before, when the last epoch had just been closed, does not wait
// for the time that an epoch collects otherwise.
func TestWaitingHurriesAnEpoch(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		r := mustRefresh(t, s, uniqueTables["in place"][0], "", "('a', 1, 10)")
		r.mustSettle()
		const waits = 20
		var least time.Duration
		for range waits {
			fence, err := r.log.Fence(r.ctx)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Millisecond) // it is read, and nothing else comes
			began := time.Now()
			if err := r.refresh.WaitApplied(r.ctx, fence); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); least == 0 || took < least {
				least = took
			}
		}
		if least > 20*time.Millisecond {
			t.Errorf("each of %d waits for a fence took %s or longer", waits, least)
		}
	})
}
