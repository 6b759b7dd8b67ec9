package applier_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/applier"
	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/changelog"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/progress"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// refreshing is an applier by keys, fed by the binary log of a real source.
type refreshing struct {
	t       *testing.T
	s       *sandboxtest.Schema
	conn    conn.Config     // of the applier's sessions
	covered applier.Covered // likewise
	gate    applier.Gate    // likewise
	log     *changelog.Changelog
	fences  *turnstile // the applier's
	mapping *table.Mapping
	refresh *applier.Refresh
	ctx     context.Context
	ended   chan error // what Run returned, nil when the test ends it
}

// mustRefresh creates source t and shadow t__new, the shadow with the ALTER, fills the source, and has the log applied. adjust
// may change how.
func mustRefresh(t *testing.T, s *sandboxtest.Schema, create, alter, rows string, adjust ...func(*refreshing)) *refreshing {
	t.Helper()
	s.MustExec("CREATE TABLE t (" + create + ")")
	s.MustExec("CREATE TABLE t__new LIKE t")
	if alter != "" {
		s.MustExec("ALTER TABLE t__new " + alter)
	}
	s.MustExec("INSERT INTO t VALUES " + rows)
	h := &harness{t: t, s: s}
	cfg := conn.Config{Host: s.Server.Host, Port: s.Server.Port, User: s.Server.User, Password: s.Server.Password, Run: t.Name(), MultiStatements: true}
	db, err := conn.Open(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	server, err := conn.Inspect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	r := &refreshing{t: t, s: s, conn: cfg, covered: applier.Covered{All: true}, gate: open{}, mapping: h.mustMap(db)}
	for _, change := range adjust {
		change(r)
	}
	names := table.NamesFor(r.mapping.Source.Name)
	logging := changelog.Config{Table: names.Changelog, Interval: time.Second, ReconnectTimeout: patience}
	var xaCommits *binlog.XACommits
	if !server.OrdersXACommits() {
		xaCommits = binlog.NewXACommits(db, patience)
		logging.Unordered = xaCommits
	}
	r.log = changelog.New(db, logging)
	if err := r.log.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.fences = newTurnstile(r.log.Fence)
	applyDB, err := conn.Open(r.conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := table.Inspect(t.Context(), db, names.Changelog)
	if err != nil {
		t.Fatal(err)
	}
	s.AwaitNoPreparedXA()
	start, err := binlog.Current(t.Context(), db, server)
	if err != nil {
		t.Fatal(err)
	}
	stream := binlog.New(binlog.Config{
		Conn: cfg, Server: server, Start: start, Source: r.mapping.Source, Columns: r.mapping.Key.Ordinals(),
		Changelog: changes, Guarded: []table.Name{names.Shadow}, Ordered: true, XACommits: xaCommits, ReconnectTimeout: patience, Log: slog.New(slog.DiscardHandler),
	})
	r.refresh = applier.NewRefresh(applier.Config{Workers: 3, StatementBytes: 64 << 10, QueueBytes: 4 << 20, ReconnectTimeout: patience},
		applier.Deps{Conn: r.conn, DB: applyDB, Server: server, Mapping: r.mapping, Applied: progress.NewApplied(start), Gate: r.gate}, r.fences, r.covered)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	r.ctx = ctx
	streamed := make(chan struct{})
	go func() { defer close(streamed); _ = stream.Run(ctx, r.refresh.Feed) }()
	r.ended = make(chan error, 1)
	go func() {
		err := r.refresh.Run(ctx)
		if ctx.Err() != nil {
			err = nil
		}
		r.ended <- err
		close(r.ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-streamed
		if err := <-r.ended; err != nil {
			t.Errorf("refresh ended: %v", err)
		}
		_, _ = db.Close(), applyDB.Close() // nothing is at work on them any more
	})
	s.MustExec("UPDATE t SET v = v + 1") // everything is dirty once
	return r
}

// Settle implements copier.Settler.
func (r *refreshing) Settle(ctx context.Context) error {
	fence, err := r.log.Fence(ctx)
	if err != nil {
		return err
	}
	return r.refresh.WaitApplied(ctx, fence)
}

// mustSettle waits until all that was committed is applied.
func (r *refreshing) mustSettle() {
	r.t.Helper()
	if err := r.Settle(r.ctx); err != nil {
		r.t.Fatalf("wait for what was committed: %v", err)
	}
}

// mustMatch compares the tables when all that was committed is applied.
func (r *refreshing) mustMatch() {
	r.t.Helper()
	r.mustSettle()
	if source, shadow := r.rows("t"), r.rows("t__new"); !slices.Equal(source, shadow) {
		r.t.Fatalf("shadow holds\n  %s\nsource\n  %s", strings.Join(shadow, "\n  "), strings.Join(source, "\n  "))
	}
}

func (r *refreshing) rows(name string) []string {
	return r.s.MustQueryRows("SELECT id, COALESCE(u, 'NULL'), v FROM " + name + " ORDER BY id, v")
}

// uniqueTables are the ways in which rows are written: definitions of t, and ALTERs of its shadow.
var uniqueTables = map[string][2]string{
	"in place":             {"id VARCHAR(20) PRIMARY KEY, u INT, v INT", ""},
	"another unique key":   {"id VARCHAR(20) PRIMARY KEY, u INT UNIQUE, v INT", ""},
	"an added unique key":  {"id VARCHAR(20) PRIMARY KEY, u INT, v INT", "ADD UNIQUE KEY added (u)"},
	"a key of two columns": {"id VARCHAR(20), u INT NOT NULL, v INT, PRIMARY KEY (id, u)", ""},
}

// exchanges are transactions on the rows a, b, c and D of those tables.
var exchanges = []string{
	"UPDATE t SET id = 'A' WHERE id = 'a'",
	"UPDATE t SET id = 'd', v = 41 WHERE id = 'D'",
	"UPDATE t SET u = 99 WHERE id = 'b'; UPDATE t SET u = 2 WHERE id = 'c'; UPDATE t SET u = 3 WHERE id = 'b'",
	"UPDATE t SET id = 'x' WHERE id = 'b'; UPDATE t SET id = 'b' WHERE id = 'c'; UPDATE t SET id = 'c' WHERE id = 'x'",
	"DELETE FROM t WHERE id = 'a'; INSERT INTO t VALUES ('e', 1, 50)",
	"DELETE FROM t WHERE id = 'e'; INSERT INTO t VALUES ('E', 1, 51)",
	"DELETE FROM t WHERE id = 'e'",
}

// TestRefreshFollows: changed spellings of a key, keys and unique values that are exchanged and handed on, rows that come
// and go.
func TestRefreshFollows(t *testing.T) {
	for name, table := range uniqueTables {
		t.Run(name, func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
				r := mustRefresh(t, s, table[0], table[1], "('a', 1, 10), ('b', 2, 20), ('c', 3, 30), ('D', 4, 40)")
				r.mustMatch()
				for _, statement := range exchanges {
					s.MustExec("BEGIN; " + statement + "; COMMIT")
					r.mustMatch()
				}
			})
		})
	}
}

// TestXACommitsOutOfOrder: MariaDB has an XA COMMIT in its log before its rows can be seen, and the fences of others pass it. A
// full-text index makes the commit take its time.
func TestXACommitsOutOfOrder(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		r := mustRefresh(t, s, "id INT PRIMARY KEY, u INT, v INT", "", "(1, 1, 10), (2, 2, 20)")
		s.MustExec("CREATE TABLE texts (id INT PRIMARY KEY AUTO_INCREMENT, d TEXT, FULLTEXT KEY (d)) ENGINE=InnoDB")
		s.MustExec("INSERT INTO texts (d) VALUES ('word')")
		for range 15 {
			s.MustExec("INSERT INTO texts (d) SELECT d FROM texts")
		}
		r.mustMatch()
		mustExec := func(c *sql.Conn, statements ...string) {
			t.Helper()
			for _, statement := range statements {
				if _, err := c.ExecContext(t.Context(), statement); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
			}
		}
		xid := "'" + s.Name + "'"
		first, second := s.MustConn(), s.MustConn()
		t.Cleanup(func() { // of a test that failed: nothing else would end it
			_, _ = second.ExecContext(context.Background(), "XA ROLLBACK "+xid) // refused when it is decided
		})
		mustExec(first, "XA START "+xid, "UPDATE t SET v = 11 WHERE id = 1", "DELETE FROM t WHERE id = 2", "INSERT INTO t VALUES (3, 3, 30)",
			"DELETE FROM texts", "XA END "+xid, "XA PREPARE "+xid)
		done := make(chan error, 1)
		go func() { _, err := first.ExecContext(t.Context(), "XA COMMIT "+xid); done <- err }()
		// A transaction of the same name begins only when the first can be seen.
		for {
			_, err := second.ExecContext(r.ctx, "XA START "+xid)
			if err == nil {
				break
			}
			if r.ctx.Err() != nil {
				t.Fatal(err)
			}
		}
		if v := s.MustQueryInt("SELECT v FROM t WHERE id = 1"); v != 11 {
			t.Fatalf("a transaction of the same name began before the first was visible")
		}
		mustExec(second, "UPDATE t SET v = 12 WHERE id = 1", "XA END "+xid, "XA PREPARE "+xid)
		r.mustMatchAfter(done) // whether the second is undecided
		mustExec(second, "XA ROLLBACK "+xid)
		r.mustMatch()
	})
}

func mustExecOn(t *testing.T, c *sql.Conn, statement string) {
	t.Helper()
	if _, err := c.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%v\n%s", err, statement)
	}
}

// TestNoRowOfTheSourceIsLocked: while an application has all rows of the source locked, every statement of refresh is done
// at once; and the server shows no lock of it on the source's rows.
func TestNoRowOfTheSourceIsLocked(t *testing.T) {
	for name, definition := range uniqueTables {
		t.Run(name, func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
				r := mustRefresh(t, s, definition[0], definition[1], "('a', 1, 10), ('b', 2, 20), ('c', 3, 30)")
				r.mustMatch()
				application, ours := s.MustConn(), s.MustConn()
				for _, statement := range []string{"BEGIN", "UPDATE t SET v = v + 1", "SELECT * FROM t FOR UPDATE"} {
					mustExecOn(t, application, statement)
				}
				if n := locksOfRows(t, s, application); n == 0 {
					t.Error("the application's locks are not seen")
				}
				server, err := conn.Inspect(t.Context(), s.DB)
				if err != nil {
					t.Fatal(err)
				}
				text := func(id string, u int64) []table.Value {
					key := []table.Value{{Kind: table.Bytes, Text: []byte(id)}, table.IntValue(u)}
					return key[:len(r.mapping.Key.Columns)]
				}
				keys := [][]table.Value{text("a", 1), text("b", 2), text("z", 9)}
				refresh, collision := sqlgen.NewRefresh(r.mapping, server), sqlgen.NewCollision(r.mapping, server)
				tried := append(collision.Try(keys), collision.Holder())
				statements := slices.Concat([]string{
					"SET SESSION innodb_lock_wait_timeout = 1",
					"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", "BEGIN",
				}, refresh.Deletes(keys, 1<<20), []string{
					refresh.Write(keys), refresh.Count(keys), refresh.Present(keys), "COMMIT", "BEGIN",
				}, tried, collision.Deletes(keys, 1<<20), tried, []string{
					"COMMIT", "DELETE FROM t__new", "BEGIN", sqlgen.NewCopy(r.mapping, server).Statement(sqlgen.Range{}, sqlgen.Plain), "COMMIT",
				})
				for _, statement := range statements {
					if statement == "COMMIT" {
						if n := locksOfRows(t, s, ours); n != 0 {
							t.Errorf("%d locks on rows of the source, in a transaction that is about to commit", n)
						}
					}
					mustExecOn(t, ours, statement)
				}
				if n := s.MustQueryInt("SELECT COUNT(*) FROM t__new"); n != 3 {
					t.Errorf("%d rows were copied", n)
				}
				mustExecOn(t, application, "ROLLBACK")
			})
		})
	}
}

// locksOfRows counts the locks that the session's transaction has on rows of t, as the server shows them.
func locksOfRows(t *testing.T, s *sandboxtest.Schema, c *sql.Conn) int {
	t.Helper()
	var id uint64
	if err := c.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	return s.RowLocks("t", fmt.Sprintf("id = %d", id))
}

// TestRefreshNamesDuplicates: rows of the source that the shadow's unique key makes equal end the run, whatever the key is
// made of; the row of the key is changed again and again meanwhile.
func TestRefreshNamesDuplicates(t *testing.T) {
	for name, c := range map[string]struct {
		key, create, alter, rows, duplicate string
		only                                func(sandbox.Engine) bool
	}{
		"values":     {"int", "u INT", "ADD UNIQUE KEY added (u)", "1), (%s, 2", "2", nil},
		"several":    {"int", "u INT, w VARCHAR(9) DEFAULT 'x'", "ADD UNIQUE KEY added (w, u)", "1, 'x'), (%s, 2, 'x'", "2, 'X'", nil},
		"prefix":     {"varchar(9)", "u VARCHAR(20)", "ADD UNIQUE KEY added (u(3))", "'abcd'), (%s, 'bcde'", "'BCDxyz'", nil},
		"conversion": {"varbinary(3)", "u VARCHAR(9)", "MODIFY u INT, ADD UNIQUE KEY added (u)", "'1'), (%s, '2'", "'2.0'", nil},
		"collation":  {"decimal(9,3)", "u VARCHAR(9) COLLATE utf8mb4_bin UNIQUE", "MODIFY u VARCHAR(9) COLLATE utf8mb4_general_ci", "'a'), (%s, 'b'", "'B'", nil},
		"expression": {"int", "u INT", "ADD UNIQUE KEY added ((u * u))", "1), (%s, 2", "-2", func(e sandbox.Engine) bool { return !e.MariaDB() }},
		"generated":  {"bigint unsigned", "u INT", "ADD COLUMN g INT AS (u * u) STORED, ADD UNIQUE KEY added (g)", "1), (%s, 2", "-2", nil},
	} {
		t.Run(name, func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
				if c.only != nil && !c.only(s.Server.Engine) {
					t.Skip("the server has no such keys")
				}
				r := mustRefresh(t, s, "id "+c.key+" PRIMARY KEY, v INT DEFAULT 0 INVISIBLE, "+c.create, c.alter, "('7', "+fmt.Sprintf(c.rows, "'8'")+")", func(r *refreshing) {
					for i := range r.mapping.Columns {
						p := &r.mapping.Columns[i]
						p.Lossy = p.Source.Kind == table.Double && p.Shadow.Kind == table.Int
					}
				})
				r.mustSettle()
				s.MustExec("INSERT INTO t VALUES ('9', " + c.duplicate + ")")
				for giveUp := time.After(patience / 2); ; {
					select {
					case <-giveUp:
						t.Fatal("no duplicate is found")
					case err := <-r.ended:
						var duplicate *applier.DuplicateError
						if !errors.As(err, &duplicate) || !strings.Contains(err.Error(), "Duplicate entry") {
							t.Errorf("%v: want a duplicate that names value and key", err)
						}
						return
					case <-time.After(5 * time.Millisecond):
						s.MustExec("DELETE FROM t WHERE id = '7'; INSERT INTO t VALUES ('7', " + strings.Split(c.rows, ")")[0] + ")")
					}
				}
			})
		})
	}
}

// TestRefreshUnderChurn hands unique values around at random, over keys that several portions have, and wants it to end. Where
// the ALTER adds the key there is one worker, whose portions are as large as can be: there are rows for more than one.
func TestRefreshUnderChurn(t *testing.T) {
	for name, n := range map[string]int{"another unique key": 300, "an added unique key": lockedRows} {
		t.Run(name, func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
				var rows []string
				for i := range n {
					rows = append(rows, fmt.Sprintf("('%04d', %d, 0)", i, i))
				}
				definition := uniqueTables[name]
				r := mustRefresh(t, s, definition[0], definition[1], strings.Join(rows, ", "))
				for i := range 40 {
					// All values move to the next key: each row is refused while its neighbour is not written.
					s.MustExec(fmt.Sprintf("BEGIN; UPDATE t SET u = -1 - (u + %d) %% %d; UPDATE t SET u = -1 - u; COMMIT", 1+i%7, n))
				}
				r.mustMatch()
			})
		})
	}
}
