package copier_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/chunk/chunktest"
	"github.com/midstreamdb/midstream/internal/copier"
	"github.com/midstreamdb/midstream/internal/sandbox/proxy"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestLostConnections cuts the copier's connections at every kind of packet, some so that the server does not notice. The
// copy is whole in the end, and no statement was still running when its range was copied again.
func TestLostConnections(t *testing.T) {
	t.Run("locking reads", func(t *testing.T) { loseConnections(t, func(*rig, *sandboxtest.Schema) {}) })
	t.Run("plain reads", func(t *testing.T) {
		loseConnections(t, func(r *rig, s *sandboxtest.Schema) { r.deps.Registry = &registry{s: s} })
	})
	t.Run("a chunk in pieces", func(t *testing.T) {
		loseConnections(t, func(r *rig, s *sandboxtest.Schema) {
			r.deps.Registry, r.deps.Chunker = &registry{s: s}, &single{Chunker: r.deps.Chunker, Chunk: chunk.Chunk{Size: 20}}
		})
	})
}

// registry is a copier.Registry without an applier: nothing is written while rows are copied.
type registry struct {
	s                 *sandboxtest.Schema
	registered, ended atomic.Int64
	running           atomic.Int64 // most statements on the shadow seen when a chunk ended
	landed            atomic.Int64 // rows of the shadow then
}

type flight struct {
	*registry
	over atomic.Bool
}

func (r *registry) Register(context.Context, []table.Value) (copier.Flight, error) {
	r.registered.Add(1)
	return &flight{registry: r}, nil
}

func (r *registry) Adopt(context.Context, [][]table.Value) (<-chan struct{}, error) {
	return nil, errors.New("no unique key refuses a row here")
}

func (f *flight) Wait(ctx context.Context) error { return ctx.Err() }

// Ended implements copier.Flight.
func (f *flight) Ended(context.Context) error {
	if f.over.Swap(true) {
		return errors.New("the chunk has ended twice")
	}
	f.ended.Add(1)
	f.running.Store(max(f.running.Load(), f.s.MustQueryInt("SELECT COUNT(*) FROM "+f.s.Processlist()+" WHERE info LIKE 'INSERT INTO `"+f.s.Name+"`%'")))
	f.landed.Store(f.s.MustQueryInt("SELECT COUNT(*) FROM t__new"))
	return nil
}

func loseConnections(t *testing.T, prepare func(*rig, *sandboxtest.Schema)) {
	statements := []string{"INSERT INTO", "COMMIT", "START TRANSACTION", "SELECT @@warning_count", "SELECT CONNECTION_ID"}
	for name, verdict := range map[string]proxy.Verdict{"before": proxy.CutBefore, "after": proxy.CutAfter, "stranded": proxy.Strand} {
		t.Run(name, func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
				r := mustRig(t, s, chunktest.Find(chunktest.Dense).Create(t, s, "t", 600), 20)
				p := mustProxy(t, s)
				r.deps.Conn.Port = p.Port()
				prepare(r, s)
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
				if plain, ok := r.deps.Registry.(*registry); ok && (plain.ended.Load() != int64(stats.Chunks) || plain.registered.Load() != int64(stats.Chunks)) {
					t.Errorf("of %d chunks %d were registered and %d have ended", stats.Chunks, plain.registered.Load(), plain.ended.Load())
				}
			})
		})
	}
}

// TestStrandedStatementIsEnded cuts the connection under a statement that waits for a lock in the server: it is gone, not
// just forgotten, before its range is copied again, else it would insert what was deleted meanwhile.
func TestStrandedStatementIsEnded(t *testing.T) {
	t.Run("locking reads", func(t *testing.T) {
		strandStatement(t, func(*sandboxtest.Schema) copier.Registry { return nil })
	})
	t.Run("plain reads", func(t *testing.T) {
		strandStatement(t, func(s *sandboxtest.Schema) copier.Registry { return &registry{s: s} })
	})
}

func strandStatement(t *testing.T, newRegistry func(*sandboxtest.Schema) copier.Registry) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id INT PRIMARY KEY, v INT); CREATE TABLE t__new LIKE t; INSERT INTO t VALUES (1, 1), (2, 2)")
		r := mustRig(t, s, chunktest.MustMap(t, s, "t"), 100)
		p := mustProxy(t, s)
		r.deps.Conn.Port = p.Port()
		r.deps.Registry = newRegistry(s)
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
		if plain, ok := r.deps.Registry.(*registry); ok && (plain.ended.Load() != 1 || plain.running.Load() != 0) {
			t.Errorf("%d chunks ended, with %d statements still running", plain.ended.Load(), plain.running.Load())
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
