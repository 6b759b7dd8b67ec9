package scenario_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// deferring is a migration of t with a log that can be read.
func deferring(t *testing.T, schema *sandboxtest.Schema, alter string) (*migration, *buffer) {
	t.Helper()
	m := newMigration(t, &spec{name: "indexes", way: "--native=off --apply=refresh", table: "t", dir: t.TempDir(), options: map[string]string{}}, schema)
	m.cfg.Alter, m.cfg.DeferIndexes = alter, migrate.DeferOn
	return m, m.said
}

// TestDeferredIndexes: what of the indexes is built when all rows are copied, and that the definition is a native ALTER's to
// the byte, whatever stands between them.
func TestDeferredIndexes(t *testing.T) {
	t.Parallel()
	const mysql, mariaDB, newest = "mysql", "mariadb", "mariadb-11.8"
	for _, c := range []struct{ name, columns, alter, deferred, only string }{
		{"plain", "a INT, b VARCHAR(50), KEY z (a), UNIQUE KEY u (b), KEY a (b(7), a)", "MODIFY a BIGINT, ADD KEY added (a, b), ADD UNIQUE KEY v (b, a)", "z a added", ""},
		{"order and comments", `a INT, b VARCHAR(50), KEY k3 (a DESC, b) COMMENT 'it''s\\n\n"x"', KEY k1 (b) USING BTREE KEY_BLOCK_SIZE = 4, KEY k2 (a)`, "MODIFY a BIGINT", "k3 k1 k2", ""},
		{"a name of two lines", "a INT, b INT, KEY a (a), KEY `,\n  KEY ``a`` (` (b)", "COMMENT 'x'", "", ""},
		{"odd names", "`a``b` INT, `ä` INT, KEY `KEY ``x`` (` (`a``b`), KEY `,` (`ä`), KEY `ä` (`a``b`, `ä`)", "COMMENT 'x'", "KEY ``x`` ( , ä", ""},
		{"generated", "a INT, g INT AS (a + 1) VIRTUAL, s INT AS (a + 2) STORED, KEY g (g), KEY s (s, g)", "MODIFY a BIGINT", "g s", ""},
		{"functional", "a INT, j JSON, KEY f ((a + 1)), KEY a (a), KEY g ((CAST(j->>'$.x' AS CHAR(10)) COLLATE utf8mb4_bin))", "MODIFY a BIGINT", "a f g", mysql},
		{"invisible", "a INT, b INT, KEY a (a) INVISIBLE, KEY b (b)", "MODIFY a BIGINT", "a b", mysql},
		{"ignored", "a INT, b INT, KEY a (a) IGNORED, KEY b (b)", "MODIFY a BIGINT", "a b", mariaDB},
		{"full-text", "a INT, b VARCHAR(50), FULLTEXT KEY f (b), KEY a (a)", "MODIFY a BIGINT", "a", ""},
		{"spatial", "a INT, p POINT NOT NULL, KEY a (a), SPATIAL KEY p (p), KEY b (a, id)", "MODIFY a BIGINT", "b", ""},
		{"vector", "a INT, v VECTOR(3) NOT NULL, KEY a (a), VECTOR KEY v (v), KEY b (a, id)", "MODIFY a BIGINT", "", newest},
		{"auto-increment", "n INT AUTO_INCREMENT, a INT, KEY a (a), KEY n (n), KEY b (a)", "MODIFY a BIGINT", "b", ""},
		{"none", "a INT, UNIQUE KEY a (a)", "MODIFY a BIGINT", "", ""},
		{"dropped", "a INT, b INT, KEY a (a), KEY b (b)", "DROP KEY a, RENAME INDEX b TO c", "c", ""},
		{"partitions", "a INT, b INT, KEY a (a), KEY b (b)", "MODIFY a BIGINT PARTITION BY HASH (id) PARTITIONS 3", "a b", ""},
		{"prefixes", "a TEXT, b BLOB, KEY a (a(10) DESC), KEY b (b(9), a(300))", "ROW_FORMAT=DYNAMIC", "a b", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			found := sandbox.Engines()
			if c.only != "" {
				var err error
				if found, err = engines(c.only); err != nil {
					t.Fatal(err)
				}
			}
			sandboxtest.On(t, found, func(t *testing.T, schema *sandboxtest.Schema) {
				schema.MustExec("CREATE TABLE t (id INT PRIMARY KEY, " + c.columns + ") ENGINE = InnoDB")
				if c.name != "spatial" && c.name != "vector" {
					schema.MustExec(numbers + "; INSERT INTO t (id) SELECT i FROM n")
				}
				m, said := deferring(t, schema, c.alter)
				summary, err := undisturbed(t, func() (*migrate.Summary, error) { return migrate.New(m.cfg).Run(t.Context()) })
				if err != nil {
					t.Fatal(err)
				}
				names := table.QuoteList(strings.Fields(c.deferred))
				if c.name == "odd names" {
					names = table.QuoteList([]string{"KEY `x` (", ",", "ä"})
				}
				built := strings.Contains(said.String(), fmt.Sprintf("msg=\"indexes built\" indexes=%q", names)) || strings.Contains(said.String(), fmt.Sprintf("msg=\"indexes built\" indexes=%s", names))
				if built != (c.deferred != "") || built != strings.HasSuffix(summary.Way, ", indexes built afterwards") {
					t.Errorf("indexes built afterwards: %t, want %s:\n%s", built, names, said)
				}
				compareWithNative(t, schema, m.spec, c.alter, summary.Retired, table.Name{Schema: schema.Name, Table: "t"})
			})
		})
	}
}

// TestIndexesGiveWay: while somebody's transaction uses the shadow, the indexes wait for it, and changes go on being applied
// in between. When the connection is cut, it is looked up what became of them; a run that is stopped leaves no statement at
// work.
func TestIndexesGiveWay(t *testing.T) {
	t.Parallel()
	for _, then := range []string{"waits", "cut", "stopped"} {
		t.Run(then, func(t *testing.T) {
			t.Parallel()
			sandboxtest.Each(t, func(t *testing.T, schema *sandboxtest.Schema) {
				schema.MustExec("CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT, KEY a (a), KEY b (b)) ENGINE = InnoDB; " + numbers + "; INSERT INTO t SELECT i, i, i FROM n")
				m, said := deferring(t, schema, "MODIFY b BIGINT")
				m.cfg.ThrottleFile = m.postpone
				proxy, server := sandboxtest.Proxy(t, schema.Server)
				m.cfg.Conn.Port = server.Port
				runner := migrate.New(m.cfg)
				if err := os.WriteFile(m.postpone, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				ended := make(chan error, 1)
				go func() {
					_, err := undisturbed(t, func() (*migrate.Summary, error) { return runner.Run(ctx) })
					ended <- err
				}()
				until := func(what string, holds func() bool) {
					t.Helper()
					for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
						select {
						case err := <-ended:
							t.Fatalf("the migration ended before %s: %v", what, err)
						default:
						}
						if time.Now().After(deadline) {
							t.Fatalf("in vain: %s", what)
						}
					}
				}
				until("the shadow is there", func() bool { return runner.Snapshot().Phase == status.Copy })
				reader := schema.MustConn()
				mustExec := func(statement string) {
					t.Helper()
					if _, err := reader.ExecContext(t.Context(), statement); err != nil {
						t.Fatal(err)
					}
				}
				mustExec("BEGIN")
				mustExec("SELECT * FROM t__new")
				if keys := schema.MustQueryInt("SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 't__new'"); keys != 1 {
					t.Errorf("the shadow has %d indexes while rows are copied", keys)
				}
				if err := os.Remove(m.postpone); err != nil {
					t.Fatal(err)
				}
				waiting := "SELECT 1 FROM " + schema.Processlist() + " WHERE state LIKE '%metadata lock%' AND info LIKE 'ALTER TABLE `" + schema.Name + "`%'"
				until("the indexes wait", func() bool { return len(schema.MustQueryRows(waiting)) > 0 })
				s := runner.Snapshot()
				if s.Phase != status.Index || !strings.HasPrefix(s.Waits, "the server, which builds `a`, `b`, for ") {
					t.Errorf("phase %s waits for %q", s.Phase, s.Waits)
				}
				schema.MustExec("UPDATE t SET a = a + 1")
				switch then {
				case "waits":
					until("the indexes give way", func() bool { return strings.Contains(said.String(), "somebody's transaction uses the new table") })
				case "cut":
					if proxy.CutAll() == 0 {
						t.Error("no connection was cut")
					}
					until("the run goes on", func() bool { return strings.Contains(said.String(), "going on from the checkpoint") })
				case "stopped":
					stop()
					if err := <-ended; err == nil || !strings.Contains(err.Error(), "stopped") {
						t.Errorf("the run that was stopped ended with %v", err)
					}
					if left := schema.MustQueryRows(waiting); len(left) > 0 {
						t.Error("its statement is at work still")
					}
					runner = migrate.New(m.cfg)
					go func() {
						_, err := runner.Run(t.Context())
						ended <- err
					}()
				}
				mustExec("COMMIT")
				if err := <-ended; err != nil {
					t.Fatal(err)
				}
				if n := strings.Count(said.String(), "indexes built"); n != 1 {
					t.Errorf("indexes were built %d times", n)
				}
				compareWithNative(t, schema, m.spec, m.cfg.Alter, table.Name{Schema: schema.Name, Table: "t__old"}, table.Name{Schema: schema.Name, Table: "t"})
			})
		})
	}
}

// TestIndexesBuiltPartly: a run that goes on refuses a shadow that somebody has given some of its indexes, until it is as it was.
func TestIndexesBuiltPartly(t *testing.T) {
	t.Parallel()
	sandboxtest.Each(t, func(t *testing.T, schema *sandboxtest.Schema) {
		schema.MustExec("CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT, KEY a (a), KEY b (b)) ENGINE = InnoDB; " + numbers + "; INSERT INTO t SELECT i, i, i FROM n")
		m, said := deferring(t, schema, "MODIFY b BIGINT")
		m.cfg.ThrottleFile = m.postpone
		if err := os.WriteFile(m.postpone, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		runner := migrate.New(m.cfg)
		ended := make(chan error, 1)
		go func() {
			_, err := undisturbed(t, func() (*migrate.Summary, error) { return runner.Run(ctx) })
			ended <- err
		}()
		for runner.Snapshot().Phase != status.Copy {
			select {
			case err := <-ended:
				t.Fatalf("the migration ended: %v", err)
			case <-time.After(time.Millisecond):
			}
		}
		stop()
		if err := <-ended; err == nil {
			t.Fatal("the migration was not stopped")
		}
		if err := os.Remove(m.postpone); err != nil {
			t.Fatal(err)
		}
		somebody := schema.MustConn()
		change := func(clause string) {
			t.Helper()
			for _, statement := range []string{"SET SESSION sql_log_bin = 0", "ALTER TABLE t__new " + clause, "SET SESSION sql_log_bin = 1"} {
				if _, err := somebody.ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
		}
		change("ADD KEY a (a)")
		_, err := migrate.New(m.cfg).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "t__new` was changed since") {
			t.Errorf("%v: want a refusal that says what was changed", err)
		}
		change("DROP KEY a")
		if _, err := migrate.New(m.cfg).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(said.String(), "indexes built") {
			t.Error("no indexes were built")
		}
		compareWithNative(t, schema, m.spec, m.cfg.Alter, table.Name{Schema: schema.Name, Table: "t__old"}, table.Name{Schema: schema.Name, Table: "t"})
	})
}

// TestIndexesUnderWrites: the server keeps what is written to a table, while it builds an index there, in a log of bounded
// size. It stays empty: the applier is held. A run that is stopped in the midst of it leaves nothing at work, and the next one
// builds them.
func TestIndexesUnderWrites(t *testing.T) {
	t.Parallel()
	sandboxtest.EachPrivate(t, sandbox.Options{Args: []string{"--innodb-online-alter-log-max-size=65536", "--innodb-sort-buffer-size=65536"}}, func(t *testing.T, server *sandbox.Server) {
		schema := sandboxtest.NewSchema(t, server.Address())
		schema.MustExec("CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(700) NOT NULL, KEY a (a)) ENGINE = InnoDB DEFAULT CHARSET = latin1; " + numbers +
			"; INSERT INTO t SELECT x.i + 1000 * y.i, RPAD(RAND(), 700, REVERSE(RAND())) FROM n x, n y WHERE y.i <= 40")
		m, said := deferring(t, schema, "ADD COLUMN b INT")
		m.cfg.ChunkSize = 5000
		loading, stop := context.WithCancel(t.Context())
		loaded := make(chan error, 4)
		for i := range cap(loaded) {
			go func() {
				for n := i; loading.Err() == nil; n += cap(loaded) {
					if _, err := schema.DB.ExecContext(loading, "UPDATE t SET a = REVERSE(a) WHERE id = ?", 1001+n%40_000); err != nil && loading.Err() == nil {
						loaded <- err
						return
					}
				}
				loaded <- nil
			}()
		}
		running, interrupt := context.WithCancel(t.Context())
		defer interrupt()
		runner, stopped := migrate.New(m.cfg), make(chan error, 1)
		go func() {
			_, err := runner.Run(running)
			stopped <- err
		}()
		for !strings.HasPrefix(runner.Snapshot().Waits, "the server, which builds") {
			select {
			case err := <-stopped:
				t.Fatalf("the migration ended: %v", err)
			case <-time.After(time.Millisecond):
			}
		}
		if err := conn.Pause(t.Context(), 200*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		interrupt()
		if err := <-stopped; err == nil || !strings.Contains(err.Error(), "stopped") {
			t.Errorf("the run that was stopped ended with %v", err)
		}
		if left := schema.MustQueryRows("SELECT id FROM " + schema.Processlist() + " WHERE info LIKE 'ALTER TABLE%ADD KEY%'"); len(left) > 0 {
			t.Errorf("sessions %v are at work still", left)
		}
		_, err := migrate.New(m.cfg).Run(t.Context())
		stop()
		for range cap(loaded) {
			if err := <-loaded; err != nil {
				t.Error(err)
			}
		}
		if err != nil || !strings.Contains(said.String(), "indexes built") {
			t.Fatalf("%v:\n%s", err, said)
		}
	})
}

// TestIndexesNotDeferred: by default a small table gets its indexes at once, and so does one whose log somebody else reads; a
// dry run says so.
func TestIndexesNotDeferred(t *testing.T) {
	t.Parallel()
	sandboxtest.EachPrivate(t, sandbox.Options{}, func(t *testing.T, server *sandbox.Server) {
		schema := sandboxtest.NewSchema(t, server.Address())
		schema.MustExec("CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(1000), KEY a (a)) ENGINE = InnoDB")
		plan := func(d migrate.Defer) string {
			m, _ := deferring(t, schema, "MODIFY a BIGINT")
			m.cfg.DeferIndexes = d
			text, err := dryRun(t, schema, readState(t, schema), m.cfg)
			if err != nil {
				t.Fatal(err)
			}
			_, line, _ := strings.Cut(text, "\nIndexes ")
			line, _, _ = strings.Cut(line, "\n")
			return strings.TrimSpace(line)
		}
		expect := func(d migrate.Defer, want string) {
			t.Helper()
			if line := plan(d); !strings.HasPrefix(line, want) {
				t.Errorf("--defer-indexes=%s: the plan says %q, want %q", d, line, want)
			}
		}
		expect(migrate.DeferAuto, "all from the beginning: the table is small")
		expect(migrate.DeferOff, "all from the beginning: --defer-indexes=off")
		expect(migrate.DeferOn, "`a` built when all rows are copied (--defer-indexes=on)")
		schema.MustExec(numbers + "; INSERT INTO t SELECT x.i + 1000 * y.i, x.i, REPEAT('b', 1000) FROM n x, n y WHERE y.i <= 30; ANALYZE TABLE t")
		expect(migrate.DeferAuto, "`a` built when all rows are copied (--defer-indexes=auto)")
		follow(t, schema)
		expect(migrate.DeferAuto, "all from the beginning: connection")
		expect(migrate.DeferOn, "`a` built")
	})
}

// follow reads the server's log as another user does, until the end of the test.
func follow(t *testing.T, schema *sandboxtest.Schema) {
	t.Helper()
	schema.MustExec("CREATE USER follower IDENTIFIED BY 'follower'; GRANT ALL ON *.* TO follower")
	c := conn.Config{Host: schema.Server.Host, Port: schema.Server.Port, User: "follower", Password: "follower"}
	server, err := conn.Inspect(t.Context(), schema.DB)
	if err != nil {
		t.Fatal(err)
	}
	position, err := binlog.Current(t.Context(), schema.DB, server)
	if err != nil {
		t.Fatal(err)
	}
	source, err := table.Inspect(t.Context(), schema.DB, table.Name{Schema: schema.Name, Table: "t"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- binlog.New(binlog.Config{Conn: c, Server: server, Start: position, Source: source}).Run(ctx, func(context.Context, *binlog.Transaction) error { return nil })
	}()
	t.Cleanup(func() { stop(); <-done })
	for len(schema.MustQueryRows("SELECT id FROM "+schema.Processlist()+" WHERE user = 'follower' AND command LIKE 'Binlog Dump%'")) == 0 {
		select {
		case err := <-done:
			t.Fatal(err)
		case <-time.After(time.Millisecond):
		}
	}
}
