package applier_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/midstreamdb/midstream/internal/applier"
	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/changelog"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

const plainTable = "id INT PRIMARY KEY, u INT, v INT"

// TestReplayIsTheSourcesHistory feeds random histories with a writeset clock, some of it over several workers, and compares
// the shadow with the model of the source; keys change, unique values are handed between rows and swapped.
func TestReplayIsTheSourcesHistory(t *testing.T) {
	for name, create := range map[string]string{
		"only the key":      plainTable,
		"second unique key": "id INT PRIMARY KEY, u INT, v INT, UNIQUE KEY u (u)",
	} {
		for _, workers := range []int{1, 4} {
			t.Run(fmt.Sprintf("%s, %d workers", name, workers), func(t *testing.T) {
				sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
					h := newHarness(t, s, workers, create, "")
					source := newSource(rand.New(rand.NewPCG(1, uint64(workers))))
					for range 600 {
						changes, lastCommitted := source.commit(h.number + 1)
						h.mustFeedTransaction(h.next(lastCommitted, changes...))
					}
					h.mustDrain()
					h.mustHold(source.rows.lines()...)
					if f := h.replay.Figures(); f.Applied != f.Seen || f.Seen == 0 {
						t.Errorf("figures: %d of %d row changes applied", f.Applied, f.Seen)
					}
				})
			})
		}
	}
}

// source is a model of a table with a writeset clock: a transaction depends on the last one that touched one of its keys
// or unique values.
type source struct {
	rnd    *rand.Rand
	rows   model
	holder map[int]int // unique value to key
	keys   map[int]int64
	values map[int]int64
}

func newSource(rnd *rand.Rand) *source {
	return &source{rnd: rnd, rows: model{}, holder: map[int]int{}, keys: map[int]int64{}, values: map[int]int64{}}
}

// commit makes a transaction of some changes and returns its images and what it depends on.
func (s *source) commit(number int64) (changes []binlog.RowChange, lastCommitted int64) {
	touch := func(id int, values ...int) {
		lastCommitted = max(lastCommitted, s.keys[id])
		s.keys[id] = number
		for _, u := range values {
			lastCommitted = max(lastCommitted, s.values[u])
			s.values[u] = number
		}
	}
	image := func(id int) []any { return []any{id, s.rows[id][0], s.rows[id][1]} }
	put := func(id, u, v int) {
		if old, ok := s.rows[id]; ok {
			touch(id, old[0], u)
			before := row(image(id)...)
			delete(s.holder, old[0])
			s.rows[id], s.holder[u] = [2]int{u, v}, id
			changes = append(changes, update(before, row(image(id)...)))
			return
		}
		touch(id, u)
		s.rows[id], s.holder[u] = [2]int{u, v}, id
		changes = append(changes, insert(row(image(id)...)))
	}
	drop := func(id int) {
		touch(id, s.rows[id][0])
		changes = append(changes, remove(row(image(id)...)))
		delete(s.holder, s.rows[id][0])
		delete(s.rows, id)
	}
	for range 1 + s.rnd.IntN(4) {
		id, u := s.rnd.IntN(60), s.rnd.IntN(120)
		_, exists := s.rows[id]
		other, taken := s.holder[u]
		switch {
		case taken && other != id && exists: // swap the unique values through a spare one
			mine := s.rows[id][0]
			spare := 1000 + id
			put(id, spare, s.rnd.IntN(1000))
			put(other, mine, s.rows[other][1])
			put(id, u, s.rnd.IntN(1000))
		case taken && other != id: // the value goes to a new row
			drop(other)
			put(id, u, s.rnd.IntN(1000))
		case exists && s.rnd.IntN(4) == 0:
			drop(id)
		case exists && s.rnd.IntN(4) == 0: // key change
			to := s.rnd.IntN(60)
			if _, there := s.rows[to]; there {
				continue
			}
			old := s.rows[id]
			before := row(image(id)...)
			touch(id, old[0])
			touch(to, old[0])
			delete(s.rows, id)
			s.rows[to], s.holder[old[0]] = old, to
			changes = append(changes, update(before, row(image(to)...)))
		default:
			put(id, u, s.rnd.IntN(1000))
		}
	}
	return changes, lastCommitted
}

// TestHeartbeatWaitsForWhatStandsBeforeIt: changes stand unapplied, a heartbeat and a fence behind them are read; the
// position does not move past the changes; then they are applied, and it does (I2, I3).
func TestHeartbeatWaitsForWhatStandsBeforeIt(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		h := newHarness(t, s, 2, plainTable, "")
		h.mustFeed(insert(row(1, 1, 1)))
		h.mustDrain()
		before := h.applied.Low()

		locker := s.MustConn()
		if _, err := locker.ExecContext(t.Context(), "BEGIN; SELECT * FROM t__new WHERE id = 1 FOR UPDATE"); err != nil {
			t.Fatal(err)
		}
		h.mustFeed(update(row(1, 1, 1), row(1, 1, 2)))
		heartbeat := h.next(0)
		heartbeat.Marks = []binlog.Mark{{ID: changelog.HeartbeatID, Value: uint64(time.Now().UnixMicro())}}
		h.mustFeedTransaction(heartbeat)
		fence := h.mustFeedFence()
		eventually(t, "the change is being applied", func() bool { return h.replay.Figures().Busy == 1 })
		time.Sleep(200 * time.Millisecond) // long enough for a wrong watermark to move
		if low := h.applied.Low(); low.Position.String() != before.Position.String() || low.Fence != before.Fence {
			t.Fatalf("position moved from %v to %v past a change that is not applied", before, low)
		}
		if _, err := locker.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
		if err := h.replay.WaitApplied(h.ctx, fence); err != nil {
			t.Fatal(err)
		}
		low := h.applied.Low()
		if low.Position.String() != "file:log.000001:504" || low.Heartbeat.IsZero() || low.Fence != fence {
			t.Errorf("after all is applied the watermark is %v", low)
		}
		h.mustHold("1,1,2")
	})
}

// TestHeartbeatWaitsInTheQueue: nothing is applied yet, changes and a heartbeat behind them stand in the queue: the
// position does not move before the applier has come to them (I3).
func TestHeartbeatWaitsInTheQueue(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		h := newStoppedHarness(t, s, 2, plainTable, "")
		before := h.applied.Low()
		h.mustFeed(insert(row(1, 1, 1)))
		heartbeat := h.next(0)
		heartbeat.Marks = []binlog.Mark{{ID: changelog.HeartbeatID, Value: uint64(time.Now().UnixMicro())}}
		h.mustFeedTransaction(heartbeat)
		if low := h.applied.Low(); low.Position.String() != before.Position.String() || !low.Heartbeat.IsZero() {
			t.Fatalf("position moved from %v to %v past a change that is not applied", before, low)
		}
		h.start()
		h.mustDrain()
		h.mustHold("1,1,1")
		if low := h.applied.Low(); low.Heartbeat.IsZero() {
			t.Errorf("after all is applied the watermark is %v, without the heartbeat", low)
		}
	})
}

// TestCompletionIsReportedAfterCommit: a batch whose COMMIT does not come about is never complete, and the run stops with
// an error that names table and position.
func TestCompletionIsReportedAfterCommit(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		h := newHarness(t, s, 2, plainTable, "ADD CONSTRAINT positive CHECK (v > 0)")
		h.mustFeed(insert(row(1, 1, 1)))
		h.mustDrain()
		before := h.applied.Low()
		h.mustFeed(insert(row(2, 2, 2)), insert(row(3, 3, -3)))
		err := h.mustEnd()
		if err == nil || !strings.Contains(err.Error(), "t__new") || !strings.Contains(err.Error(), "log.000001") || !strings.Contains(err.Error(), "positive") {
			t.Errorf("error = %v, want one that names table, position and constraint", err)
		}
		if low := h.applied.Low(); low.Position.String() != before.Position.String() || low.Fence != before.Fence {
			t.Errorf("watermark moved to %v over a transaction that was rolled back", low)
		}
		if err := h.replay.WaitApplied(h.ctx, 99); !errors.Is(err, h.err) {
			t.Errorf("a wait after the end = %v, want the error of Run", err)
		}
		h.mustHold("1,1,1")
	})
}

// TestCancelEndsEveryWait: workers wait for row locks, transactions for their predecessors, the feeder for room: all end
// with the context, and no goroutine is left.
func TestCancelEndsEveryWait(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		h := newHarness(t, s, 4, plainTable, "")
		for id := range 8 {
			h.mustFeed(insert(row(id, id, 0)))
		}
		h.mustDrain()
		locker := s.MustConn()
		if _, err := locker.ExecContext(t.Context(), "BEGIN; SELECT * FROM t__new FOR UPDATE"); err != nil {
			t.Fatal(err)
		}
		fed := make(chan error, 1)
		go func() {
			for i := 0; ; i++ {
				tx := h.next(0, update(row(i%8, i%8, i), row(i%8, i%8, i+1)))
				tx.Bytes = 64 << 10
				if err := h.replay.Feed(h.ctx, tx); err != nil {
					fed <- err
					return
				}
			}
		}()
		eventually(t, "all workers wait", func() bool { return h.replay.Figures().Busy == 4 })
		why := errors.New("enough")
		h.cancel(why)
		if err := h.mustEnd(); !errors.Is(err, why) {
			t.Errorf("Run = %v, want the cause", err)
		}
		if err := <-fed; err == nil {
			t.Error("Feed went on after the end")
		}
		if _, err := locker.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	})
}

// TestDeadlocksAreRetried runs 16 workers into deadlocks on a secondary index with a session that locks across them.
func TestDeadlocksAreRetried(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		h := newHarness(t, s, 16, "id INT PRIMARY KEY, u INT, v INT, UNIQUE KEY u (u), KEY v (v)", "")
		const rows = 64
		values := make([]int, rows)
		for id := range rows {
			h.mustFeed(insert(row(id, id, 0)))
		}
		h.mustDrain()
		s.MustExec("CREATE TABLE weight (id INT PRIMARY KEY AUTO_INCREMENT, v INT)")
		stop, done := make(chan struct{}), sync.WaitGroup{}
		for range 2 {
			done.Go(func() { disturb(t, s, stop) })
		}
		defer done.Wait()
		defer close(stop)
		for i := 0; i < 300 || h.replay.Figures().Retries == 0; i++ {
			low := i % (rows / 2)
			high := low + rows/2
			h.mustFeedTransaction(h.next(h.number+1-rows/2,
				update(row(low, low, values[low]), row(low, low, i)), update(row(high, high, values[high]), row(high, high, i))))
			values[low], values[high] = i, i
		}
		h.mustDrain()
		want := model{}
		for id := range rows {
			want[id] = [2]int{id, values[id]}
		}
		h.mustHold(want.lines()...)
	})
}

// disturb locks two rows of the shadow that a transaction changes, in descending order, as no worker does, until stop. It has changed so much before that the
// server undoes the worker, and not it, when both wait for each other.
func disturb(t *testing.T, s *sandboxtest.Schema, stop <-chan struct{}) {
	db := s.DB
	for {
		select {
		case <-stop:
			return
		default:
		}
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Error(err)
			return
		}
		heavy := "INSERT INTO weight (v) VALUES (0)" + strings.Repeat(", (0)", 500)
		if _, err := tx.ExecContext(t.Context(), heavy); err != nil {
			t.Error(err)
		}
		low := rand.IntN(32)
		for _, id := range []int{low + 32, low} {
			if _, err := tx.ExecContext(t.Context(), fmt.Sprintf("SELECT * FROM t__new WHERE id = %d FOR UPDATE", id)); err != nil {
				break
			}
			time.Sleep(3 * time.Millisecond) // a worker comes to wait for the greater, and has the lesser
		}
		_ = tx.Rollback()
		time.Sleep(5 * time.Millisecond) // the workers shall get somewhere, too
	}
}

// TestLostConnectionsAreMadeCertain kills the applier's sessions while it works: what they did is done again.
func TestLostConnectionsAreMadeCertain(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		h := newHarness(t, s, 4, plainTable, "")
		source := newSource(rand.New(rand.NewPCG(7, 7)))
		killed := 0
		for i := range 400 {
			changes, lastCommitted := source.commit(h.number + 1)
			h.mustFeedTransaction(h.next(lastCommitted, changes...))
			if i%40 != 39 {
				continue
			}
			eventually(t, "a session of the applier works", func() bool { return h.kill() || h.replay.Figures().Applied == h.replay.Figures().Seen })
			killed++
		}
		h.mustDrain()
		h.mustHold(source.rows.lines()...)
		t.Logf("%d rounds of kills, %d retries", killed, h.replay.Figures().Retries)
	})
}

// kill ends the sessions that write to the schema's shadow, and says whether there were any.
func (h *harness) kill() bool {
	ids := h.s.MustQueryRows("SELECT id FROM " + h.s.Processlist() + " WHERE id <> CONNECTION_ID() AND info LIKE '%" + h.s.Name + "%t__new%'")
	for _, id := range ids {
		_, _ = h.s.DB.ExecContext(h.ctx, "KILL "+id) // it may be gone
	}
	return len(ids) > 0
}

// TestLargeTransactionIsOne: pieces are not seen before the last is committed, and an undone one leaves nothing.
func TestLargeTransactionIsOne(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		h := newHarness(t, s, 4, plainTable, "")
		h.mustFeed(insert(row(1, 1, 1)))
		piece := func(undone, more bool, changes ...binlog.RowChange) {
			tx := h.next(0, changes...)
			tx.More, tx.Undone = more, undone
			h.mustFeedTransaction(tx)
		}
		piece(false, true, insert(row(2, 2, 2)))
		piece(false, true, update(row(1, 1, 1), row(1, 1, 9)))
		eventually(t, "two pieces are applied", func() bool { return h.replay.Figures().Applied == 3 })
		h.mustHold("1,1,1")
		piece(true, false)
		h.mustDrain()
		h.mustHold("1,1,1")
		piece(false, true, insert(row(2, 2, 2)))
		piece(false, false, remove(row(1, 1, 1)))
		h.mustFeed(insert(row(3, 3, 3)))
		h.mustDrain()
		h.mustHold("2,2,2", "3,3,3")
	})
}

// TestLargeTransactionHandsValuesOver: what a unique key of the ALTER refuses in one piece of a transaction passes when a later piece
// has given the value free; what still stands in its way in the end is a duplicate of the source.
func TestLargeTransactionHandsValuesOver(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		h := newHarness(t, s, 4, plainTable, "ADD UNIQUE KEY nu (u)")
		piece := func(undone, more bool, changes ...binlog.RowChange) {
			tx := h.next(0, changes...)
			tx.More, tx.Undone = more, undone
			h.mustFeedTransaction(tx)
		}
		h.mustFeed(insert(row(1, 10, 1)), insert(row(2, 11, 2)), insert(row(3, 12, 3)))
		piece(false, true, update(row(1, 10, 1), row(1, 11, 1)))
		piece(false, true, update(row(2, 11, 2), row(2, 12, 2)))
		piece(true, false, update(row(3, 12, 3), row(3, 13, 3)))
		h.mustDrain()
		h.mustHold("1,10,1", "2,11,2", "3,12,3")
		piece(false, true, update(row(1, 10, 1), row(1, 11, 1)))
		piece(false, true, update(row(2, 11, 2), row(2, 12, 2)))
		piece(false, false, update(row(3, 12, 3), row(3, 13, 3)))
		h.replay.RequireSettled(h.fence + 1)
		h.mustDrain()
		h.mustHold("1,11,1", "2,12,2", "3,13,3")

		piece(false, true, insert(row(4, 13, 4)))
		piece(false, false, insert(row(5, 14, 5)))
		if err := h.replay.WaitApplied(h.ctx, h.mustFeedFence()); err == nil {
			t.Fatal("a duplicate of the source was settled")
		}
		var duplicate *applier.DuplicateError
		if err := h.mustEnd(); !errors.As(err, &duplicate) || !strings.Contains(err.Error(), "13") {
			t.Errorf("Run = %v, want a duplicate that names the value", err)
		}
	})
}

// TestAddedUniqueKey: values handed between rows pass, in whatever order the shadow meets them; a duplicate of the source is
// named once the copy is complete.
func TestAddedUniqueKey(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		h := newHarness(t, s, 4, plainTable, "ADD UNIQUE KEY nu (u)")
		s.MustExec("INSERT INTO t__new VALUES (2, 10, 2)") // copied later than the changes that follow
		h.mustFeed(insert(row(1, 10, 1)))                  // 10 goes to row 2 in a transaction to come
		h.mustDrain()
		h.mustHold("2,10,2")
		h.mustFeed(update(row(1, 10, 1), row(1, 11, 1)), insert(row(2, 10, 2)))
		h.mustDrain()
		h.mustHold("1,11,1", "2,10,2")
		h.mustFeed(update(row(1, 11, 1), row(1, 12, 1)), update(row(2, 10, 2), row(2, 11, 2)), update(row(1, 12, 1), row(1, 10, 1)))
		h.replay.RequireSettled(h.fence + 1)
		h.mustDrain()
		h.mustHold("1,10,1", "2,11,2")

		h.mustFeed(insert(row(3, 11, 3)))
		if err := h.replay.WaitApplied(h.ctx, h.mustFeedFence()); err == nil {
			t.Fatal("a duplicate of the source was settled")
		}
		var duplicate *applier.DuplicateError
		if err := h.mustEnd(); !errors.As(err, &duplicate) || !strings.Contains(err.Error(), "11") || !strings.Contains(err.Error(), "nu") {
			t.Errorf("Run = %v, want a duplicate that names value and key", err)
		}
	})
}

// TestHoldDrainsThroughOneSession: held back, nothing is applied but through the session that holds the table locks.
func TestHoldDrainsThroughOneSession(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		h := newHarness(t, s, 4, plainTable, "")
		h.mustFeed(insert(row(1, 1, 1)))
		h.mustDrain()
		held, err := h.replay.Hold(h.ctx)
		if err != nil {
			t.Fatal(err)
		}
		h.mustFeed(update(row(1, 1, 1), row(1, 1, 2)))
		h.mustFeed(insert(row(2, 2, 2)))
		session := s.MustConn()
		if _, err := session.ExecContext(t.Context(), "LOCK TABLES t WRITE, t__new WRITE"); err != nil {
			t.Fatal(err)
		}
		if err := held.Drain(h.ctx, session, h.mustFeedFence()); err != nil {
			t.Fatal(err)
		}
		h.mustFeed(insert(row(3, 3, 3)))
		if _, err := session.ExecContext(t.Context(), "UNLOCK TABLES"); err != nil {
			t.Fatal(err)
		}
		h.mustHold("1,1,2", "2,2,2")
		held.Release()
		h.mustDrain()
		h.mustHold("1,1,2", "2,2,2", "3,3,3")

		if held, err = h.replay.Hold(h.ctx); err != nil {
			t.Fatal(err)
		}
		held.Stop()
		if err := h.mustEnd(); err != nil {
			t.Errorf("Run after Stop = %v", err)
		}
	})
}

// TestDrainLeavesLargeTransactions: pieces that are read while the applier is held are not applied under the table lock, in
// whole or in part; after the release they are.
func TestDrainLeavesLargeTransactions(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		h := newHarness(t, s, 2, plainTable, "")
		held, err := h.replay.Hold(h.ctx)
		if err != nil {
			t.Fatal(err)
		}
		first := h.next(0, insert(row(1, 1, 1)))
		first.More = true
		h.mustFeedTransaction(first)
		time.Sleep(100 * time.Millisecond) // the applier has read it
		h.mustFeedTransaction(h.next(0, insert(row(2, 2, 2))))
		if err := held.Drain(h.ctx, s.MustConn(), h.mustFeedFence()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Drain = %v, want that it cannot be done under the lock", err)
		}
		h.mustHold()
		held.Release()
		h.mustDrain()
		h.mustHold("1,1,1", "2,2,2")
	})
}

// TestOwedRowThatIsDeleted: a row that an added unique key refused and that is deleted then, by whatever way, does not come back.
func TestOwedRowThatIsDeleted(t *testing.T) {
	for name, deleted := range map[string]func(h *harness, change binlog.RowChange){
		"batch": func(h *harness, change binlog.RowChange) { h.mustFeed(change) },
		"large transaction": func(h *harness, change binlog.RowChange) {
			piece := h.next(0, change)
			piece.More = true
			h.mustFeedTransaction(piece)
			h.mustFeedTransaction(h.next(0))
		},
		"under the lock": func(h *harness, change binlog.RowChange) {
			held, err := h.replay.Hold(h.ctx)
			if err != nil {
				h.t.Fatal(err)
			}
			h.mustFeed(change)
			h.replay.RequireSettled(h.fence + 1)
			if err := held.Drain(h.ctx, h.s.MustConn(), h.mustFeedFence()); err != nil {
				h.t.Fatal(err)
			}
			held.Release()
		},
	} {
		t.Run(name, func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
				h := newHarness(t, s, 4, plainTable, "ADD UNIQUE KEY nu (u)")
				h.mustFeed(insert(row(2, 10, 2)))
				h.mustFeed(insert(row(1, 10, 1)))
				h.mustDrain()
				h.mustHold("2,10,2")
				deleted(h, remove(row(1, 10, 1)))
				h.mustFeed(update(row(2, 10, 2), row(2, 11, 2)))
				h.replay.RequireSettled(h.fence + 1)
				h.mustDrain()
				h.mustHold("2,11,2")
			})
		})
	}
}

// TestHoldGivesUp: a hold that waits for a batch in flight ends with its context, and the applier goes on.
func TestHoldGivesUp(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		h := newHarness(t, s, 2, plainTable, "")
		h.mustFeed(insert(row(1, 1, 1)))
		h.mustDrain()
		locker := s.MustConn()
		if _, err := locker.ExecContext(t.Context(), "BEGIN; SELECT * FROM t__new FOR UPDATE"); err != nil {
			t.Fatal(err)
		}
		h.mustFeed(update(row(1, 1, 1), row(1, 1, 2)))
		eventually(t, "a worker waits", func() bool { return h.replay.Figures().Busy == 1 })
		ctx, cancel := context.WithTimeout(h.ctx, 50*time.Millisecond)
		defer cancel()
		if _, err := h.replay.Hold(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Hold = %v, want the context's end", err)
		}
		if _, err := locker.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
		h.mustDrain()
		h.mustHold("1,1,2")
	})
}

// TestMain looks for goroutines that outlive the tests, but for those that keep servers of the tests running.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/midstreamdb/midstream/internal/sandbox.startProcess.func1"))
}
