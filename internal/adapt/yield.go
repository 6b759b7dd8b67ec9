package adapt

import (
	"sync"
	"time"
)

// Yield finds out whether the application writes less because rows are copied, which near the server's capacity even one
// worker brings about: now and then nobody copies for a moment, and if more is written in that moment than before, workers
// pause after each piece of work from then on, the longer the more often that is found. Any goroutine may use it.
type Yield struct {
	mu      sync.Mutex
	share   int           // a pause lasts so many times as long as the work before it
	every   time.Duration // between two moments
	resting bool          // nobody copies
	since   time.Time     // the beginning of what is measured now, work or rest
	written uint64        // changes, at that time
	working float64       // changes a second, the last time that rows were copied
}

const (
	// A moment without copying lasts for rest; measured counts of it, for workers end their pieces first and come back late.
	rest     = 600 * time.Millisecond
	measured = 400 * time.Millisecond
	// The time between two moments, at first and at most.
	firstWork = 4 * time.Second
	lastWork  = 30 * time.Second
	// noticeably is how much more must be written for it to count.
	noticeably = 1.1
	// mostShare and longestPause bound the pauses: copying always goes on.
	mostShare    = 7
	longestPause = time.Second
)

// NewYield returns a Yield that lets workers work on.
func NewYield() *Yield { return &Yield{every: firstWork} }

// Observe says how many row changes the application has written so far, and whether its commits wait: while they do not, or it
// writes nothing, no pause is needed.
func (y *Yield) Observe(written uint64, waits bool, now time.Time) {
	y.mu.Lock()
	defer y.mu.Unlock()
	lasted := now.Sub(y.since)
	rate := float64(written-min(y.written, written)) / lasted.Seconds()
	switch {
	case y.since.IsZero() || !waits:
		y.resting, y.share, y.every = false, 0, firstWork
		if y.since.IsZero() || lasted >= firstWork {
			y.since, y.written = now, written
		}
	case y.resting && lasted >= measured:
		y.judge(rate)
		y.resting, y.since, y.written = false, now, written
	case !y.resting && lasted >= y.every:
		y.working = rate
		y.resting, y.since, y.written = rate > 0, now, written
	}
}

// judge compares what was written while nobody copied with what was before.
func (y *Yield) judge(resting float64) {
	if resting > noticeably*y.working {
		y.share, y.every = min(2*y.share+1, mostShare), firstWork
		return
	}
	y.share, y.every = max(y.share-1, 0), min(2*y.every, lastWork)
}

// Pause returns how long a worker should wait after a piece of work that took so long.
func (y *Yield) Pause(took time.Duration, now time.Time) time.Duration {
	y.mu.Lock()
	defer y.mu.Unlock()
	pause := min(time.Duration(y.share)*took, longestPause)
	if y.resting {
		pause = max(pause, rest-now.Sub(y.since))
	}
	return pause
}

// Holds says whether workers pause.
func (y *Yield) Holds() bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.share > 0
}
