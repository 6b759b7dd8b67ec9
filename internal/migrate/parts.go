package migrate

import (
	"database/sql"
	"sync/atomic"
	"time"

	"github.com/midstreamdb/midstream/internal/applier"
	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/copier"
	"github.com/midstreamdb/midstream/internal/progress"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/throttle"
	"github.com/midstreamdb/midstream/internal/verify"
)

// parts are what works on the rows, once the shadow table exists.
type parts struct {
	applyDB   *sql.DB // takes several statements in one call
	applied   *progress.Applied
	xaCommits *binlog.XACommits
	applier   changes
	replay    *applier.Replay // nil: not by replay
	columns   []int           // ordinals of the columns that the applier needs of changes; nil: all
	chunker   *chunk.Chunker
	copier    *copier.Copier
	gate      *throttle.Gate
	copyDone  atomic.Bool
	verifier  atomic.Pointer[verify.Verifier] // nil: nothing is compared, or not yet
}

// verified says, for the summary, what was compared.
func (p *parts) verified() string {
	if v := p.verifier.Load(); v != nil {
		return status.Count(v.Stats().Rows) + " rows, all equal"
	}
	return "not compared, by --verify=off"
}

// fill adds the figures of the parts to a snapshot.
func (p *parts) fill(s *status.Snapshot) {
	copied := p.copier.Stats()
	s.Copied, s.ChunkSize, s.CopyWorkers, s.CopyDone = copied.Rows, uint64(p.chunker.Size()), copied.Workers, p.copyDone.Load()
	f := p.applier.Figures()
	s.ChangesSeen, s.ChangesApplied, s.Backlog = f.Seen, f.Applied, f.Seen-f.Applied
	s.Workers, s.Busy, s.MostBusy, s.Waiting, s.Parallelism = f.Workers, f.Busy, f.MostBusy, f.Waiting, f.Parallelism
	s.Retries = f.Retries + copied.Retries
	s.Throttled = p.gate.Reason()
	if waits := p.xaCommits.Waits(); waits != "" {
		s.Waits = waits // everything else waits for this
	}
	if v := p.verifier.Load(); v != nil {
		stats := v.Stats()
		s.Verified, s.Suspects, s.VerifyDone = stats.Rows, stats.Suspects, stats.Done
	}
	low := p.applied.Low()
	s.Position = low.Position.String()
	if !low.Heartbeat.IsZero() {
		s.Lag = max(0, time.Since(low.Heartbeat))
	}
}
