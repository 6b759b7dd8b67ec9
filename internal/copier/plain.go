package copier

import (
	"context"
	"fmt"
	"math"

	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// Registry makes it safe to read chunks without locks: every change that a chunk does not see makes its row be written again.
type Registry interface {
	// Register puts a chunk in flight: the range up to upper, nil for the last. Chunks are registered in the order of the key.
	Register(ctx context.Context, upper []table.Value) (Flight, error)
	// Adopt takes the keys of a chunk that has ended, to write their rows; the channel is closed when they are in the shadow.
	Adopt(ctx context.Context, keys [][]table.Value) (<-chan struct{}, error)
}

// Flight is a chunk that is being read, or will be.
type Flight interface {
	// Wait returns when the chunk may be read.
	Wait(ctx context.Context) error
	// Ended says that what was read is committed, or certainly never will be.
	Ended(ctx context.Context) error
}

// reading is how chunks read the source.
func (c *Copier) reading() sqlgen.Reading {
	switch {
	case c.deps.Registry != nil:
		return sqlgen.Plain
	case c.config.PassLocked:
		return sqlgen.SkipLocked
	}
	return sqlgen.Locking
}

// copyPlain copies the chunk by one statement, and leaves it to the applier if a unique key refuses a row: that may be an older
// version of another row, which only the applier can tell. So it does if a value is refused and losses are accepted in some
// column: the applier tells them from others, row by row.
func (w *worker) copyPlain(ctx context.Context, t task) error {
	if err := t.flight.Wait(ctx); err != nil {
		return err
	}
	history := w.history()
	for {
		did := outcome{within: t.Range}
		err := w.transact(ctx, func() error { return w.bulk(ctx, &did) })
		if err == nil {
			w.stats.rows.Add(uint64(did.rows))
			w.deps.Chunker.Report(t.Chunk, did.took)
			if err := t.flight.Ended(ctx); err != nil {
				return err
			}
			break
		}
		if conn.IsDuplicate(err) || w.deps.Mapping.Lossy() && refused(err) {
			return w.adopt(ctx, t)
		}
		if _, err := w.retry(ctx, history, err); err != nil {
			return w.locate(ctx, part{t.Range, t.Size}, err)
		}
	}
	w.stats.chunks.Add(1)
	w.copied.Complete(t.Begun)
	return nil
}

// adopt has the applier write the rows of the chunk that the shadow does not have. The worker goes on with other chunks
// meanwhile: the applier may wait for the end of those that are registered.
func (w *worker) adopt(ctx context.Context, t task) error {
	if err := t.flight.Ended(ctx); err != nil {
		return err
	}
	w.stats.retries.Add(1)
	keys, err := w.left(ctx, t)
	if err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	settled, err := w.deps.Registry.Adopt(ctx, keys)
	if err != nil {
		return err
	}
	w.adopted.Go(func() error {
		select {
		case <-settled:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		w.stats.rows.Add(uint64(len(keys)))
		w.stats.chunks.Add(1)
		w.copied.Complete(t.Begun)
		return nil
	})
	return nil
}

// left reads the keys of the chunk that the shadow does not have.
func (w *worker) left(ctx context.Context, t task) (keys [][]table.Value, err error) {
	for history := w.history(); ; {
		err := w.transact(ctx, func() (err error) {
			keys, err = chunk.Keys(ctx, w.session, w.key, w.statements.Left(t.Range, math.MaxInt32))
			return err
		})
		if err == nil {
			return keys, nil
		}
		if _, err := w.retry(ctx, history, err); err != nil {
			return nil, err
		}
	}
}
