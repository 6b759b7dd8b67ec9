package binlog

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

const ownMark = "/* ours */"

// noted are the threads that the changelog names.
type noted map[uint32]uint32

func (n noted) Note(server uint32, id int64, _ uint64) { n[uint32(id)] = server }

func (n noted) Has(server, thread uint32) bool { s, ok := n[thread]; return ok && s == server }

// watching makes a shadow and has it watched.
func watching(t *testing.T, s *sandboxtest.Schema) *follower {
	t.Helper()
	s.MustExec("CREATE TABLE t__new (id BIGINT PRIMARY KEY, k INT, v VARCHAR(200)) ENGINE=InnoDB; INSERT INTO t__new VALUES (1, 1, 'before'), (2, 2, 'before')")
	f := prepare(t, s)
	s.MustExec("CREATE TRIGGER r AFTER DELETE ON other FOR EACH ROW DELETE FROM t__new WHERE id = OLD.id; CREATE PROCEDURE p() DELETE FROM t__new")
	var err error
	if f.cfg.Start, err = Current(t.Context(), s.DB, f.cfg.Server); err != nil {
		t.Fatal(err)
	}
	f.cfg.Watch = &Watch{Shadow: table.Name{Schema: s.Name, Table: "t__new"}, Mark: ownMark}
	if f.cfg.Server.LogsThreads() {
		f.cfg.Watch.Writers = noted{}
	}
	return f
}

// own returns a session that may write the shadow.
func (f *follower) own() *sql.Conn {
	f.t.Helper()
	cfg := f.cfg.Conn
	cfg.Enlist = fmt.Sprintf("REPLACE INTO %s.t__changelog VALUES (CONNECTION_ID(), 1)", f.s.Name)
	cfg.Annotates = !f.cfg.Server.LogsThreads()
	db, err := conn.Open(cfg, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = db.Close() }) // idle
	c, err := db.Conn(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = c.Close() })
	mustExec(f.t, c, "USE "+f.s.Name)
	return c
}

// TestWritesToTheShadow: those of the migration's sessions are none of the stream's business, each of anybody else ends it.
func TestWritesToTheShadow(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		for name, c := range map[string]struct {
			statements string // one by one, separated by ;;
			maria      bool   // MariaDB only
			mysql      bool
		}{
			"insert":          {statements: "INSERT INTO t__new VALUES (77, 1, 'x')"},
			"update":          {statements: "UPDATE t__new SET k = k + 1"},
			"delete":          {statements: "DELETE FROM t__new WHERE id = 1"},
			"replace":         {statements: "REPLACE INTO t__new VALUES (1, 9, 'x')"},
			"copy":            {statements: "INSERT INTO t__new SELECT id + 1000, k, v FROM t"},
			"several tables":  {statements: "UPDATE other, t__new SET other.k = 5, t__new.k = 5 WHERE other.id = t__new.id"},
			"transaction":     {statements: "BEGIN;; UPDATE t SET k = 9;; SAVEPOINT a;; DELETE FROM t__new WHERE id = 2;; UPDATE other SET k = 9;; COMMIT"},
			"trigger":         {statements: "DELETE FROM other WHERE id = 2"},
			"procedure":       {statements: "CALL p()"},
			"XA":              {statements: "XA START 'a';; DELETE FROM t__new WHERE id = 2;; XA END 'a';; XA COMMIT 'a' ONE PHASE"},
			"other case":      {statements: "DELETE FROM `t__new`"},
			"not annotated":   {statements: "SET SESSION binlog_annotate_row_events = OFF;; DELETE FROM t__new", maria: true},
			"another thread":  {statements: "SET SESSION pseudo_thread_id = 4000000000;; DELETE FROM t__new", mysql: true},
			"compressed":      {statements: "SET SESSION binlog_transaction_compression = ON;; DELETE FROM t__new", mysql: true},
			"another server":  {statements: "SET SESSION server_id = 4242;; DELETE FROM t__new", maria: true},
			"with statements": {statements: "SET SESSION binlog_rows_query_log_events = ON;; DELETE FROM t__new", mysql: true},
		} {
			if maria := s.Server.Engine.MariaDB(); c.maria && !maria || c.mysql && maria {
				continue
			}
			t.Run(name, func(t *testing.T) {
				s := sandboxtest.NewSchema(t, s.Server)
				f := watching(t, s).start()
				s.MustExec("INSERT INTO t VALUES (1, 1, 'x'), (2, 2, 'y'); INSERT INTO other SELECT * FROM t")
				own := f.own()
				for _, statement := range []string{
					"INSERT INTO t__new /* ours */ SELECT id + 10, k, v FROM t", "BEGIN", "DELETE FROM t__new /* ours */ WHERE id = 11",
					"REPLACE INTO t__new /* ours */ VALUES (12, 5, 'x')", "SAVEPOINT a", "UPDATE t__new /* ours */ SET k = 0 WHERE id > 10", "COMMIT",
				} {
					mustExec(t, own, statement)
				}
				// To lock the shadow, or to read it, is not to change it.
				s.MustExec("UPDATE other, t__new SET other.k = 8 WHERE other.id = t__new.id; UPDATE t__new SET k = 1 WHERE id = -1; BEGIN; DELETE FROM t__new; ROLLBACK")
				f.fence(1)
				mustExec(t, own, "INSERT INTO t__new /* ours */ VALUES (100, 1, 'last')")
				somebody := s.MustConn()
				defer somebody.Close()
				var id uint32
				if err := somebody.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
					t.Fatal(err)
				}
				for statement := range strings.SplitSeq(c.statements, ";;") {
					mustExec(t, somebody, statement)
				}
				err := f.fails()
				var foreign *ForeignWriteError
				if !errors.As(err, &foreign) || foreign.Shadow.Table != "t__new" || !strings.Contains(err.Error(), "read event at ") {
					t.Fatalf("the stream said: %v", err)
				}
				if name == "another thread" {
					id = 4_000_000_000
				}
				if f.cfg.Server.LogsThreads() && (foreign.Thread != id || !strings.Contains(err.Error(), fmt.Sprintf("thread %d of server %d", id, foreign.Server))) {
					t.Errorf("thread %d wrote, the stream said: %v", id, err)
				}
			})
		}
	})
}

// TestShadowOfACompressingServer: MariaDB compresses rows, not what says whose they are.
func TestShadowOfACompressingServer(t *testing.T) {
	for _, e := range []sandbox.Engine{sandbox.MariaDB1011, sandbox.MariaDB118} {
		t.Run(string(e), func(t *testing.T) {
			s := privateSchema(t, e, sandbox.Options{Args: []string{"--log-bin-compress=ON", "--log-bin-compress-min-len=10"}})
			f := watching(t, s).start()
			own := f.own()
			mustExec(t, own, "INSERT INTO t__new /* ours */ VALUES (20, 1, REPEAT('x', 200)), (21, 1, REPEAT('x', 200))")
			f.fence(1)
			s.MustExec("INSERT INTO t__new VALUES (22, 1, REPEAT('x', 200))")
			var foreign *ForeignWriteError
			if err := f.fails(); !errors.As(err, &foreign) {
				t.Errorf("the stream said: %v", err)
			}
		})
	}
}
