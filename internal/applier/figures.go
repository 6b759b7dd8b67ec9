package applier

import (
	"time"

	"github.com/midstreamdb/midstream/internal/schedule"
)

// Figures are what the applier shows of itself.
type Figures struct {
	Seen, Applied uint64  // row changes
	Behind        uint64  // row changes read, of which nothing is applied yet
	Retries       uint64  // of batches
	Workers, Busy int     // that may be busy at once now, and are
	MostBusy      int     // workers that were busy at once
	Waiting       int     // transactions that wait for one they depend on
	Parallelism   float64 // transactions that the source's clock let run together, on average; 0: not known yet
}

// Figures returns the present figures.
func (r *toil) Figures() Figures {
	c := &r.counters
	c.mu.Lock()
	defer c.mu.Unlock()
	applied, looked := c.applied.Load(), c.looked.Load() // before seen, which is no less then
	seen := c.seen.Load()
	return Figures{
		Applied:     applied,
		Seen:        seen,
		Behind:      seen - max(applied, looked),
		Retries:     c.retries.Load(),
		Workers:     int(c.workers.Load()),
		Busy:        int(c.busy.Load()),
		MostBusy:    int(c.mostBusy.Load()),
		Waiting:     int(c.waiting.Load()),
		Parallelism: c.figures.Width(),
	}
}

// Predict returns how long one session needs for what has been read and not yet been applied, by the time that batches
// took lately; 0 when nothing is waiting.
func (r *Replay) Predict() time.Duration {
	f := r.Figures()
	if f.Seen == f.Applied {
		return 0
	}
	r.counters.mu.Lock()
	defer r.counters.mu.Unlock()
	most := uint64(r.cfg.BatchChanges)
	batches := (f.Seen - f.Applied + most - 1) / most
	return time.Duration(float64(batches)*r.counters.cost.fixed() + float64(f.Seen-f.Applied)*r.counters.cost.perRow())
}

func (c *counters) setFigures(f schedule.Figures) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.figures = f
}

func (c *counters) observe(took time.Duration, rows int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cost.observe(float64(rows), float64(took))
}

func (c *counters) overhead() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cost.overhead()
}
