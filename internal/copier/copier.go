// Package copier brings the rows of the source into the shadow, chunk by chunk, while the source is in use. It copies
// what the shadow does not have yet and never changes a row that it has: what changes meanwhile is the applier's.
package copier

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/loss"
	"github.com/midstreamdb/midstream/internal/progress"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// Config says how to copy.
type Config struct {
	Workers int // chunks copied at once; 0: as many as bring most, which is measured
	Retries int // per chunk; 0: DefaultRetries
	// Rest is what an earlier run has left to copy, nil: everything. The chunker plans what follows it.
	Rest *chunk.Rest
	// PassLocked lets a chunk leave out the rows that others have locked, which are then copied one by one: nobody waits
	// for a chunk that waits. It needs all that stands in the log before the stream's start to be visible: a row that is
	// inserted and not visible is passed over, and must come through the stream.
	PassLocked bool
}

// DefaultRetries is the default of Config.Retries.
const DefaultRetries = 60

// Deps are what a Copier works with. Those that are functions may be nil.
type Deps struct {
	Conn    conn.Config
	Server  *conn.Server
	Mapping *table.Mapping
	Chunker Chunker
	Gate    Gate
	Settler Settler
	// Registry has chunks read without locks; nil: they lock the rows that they read, and the Registry is not needed.
	Registry Registry
	// Bound says how many of n workers may be at work at this moment, at least 1; nil: any number. It is called often.
	Bound func(n int) int
	// Pause says how long a worker should wait after a chunk that took so long; nil: not at all.
	Pause func(took time.Duration) time.Duration
	Log   *slog.Logger
}

// Chunker plans the chunks.
type Chunker interface {
	// Next returns the next chunk, or false behind the last. It may be called again after an error.
	Next(ctx context.Context) (chunk.Chunk, bool, error)
	// Report says how long the statement took that copied a chunk. It is called by several goroutines.
	Report(c chunk.Chunk, took time.Duration)
}

// Gate holds the copying back.
type Gate interface {
	// Wait returns when copying may go on.
	Wait(ctx context.Context) error
}

// Settler knows how far the changes of the source have been applied.
type Settler interface {
	// Settle returns when everything that was committed at the source before the call has been applied to the shadow.
	Settle(ctx context.Context) error
}

// Copier copies the source once.
type Copier struct {
	config     Config
	deps       Deps
	key        *sqlgen.Key
	loss       *loss.Explainer
	statements *sqlgen.Copy
	copied     *progress.Chunks
	open       []progress.Begun // of an earlier run; they are copied first
	pool       *pool
	stats      stats
}

type stats struct {
	rows, chunks, retries atomic.Uint64
}

// Stats are the figures of the copying so far.
type Stats struct {
	Rows    uint64 // rows inserted into the shadow by committed chunks
	Chunks  uint64 // committed chunks
	Retries uint64 // chunks begun again after a lock, a duplicate or a lost connection
	Workers int    // chunks that may be copied at once now
}

// New returns a Copier.
func New(c Config, d Deps) *Copier {
	c.Retries = cmp.Or(c.Retries, DefaultRetries)
	copier := &Copier{
		config: c, deps: d,
		key:        sqlgen.NewKey(d.Mapping),
		statements: sqlgen.NewCopy(d.Mapping, d.Server),
		loss:       loss.New(d.Mapping, d.Server),
		pool:       newPool(c.Workers),
	}
	copier.pool.bound = d.Bound
	copier.copied, copier.open = progress.NewChunks(c.Rest)
	return copier
}

// Rest returns what is left to copy at this moment: whatever it does not name is committed.
func (c *Copier) Rest() *chunk.Rest { return c.copied.Rest() }

// Stats returns the figures; it may be called at any time.
func (c *Copier) Stats() Stats {
	return Stats{Rows: c.stats.rows.Load(), Chunks: c.stats.chunks.Load(), Retries: c.stats.retries.Load(), Workers: c.pool.limit()}
}

// settings are those of the sessions that copy: a lock that is not had soon is better waited for without holding others.
var settings = conn.Settings{"innodb_lock_wait_timeout": "1"}

// Run copies everything and returns when every chunk is committed, or with the first error. When it returns no statement
// of its sessions runs any more, unless the server could not be asked: that is logged.
func (c *Copier) Run(ctx context.Context) (err error) {
	db, err := conn.Open(c.deps.Conn, settings)
	if err != nil {
		return fmt.Errorf("copy %s: %w", c.deps.Mapping.Source.Name, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := c.boundWorkers(ctx, db); err != nil {
		return fmt.Errorf("copy %s: %w", c.deps.Mapping.Source.Name, err)
	}
	workers := c.pool.workers.Greatest()
	planned := make(chan task, workers)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(planned)
		return c.plan(ctx, planned)
	})
	for range workers {
		w := &worker{Copier: c, db: db, adopted: g}
		g.Go(func() error {
			defer w.leave(ctx)
			return w.run(ctx, planned)
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("copy %s: %w", c.deps.Mapping.Source.Name, err)
	}
	if !c.copied.All() {
		return fmt.Errorf("copy %s: not every chunk was copied, and no error says why", c.deps.Mapping.Source.Name)
	}
	return nil
}

// boundWorkers sees to it that one chunk is copied at a time where a bulk insert keeps all others from the table's
// AUTO_INCREMENT until it ends (MariaDB's default), as more would only wait and hold their locks meanwhile.
func (c *Copier) boundWorkers(ctx context.Context, db *sql.DB) error {
	counted := func(column table.Column) bool { return column.AutoIncrement }
	if c.config.Workers == 1 || !slices.ContainsFunc(c.deps.Mapping.Shadow.Columns, counted) {
		return nil
	}
	var mode int
	if err := db.QueryRowContext(ctx, `SELECT @@innodb_autoinc_lock_mode`).Scan(&mode); err != nil {
		return fmt.Errorf("ask for innodb_autoinc_lock_mode: %w", err)
	}
	if mode == 2 {
		return nil
	}
	c.deps.Log.Info("copying with one worker", "reason", "AUTO_INCREMENT is locked by each insert", "innodb_autoinc_lock_mode", mode)
	c.pool.one()
	return nil
}

// task is a planned chunk.
type task struct {
	progress.Begun
	flight *flight // nil: it is read with locks
}

// plan feeds the workers, a few chunks ahead of them.
func (c *Copier) plan(ctx context.Context, planned chan<- task) error {
	for _, left := range c.open {
		if err := c.send(ctx, planned, left, time.Time{}); err != nil {
			return err
		}
	}
	for {
		next, ok, err := c.next(ctx)
		if err != nil || !ok {
			return err
		}
		if err := c.send(ctx, planned, c.copied.Begin(next), time.Now()); err != nil {
			return err
		}
	}
}

// send gives a chunk to the workers that was planned at some time, zero: by an earlier run. One that is read without locks is
// registered before, ahead of its turn.
func (c *Copier) send(ctx context.Context, planned chan<- task, begun progress.Begun, at time.Time) error {
	t := task{Begun: begun}
	if c.deps.Registry != nil {
		registered, err := c.deps.Registry.Register(ctx, t.Upper)
		if err != nil {
			return err
		}
		t.flight = newFlight(registered, t.Range, at)
	}
	select {
	case planned <- t:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// next plans a chunk; it only reads, so that whatever fails for a while is simply asked again.
func (c *Copier) next(ctx context.Context) (chunk.Chunk, bool, error) {
	for tries := 0; ; tries++ {
		next, ok, err := c.deps.Chunker.Next(ctx)
		passing := conn.IsConnectionLost(err) || conn.IsLockWait(err) || conn.IsInterrupted(err)
		if err == nil || !passing || tries >= c.config.Retries {
			return next, ok, err
		}
		if err := conn.Pause(ctx, backOff(tries, slowest)); err != nil {
			return chunk.Chunk{}, false, err
		}
	}
}
