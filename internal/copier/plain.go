package copier

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// Registry makes it safe to read chunks without locks: every change that a chunk does not see makes its row be written again.
type Registry interface {
	// Register puts a chunk in flight: the range up to upper, nil for the last. Chunks are registered in the order of the key.
	Register(ctx context.Context, upper []table.Value) (Flight, error)
	// Adopt takes keys of a chunk that are not copied otherwise, to write their rows; the channel is closed when they are in the
	// shadow, which may wait for the chunk's end.
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

// flight is a chunk that is copied piece by piece, each in its own transaction: however many rows have come since it was planned,
// nobody waits long for a row of the shadow, or to commit behind it. It is in flight until the last piece is committed.
type flight struct {
	Flight
	planned time.Time
	rest    *sqlgen.Range // still to be copied, nil: nothing; it is the worker's
	// missing counts what is not in the shadow: the rest, as one, and each piece that the applier writes.
	missing atomic.Int64
}

func newFlight(registered Flight, r sqlgen.Range, planned time.Time) *flight {
	f := &flight{Flight: registered, planned: planned, rest: &r}
	f.missing.Store(1)
	return f
}

// fresh is how long a chunk between two keys is taken to have the rows that it was planned for. It is taken by a worker much sooner,
// unless the copying is held back.
const fresh = 30 * time.Second

// piece cuts off what is copied next of the chunk, no more rows than it was planned for, and returns what is left then, nil for
// nothing. A chunk that cannot have become much larger is not measured.
func (w *worker) piece(ctx context.Context, t task) (piece sqlgen.Range, rest *sqlgen.Range, err error) {
	if !t.Last() && time.Since(t.flight.planned) < fresh {
		return *t.flight.rest, nil, nil
	}
	// With an end it comes to one: it does not run after an application that goes on inserting.
	all, err := w.closed(ctx, *t.flight.rest)
	if err != nil {
		return all, nil, err
	}
	upper, err := chunk.Boundary(ctx, w.session, w.key, all, t.Size)
	if err != nil || upper == nil || bytes.Equal(table.AppendKey(nil, upper), table.AppendKey(nil, all.Upper)) {
		return all, nil, err
	}
	return sqlgen.Range{Lower: all.Lower, Upper: upper}, &sqlgen.Range{Lower: upper, Upper: all.Upper}, nil
}

// copyPlain copies the next piece of the chunk by one statement, and leaves it to the applier if a unique key refuses a row: that
// may be an older version of another row, which only the applier can tell. So it does if a value is refused and losses are accepted
// in some column: the applier tells them from others, row by row.
func (w *worker) copyPlain(ctx context.Context, t task) error {
	if err := t.flight.Wait(ctx); err != nil {
		return err
	}
	var did outcome
	var rest *sqlgen.Range
	var err error
	for history := w.history(); ; {
		err = w.transact(ctx, func() (err error) {
			if did.within, rest, err = w.piece(ctx, t); err != nil {
				return err
			}
			return w.bulk(ctx, &did)
		})
		if err == nil || w.isForApplier(err) {
			break
		}
		// What is tried again begins where this did: if it was committed all the same, its rows are in the shadow and stay as they are.
		if _, err := w.retry(ctx, history, err); err != nil {
			return w.locate(ctx, part{did.within, t.Size}, err)
		}
	}
	if t.flight.rest = rest; rest == nil {
		if err := t.flight.Ended(ctx); err != nil {
			return err
		}
	}
	if err != nil {
		if err := w.adopt(ctx, t, did.within); err != nil {
			return err
		}
	} else {
		w.stats.rows.Add(uint64(did.rows))
		w.deps.Chunker.Report(t.Chunk, did.took)
	}
	if rest == nil {
		w.arrived(t)
	}
	return nil
}

// isForApplier says whether the applier may write what was refused.
func (w *worker) isForApplier(err error) bool {
	return conn.IsDuplicate(err) || w.deps.Mapping.Lossy() && refused(err)
}

// arrived notes that a part of the chunk that was missing is in the shadow.
func (w *worker) arrived(t task) {
	if t.flight.missing.Add(-1) == 0 {
		w.complete(t)
	}
}

// adopt has the applier write the rows of a piece that the shadow does not have. The worker goes on meanwhile, with this chunk
// and others: the applier may wait for the end of those that are registered.
func (w *worker) adopt(ctx context.Context, t task, piece sqlgen.Range) error {
	w.stats.retries.Add(1)
	keys, err := w.left(ctx, piece)
	if err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	settled, err := w.deps.Registry.Adopt(ctx, keys)
	if err != nil {
		return err
	}
	t.flight.missing.Add(1)
	w.adopted.Go(func() error {
		select {
		case <-settled:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		w.stats.rows.Add(uint64(len(keys)))
		w.arrived(t)
		return nil
	})
	return nil
}

// left reads the keys of the piece that the shadow does not have.
func (w *worker) left(ctx context.Context, piece sqlgen.Range) (keys [][]table.Value, err error) {
	for history := w.history(); ; {
		err := w.transact(ctx, func() (err error) {
			keys, err = chunk.Keys(ctx, w.session, w.key, w.statements.Left(piece, math.MaxInt32))
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
