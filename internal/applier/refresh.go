package applier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/midstreamdb/midstream/internal/adapt"
	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/epoch"
	"github.com/midstreamdb/midstream/internal/loss"
	"github.com/midstreamdb/midstream/internal/progress"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// Fencer writes fences.
type Fencer interface {
	// Fence writes a fence and returns its value; when it returns, everything that was fed before the call is visible.
	Fence(ctx context.Context) (uint64, error)
}

// Refresh applies transactions by their keys alone, in any order: rows are written from the source, inside the server.
// The package epoch has the rules. Feed gives it the stream's items, whose rows have the columns of the migration key, in its
// order, and no others; Run applies them.
type Refresh struct {
	toil
	fencer Fencer
	sql    *sqlgen.Refresh
	// collision is needed where the ALTER adds a unique key.
	collision *sqlgen.Collision
	key       *sqlgen.Key
	loss      *loss.Explainer
	books     ledger // the dispatcher's
	mostKeys  int    // that are written at once: no more than a statement takes, nor than a commit should

	asks chan func(*refresher)
	// adopts are asked for by copiers; the dispatcher takes them while there is room for keys.
	adopts chan func(*refresher)
}

// Covered is the part of the key that chunks of earlier runs may have copied: beyond it and all chunks that are registered,
// changes may be left to the chunks to come.
type Covered struct {
	UpTo []table.Value // nil: nothing
	All  bool
}

// NewRefresh returns an applier; it does nothing until Run.
func NewRefresh(cfg Config, deps Deps, fencer Fencer, covered Covered) *Refresh {
	return &Refresh{
		toil:      newToil(cfg, deps),
		fencer:    fencer,
		sql:       sqlgen.NewRefresh(deps.Mapping, deps.Server),
		collision: sqlgen.NewCollision(deps.Mapping, deps.Server),
		key:       sqlgen.NewKey(deps.Mapping),
		loss:      loss.New(deps.Mapping, deps.Server),
		books:     newLedger(deps.Mapping, covered),
		mostKeys:  min(sqlgen.MostKeysOf(deps.Mapping), chunk.MostRows(deps.Mapping.Source)),
		asks:      make(chan func(*refresher)),
		adopts:    make(chan func(*refresher)),
	}
}

// Run applies what is fed until ctx ends (its cause is returned), an error stops it, or a hold ends with Stop (nil).
func (r *Refresh) Run(ctx context.Context) error {
	defer close(r.ended)
	g, ctx := errgroup.WithContext(ctx)
	workers := adapt.Count(r.cfg.Workers)
	if r.sql.DeletesFirst() {
		// The locks of deleted and of refused values in the unique key that the ALTER adds make several wait for each other again
		// and again, each with a transaction to do anew: where values are handed around, one gets further than four.
		workers = adapt.Count(1)
	}
	d := newRefresher(r, workers)
	for i := range workers.Greatest() {
		g.Go(func() error {
			if err := r.worker(ctx, d.work, d.results); err != nil {
				return fmt.Errorf("apply worker %d: %w", i+1, err)
			}
			return nil
		})
	}
	g.Go(func() error { return r.writeFences(ctx, d.fences, d.fenced) })
	g.Go(func() error { return d.run(ctx) })
	err := g.Wait()
	if errors.Is(err, errStopped) {
		err = nil
	}
	r.deps.Applied.End(err)
	return err
}

// Predict returns how long one session needs for what has been read and not yet been applied, by the time that batches took
// lately, as if each change were of a row of its own; 0 when nothing is waiting.
func (r *Refresh) Predict() time.Duration {
	f := r.Figures()
	if f.Seen == f.Applied {
		return 0
	}
	r.counters.mu.Lock()
	defer r.counters.mu.Unlock()
	rows := float64(f.Seen - f.Applied)
	return time.Duration((rows/float64(r.mostKeys)+1)*r.counters.cost.fixed() + rows*r.counters.cost.perRow())
}

// writeFences writes the fences that are asked for.
func (r *Refresh) writeFences(ctx context.Context, fences <-chan uint64, fenced chan<- uint64) error {
	for {
		select {
		case number := <-fences:
			if _, err := r.fencer.Fence(ctx); err != nil {
				return err
			}
			fenced <- number
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Chunk is a range of the key that is in flight: read, or about to be.
type Chunk struct {
	r        *Refresh
	flight   epoch.Flight
	readable chan struct{}
}

// Register puts a chunk in flight. Chunks are registered in the order of the key, with their greatest key, nil for the last
// one. Until its end every row that is deleted is looked at twice.
func (r *Refresh) Register(ctx context.Context, upper []table.Value) (*Chunk, error) {
	c := &Chunk{r: r, readable: make(chan struct{})}
	err := r.ask(ctx, func(d *refresher) {
		c.flight = d.books.register(upper)
		d.chunks = append(d.chunks, c)
	})
	return c, err
}

// Wait returns when the chunk may be read by a plain read.
func (c *Chunk) Wait(ctx context.Context) error {
	select {
	case <-c.readable:
		return nil
	case <-c.r.ended:
		return progress.ErrEnded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Ended says that what was read of the chunk is committed, or certainly never will be.
func (c *Chunk) Ended(ctx context.Context) error {
	return c.r.ask(ctx, func(d *refresher) { d.books.Ended(c.flight) })
}

// Adopt takes keys of a chunk that are not copied otherwise, read after it became readable, to be written. The channel is closed once
// they are in the shadow, unless Run ends before. It blocks while there are too many keys already. Whoever has chunks to copy that are
// registered must go on with them meanwhile, with what is left of this one first of all: rows that were deleted are settled only when
// these have ended.
func (r *Refresh) Adopt(ctx context.Context, keys [][]table.Value) (<-chan struct{}, error) {
	a := &adoption{settled: make(chan struct{})}
	return a.settled, r.pass(ctx, r.adopts, func(d *refresher) {
		a.epoch = d.books.adopt(keys)
		d.adoptions = append(d.adoptions, a)
	})
}

// ask has the dispatcher do something, and returns when it has.
func (r *Refresh) ask(ctx context.Context, what func(*refresher)) error {
	return r.pass(ctx, r.asks, what)
}

func (r *Refresh) pass(ctx context.Context, to chan func(*refresher), what func(*refresher)) error {
	done := make(chan struct{})
	select {
	case to <- func(d *refresher) { what(d); close(done) }:
		<-done
		return nil
	case <-r.ended:
		return progress.ErrEnded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
