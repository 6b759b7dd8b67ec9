// Package verify shows that the shadow has the source's rows, every value exactly, while both are in use. It locks nothing:
// a chunk is compared inside the server as of one moment, and a row that differs is looked at again after all that was
// committed before has been applied. Only a row that stays as it is and still differs is a defect.
package verify

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/progress"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// Config says how to verify.
type Config struct {
	Workers          int // chunks compared at once, at least 1
	ReconnectTimeout time.Duration
	LastLook         time.Duration // that Last may take for more rows than a few
	Scratch          table.Name    // of the temporary table that converted rows are compared in
	Rest             *Rest         // what an earlier run has left, nil: everything; the chunker plans what follows it
}

// Deps are what a Verifier works with. All are needed.
type Deps struct {
	DB      *sql.DB // with the session settings of conn.Open
	Mapping *table.Mapping
	Chunker Chunker
	Gate    Gate
	Settler Settler
	// Bound says how many of n workers may be at work at this moment, at least 1; nil: any number. It is called often.
	Bound func(n int) int
	Log   *slog.Logger
}

// Chunker plans the chunks.
type Chunker interface {
	// Next returns the next chunk, or false behind the last. It may be called again after an error.
	Next(ctx context.Context) (chunk.Chunk, bool, error)
	// Report says how long the statement took that compared a chunk. It is called by several goroutines.
	Report(c chunk.Chunk, took time.Duration)
}

// Gate holds the comparing back.
type Gate interface {
	// Wait returns when it may go on.
	Wait(ctx context.Context) error
}

// Settler knows how far the changes of the source have been applied.
type Settler interface {
	// Settle returns when everything that was committed at the source before the call has been applied to the shadow.
	Settle(ctx context.Context) error
}

// Verifier compares the tables once.
type Verifier struct {
	cfg  Config
	deps Deps
	sql  *sqlgen.Verify
	key  *sqlgen.Key
	most int // keys of a statement

	compared *progress.Chunks
	left     []stretch // of an earlier run; they are compared first

	mu       sync.Mutex
	suspects map[string]*suspect // by encoded key
	again    []stretch           // in which more rows differed than are suspects of it
	running  bool                // Run has begun
	overrun  bool                // more was noted before than is kept

	rows, looks atomic.Uint64
	perRow      atomic.Int64 // nanoseconds that a look takes for a row
	begun, done atomic.Bool  // begun: some rows were compared
}

// stretch is a chunk to be compared, of whose rows so many become suspects at once.
type stretch struct {
	progress.Begun
	most int
}

// Stats are the figures of the verification so far.
type Stats struct {
	Rows     uint64 // of the source, compared
	Suspects int    // rows that differed and have not been seen equal since
	Looks    uint64 // rows that were looked at again
	Done     bool   // every chunk was compared
}

// New returns a Verifier; it does nothing until Run.
func New(cfg Config, deps Deps) *Verifier {
	v := &Verifier{
		cfg: cfg, deps: deps, sql: sqlgen.NewVerify(deps.Mapping, cfg.Scratch), key: sqlgen.NewKey(deps.Mapping),
		most:     sqlgen.MostKeysOf(deps.Mapping),
		suspects: map[string]*suspect{},
	}
	v.resume(cmp.Or(cfg.Rest, &Rest{}))
	return v
}

// Stats returns the figures. Any goroutine may ask.
func (v *Verifier) Stats() Stats {
	v.mu.Lock()
	defer v.mu.Unlock()
	return Stats{Rows: v.rows.Load(), Suspects: len(v.suspects), Looks: v.looks.Load(), Done: v.done.Load()}
}

// Run compares all rows. It returns nil when all were seen equal but for as many as Bears, which go on changing and are left to
// Last; a *DefectError when a row differs for good; ErrOverrun. It blocks, and ends with ctx.
func (v *Verifier) Run(ctx context.Context) error {
	if err := v.start(); err != nil {
		return err
	}
	if err := v.deps.Settler.Settle(ctx); err != nil { // of what was written before, nothing is noted
		return err
	}
	if err := v.compareAll(ctx, list(v.left)); err != nil {
		return err
	}
	if err := v.compareAll(ctx, v.planned); err != nil {
		return err
	}
	v.done.Store(true)
	for {
		if err := v.settle(ctx); err != nil {
			return err
		}
		left := v.takeAgain()
		if len(left) == 0 && v.compared.All() {
			return nil
		}
		if len(left) == 0 {
			return fmt.Errorf("compare %s: not every chunk was compared, and no error says why", v.deps.Mapping.Source.Name)
		}
		if err := v.compareAll(ctx, list(left)); err != nil {
			return err
		}
	}
}

// planned hands out the chunks of the table.
func (v *Verifier) planned(ctx context.Context) (stretch, bool, error) {
	c, more, err := v.deps.Chunker.Next(ctx)
	if err != nil || !more {
		return stretch{}, false, err
	}
	return stretch{v.compared.Begin(c), mostOfChunk}, true, nil
}

// list hands out the stretches one after the other.
func list(stretches []stretch) func(context.Context) (stretch, bool, error) {
	return func(context.Context) (stretch, bool, error) {
		if len(stretches) == 0 {
			return stretch{}, false, nil
		}
		next := stretches[0]
		stretches = stretches[1:]
		return next, true, nil
	}
}

func (v *Verifier) takeAgain() []stretch {
	v.mu.Lock()
	defer v.mu.Unlock()
	again := v.again
	v.again = nil
	return again
}

// wait holds a worker back while the application bears fewer, and there is more to do.
func (v *Verifier) wait(ctx context.Context, number int) {
	for v.deps.Bound != nil && v.deps.Bound(max(v.cfg.Workers, 1)) <= number {
		if conn.Pause(ctx, boundPause) != nil {
			return
		}
	}
}

// boundPause is the time between two questions whether one more worker is borne.
const boundPause = 50 * time.Millisecond

// compareAll compares the stretches with all workers, and looks at suspects again meanwhile.
func (v *Verifier) compareAll(ctx context.Context, next func(context.Context) (stretch, bool, error)) error {
	g, ctx := errgroup.WithContext(ctx)
	comparing, done := context.WithCancel(ctx)
	g.Go(func() error { return v.lookMeanwhile(ctx, comparing) })
	g.Go(func() error {
		defer done()
		return v.compareChunks(ctx, next)
	})
	return g.Wait()
}

func (v *Verifier) compareChunks(ctx context.Context, next func(context.Context) (stretch, bool, error)) error {
	g, ctx := errgroup.WithContext(ctx)
	chunks := make(chan stretch)
	planned, all := context.WithCancel(ctx)
	g.Go(func() error {
		defer close(chunks)
		defer all()
		for {
			for v.Stats().Suspects > mostSuspects {
				if err := conn.Pause(ctx, boundPause); err != nil {
					return context.Cause(ctx)
				}
			}
			var c stretch
			var more bool
			err := v.retry(ctx, nil, func() (err error) { c, more, err = next(ctx); return err })
			if err != nil || !more {
				return err
			}
			select {
			case chunks <- c:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	})
	for number := range max(v.cfg.Workers, 1) {
		g.Go(func() error {
			var s session
			defer s.close()
			for {
				v.wait(planned, number)
				c, more := <-chunks
				if !more {
					return nil
				}
				if err := v.compare(ctx, &s, c); err != nil {
					return err
				}
			}
		})
	}
	return g.Wait()
}
