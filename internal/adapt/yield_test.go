package adapt_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/midstreamdb/midstream/internal/adapt"
)

// shop is a simulated server of one unit of work a second: an application asks for a share of it, and catches up what it could
// not do; one worker copies in pieces, and takes half of the server while it does.
type shop struct {
	yield           *adapt.Yield
	now             time.Time
	asked           float64 // share of the server
	pending, done   float64 // work of the application
	copied          float64
	working, pauses time.Duration // left of the piece of work, and of the pause
	longest         time.Duration // that nothing was copied
	still           time.Duration
}

func newShop(asked float64) *shop {
	return &shop{yield: adapt.NewYield(), asked: asked, now: time.Now()}
}

const piece = 25 * time.Millisecond

func (s *shop) run(lasting time.Duration, waits bool) {
	const step = 5 * time.Millisecond
	s.pending, s.done, s.copied, s.longest, s.still = 0, 0, 0, 0, 0
	for i := range int(lasting / step) {
		if i%20 == 0 {
			s.yield.Observe(uint64(100_000+s.done*1000), waits, s.now)
		}
		left := step.Seconds()
		if s.pauses > 0 {
			s.pauses -= step
			s.still += step
			s.longest = max(s.longest, s.still)
		} else {
			left, s.copied, s.still = left/2, s.copied+left/2, 0
			if s.working += step; s.working >= piece {
				s.pauses, s.working = s.yield.Pause(s.working, s.now), 0
			}
		}
		s.pending += s.asked * step.Seconds()
		did := min(s.pending, left)
		s.pending -= did
		s.done += did
		s.now = s.now.Add(step)
	}
}

// TestYieldNearCapacity: an application that needs more than copying leaves gets it, and copying goes on.
func TestYieldNearCapacity(t *testing.T) {
	for _, asked := range []float64{0.7, 0.8, 0.9} {
		s := newShop(asked)
		s.run(5*time.Minute, true)
		if kept := s.done / (asked * 300); kept < 0.92 {
			t.Errorf("asked for %.2f, the application got %.2f of it", asked, kept)
		}
		if s.copied < 0.05*300/2 || s.longest > 2*time.Second {
			t.Errorf("asked for %.2f, %.1f s were spent copying; nothing was copied for %s", asked, s.copied, s.longest)
		}
		if !s.yield.Holds() {
			t.Errorf("asked for %.2f, nobody yields", asked)
		}
	}
}

// TestYieldIsNotNeeded: an application that gets what it asks for, one that writes nothing, and one whose commits do not wait
// cost the copy next to nothing.
func TestYieldIsNotNeeded(t *testing.T) {
	for name, c := range map[string]struct {
		asked float64
		waits bool
		least float64 // share of the time that is spent copying
	}{
		"gets it":         {0.4, true, 0.95},
		"writes nothing":  {0, true, 1},
		"commits at once": {0.9, false, 1},
	} {
		s := newShop(c.asked)
		s.run(5*time.Minute, c.waits)
		if got := s.copied / (300 / 2); got < c.least-1e-6 {
			t.Errorf("%s: copying for %.3f of the time", name, got)
		}
	}
	s := newShop(0.9)
	s.run(time.Minute, true)
	s.run(time.Minute, false)
	if s.yield.Holds() {
		t.Error("workers pause though commits do not wait any more")
	}
}

// TestYieldNeverStopsTheCopy whatever is observed: pauses are bounded.
func TestYieldNeverStopsTheCopy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Now()
		y := adapt.NewYield()
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "milliseconds")) * time.Millisecond)
			y.Observe(rapid.Uint64().Draw(t, "written"), rapid.Bool().Draw(t, "waits"), now)
			now = now.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "later")) * time.Millisecond)
			took := time.Duration(rapid.IntRange(0, 1e10).Draw(t, "took"))
			if pause := y.Pause(took, now); pause > time.Second || pause > max(7*took, 600*time.Millisecond) {
				t.Fatalf("a pause of %s after %s", pause, took)
			}
		}
	})
}
