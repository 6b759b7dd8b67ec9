package migrate

import (
	"fmt"
	"sync"
	"time"

	"github.com/midstreamdb/midstream/internal/checkpoint"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/cutover"
	"github.com/midstreamdb/midstream/internal/progress"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// view is what the runner shows of itself; any goroutine may look.
type view struct {
	mu      sync.Mutex
	phase   status.Phase
	source  string
	server  string
	started time.Time
	rows    uint64 // estimate
	waits   string
	builds  time.Time        // when the building of indexes began that is waited for; zero: none is
	cutover *cutover.Cutover // nil before its phase
	stall   time.Duration
	before  figures // of earlier runs

	copied, verified, applied progress.Rate
}

// figures are what earlier runs have done.
type figures struct{ rows, changes, retries uint64 }

// now returns the phase under way.
func (v *view) now() status.Phase {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.phase
}

// resumed adds what earlier runs have done to all that is shown.
func (v *view) resumed(r *checkpoint.Record) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.before = figures{rows: r.Rows, changes: r.Changes, retries: r.Retries}
}

func (v *view) begin(r *Runner) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.source, v.started = r.cfg.Database+"."+r.cfg.Table, r.started
}

func (v *view) enter(p status.Phase) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.phase, v.waits, v.builds = p, "", time.Time{}
}

func (v *view) waitFor(what string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.waits, v.builds = what, time.Time{}
}

// building shows that the server builds indexes, and for how long.
func (v *view) building(names string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.waits, v.builds = "the server, which builds "+names, time.Now()
}

func (v *view) found(s *conn.Server, t *table.Table) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.server, v.rows = s.String(), t.EstimatedRows
}

func (v *view) cuttingOver(c *cutover.Cutover) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.cutover = c
}

func (v *view) swapped(r cutover.Result) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.stall = r.Stall()
}

// Snapshot returns the state of the migration at this moment. It may be called at any time, by any goroutine.
func (r *Runner) Snapshot() status.Snapshot {
	v := &r.view
	v.mu.Lock()
	s := status.Snapshot{
		At: time.Now(), Started: v.started, Phase: v.phase, Source: v.source, Server: v.server,
		Rows: v.rows, Waits: v.waits, Stall: v.stall,
	}
	if v.cutover != nil {
		state := v.cutover.State()
		s.Attempts, s.Waits = state.Attempts, state.Waits
	}
	if !v.builds.IsZero() {
		s.Waits += fmt.Sprintf(", for %s", time.Since(v.builds).Round(time.Second))
	}
	before := v.before
	v.mu.Unlock()
	if s.Waits == "" {
		s.Waits = r.holdsBack(s.Phase)
	}
	if p := r.parts.Load(); p != nil {
		p.fill(&s)
		s.Copied += before.rows
		s.ChangesSeen += before.changes
		s.ChangesApplied += before.changes
		s.Retries += before.retries
		v.copied.Observe(s.At, s.Copied)
		v.applied.Observe(s.At, s.ChangesApplied)
		s.CopyRate, s.ApplyRate = v.copied.PerSecond(), v.applied.PerSecond()
		v.verified.Observe(s.At, s.Verified)
		s.VerifyRate = v.verified.PerSecond()
		done, rate := s.Copied, s.CopyRate
		if s.CopyDone {
			done, rate = s.Verified, s.VerifyRate
		}
		if rate > 0 && s.Rows > done && !(s.CopyDone && s.VerifyDone) {
			s.ETA = time.Duration(float64(s.Rows-done) / rate * float64(time.Second))
		}
	}
	return s
}
