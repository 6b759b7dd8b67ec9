// Package chunk splits the migration key's order into chunks: ranges that follow one another without gap or overlap, from
// the open end before the first row to the open end after the last. It reads keys of the source and changes nothing.
package chunk

import (
	"context"
	"fmt"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// Chunk is a range of the migration key that is copied at once.
type Chunk struct {
	ID uint64 // from 0, without gaps, in the order of the key; those of a Rest come first
	sqlgen.Range
	Size int // rows it was planned for; it may hold fewer, and more that came since
}

// Last says whether no chunk follows: it has no upper end.
func (c Chunk) Last() bool { return c.Upper == nil }

// Config says how large chunks are.
type Config struct {
	// Target is how long copying a chunk is to take; the size follows what was reported. 0: DefaultTarget.
	Target time.Duration
	// Shortened returns the part of Target that a chunk may take at this moment; nil: all of it.
	Shortened func(time.Duration) time.Duration
	// Rows fixes the size; 0 adapts it.
	Rows int
	// Rest is what an earlier run has left; nil: nothing was planned. Only what follows is planned.
	Rest *Rest
}

// Rest is what is left of a plan: the chunks that were planned and are not copied, and all that follows After.
type Rest struct {
	Open  []Chunk
	After []table.Value // upper end of the last chunk planned; nil: none was, or it was the last of all
	Ended bool          // the last chunk of all was planned: nothing follows
}

// DefaultTarget is the time that a chunk takes unless told otherwise.
const DefaultTarget = 100 * time.Millisecond

// Chunker plans chunks ahead of their copying. Next is for one goroutine; Report and Size are for any.
type Chunker struct {
	source conn.Querier
	key    *sqlgen.Key
	rows   uint64 // the server's estimate
	size   *Sizer

	begun  bool
	next   uint64        // id of the next chunk
	lower  []table.Value // upper end of the chunk before it
	ended  bool
	reckon *reckoner // nil: boundaries are read
}

// New returns a Chunker for the migration key of the mapping that reads through source.
func New(c Config, source conn.Querier, m *table.Mapping) *Chunker {
	chunker := &Chunker{
		source: source, key: sqlgen.NewKey(m), rows: m.Source.EstimatedRows,
		size: NewSizer(c, m.Source),
	}
	if c.Rest != nil {
		chunker.next, chunker.lower, chunker.ended = uint64(len(c.Rest.Open)), c.Rest.After, c.Rest.Ended
	}
	return chunker
}

// Next returns the next chunk, or false when the last one was returned. After an error nothing has changed, and Next may
// be called again.
func (c *Chunker) Next(ctx context.Context) (Chunk, bool, error) {
	if c.ended {
		return Chunk{}, false, nil
	}
	if !c.begun {
		if err := c.begin(ctx); err != nil {
			return Chunk{}, false, err
		}
		c.begun = true
	}
	size := c.size.Rows()
	upper, err := c.boundary(ctx, size)
	if err != nil {
		return Chunk{}, false, fmt.Errorf("plan chunk %d: %w", c.next, err)
	}
	chunk := Chunk{ID: c.next, Range: sqlgen.Range{Lower: c.lower, Upper: upper}, Size: size}
	c.next, c.lower, c.ended = c.next+1, upper, upper == nil
	return chunk, true, nil
}

// Report says how long the statement that copied a chunk took.
func (c *Chunker) Report(chunk Chunk, took time.Duration) { c.size.Report(chunk.Size, took) }

// Size returns the rows of the next chunk.
func (c *Chunker) Size() int { return c.size.Rows() }

// boundary returns the upper end of a chunk of size rows, nil for the last one. Beyond the greatest key of the beginning
// keys are always read: what was inserted meanwhile is too much for one chunk.
func (c *Chunker) boundary(ctx context.Context, size int) ([]table.Value, error) {
	if c.reckon != nil {
		if upper, ok := c.reckon.upper(size); ok {
			return []table.Value{upper}, nil
		}
		c.reckon = nil
	}
	return Boundary(ctx, c.source, c.key, sqlgen.Range{Lower: c.lower}, size)
}

// begin decides whether boundaries can be reckoned.
func (c *Chunker) begin(ctx context.Context) error {
	column := c.key.Dense()
	if column == nil {
		return nil
	}
	var least, greatest []byte
	if err := c.source.QueryRowContext(ctx, c.key.Ends()).Scan(&least, &greatest); err != nil {
		return fmt.Errorf("read the ends of the migration key: %w", err)
	}
	if least == nil || greatest == nil {
		return nil
	}
	ends := make([]table.Value, 2)
	for i, text := range [][]byte{least, greatest} {
		v, err := c.key.ParseKey([][]byte{text})
		if err != nil {
			return err
		}
		ends[i] = v[0]
	}
	if c.reckon = newReckoner(ends[0], ends[1], c.rows); c.reckon != nil && c.lower != nil && !c.reckon.after(c.lower[0]) {
		c.reckon = nil
	}
	return nil
}
