package copier_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/chunk/chunktest"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/copier"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestMain looks for goroutines that outlive the tests, but for those that keep servers of the tests running.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/midstreamdb/midstream/internal/sandbox.startProcess.func1"))
}

// rig is a copier and what it works with, ready to be changed before run.
type rig struct {
	config copier.Config
	deps   copier.Deps
}

func mustRig(t *testing.T, s *sandboxtest.Schema, m *table.Mapping, rows int) *rig {
	t.Helper()
	db, err := conn.Open(chunktest.Config(s), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &rig{
		config: copier.Config{Workers: 3, PassLocked: true},
		deps: copier.Deps{
			Conn: chunktest.Config(s), Server: chunktest.MustServer(t, s), Mapping: m,
			Chunker: chunk.New(chunk.Config{Rows: rows}, db, m),
			Gate:    open{}, Settler: settled(func(context.Context) error { return nil }),
			Log: slog.New(slog.DiscardHandler),
		},
	}
}

func (r *rig) run(ctx context.Context) (copier.Stats, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // a copy that waits for ever is a fault too
	defer cancel()
	c := copier.New(r.config, r.deps)
	err := c.Run(ctx)
	return c.Stats(), err
}

func (r *rig) mustRun(t *testing.T) copier.Stats {
	t.Helper()
	stats, err := r.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return stats
}

type open struct{}

func (open) Wait(ctx context.Context) error { return ctx.Err() }

type settled func(context.Context) error

func (f settled) Settle(ctx context.Context) error { return f(ctx) }

// mustEqual compares source and shadow, which have the same columns.
func mustEqual(t *testing.T, s *sandboxtest.Schema, name string) {
	t.Helper()
	var sums [2]string
	for i, n := range []string{name, name + "__new"} {
		var of string
		s.MustQueryRow("CHECKSUM TABLE "+table.Quote(n)+" EXTENDED", &of, &sums[i])
	}
	if sums[0] != sums[1] {
		t.Errorf("%s: the shadow differs from the source", name)
	}
}

// TestCopyEqualsSource copies tables with every shape of key with three workers.
func TestCopyEqualsSource(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		for i, shape := range chunktest.Shapes {
			if !shape.Suits(s.Server.Engine) {
				continue
			}
			t.Run(shape.Name, func(t *testing.T) {
				name := fmt.Sprintf("t%d", i)
				m := shape.Create(t, s, name, 250)
				stats := mustRig(t, s, m, 37).mustRun(t)
				mustEqual(t, s, name)
				if want := s.MustQueryInt("SELECT COUNT(*) FROM " + name); int64(stats.Rows) != want {
					t.Errorf("%d rows counted, want %d", stats.Rows, want)
				}
			})
		}
	})
}

// TestSmallTablesAndOddNames copies no row and one row, and tables and columns that need their quotes.
func TestSmallTablesAndOddNames(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		long := strings.Repeat("é", 59)
		for i, name := range []string{"a`b", "select", "with space", "表", long} {
			column := table.Quote(name)
			s.MustExec("CREATE TABLE " + table.Quote(name) + " (" + column + " INT PRIMARY KEY, `v``w` INT UNIQUE)")
			s.MustExec("CREATE TABLE " + table.Quote(name+"__new") + " LIKE " + table.Quote(name))
			if i > 0 {
				s.MustExec("INSERT INTO " + table.Quote(name) + " VALUES (1, 2)")
			}
			mustRig(t, s, chunktest.MustMap(t, s, name), 10).mustRun(t)
			mustEqual(t, s, name)
			if n := s.MustQueryInt("SELECT COUNT(*) FROM " + table.Quote(name+"__new")); n != int64(min(i, 1)) {
				t.Errorf("%s: %d rows copied", name, n)
			}
		}
	})
}

// TestColumnsThatTheAlterChanged copies over a renamed key, another order of columns, an added and a computed one.
func TestColumnsThatTheAlterChanged(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id INT, part INT, v VARCHAR(20) CHARACTER SET latin1, PRIMARY KEY (part, id))")
		s.MustExec("INSERT INTO t VALUES (1, 1, 'ä'), (2, 1, NULL), (1, 2, ''), (-5, 2, 'x')")
		s.MustExec("CREATE TABLE t__new (v VARCHAR(20) CHARACTER SET utf8mb4, number BIGINT, part BIGINT, added INT NOT NULL DEFAULT 7," +
			" twice BIGINT GENERATED ALWAYS AS (number * 2) STORED, PRIMARY KEY (part, number), KEY (v))")
		inspect := func(name string) *table.Table {
			found, err := table.Inspect(t.Context(), s.DB, table.Name{Schema: s.Name, Table: name})
			if err != nil {
				t.Fatal(err)
			}
			return found
		}
		m, err := table.Map(inspect("t"), inspect("t__new"), table.Changes{Renames: map[string]string{"id": "number"}, TimeZone: "+00:00"})
		if err != nil {
			t.Fatal(err)
		}
		mustRig(t, s, m, 2).mustRun(t)
		got := strings.Join(s.MustQueryRows("SELECT * FROM t__new ORDER BY part, number"), "\n")
		want := "ä\t1\t1\t7\t2\nNULL\t2\t1\t7\t4\nx\t-5\t2\t7\t-10\n\t1\t2\t7\t2"
		if got != want {
			t.Errorf("copied:\n%s\nwant:\n%s", got, want)
		}
	})
}

// TestRowsOfTheShadowStay copies where changes have been applied already: what is there is newer and is not touched, not
// even its column with ON UPDATE CURRENT_TIMESTAMP.
func TestRowsOfTheShadowStay(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		const definition = " (id INT PRIMARY KEY, v INT%s, at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP)"
		for name, unique := range map[string]string{"only_key": "", "second_key": " UNIQUE"} {
			s.MustExec("CREATE TABLE " + name + fmt.Sprintf(definition, unique) + "; CREATE TABLE " + name + "__new LIKE " + name)
			s.MustExec("INSERT INTO " + name + " VALUES (1, 1, '2020-01-01'), (2, 2, '2020-01-01'), (3, 3, '2020-01-01')")
			s.MustExec("INSERT INTO " + name + "__new VALUES (2, 22, '2019-01-01'), (9, 9, '2019-01-01')")
			stats := mustRig(t, s, chunktest.MustMap(t, s, name), 10).mustRun(t)
			got := strings.Join(s.MustQueryRows("SELECT id, v, YEAR(at) FROM "+name+"__new ORDER BY id"), ", ")
			if want := "1\t1\t2020, 2\t22\t2019, 3\t3\t2020, 9\t9\t2019"; got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
			if stats.Rows != 2 {
				t.Errorf("%s: %d rows counted, want 2", name, stats.Rows)
			}
		}
	})
}

// TestNothingIsCopiedBehindAClosedGate closes the gate for a while.
func TestNothingIsCopiedBehindAClosedGate(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		r := mustRig(t, s, chunktest.Find(chunktest.Dense).Create(t, s, "t", 200), 10)
		waits := make(chan struct{}, 100)
		opened := make(chan struct{})
		r.deps.Gate = gate(func(ctx context.Context) error {
			waits <- struct{}{}
			select {
			case <-opened:
			case <-ctx.Done():
			}
			return ctx.Err()
		})
		done := make(chan error, 1)
		go func() { _, err := r.run(t.Context()); done <- err }()
		for range r.config.Workers {
			<-waits
		}
		if n := s.MustQueryInt("SELECT COUNT(*) FROM t__new"); n != 0 {
			t.Errorf("%d rows copied while the gate was closed", n)
		}
		close(opened)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		mustEqual(t, s, "t")
	})
}

type gate func(context.Context) error

func (g gate) Wait(ctx context.Context) error { return g(ctx) }

// TestIncompletePlanIsAnError has a planner that forgets the end: silence is not success.
func TestIncompletePlanIsAnError(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		r := mustRig(t, s, chunktest.Find(chunktest.Dense).Create(t, s, "t", 200), 10)
		r.deps.Chunker = &short{Chunker: r.deps.Chunker, left: 3}
		if _, err := r.run(t.Context()); err == nil {
			t.Error("a copy without its last chunk succeeded")
		}
	})
}

type short struct {
	copier.Chunker
	left int
}

func (s *short) Next(ctx context.Context) (chunk.Chunk, bool, error) {
	if s.left--; s.left < 0 {
		return chunk.Chunk{}, false, nil
	}
	return s.Chunker.Next(ctx)
}

// TestCopyWhileRowsAreWritten inserts and updates ahead of the copying and behind it. Rows that nobody touches are all in
// the shadow at the end, and the last chunk ends.
func TestCopyWhileRowsAreWritten(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		m := chunktest.Find(chunktest.Sparse).Create(t, s, "t", 3000)
		s.MustExec("CREATE TABLE before_copy AS SELECT * FROM t")
		r := mustRig(t, s, m, 20)
		ctx, stop := context.WithCancel(t.Context())
		var written atomic.Int64
		done := make(chan error, 1)
		go func() {
			for i := 0; ctx.Err() == nil; i++ {
				_, err := s.DB.ExecContext(ctx, "INSERT IGNORE INTO t VALUES (FLOOR(-2000000000 + RAND() * 4000000000), -1)")
				if err == nil && i%3 == 0 {
					_, err = s.DB.ExecContext(ctx, "UPDATE t SET v = -1 WHERE v >= 0 ORDER BY RAND() LIMIT 1")
				}
				if err != nil && ctx.Err() == nil {
					done <- err
					return
				}
				written.Add(1)
			}
			done <- nil
		}()
		r.mustRun(t)
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		lost := s.MustQueryInt("SELECT COUNT(*) FROM before_copy b JOIN t USING (c0) LEFT JOIN t__new n USING (c0) WHERE n.c0 IS NULL OR t.v = b.v AND n.v <> b.v")
		if lost != 0 || written.Load() == 0 {
			t.Errorf("%d rows lost or wrong with %d writes during the copy", lost, written.Load())
		}
	})
}

// TestCancelLeavesNothing cancels a copy that waits for a lock: no statement of it is left running.
func TestCancelLeavesNothing(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		r := mustRig(t, s, chunktest.Find(chunktest.Dense).Create(t, s, "t", 500), 10)
		blocker := s.MustConn()
		mustOn(t, blocker, "BEGIN")
		mustOn(t, blocker, "INSERT INTO t__new SELECT * FROM t")
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(300*time.Millisecond, cancel)
		if _, err := r.run(ctx); err == nil {
			t.Error("a cancelled copy succeeded")
		}
		running := "SELECT COUNT(*) FROM " + s.Processlist() + " WHERE info LIKE 'INSERT INTO `" + s.Name + "`%'"
		if n := s.MustQueryInt(running); n != 0 {
			t.Errorf("%d statements still run", n)
		}
		mustOn(t, blocker, "ROLLBACK")
		if n := s.MustQueryInt("SELECT COUNT(*) FROM t__new"); n != 0 {
			t.Errorf("%d rows were copied by a cancelled statement", n)
		}
	})
}
