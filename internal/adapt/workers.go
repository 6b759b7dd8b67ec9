// Package adapt finds out by measuring how many workers are best, and who goes first where several share a server. How much
// several sessions at once bring depends on the server's cores, on the latency of its commits and on what else it does:
// nobody tells, and it changes.
package adapt

import "time"

// Workers chooses how many of a number of workers are at work at once: it climbs between the powers of two and the
// greatest number, towards the highest throughput, and looks at the neighbours again and again. It is pure and belongs to
// one goroutine.
type Workers struct {
	levels  []int     // the numbers to choose from, rising
	rates   []float64 // measured for each of them, older measurements counting less; 0: not known
	best    int       // index
	trial   int       // index of the one being measured
	settled int       // measurements since a neighbour of the best was last looked at
	up      bool      // the next look goes to the greater neighbour
}

const (
	// start is the number that measuring begins with.
	start = 4
	// patience is how many measurements of the best stand between two looks at a neighbour.
	patience = 8
	// trust is the weight of a new measurement.
	trust = 0.4
	// clearly is how much more throughput a greater number must bring: each session is a load on the server.
	clearly = 1.05
)

// Most is the greatest number of workers that is tried where nobody says how many.
const Most = 16

// Fixed returns the choice of one number, at least 1.
func Fixed(n int) *Workers { return &Workers{levels: []int{max(n, 1)}, rates: make([]float64, 1)} }

// Count returns the choice that a number of workers stands for: Fixed, or for 0 that between 1 and Most.
func Count(n int) *Workers {
	if n == 0 {
		return NewWorkers(Most)
	}
	return Fixed(n)
}

// Greatest returns the greatest number that Limit may return.
func (w *Workers) Greatest() int { return w.levels[len(w.levels)-1] }

// NewWorkers returns a choice between 1 and most, which begins with the smaller of 4 and most. most below 1 counts as 1.
func NewWorkers(most int) *Workers {
	w := &Workers{up: true}
	for n := 1; n < most; n *= 2 {
		w.levels = append(w.levels, n)
	}
	w.levels = append(w.levels, max(most, 1))
	w.rates = make([]float64, len(w.levels))
	for w.best+1 < len(w.levels) && w.levels[w.best+1] <= start {
		w.best++
	}
	w.trial = w.best
	return w
}

// Limit returns how many workers to have at work now, from 1 to the greatest number.
func (w *Workers) Limit() int { return w.levels[w.trial] }

// Observe says what was done in a time in which there was always more to do, with Limit workers. Times of 0 or less say
// nothing.
func (w *Workers) Observe(done float64, took time.Duration) {
	if took <= 0 {
		return
	}
	rate := done / took.Seconds()
	if known := w.rates[w.trial]; known > 0 {
		rate = trust*rate + (1-trust)*known
	}
	w.rates[w.trial] = rate
	w.choose()
	w.trial = w.next()
}

// choose moves the best to a neighbour that is better.
func (w *Workers) choose() {
	if less := w.best - 1; less >= 0 && w.rates[less] > 0 && w.rates[less]*clearly >= w.rates[w.best] {
		w.best = less
	} else if more := w.best + 1; more < len(w.levels) && w.rates[more] > w.rates[w.best]*clearly {
		w.best = more
	}
}

// next returns what to measure next: mostly the best; now and then, in turn, one of its neighbours, and at once one that
// was never measured.
func (w *Workers) next() int {
	for _, at := range []int{w.best - 1, w.best + 1} {
		if at >= 0 && at < len(w.levels) && w.rates[at] == 0 {
			return at
		}
	}
	if w.settled < patience {
		w.settled++
		return w.best
	}
	w.settled = 0
	w.up = !w.up
	if more := w.best + 1; more < len(w.levels) && (w.up || w.best == 0) {
		return more
	}
	return max(w.best-1, 0)
}
