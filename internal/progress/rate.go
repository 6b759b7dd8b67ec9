package progress

import (
	"sync"
	"time"
)

// Rate is the speed of a growing count over the last seconds. The zero Rate is ready for use by several goroutines.
type Rate struct {
	mu      sync.Mutex
	samples []sample // oldest first, at most window old but for one
}

type sample struct {
	at    time.Time
	count uint64
}

const window = 10 * time.Second

// Observe notes the count at a moment; moments must not go back. A count that does begins anew.
func (r *Rate) Observe(at time.Time, count uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.samples); n > 0 && count < r.samples[n-1].count {
		r.samples = nil
	}
	r.samples = append(r.samples, sample{at, count})
	for len(r.samples) > 2 && at.Sub(r.samples[1].at) >= window {
		r.samples = r.samples[1:]
	}
}

// PerSecond returns the mean speed over the window; 0 with fewer than two observations.
func (r *Rate) PerSecond() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.samples) < 2 {
		return 0
	}
	first, last := r.samples[0], r.samples[len(r.samples)-1]
	if d := last.at.Sub(first.at).Seconds(); d > 0 {
		return float64(last.count-first.count) / d
	}
	return 0
}
