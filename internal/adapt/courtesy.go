package adapt

import (
	"slices"
	"sync"
	"time"
)

// Courtesy bounds how many workers are at work beside an application that writes, by the time that a small commit takes: where
// that grows beyond what it takes on a calm server, the application's own commits wait as well. It begins with one worker and
// doubles the bound after a while of calm; where commits wait it halves it, and the next while is longer. Any goroutine may
// use it.
type Courtesy struct {
	mu      sync.Mutex
	recent  []time.Duration // newest last
	least   time.Duration   // that a commit has taken
	bound   int
	used    int // of the last question
	changed time.Time
	calm    time.Duration // before the bound is raised
}

const (
	// looked is the number of commits whose median counts.
	looked = 5
	// A commit that takes longer than strained times the least one, and lag more, is one that waits. Only where it takes
	// less than a quarter of lag more than the least one there is room for more work.
	strained = 2
	lag      = 2 * time.Millisecond
	// patient is how long a bound is kept at least: until the median tells of it.
	patient = 500 * time.Millisecond
	// The while of calm after commits waited, for the first time and at most.
	firstCalm = 5 * time.Second
	lastCalm  = time.Minute
)

// NewCourtesy returns a Courtesy that allows one worker.
func NewCourtesy() *Courtesy { return &Courtesy{bound: 1, used: 1, calm: patient} }

// Observe says how long a small commit took, and whether the application writes at this time.
func (c *Courtesy) Observe(took time.Duration, writes bool, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.least == 0 || took < c.least {
		c.least = took
	}
	if c.recent = append(c.recent, took); len(c.recent) > looked {
		c.recent = c.recent[1:]
	}
	sorted := slices.Sorted(slices.Values(c.recent))
	median := sorted[len(sorted)/2]
	waits := writes && median > strained*c.least+lag
	idles := !writes || median < c.least+lag/4
	switch since := now.Sub(c.changed); {
	case waits && since >= patient:
		c.bound, c.changed = max(1, min(c.bound, c.used)/2), now
		c.calm = min(max(firstCalm, 2*c.calm), lastCalm)
	case waits:
	case idles && since >= c.calm && c.bound < Most:
		c.bound, c.changed = c.bound*2, now
	}
}

// Limit returns how many of n workers may be at work, at least 1.
func (c *Courtesy) Limit(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used = max(n, 1)
	return max(1, min(n, c.bound))
}
