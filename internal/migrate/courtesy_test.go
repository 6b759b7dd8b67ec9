package migrate

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/midstreamdb/midstream/internal/applier"
	"github.com/midstreamdb/midstream/internal/status"
)

// figured is an applier of which only the figures are known.
type figured struct {
	changes
	figures applier.Figures
}

func (f *figured) Figures() applier.Figures { return f.figures }

// perSecond is how many heartbeats there are.
const perSecond = 10

// beats lets n heartbeats pass that took so long; between two of them the application writes so many row changes, and so many of
// these are not applied.
func (f *figured) beats(r *Runner, n int, took time.Duration, written, left uint64) {
	for range n {
		time.Sleep(time.Second / perSecond)
		f.figures.Seen += written
		f.figures.Behind += left
		r.boundRows()(16) // as each worker does before a chunk
		r.observe(took)
	}
}

// sharing is a runner that has measured a calm server, with its applier.
func sharing() (*Runner, *figured) {
	r, f := New(Config{Log: slog.New(slog.DiscardHandler)}), &figured{}
	r.parts.Store(&parts{applier: f})
	f.beats(r, 10*perSecond, time.Millisecond, 0, 0)
	return r, f
}

// mustShare asserts how many of 16 workers may read rows and apply changes, and what is said to hold the first back.
func mustShare(t *testing.T, r *Runner, when string, rows, changes int, reason string) {
	t.Helper()
	if gotRows, gotChanges := r.boundRows()(16), r.boundChanges()(16); gotRows != rows || gotChanges != changes {
		t.Errorf("%s: %d workers for rows and %d for changes, want %d and %d", when, gotRows, gotChanges, rows, changes)
	}
	if got := r.holdsBack(status.Copy); (got == "") != (reason == "") || !strings.Contains(got, reason) {
		t.Errorf("%s: what holds workers back is %q, want %q", when, got, reason)
	}
}

// TestWorkersFollowTheBacklog: where the user has not said how many work, those who read rows give way to a backlog that grows,
// those who apply changes get what they leave, and rows go first again when it is gone.
func TestWorkersFollowTheBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := sharing()
		mustShare(t, r, "nothing is written", 16, 1, "")
		f.beats(r, 10*perSecond, time.Millisecond, 1000, 0)
		mustShare(t, r, "all that is written is applied", 16, 1, "")
		f.beats(r, 10*perSecond, time.Millisecond, 1000, 500)
		mustShare(t, r, "the backlog grows", 1, 16, "the changes")
		f.figures.Behind = 0
		f.beats(r, 300*perSecond, time.Millisecond, 1000, 0)
		mustShare(t, r, "the backlog is gone", 16, 1, "")
	})
}

// TestWorkersGiveWayToTheApplication: they do while its commits take long, and pause between chunks where that is not enough.
func TestWorkersGiveWayToTheApplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, f := sharing()
		f.beats(r, 10*perSecond, time.Millisecond, 1000, 0)
		mustShare(t, r, "commits take no longer than ever", 16, 1, "")
		f.beats(r, 3*perSecond, 50*time.Millisecond, 1000, 0)
		mustShare(t, r, "commits take long", 1, 16, "the application's commits")
		for range 30 * perSecond {
			written := uint64(1000)
			if r.pause()(0) > 0 { // a moment in which nobody copies
				written = 2000
			}
			f.beats(r, 1, 50*time.Millisecond, written, 0)
		}
		mustShare(t, r, "more is written while nobody copies", 1, 16, "sessions pause between chunks")
		if pause := r.pause()(100 * time.Millisecond); pause < 100*time.Millisecond {
			t.Errorf("who copies pauses for %v after 100 ms", pause)
		}
		f.beats(r, 300*perSecond, time.Millisecond, 1000, 0)
		mustShare(t, r, "commits take long no more", 16, 1, "")
		if pause := r.pause()(time.Second); pause != 0 {
			t.Errorf("who copies pauses for %v, though the application's commits do not wait", pause)
		}
	})
}

// TestNumbersOfTheUserStand: what the user has said is not bounded by anything else, and what was not said is.
func TestNumbersOfTheUserStand(t *testing.T) {
	for _, c := range []struct{ copies, applies int }{{0, 0}, {4, 0}, {0, 4}, {4, 4}} {
		r := New(Config{CopyWorkers: c.copies, Workers: c.applies})
		if rows, pauses := r.boundRows() != nil, r.pause() != nil; rows != (c.copies == 0) || pauses != rows {
			t.Errorf("with %d workers that copy they are bounded: %t, and pause: %t", c.copies, rows, pauses)
		}
		if changes := r.boundChanges() != nil; changes != (c.applies == 0) {
			t.Errorf("with %d workers that apply they are bounded: %t", c.applies, changes)
		}
	}
}
