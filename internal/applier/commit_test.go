package applier_test

import (
	"bytes"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/midstreamdb/midstream/internal/sandbox/proxy"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// TestConnectionsLostDuringCommit cuts connections at their COMMIT: before it reaches the server, after the server has it,
// and so that the server's session stays. What became of the batch is not known; doing it again gives the same rows, for
// key changes, deletions and values that wander between rows, too.
func TestConnectionsLostDuringCommit(t *testing.T) {
	for name, workers := range map[string]int{"serial": 1, "4 workers": 4} {
		t.Run(name, func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
				through := *s
				p, address := sandboxtest.Proxy(t, s.Server)
				through.Server = address
				h := newHarness(t, &through, workers, plainTable, "")
				var commits, cut [3]atomic.Int64
				verdicts := []proxy.Verdict{proxy.CutBefore, proxy.CutAfter, proxy.Strand}
				p.SetFilter(func(_ proxy.ConnInfo, dir proxy.Direction, packet []byte) proxy.Verdict {
					if dir != proxy.ToServer || !bytes.Contains(packet, []byte("COMMIT")) || commits[0].Add(1)%3 != 0 {
						return proxy.Forward
					}
					i := rand.IntN(len(verdicts))
					cut[i].Add(1)
					return verdicts[i]
				})
				source := newSource(rand.New(rand.NewPCG(3, uint64(workers))))
				for i := range 150 {
					changes, lastCommitted := source.commit(h.number + 1)
					h.mustFeedTransaction(h.next(lastCommitted, changes...))
					if i%3 == 2 { // small batches, and many of them
						h.mustDrain()
					}
				}
				h.mustDrain()
				p.SetFilter(nil)
				h.mustHold(source.rows.lines()...)
				lost := int64(0)
				for i := range cut {
					if cut[i].Load() == 0 {
						t.Errorf("no connection was cut in way %d", i)
					}
					lost += cut[i].Load()
				}
				if retries := int64(h.replay.Figures().Retries); retries < lost {
					t.Errorf("%d retries for %d lost connections", retries, lost)
				}
			})
		})
	}
}
