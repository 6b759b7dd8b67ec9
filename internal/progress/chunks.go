package progress

import (
	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/sqlgen"
)

// Chunks follows the chunks of one way through a table, which are done in any order, also over several runs. It is safe for
// concurrent use; Begin is for the one goroutine that plans.
type Chunks struct {
	mark *Watermark[*chunk.Chunk] // nil before the first
}

// Begun is a chunk that is to be completed.
type Begun struct {
	chunk.Chunk
	ticket Ticket
}

// NewChunks returns the books, and the chunks that an earlier run has left open. They come before all that will be planned;
// behind them stands, as done, whatever else was planned. rest may be nil: nothing was.
func NewChunks(rest *chunk.Rest) (*Chunks, []Begun) {
	c := &Chunks{mark: NewWatermark[*chunk.Chunk](nil)}
	if rest == nil {
		return c, nil
	}
	var open []Begun
	for i, left := range rest.Open {
		left.ID = uint64(i)
		open = append(open, c.Begin(left))
	}
	if rest.After != nil || rest.Ended {
		c.Complete(c.Begin(chunk.Chunk{Range: sqlgen.Range{Upper: rest.After}}))
	}
	return c, open
}

// Begin adds the next chunk of the plan.
func (c *Chunks) Begin(next chunk.Chunk) Begun { return Begun{next, c.mark.Begin(&next)} }

// Complete says that a chunk is done, for good.
func (c *Chunks) Complete(b Begun) { c.mark.Complete(b.ticket) }

// Rest returns what is left at this moment: whatever it does not name is done.
func (c *Chunks) Rest() *chunk.Rest {
	open, last := c.mark.Open()
	rest := &chunk.Rest{}
	for _, planned := range open {
		rest.Open = append(rest.Open, *planned)
	}
	if last != nil {
		rest.After, rest.Ended = last.Upper, last.Last()
	}
	return rest
}

// All says whether every chunk up to the last of all is done.
func (c *Chunks) All() bool {
	last := c.mark.Low()
	return last != nil && last.Last()
}
