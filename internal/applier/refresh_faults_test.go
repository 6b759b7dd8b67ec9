package applier_test

import (
	"bytes"
	"sync/atomic"
	"testing"

	"github.com/midstreamdb/midstream/internal/sandbox/proxy"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// TestRefreshLosesConnections cuts the connections of refresh at every kind of statement, before the server has it, after it was
// executed, and so that its session stays with its transaction open. Whatever was at work is ended and done again.
func TestRefreshLosesConnections(t *testing.T) {
	statements := []string{"INSERT INTO", "REPLACE INTO", "DELETE FROM", "START TRANSACTION", "COMMIT", "SELECT COUNT", "SELECT @@warning_count"}
	for name, verdict := range map[string]proxy.Verdict{"before": proxy.CutBefore, "after": proxy.CutAfter, "stranded": proxy.Strand} {
		t.Run(name, func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
				for way, definition := range uniqueTables {
					own := sandboxtest.NewSchema(t, s.Server)
					p, address := sandboxtest.Proxy(t, s.Server)
					var met, cuts atomic.Int64
					seen := make([]atomic.Int64, len(statements))
					p.SetFilter(func(_ proxy.ConnInfo, dir proxy.Direction, packet []byte) proxy.Verdict {
						for i, statement := range statements {
							if dir == proxy.ToServer && len(packet) > 1 && bytes.HasPrefix(packet[1:], []byte(statement)) {
								switch seen[i].Add(1) {
								case 1:
									met.Add(1)
									fallthrough
								case 3:
									cuts.Add(1)
									return verdict
								}
							}
						}
						return proxy.Forward
					})
					r := mustRefresh(t, own, definition[0], definition[1], "('a', 1, 10), ('b', 2, 20), ('c', 3, 30), ('D', 4, 40)",
						func(r *refreshing) { r.conn.Port = address.Port })
					for _, statement := range exchanges {
						own.MustExec("BEGIN; " + statement + "; COMMIT")
						r.mustMatch()
					}
					if retries := r.refresh.Figures().Retries; met.Load() < 3 || int64(retries) < cuts.Load() {
						t.Errorf("%s: %d kinds of statements were cut, %d in all, and %d times something was done again", way, met.Load(), cuts.Load(), retries)
					}
				}
			})
		})
	}
}
