package adapt_test

import (
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/adapt"
)

// TestCourtesy: commits that take longer halve the bound, as long as the application writes; calm doubles it.
func TestCourtesy(t *testing.T) {
	c := adapt.NewCourtesy()
	now := time.Now()
	beats := func(took time.Duration, writes bool, n int) {
		for range n {
			now = now.Add(100 * time.Millisecond)
			c.Observe(took, writes, now)
		}
	}
	mustLimit := func(when string, want int) {
		t.Helper()
		if got := c.Limit(8); got != want {
			t.Errorf("%s: %d of 8 workers, want %d", when, got, want)
		}
	}
	mustShorten := func(when string, want time.Duration) {
		t.Helper()
		if got := c.Shorten(100 * time.Millisecond); got != want {
			t.Errorf("%s: %s of 100 ms, want %s", when, got, want)
		}
	}
	mustLimit("at the beginning", 1)
	mustShorten("at the beginning", 100*time.Millisecond)
	beats(time.Millisecond, true, 2)
	mustLimit("after the first commits", 2)
	beats(time.Millisecond, true, 30)
	mustLimit("on a calm server", 8)
	mustShorten("while the application writes", 25*time.Millisecond)
	if c.Holds() {
		t.Error("workers are held back on a calm server")
	}
	beats(50*time.Millisecond, false, 50)
	mustLimit("slow, and nobody writes", 8)
	mustShorten("while nobody writes", 100*time.Millisecond)
	beats(50*time.Millisecond, true, 1)
	mustLimit("slow", 4)
	beats(50*time.Millisecond, true, 4)
	mustLimit("slow for less than patience", 4)
	beats(50*time.Millisecond, true, 1)
	mustLimit("slow for longer", 2)
	beats(50*time.Millisecond, true, 100)
	mustLimit("slow for long", 1)
	if !c.Holds() {
		t.Error("no workers are held back, though commits wait")
	}
	beats(time.Millisecond, true, 590)
	mustLimit("calm for a while", 1)
	beats(time.Millisecond, true, 20)
	mustLimit("calm for longer", 2)
	beats(time.Millisecond, true, 2000)
	mustLimit("calm for long", 8)
	if c.Limit(adapt.Most); c.Holds() {
		t.Error("workers are held back though all that there may be are at work")
	}
	beats(time.Second, true, 2)
	mustLimit("two slow commits among fast ones", 8)
	if got := c.Limit(0); got != 1 {
		t.Errorf("%d of no workers", got)
	}
}
