package applier

import (
	"time"

	"github.com/midstreamdb/midstream/internal/adapt"
)

// pace measures, while there is always more to apply, how fast it goes with so many workers at once, and decides how many
// are at work next.
type pace struct {
	workers *adapt.Workers
	bound   func(n int) int // how many of n may be at work; nil: all
	begun   time.Time       // of the measurement; zero: none
	applied int             // row changes since then
}

// measured is how long a measurement lasts: many commits, and not so few that their times vary more than what is sought.
const measured = 100 * time.Millisecond

// limit returns how many are to be at work now.
func (p *pace) limit() int {
	if p.bound == nil {
		return p.workers.Limit()
	}
	return p.bound(p.workers.Limit())
}

// committed notes a batch; more says that others can start at once. What fewer bring than are to be measured tells nothing.
func (p *pace) committed(changes int, more bool, now time.Time) {
	if !more || p.limit() < p.workers.Limit() {
		p.begun = time.Time{}
		return
	}
	if p.begun.IsZero() {
		p.begun, p.applied = now, 0
		return
	}
	p.applied += changes
	if took := now.Sub(p.begun); took >= measured {
		p.workers.Observe(float64(p.applied), took)
		p.begun, p.applied = now, 0
	}
}
