package copier_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/chunk/chunktest"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/copier"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// gateAfter lets some chunks through, and then ends the copying as a crash would.
type gateAfter struct{ left atomic.Int64 }

var errCrash = errors.New("crash")

func (g *gateAfter) Wait(context.Context) error {
	if g.left.Add(-1) < 0 {
		return errCrash
	}
	return nil
}

// TestRestOfACopy ends the copying again and again after some chunks and goes on with the rest, with dense, sparse, collated
// and composite keys: in the end nothing is missing.
func TestRestOfACopy(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		for _, name := range []string{chunktest.Dense, chunktest.Sparse, "utf8mb4 unicode", "mixed directions"} {
			var shape chunktest.Shape
			for _, candidate := range chunktest.Shapes {
				if candidate.Name == name {
					shape = candidate
				}
			}
			t.Run(name, func(t *testing.T) {
				table := "r" + string(rune('a'+len(name)%26))
				m := shape.Create(t, s, table, 400)
				db, err := conn.Open(chunktest.Config(s), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				rest := &chunk.Rest{}
				for runs := 0; ; runs++ {
					if runs > 200 {
						t.Fatal("the copy comes to no end")
					}
					r := mustRig(t, s, m, 9)
					gate := &gateAfter{}
					gate.left.Store(rand.Int64N(12))
					r.config.Rest, r.deps.Gate = rest, gate
					r.deps.Chunker = chunk.New(chunk.Config{Rows: 9, Rest: rest}, db, m)
					c := copier.New(r.config, r.deps)
					err := c.Run(t.Context())
					rest = c.Rest()
					if err == nil {
						break
					}
					if !errors.Is(err, errCrash) {
						t.Fatal(err)
					}
				}
				if len(rest.Open) > 0 || !rest.Ended {
					t.Errorf("at the end %d chunks are open", len(rest.Open))
				}
				mustEqual(t, s, table)
			})
		}
	})
}
