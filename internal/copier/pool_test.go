package copier

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// simulate lets sixteen workers copy through the pool for some (made-up) time, at a server whose rows per second depend on
// how many are at once, and returns how many chunks were copied with each number.
func simulate(p *pool, lasting time.Duration, rate func(workers int) float64) map[int]int {
	ctx, cancel := context.WithTimeout(context.Background(), lasting)
	defer cancel()
	var workers sync.WaitGroup
	var mu sync.Mutex // guards rows and chunks
	var rows uint64
	chunks := make(map[int]int)
	for range p.workers.Greatest() {
		workers.Go(func() {
			for ctx.Err() == nil && p.enter(ctx) == nil {
				n := p.limit()
				time.Sleep(time.Duration(1000 * float64(n) / rate(n) * float64(time.Second)))
				mu.Lock()
				rows += 1000
				chunks[n]++
				p.leave(rows, time.Now())
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return chunks
}

// TestPoolFollowsTheServer: one worker where more bring nothing, and more again once they do: also at one, the copying goes
// on being measured.
func TestPoolFollowsTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(0)
		flat := simulate(p, 5*time.Minute, func(int) float64 { return 10_000 })
		if p.limit() > 2 {
			t.Errorf("%d copy at once where one is enough: %v", p.limit(), flat)
		}
		grows := simulate(p, 5*time.Minute, func(n int) float64 { return 10_000 * math.Min(float64(n), 16) })
		if p.limit() < 8 {
			t.Errorf("%d copy at once where all bring more: %v", p.limit(), grows)
		}
	})
}

// TestPoolLetsInNoMore than its limit, and lets in all who wait in the end.
func TestPoolLetsInNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(3)
		in, most, done := make(chan int), 0, make(chan struct{})
		go func() {
			defer close(done)
			now := 0
			for range 2 * 10 {
				now += <-in
				most = max(most, now)
			}
		}()
		for range 10 {
			go func() {
				if err := p.enter(t.Context()); err != nil {
					t.Error(err)
				}
				in <- 1
				time.Sleep(time.Second)
				in <- -1
				p.leave(0, time.Now())
			}()
		}
		<-done
		if most != 3 {
			t.Errorf("%d were in at once, want 3", most)
		}
	})
}

// TestPoolEndsWithTheContext while it is full.
func TestPoolEndsWithTheContext(t *testing.T) {
	p := newPool(1)
	if err := p.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.enter(ctx); err == nil {
		t.Fatal("two were let in where one may copy")
	}
}

// door is a gate that can be closed, for good.
type door struct{ closed atomic.Bool }

func (d *door) Wait(ctx context.Context) error {
	if d.closed.Load() {
		<-ctx.Done()
	}
	return ctx.Err()
}

// TestNoChunkIsBegunBehindAClosedGate: it closes while workers wait for their turn, which then comes.
func TestNoChunkIsBegunBehindAClosedGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := &door{}
		c := &Copier{deps: Deps{Gate: gate}, pool: newPool(1)}
		planned := make(chan task, 4)
		for range cap(planned) {
			planned <- task{}
		}
		ctx, cancel := context.WithCancel(t.Context())
		if err := c.pool.enter(ctx); err != nil {
			t.Fatal(err)
		}
		var workers sync.WaitGroup
		for range 3 {
			workers.Go(func() { _ = (&worker{Copier: c}).run(ctx, planned) }) // what it returns is the context's
		}
		synctest.Wait()
		gate.closed.Store(true)
		c.pool.leave(0, time.Now())
		synctest.Wait()
		if taken := cap(planned) - len(planned); taken > 0 {
			t.Errorf("%d chunks were taken", taken)
		}
		cancel()
		workers.Wait()
	})
}

// TestAllWorkersEndBehindTheLastChunk, also those whose turn it never was.
func TestAllWorkersEndBehindTheLastChunk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Copier{deps: Deps{Gate: &door{}}, pool: newPool(2)}
		planned := make(chan task)
		close(planned)
		var workers sync.WaitGroup
		for range 16 {
			workers.Go(func() {
				if err := (&worker{Copier: c}).run(t.Context(), planned); err != nil {
					t.Error(err)
				}
			})
		}
		workers.Wait()
	})
}

// TestWorkersPause as long as they are asked to, and before they look at the gate: it may close meanwhile.
func TestWorkersPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := &door{}
		c := &Copier{deps: Deps{Gate: gate, Pause: func(time.Duration) time.Duration { return time.Minute }}, pool: newPool(1)}
		planned := make(chan task)
		close(planned)
		began := time.Now()
		if err := (&worker{Copier: c}).run(t.Context(), planned); err != nil {
			t.Error(err)
		}
		if paused := time.Since(began); paused != time.Minute {
			t.Errorf("paused for %s", paused)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- (&worker{Copier: c}).run(ctx, planned) }()
		time.Sleep(time.Second)
		gate.closed.Store(true)
		time.Sleep(time.Hour)
		select {
		case err := <-ended:
			t.Errorf("a worker passed the gate that was closed while it paused: %v", err)
		default:
		}
		cancel()
		<-ended
	})
}
