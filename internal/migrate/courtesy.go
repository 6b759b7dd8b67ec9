package migrate

import (
	"time"

	"github.com/midstreamdb/midstream/internal/status"
)

// rateOfChanges tells whether the application writes to the table. One goroutine, that of the heartbeats, owns it.
type rateOfChanges struct {
	seen uint64
	last time.Time // when the number was seen to have risen
}

// recently is how long an application that has written counts as writing.
const recently = time.Second

// observe takes the time that a heartbeat took: its commit waits for the same as the application's. The heartbeats are the
// clock by which the backlog is looked at, too.
func (r *Runner) observe(took time.Duration) {
	now := time.Now()
	if p := r.parts.Load(); p != nil {
		f := p.applier.Figures()
		if f.Seen != r.writes.seen {
			r.writes.seen, r.writes.last = f.Seen, now
		}
		r.budget.Observe(f.Seen, f.Behind, now)
	}
	r.courtesy.Observe(took, now.Sub(r.writes.last) < recently, now)
	r.yield.Observe(r.writes.seen, r.courtesy.Holds(), now)
}

// boundRows says how many of n workers may read rows, nil where the user has said how many.
func (r *Runner) boundRows() func(n int) int {
	if r.cfg.CopyWorkers > 0 {
		return nil
	}
	return func(n int) int { return r.budget.Rows(r.courtesy.Limit(n)) }
}

// pause says how long a copying worker waits after a chunk, nil where the user has said how many work.
func (r *Runner) pause() func(took time.Duration) time.Duration {
	if r.cfg.CopyWorkers > 0 {
		return nil
	}
	return func(took time.Duration) time.Duration { return r.yield.Pause(took, time.Now()) }
}

// holdsBack says what keeps workers from reading rows in a phase, "" for nothing.
func (r *Runner) holdsBack(phase status.Phase) string {
	switch {
	case r.cfg.CopyWorkers > 0 || phase != status.Copy && phase != status.Verify:
		return ""
	case phase == status.Copy && r.yield.Holds():
		return "the application, which writes more while no rows are copied: sessions pause between chunks"
	case r.budget.Holds():
		return "the changes, which come faster than they are applied: fewer sessions read rows"
	case r.courtesy.Holds():
		return "the application's commits, which take longer than on a calm server: fewer sessions read rows"
	}
	return ""
}

// boundChanges says how many of n workers may apply changes, nil where the user has said how many.
func (r *Runner) boundChanges() func(n int) int {
	if r.cfg.Workers > 0 {
		return nil
	}
	return r.budget.Changes
}
