package adapt

import "time"

// allowance is how many workers may be at work: half as many when they do harm, twice as many after a while of calm, which
// is longer after each harm.
type allowance struct {
	bound   int
	used    int // what could have been used, by the last question
	changed time.Time
	calm    time.Duration // before the bound is raised
}

const (
	// patient is how long a bound is kept at least: until what it does can be seen.
	patient = 500 * time.Millisecond
	// The while of calm after a harm, for the first time and at most.
	firstCalm = 5 * time.Second
	lastCalm  = time.Minute
)

// lower halves what was used, if the bound has stood long enough.
func (a *allowance) lower(now time.Time) {
	if now.Sub(a.changed) < patient {
		return
	}
	a.bound, a.changed = max(1, min(a.bound, a.used)/2), now
	a.calm = min(max(firstCalm, 2*a.calm), lastCalm)
}

// raise doubles the bound, if it was calm for long enough.
func (a *allowance) raise(now time.Time) {
	if now.Sub(a.changed) >= a.calm && a.bound < Most {
		a.bound, a.changed = min(2*a.bound, Most), now
	}
}

// limit returns how many of n workers may be at work, at least 1.
func (a *allowance) limit(n int) int {
	a.used = max(n, 1)
	return min(a.used, a.bound)
}

// holds says whether workers are held back because of a harm.
func (a *allowance) holds() bool { return a.calm >= firstCalm && a.bound < Most && a.bound <= a.used }
