package status

import "time"

// Snapshot is the state of a migration at one moment. Every rendering is made from it alone.
type Snapshot struct {
	At      time.Time
	Started time.Time
	Phase   Phase
	Source  string // schema.table, unquoted
	Server  string // e.g. "MySQL 9.7.4"

	Rows           uint64  // estimated rows of the source
	Copied         uint64  // rows copied
	CopyRate       float64 // rows per second, of the last seconds
	CopyDone       bool
	ETA            time.Duration // until the copy is complete, then until all rows are compared; 0: not known
	ChunkSize      uint64        // rows, now
	CopyWorkers    int           // chunks that may be copied at once now
	Verified       uint64        // rows compared
	VerifyRate     float64       // rows per second, of the last seconds
	Suspects       int           // rows that differed when they were compared, and are looked at again
	VerifyDone     bool          // every row was compared once
	ChangesSeen    uint64        // row changes read from the log
	ChangesApplied uint64
	ApplyRate      float64       // row changes per second, of the last seconds
	Backlog        uint64        // row changes read and not yet applied
	Lag            time.Duration // age of the newest heartbeat that has been applied
	Workers        int           // apply workers that may be busy at once now
	Busy           int           // of them, applying
	MostBusy       int           // of them, applying at once, at most so far
	Waiting        int           // transactions that wait for one they depend on
	Retries        uint64        // of batches and chunks: deadlocks, lock waits, lost connections
	Parallelism    float64       // mean number of transactions that the source's clock let run together; 0: not known

	Throttled string        // the reason, "" when not throttled
	Waits     string        // what the phase waits for, "" for nothing; e.g. "the removal of flag file /tmp/postpone"
	Attempts  int           // cut-over attempts
	Stall     time.Duration // measured stall of the cut-over; 0 before it

	Position string // applied low watermark
}

// Percent returns how much of the table is copied, 0 to 100; the estimate of rows never makes it pass 99.9 before the end.
func (s *Snapshot) Percent() float64 {
	if s.CopyDone {
		return 100
	}
	if s.Rows == 0 {
		return 0
	}
	return min(99.9, 100*float64(s.Copied)/float64(s.Rows))
}
