package load_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/proxy"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

func TestModelSurvivesLostCommits(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		p, address := sandboxtest.Proxy(t, s.Server)
		var commits, cut atomic.Int64
		p.SetFilter(func(_ proxy.ConnInfo, dir proxy.Direction, packet []byte) proxy.Verdict {
			ends := bytes.HasPrefix(packet, []byte("\x03COMMIT")) || bytes.HasPrefix(packet, []byte("\x03XA COMMIT")) ||
				bytes.HasPrefix(packet, []byte("\x03XA PREPARE"))
			if dir != proxy.ToServer || !ends {
				return proxy.Forward
			}
			switch commits.Add(1) % 10 {
			case 3:
				cut.Add(1)
				return proxy.CutBefore
			case 7:
				cut.Add(1)
				return proxy.CutAfter
			}
			return proxy.Forward
		})
		db := address.Open(s.Name)
		defer func() { _ = db.Close() }()
		c := load.Table{Name: table.Name{Schema: s.Name, Table: "t"}, Rows: 1000, Gap: 10, Unique: true}
		mustCreate(t, s, c)
		g := load.New(load.Config{DB: db, Tables: []load.Table{c}, Connections: 4, Mix: load.Everything(), XA: 0.2})
		stats := mustRun(t, g, time.Second, nil)
		mustProve(t, s, g, c)
		if cut.Load() < 5 || stats.Errors[2013] == 0 {
			t.Errorf("%d connections cut, %d seen by the load", cut.Load(), stats.Errors[2013])
		}
	})
}

// A commit that was sent is still being made when its outcome is asked for: a lock on all commits holds it back.
func TestOutcomeWaitsForCommitUnderWay(t *testing.T) {
	server := sandboxtest.Private(t, sandbox.MySQL97, sandbox.Options{})
	s := sandboxtest.NewSchema(t, server.Address())
	c := load.Table{Name: table.Name{Schema: s.Name, Table: "t"}, Rows: 100}
	mustCreate(t, s, c)
	p, address := sandboxtest.Proxy(t, s.Server)
	db := address.Open(s.Name)
	defer func() { _ = db.Close() }()
	locker := s.MustConn()
	locked := make(chan struct{})
	var once sync.Once
	p.SetFilter(func(_ proxy.ConnInfo, dir proxy.Direction, packet []byte) proxy.Verdict {
		verdict := proxy.Forward
		if dir == proxy.ToServer && bytes.HasPrefix(packet, []byte("\x03COMMIT")) {
			once.Do(func() {
				if _, err := locker.ExecContext(context.Background(), "FLUSH TABLES WITH READ LOCK"); err != nil {
					t.Errorf("lock commits: %v", err)
				}
				close(locked)
				verdict = proxy.Strand
			})
		}
		return verdict
	})
	g := load.New(load.Config{DB: db, Tables: []load.Table{c}})
	mustRunBeside(t, g, func(ctx context.Context) {
		<-locked
		for asked, limit := 0, time.Now().Add(5*time.Second); asked == 0 && time.Now().Before(limit); {
			s.MustQueryRow("SELECT COUNT(*) FROM "+s.Processlist()+" WHERE info LIKE 'SELECT w, seq%'", &asked)
		}
		if _, err := locker.ExecContext(ctx, "UNLOCK TABLES"); err != nil {
			t.Errorf("unlock commits: %v", err)
		}
		awaitCommits(ctx, g, 10)
	})
	mustProve(t, s, g, c)
}

func TestModelSurvivesKilledSessions(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := s.Server.Open(s.Name)
		defer func() { _ = db.Close() }()
		c := load.Table{Name: table.Name{Schema: s.Name, Table: "t"}, Rows: 1000, Gap: 10, Unique: true}
		mustCreate(t, s, c)
		g := load.New(load.Config{DB: db, Tables: []load.Table{c}, Connections: 4, Mix: load.Everything()})
		stats := mustRun(t, g, time.Second, func(ctx context.Context) { killSessions(ctx, t, s) })
		mustProve(t, s, g, c)
		if stats.ErrorCount() == 0 {
			t.Error("the load saw no error, though its sessions were killed")
		}
	})
}

// killSessions kills one of the schema's sessions after the other.
func killSessions(ctx context.Context, t *testing.T, s *sandboxtest.Schema) {
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var id int64
		pick := `SELECT id FROM ` + s.Processlist() + ` WHERE db = DATABASE() AND id <> CONNECTION_ID() ORDER BY RAND() LIMIT 1`
		if s.DB.QueryRowContext(ctx, pick).Scan(&id) == nil {
			_, _ = s.DB.ExecContext(ctx, fmt.Sprintf("KILL %d", id)) // it may have ended
		}
	}
}

// A swap as a migration does it: nothing is written between the copy and the rename, which is first in the queue.
func TestRetiredIsModelAsOfRename(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		c := load.Table{Name: table.Name{Schema: s.Name, Table: "t"}, Rows: 2000, Gap: 10, Unique: true}
		other := load.Table{Name: table.Name{Schema: s.Name, Table: "other"}, Rows: 100}
		old := table.Name{Schema: s.Name, Table: "t_old"}
		mustCreate(t, s, c, other)
		db := s.Server.Open(s.Name)
		defer func() { _ = db.Close() }()
		g := load.New(load.Config{
			DB: db, Tables: []load.Table{c, other}, Connections: 6, Mix: load.Everything(), Rollback: 0.1, Seed: 3,
		})
		mustRunBeside(t, g, func(ctx context.Context) {
			awaitCommits(ctx, g, 50)
			swap(ctx, t, s)
			awaitCommits(ctx, g, 50)
		})
		mustProve(t, s, g, c, other)
		report, err := proof.Retired(t.Context(), s.DB, old, g, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(report)
		if report.Cut.Before == 0 || report.Cut.After == 0 {
			t.Errorf("no transactions on one side of the rename: %+v", *report.Cut)
		}
		for name, corrupt := range map[string]string{
			"a row lost":            "DELETE FROM t_old ORDER BY id LIMIT 1",
			"a value bent":          "UPDATE t_old SET k = k + 1 ORDER BY id DESC LIMIT 1",
			"a row from after":      "REPLACE INTO t_old SELECT * FROM t WHERE id = (SELECT id FROM (" + lateRow + ") late)",
			"a transaction missing": "UPDATE t_old SET w = -1, seq = 0 WHERE w >= 0 LIMIT 1",
		} {
			s.MustExec("DROP TABLE IF EXISTS kept; CREATE TABLE kept LIKE t_old; INSERT INTO kept SELECT * FROM t_old")
			s.MustExec(corrupt)
			if _, err := proof.Retired(t.Context(), s.DB, old, g, 0); err == nil {
				t.Errorf("%s: not found", name)
			} else {
				t.Logf("%s: %v", name, err)
			}
			s.MustExec("DROP TABLE t_old; RENAME TABLE kept TO t_old")
		}
	})
}

// lateRow is the row of t that connection 0 wrote last.
const lateRow = "SELECT id FROM t WHERE w = 0 ORDER BY seq DESC LIMIT 1"

// mustRunBeside runs the load until f returns.
func mustRunBeside(t *testing.T, g *load.Generator, f func(ctx context.Context)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	f(ctx)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	stats := g.Snapshot()
	t.Log(&stats)
}

// awaitCommits waits until the load has committed so many transactions more.
func awaitCommits(ctx context.Context, g *load.Generator, n uint64) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for first := g.Snapshot().Transactions; g.Snapshot().Transactions < first+n && ctx.Err() == nil; {
		<-tick.C
	}
}

// swap copies t under a write lock and swaps the copy in, with the rename of another session waiting for the lock's end.
func swap(ctx context.Context, t *testing.T, s *sandboxtest.Schema) {
	fail := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	locker, err := s.DB.Conn(ctx)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = locker.Close() }()
	_, err = locker.ExecContext(ctx, "CREATE TABLE t_swap LIKE t; LOCK TABLES t WRITE, t_swap WRITE")
	fail(err)
	_, err = locker.ExecContext(ctx, "INSERT INTO t_swap SELECT * FROM t")
	fail(err)
	renamed := make(chan error, 1)
	go func() {
		_, err := s.DB.ExecContext(ctx, "RENAME TABLE t TO t_old, t_swap TO t")
		renamed <- err
	}()
	for waiting := 0; waiting == 0 && ctx.Err() == nil; {
		fail(s.DB.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+s.Processlist()+`
			WHERE info LIKE 'RENAME%' AND db = DATABASE() AND state LIKE 'Waiting%'`).Scan(&waiting))
	}
	_, err = locker.ExecContext(ctx, "UNLOCK TABLES")
	fail(err)
	fail(<-renamed)
}

func TestLoadStopsAtUnexpectedAnswers(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		for name, c := range map[string]struct{ broken, want string }{
			"rows lost":  {"DELETE FROM t", "rows affected, but by the model"},
			"table gone": {"DROP TABLE t", "1146"},
		} {
			s.MustExec("DROP TABLE IF EXISTS t")
			c1 := load.Table{Name: table.Name{Schema: s.Name, Table: "t"}, Rows: 100}
			mustCreate(t, s, c1)
			s.MustExec(c.broken)
			g := load.New(load.Config{DB: s.DB, Tables: []load.Table{c1}, Connections: 2})
			err := g.Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error %v, want one with %q", name, err, c.want)
			}
		}
	})
}

func TestRateIsKept(t *testing.T) {
	sandboxtest.On(t, []sandbox.Engine{sandbox.MySQL97}, func(t *testing.T, s *sandboxtest.Schema) {
		c := load.Table{Name: table.Name{Schema: s.Name, Table: "t"}, Rows: 1000}
		mustCreate(t, s, c)
		g := load.New(load.Config{DB: s.DB, Tables: []load.Table{c}, Connections: 8, Rate: 60})
		mustRun(t, g, time.Second, func(ctx context.Context) {
			select { // a lap in the midst
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
			if lap := g.Lap(); lap.Elapsed > 700*time.Millisecond || lap.Transactions > 45 {
				t.Errorf("first lap: %v", &lap)
			}
		})
		stats, lap := g.Snapshot(), g.Lap()
		if stats.Transactions < 20 || stats.Transactions > 61 { // the lower bound is a busy machine's
			t.Errorf("%d transactions in a second, want 60", stats.Transactions)
		}
		if lap.Transactions == 0 || lap.Transactions >= stats.Transactions {
			t.Errorf("second lap: %d transactions of %d", lap.Transactions, stats.Transactions)
		}
	})
}
