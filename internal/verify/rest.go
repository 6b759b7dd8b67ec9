package verify

import (
	"errors"

	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/progress"
	"github.com/midstreamdb/midstream/internal/table"
)

// Rest is what is left of a comparison: the rows of whatever it does not name were seen equal.
type Rest struct {
	chunk.Rest
	Suspects [][]table.Value // keys of rows that are to be looked at again, wherever they stand
	Rows     uint64          // compared
}

// mostKept is the size, as encoded keys, of the suspects that a Rest holds: it is written every few seconds, in one statement.
const mostKept = 64 << 10

// Rest returns what is left at this moment, nil if that is more than is kept: then all is.
func (v *Verifier) Rest() *Rest {
	rest := &Rest{Rest: *v.compared.Rest(), Rows: v.rows.Load()} // before the suspects, which are noted before a chunk is complete
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.overrun {
		return nil
	}
	size := 0
	for id, s := range v.suspects {
		if size += len(id); size > mostKept {
			return nil
		}
		rest.Suspects = append(rest.Suspects, s.key)
	}
	return rest
}

// resume puts what an earlier run has left before all that will be planned.
func (v *Verifier) resume(rest *Rest) {
	compared, open := progress.NewChunks(&rest.Rest)
	v.compared = compared
	for _, left := range open {
		v.left = append(v.left, stretch{left, mostOfChunk})
	}
	v.suspect(rest.Suspects)
	v.rows.Store(rest.Rows)
	v.begun.Store(rest.After != nil || rest.Ended)
}

// Note has rows compared again that are written to the shadow otherwise than from the source. Any goroutine may call it; it
// does nothing while every row is still to be compared.
func (v *Verifier) Note(keys [][]table.Value) {
	if !v.begun.Load() {
		return
	}
	v.suspect(keys)
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.running && len(v.suspects) > mostSuspects {
		v.overrun, v.suspects = true, map[string]*suspect{}
		v.begun.Store(false)
	}
}

// ErrOverrun is the answer to Run of a Verifier that goes on, when more was written before than it can note: all is to be compared
// anew, by another one.
var ErrOverrun = errors.New("more rows were written since an earlier run compared the tables than are noted")

// start says that Run looks at what is noted from now on.
func (v *Verifier) start() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.overrun {
		return ErrOverrun
	}
	v.running = true
	v.begun.Store(true)
	return nil
}
