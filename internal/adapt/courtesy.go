package adapt

import (
	"slices"
	"sync"
	"time"
)

// Courtesy bounds how much is done at once beside an application that writes, by the time that a small commit takes: where
// that grows beyond what it takes on a calm server, the application's own commits wait as well. It begins with one worker and
// doubles the bound after a while of calm; where commits wait it halves it, and the next while is longer. Any goroutine may
// use it.
type Courtesy struct {
	mu      sync.Mutex
	recent  []time.Duration // newest last
	least   time.Duration   // that a commit has taken
	writes  bool            // the application does
	workers allowance
}

const (
	// looked is the number of commits whose median counts.
	looked = 5
	// A commit that takes longer than strained times the least one, and lag more, is one that waits. Only where it takes
	// less than a quarter of lag more than the least one there is room for more work.
	strained = 2
	lag      = 2 * time.Millisecond
	// shorter is by how much pieces of work are shorter while the application writes.
	shorter = 4
)

// NewCourtesy returns a Courtesy that allows one worker.
func NewCourtesy() *Courtesy { return &Courtesy{workers: allowance{bound: 1, used: 1, calm: patient}} }

// Observe says how long a small commit took, and whether the application writes at this time.
func (c *Courtesy) Observe(took time.Duration, writes bool, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes = writes
	if c.least == 0 || took < c.least {
		c.least = took
	}
	if c.recent = append(c.recent, took); len(c.recent) > looked {
		c.recent = c.recent[1:]
	}
	sorted := slices.Sorted(slices.Values(c.recent))
	median := sorted[len(sorted)/2]
	switch {
	case writes && median > strained*c.least+lag:
		c.workers.lower(now)
	case !writes || median < c.least+lag/4:
		c.workers.raise(now)
	}
}

// Limit returns how many of n workers may be at work, at least 1.
func (c *Courtesy) Limit(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.workers.limit(n)
}

// Shorten returns how much of a time a piece of work may take: a part of it while the application writes, since small commits
// wait behind large ones.
func (c *Courtesy) Shorten(d time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writes {
		return d / shorter
	}
	return d
}

// Holds says whether workers are held back because commits waited.
func (c *Courtesy) Holds() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.workers.holds()
}
