package copier_test

import (
	"bytes"
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/chunk/chunktest"
	"github.com/midstreamdb/midstream/internal/sandbox/proxy"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// TestLostConnections cuts the copier's connections at every kind of packet, some so that the server does not notice. The
// copy is whole in the end, and no statement was still running when its range was copied again.
func TestLostConnections(t *testing.T) {
	statements := []string{"INSERT INTO", "COMMIT", "START TRANSACTION", "SELECT @@warning_count", "SELECT CONNECTION_ID"}
	for name, verdict := range map[string]proxy.Verdict{"before": proxy.CutBefore, "after": proxy.CutAfter, "stranded": proxy.Strand} {
		t.Run(name, func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
				r := mustRig(t, s, chunktest.Find(chunktest.Dense).Create(t, s, "t", 600), 20)
				p := mustProxy(t, s)
				r.deps.Conn.Port = p.Port()
				var cuts [5]atomic.Int64
				p.SetFilter(func(_ proxy.ConnInfo, dir proxy.Direction, packet []byte) proxy.Verdict {
					for i, statement := range statements {
						if dir == proxy.ToServer && len(packet) > 1 && bytes.HasPrefix(packet[1:], []byte(statement)) && cuts[i].Add(1) <= 2 {
							return verdict
						}
					}
					return proxy.Forward
				})
				stats := r.mustRun(t)
				mustEqual(t, s, "t")
				if stats.Retries == 0 {
					t.Error("no connection was lost")
				}
			})
		})
	}
}

// TestStrandedStatementIsEnded cuts the connection under a statement that waits for a lock in the server: it is gone, not
// just forgotten, before its range is copied again, else it would insert what was deleted meanwhile.
func TestStrandedStatementIsEnded(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id INT PRIMARY KEY, v INT); CREATE TABLE t__new LIKE t; INSERT INTO t VALUES (1, 1), (2, 2)")
		r := mustRig(t, s, chunktest.MustMap(t, s, "t"), 100)
		p := mustProxy(t, s)
		r.deps.Conn.Port = p.Port()
		rival := s.MustConn()
		mustOn(t, rival, "BEGIN")
		mustOn(t, rival, "INSERT INTO t__new VALUES (2, 22)")
		var begun atomic.Bool
		p.SetFilter(func(_ proxy.ConnInfo, dir proxy.Direction, packet []byte) proxy.Verdict {
			if dir == proxy.ToServer && len(packet) > 1 && bytes.HasPrefix(packet[1:], []byte("INSERT INTO")) && begun.CompareAndSwap(false, true) {
				return proxy.Strand
			}
			return proxy.Forward
		})
		done := make(chan error, 1)
		go func() { _, err := r.run(t.Context()); done <- err }()
		running := "SELECT COUNT(*) FROM " + s.Processlist() + " WHERE info LIKE 'INSERT INTO `" + s.Name + "`%'"
		for end := time.Now().Add(20 * time.Second); !begun.Load() && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		most := int64(0)
		for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); {
			most = max(most, s.MustQueryInt(running))
			time.Sleep(10 * time.Millisecond)
		}
		mustOn(t, rival, "COMMIT")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if most > 1 {
			t.Errorf("%d statements copied the same range at once", most)
		}
		got := strings.Join(s.MustQueryRows("SELECT id, v FROM t__new ORDER BY id"), ", ")
		if want := "1\t1, 2\t22"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// TestAnotherRunOfTheServerStopsTheCopy meets a server that was restarted: what it had committed may be lost.
func TestAnotherRunOfTheServerStopsTheCopy(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		r := mustRig(t, s, chunktest.Find(chunktest.Dense).Create(t, s, "t", 100), 20)
		earlier := *r.deps.Server
		earlier.StartedAt = earlier.StartedAt.Add(-time.Hour)
		r.deps.Conn.Server = &earlier
		if _, err := r.run(t.Context()); err == nil || !strings.Contains(err.Error(), "restarted") {
			t.Errorf("copied: %v, want a refusal", err)
		}
	})
}

func mustProxy(t *testing.T, s *sandboxtest.Schema) *proxy.Proxy {
	t.Helper()
	p, err := proxy.Listen(s.Server.HostPort())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return p
}
