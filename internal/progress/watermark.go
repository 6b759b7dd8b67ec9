// Package progress knows what is durable: low watermarks over work that completes in any order, and the figures of how
// fast it goes.
package progress

import "sync"

// Ticket names a piece of work of one Watermark.
type Ticket uint64

// Watermark follows work that is begun in an order that matters and completes in any order. Its low value is that of the
// last piece of the completed prefix: everything at or before it is complete. It never moves backwards. It is safe for
// concurrent use.
type Watermark[T any] struct {
	mu    sync.Mutex
	low   T
	first Ticket // of pieces[0]
	// pieces are the work from the first incomplete piece on, in the order in which it was begun.
	pieces []piece[T]
}

type piece[T any] struct {
	value T
	done  bool
}

// NewWatermark returns a watermark that stands at low.
func NewWatermark[T any](low T) *Watermark[T] { return &Watermark[T]{low: low} }

// Begin adds a piece of work behind all others; the low value becomes value once it and all before it are complete.
func (w *Watermark[T]) Begin(value T) Ticket {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pieces = append(w.pieces, piece[T]{value: value})
	return w.first + Ticket(len(w.pieces)) - 1
}

// Complete marks a piece as complete and says whether the low value moved. A ticket that is complete already, or was
// never given out, panics: the caller's books are wrong, and a position built on them would lie.
func (w *Watermark[T]) Complete(t Ticket) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := t - w.first
	if t < w.first || i >= Ticket(len(w.pieces)) || w.pieces[i].done {
		panic("progress: a ticket was completed twice or never begun")
	}
	w.pieces[i].done = true
	n := 0
	for n < len(w.pieces) && w.pieces[n].done {
		n++
	}
	if n == 0 {
		return false
	}
	w.low = w.pieces[n-1].value
	clear(w.pieces[:n])
	w.pieces = w.pieces[n:]
	w.first += Ticket(n)
	return true
}

// Low returns the value of the last piece of the completed prefix, or the value of the start.
func (w *Watermark[T]) Low() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.low
}

// Open returns the values of the pieces that were begun and are not complete, in order, and the value of the last that was
// begun: everything up to there but those is complete. Before the first Begin, that is the value of the start.
func (w *Watermark[T]) Open() (open []T, last T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	last = w.low
	for _, p := range w.pieces {
		last = p.value
		if !p.done {
			open = append(open, p.value)
		}
	}
	return open, last
}
