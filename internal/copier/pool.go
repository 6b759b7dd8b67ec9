package copier

import (
	"context"
	"sync"
	"time"

	"github.com/midstreamdb/midstream/internal/adapt"
)

// pool lets as many workers copy at once as brings most, which it measures.
type pool struct {
	mu      sync.Mutex
	workers *adapt.Workers
	active  int
	room    chan struct{}   // closed and renewed when there may be room
	begun   time.Time       // of the measurement; zero: none
	rows    uint64          // copied before it
	bound   func(n int) int // how many of n may be at work; nil: all
}

const (
	// measured is how long a measurement lasts: some chunks of the usual time for each worker.
	measured = time.Second
	// heldBack is a wait, at the gate or for the application, that spoils a measurement.
	heldBack = 10 * time.Millisecond
)

func newPool(workers int) *pool {
	return &pool{workers: adapt.Count(workers), room: make(chan struct{})}
}

// one lets only one copy at a time; nobody does yet.
func (p *pool) one() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.workers = adapt.Fixed(1)
}

// enter waits until one more may copy.
func (p *pool) enter(ctx context.Context) error {
	for {
		p.mu.Lock()
		if p.active < p.allowed() {
			p.active++
			p.mu.Unlock()
			return nil
		}
		room := p.room
		p.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// forget ends the measurement, in which something else than the workers held the copying back.
func (p *pool) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun = time.Time{}
}

// leave says that one no longer copies, and how many rows all have copied so far.
func (p *pool) leave(rows uint64, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active--
	close(p.room)
	p.room = make(chan struct{})
	if p.begun.IsZero() {
		p.begun, p.rows = now, rows
		return
	}
	if p.allowed() < p.workers.Limit() {
		p.begun = time.Time{} // what is measured is not what so many workers bring
		return
	}
	if took := now.Sub(p.begun); took >= measured {
		p.workers.Observe(float64(rows-p.rows), took)
		p.begun, p.rows = now, rows
	}
}

// limit returns how many may copy at once now.
func (p *pool) limit() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.allowed()
}

// allowed is limit for those who have the lock.
func (p *pool) allowed() int {
	if p.bound == nil {
		return p.workers.Limit()
	}
	return p.bound(p.workers.Limit())
}
