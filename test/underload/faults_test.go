package underload_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// restless is a load that moves unique values and keys, at a rate that leaves time for everything else.
var restless = settings{connections: 8, workers: 4, rows: 20_000, alter: neutral, unique: true, mix: load.Everything(), rate: 150, busy: true, proxied: true}

// TestLoadWhileConnectionsAreCut: all connections of the migration are cut again and again, from its beginning through the
// swap.
func TestLoadWhileConnectionsAreCut(t *testing.T) {
	for _, apply := range []migrate.Apply{migrate.Refresh, migrate.Replay} {
		t.Run(string(apply), func(t *testing.T) { cutConnections(t, apply) })
	}
}

func cutConnections(t *testing.T, apply migrate.Apply) {
	sandboxtest.EachPosition(t, func(t *testing.T, s *sandboxtest.Schema) {
		set := restless
		set.apply = apply
		r := begin(t, s, set)
		cutting, stop := context.WithCancel(t.Context())
		defer stop()
		cut := make(chan int, 1)
		go func() { cut <- cutAgain(cutting, r) }()
		r.awaitPostponed()
		r.mustStay(soak(3 * time.Second))
		r.mustSwap()
		r.mustStay(500 * time.Millisecond)
		stop()
		if n := <-cut; n < 20 {
			t.Errorf("only %d connections were cut", n)
		}
		r.mustStopLoad()
		r.mustProve(proof.Model(t.Context(), s.DB, r.source.Name, r.generator.Model(0)))
		r.mustProve(proof.Retired(t.Context(), s.DB, table.NamesFor(r.source.Name).Retired, r.generator, 0))
		r.tell()
	})
}

// cutAgain cuts all connections at random moments, each time after the applied position has moved: a server with large logs
// takes its time to find where to go on. It begins with the copy and ends with ctx, or when the cut-over was tried three
// times: the pauses between its attempts grow. It returns how many connections it cut.
func cutAgain(ctx context.Context, r *run) int {
	position := ""
	for n := 0; ; {
		select {
		case <-time.After(time.Duration(100+rand.IntN(600)) * time.Millisecond):
		case <-ctx.Done():
			return n
		}
		switch now := r.runner.Snapshot(); {
		case now.Attempts > 3:
			return n
		case now.Position != position:
			position = now.Position
			n += r.proxy.CutAll()
		}
	}
}

// mustFail waits for the end of a migration that must not succeed, and returns its text. The source must serve, and hold
// what the load wrote.
func (r *run) mustFail() string {
	r.t.Helper()
	var err error
	select {
	case err = <-r.migrated:
	case <-time.After(2 * time.Minute):
		r.t.Fatal("the migration neither ended nor failed")
	}
	var failure *migrate.Failure
	if !errors.As(err, &failure) {
		r.t.Fatalf("the migration ended with %v, want a failure", err)
	}
	r.mustStay(time.Second)
	r.mustStopLoad()
	r.mustProve(proof.Model(r.t.Context(), r.s.DB, r.source.Name, r.generator.Model(0)))
	if old := r.s.MustQueryRows("SHOW TABLES LIKE 'sbtest1\\_\\_old'"); len(old) > 0 {
		r.t.Errorf("the tables were swapped: there is %v", old)
	}
	return err.Error()
}

// bothWays runs f for both ways of applying, on servers of their own.
func bothWays(t *testing.T, o sandbox.Options, f func(t *testing.T, server *sandbox.Server, set settings)) {
	t.Helper()
	for _, apply := range []migrate.Apply{migrate.Refresh, migrate.Replay} {
		t.Run(string(apply), func(t *testing.T) {
			sandboxtest.EachPrivate(t, o, func(t *testing.T, server *sandbox.Server) {
				set := restless
				set.apply = apply
				f(t, server, set)
			})
		})
	}
}

// TestPurgedBinaryLogs: what the stream needs next is purged while its connection is lost.
func TestPurgedBinaryLogs(t *testing.T) {
	bothWays(t, sandbox.Options{}, func(t *testing.T, server *sandbox.Server, set settings) {
		r := begin(t, sandboxtest.NewSchema(t, server.Address()), set)
		r.awaitPostponed()
		r.proxy.Refuse(true)
		r.proxy.CutAll()
		r.mustStay(500 * time.Millisecond) // what the stream needs is written
		r.s.MustExec("FLUSH BINARY LOGS")
		logs := r.s.MustQueryRows("SHOW BINARY LOGS")
		last := strings.Fields(logs[len(logs)-1])[0]
		for deadline := time.Now().Add(time.Minute); ; {
			r.s.MustExec("PURGE BINARY LOGS TO '" + last + "'")
			if strings.Fields(r.s.MustQueryRows("SHOW BINARY LOGS")[0])[0] == last {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the server does not purge its logs")
			}
			// It still knows the lost connection's reader, or has the engine's word missing that the file is not needed.
			r.mustStay(100 * time.Millisecond)
		}
		r.proxy.Refuse(false)
		text := r.mustFail()
		for _, want := range []string{"purged", "position"} {
			if !strings.Contains(text, want) {
				t.Errorf("the error does not say %q: %s", want, text)
			}
		}
	})
}

// TestServerKilled: the server dies and comes back, while rows are copied and once more while changes are applied; the run goes
// on from its checkpoint by itself.
func TestServerKilled(t *testing.T) {
	bothWays(t, sandbox.Options{Durable: true}, func(t *testing.T, server *sandbox.Server, set settings) {
		set.throttled = filepath.Join(t.TempDir(), "throttle")
		r := begin(t, sandboxtest.NewSchema(t, server.Address()), set)
		for r.runner.Snapshot().Copied == 0 {
			r.mustStay(5 * time.Millisecond)
		}
		if err := os.WriteFile(set.throttled, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(set.throttled); err != nil {
			t.Fatal(err)
		}
		r.awaitPostponed()
		if err := errors.Join(server.Kill(), server.Restart(t.Context())); err != nil {
			t.Fatal(err)
		}
		r.mustStay(500 * time.Millisecond)
		r.mustSwap()
		r.mustStay(500 * time.Millisecond)
		r.mustStopLoad()
		r.mustProve(proof.Model(t.Context(), r.s.DB, r.source.Name, r.generator.Model(0)))
		r.mustProve(proof.Retired(t.Context(), r.s.DB, table.NamesFor(r.source.Name).Retired, r.generator, 0))
	})
}

// TestServerReadOnlyForAWhile: the server takes no writes for some seconds, as one does that a fail-over demotes and promotes
// again; the run goes on by itself.
func TestServerReadOnlyForAWhile(t *testing.T) {
	sandboxtest.EachPrivate(t, sandbox.Options{}, func(t *testing.T, server *sandbox.Server) {
		s := sandboxtest.NewSchema(t, server.Address())
		variable := "super_read_only"
		if server.Engine.MariaDB() {
			variable = "read_only"
		}
		set := restless
		set.apply, set.user = migrate.Refresh, mover(s)
		r := begin(t, s, set)
		r.awaitPostponed()
		r.mustStopLoad()
		s.MustExec("SET GLOBAL " + variable + " = ON")
		time.Sleep(3 * time.Second) // heartbeats are refused
		select {
		case err := <-r.migrated:
			t.Fatalf("the migration ended: %v", err)
		default:
		}
		s.MustExec("SET GLOBAL " + variable + " = OFF; SET GLOBAL read_only = OFF")
		r.mustSwap()
		r.mustProve(proof.Model(t.Context(), s.DB, r.source.Name, r.generator.Model(0)))
		r.tell()
	})
}
