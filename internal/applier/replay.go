// Package applier brings the changes of the binary log into the shadow table. Replay writes the row images of the
// transactions with N workers, in the order that the source's logical clock demands.
package applier

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/midstreamdb/midstream/internal/adapt"
	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/progress"
	"github.com/midstreamdb/midstream/internal/schedule"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// Config says how to apply.
type Config struct {
	Workers int // 1 is plain serial replay; 0: as many as bring most, which is measured
	// BatchChanges is the most row changes in a batch of several transactions, whatever the number of workers; 0: 500.
	BatchChanges int
	// StatementBytes bounds a statement; a single row may exceed it. It stays below the server's max_allowed_packet.
	StatementBytes int
	// QueueBytes bounds the changes that are held in memory; the stream is slowed down there.
	QueueBytes int64
	// ReconnectTimeout bounds how long a worker tries to come back after its connection was lost.
	ReconnectTimeout time.Duration
}

// batchChanges is the default of Config.BatchChanges: larger ones hide the delay of round trips and commits, and hold their
// locks for longer.
const batchChanges = 500

// Deps are what the applier works with. All but Bound are needed.
type Deps struct {
	Conn    conn.Config
	DB      *sql.DB // with conn.Config.MultiStatements
	Server  *conn.Server
	Mapping *table.Mapping
	Applied *progress.Applied
	Gate    Gate
	// Bound says how many of n workers may be at work at this moment, at least 1; nil: any number. It is called often.
	Bound func(n int) int
}

// Gate holds the workers back.
type Gate interface {
	// Wait returns when applying may go on.
	Wait(ctx context.Context) error
}

// Replay applies transactions by their row images. Feed gives it the stream's items, Run applies them.
type Replay struct {
	toil
	sql *sqlgen.Replay

	serial bool // the ALTER adds a unique key: conflicts that the source's clock does not know
	owed   owed
}

// item is one transaction in the scheduler.
type item struct {
	tx     *binlog.Transaction
	ticket progress.Ticket
}

// NewReplay returns an applier; it does nothing until Run.
func NewReplay(cfg Config, deps Deps) *Replay {
	cfg.BatchChanges = cmp.Or(cfg.BatchChanges, batchChanges)
	return &Replay{
		toil:   newToil(cfg, deps),
		sql:    sqlgen.NewReplay(deps.Mapping, deps.Server),
		serial: len(deps.Mapping.AddedUnique) > 0,
		owed:   owed{rows: map[string]table.Row{}},
	}
}

// errStopped ends the goroutines of a Run that was stopped for ever after a swap.
var errStopped = errors.New("applier stopped")

// Run applies what is fed until ctx ends (its cause is returned), an error stops it, or a hold ends with Stop (nil).
func (r *Replay) Run(ctx context.Context) error {
	defer close(r.ended)
	g, ctx := errgroup.WithContext(ctx)
	workers := adapt.Count(r.cfg.Workers)
	d := &dispatcher{
		Replay:    r,
		scheduler: schedule.New[item](schedule.Config{MaxCost: r.cfg.BatchChanges, Overhead: firstOverhead, Serial: r.serial}),
		work:      make(chan *schedule.Batch[item], workers.Greatest()),
		committed: make(chan *schedule.Batch[item], workers.Greatest()),
		idle:      workers.Greatest(),
		pace:      pace{workers: workers, bound: r.deps.Bound},
	}
	for i := range workers.Greatest() {
		g.Go(func() error {
			if err := r.worker(ctx, d.work, d.committed); err != nil {
				return fmt.Errorf("apply worker %d: %w", i+1, err)
			}
			return nil
		})
	}
	g.Go(func() error { return d.run(ctx) })
	err := g.Wait()
	if errors.Is(err, errStopped) {
		err = nil
	}
	r.deps.Applied.End(err)
	return err
}

// RequireSettled says that the copy is complete and fence was written after its end: from that fence on, a row that a
// unique key of the ALTER refuses is a duplicate of the source, and stops the run.
func (r *Replay) RequireSettled(fence uint64) { r.owed.require(fence) }
