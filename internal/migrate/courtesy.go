package migrate

import "time"

// rateOfChanges tells whether the application writes to the table. One goroutine, that of the heartbeats, owns it.
type rateOfChanges struct {
	seen uint64
	last time.Time // when the number was seen to have risen
}

// recently is how long an application that has written counts as writing.
const recently = time.Second

// observe takes the time that a heartbeat took: its commit waits for the same as the application's.
func (r *Runner) observe(took time.Duration) {
	now := time.Now()
	if p := r.parts.Load(); p != nil {
		if seen := p.applier.Figures().Seen; seen != r.writes.seen {
			r.writes.seen, r.writes.last = seen, now
		}
	}
	r.courtesy.Observe(took, now.Sub(r.writes.last) < recently, now)
}

// bound says how many of n workers may read rows, nil where the user has said how many.
func (r *Runner) bound() func(n int) int {
	if r.cfg.CopyWorkers > 0 {
		return nil
	}
	return r.courtesy.Limit
}
