package preflight

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// open returns a pool as the migration's sessions are, closed at the test's end.
func open(t *testing.T, a sandbox.Address, extra conn.Settings) *sql.DB {
	t.Helper()
	db, err := conn.Open(conn.Config{Host: a.Host, Port: a.Port, User: a.User, Password: a.Password, Run: "test"}, extra)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close pool: %v", err)
		}
	})
	return db
}

// input returns what a migration of schema.name would hand over.
func input(t *testing.T, a sandbox.Address, schema, name string) Input {
	t.Helper()
	db := open(t, a, nil)
	server, err := conn.Inspect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return Input{
		DB: db, Server: server, Names: table.NamesFor(table.Name{Schema: schema, Table: name}),
		Statement: Statement{Text: "ADD COLUMN added int", DB: open(t, a, conn.Settings{"sql_mode": "@@GLOBAL.sql_mode"})},
	}
}

// mustRun runs all checks and leaves out what other tests on the same server may cause: their XA transactions and the settings
// of their sessions.
func mustRun(t *testing.T, in Input) *Report {
	t.Helper()
	r := mustRunAlone(t, in)
	r.Failures = slices.DeleteFunc(r.Failures, func(f Finding) bool { return f.Check == "XA transactions" || f.Check == "other sessions" })
	return r
}

// mustRunAlone is mustRun on a server of the test's own.
func mustRunAlone(t *testing.T, in Input) *Report {
	t.Helper()
	r, err := Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// mustFail asserts that there is one failure, with this text and way out.
func mustFail(t *testing.T, r *Report, check, text, fix string) {
	t.Helper()
	if len(r.Failures) != 1 {
		t.Errorf("want one failure of %s, got:\n%s", check, r)
		return
	}
	mustFind(t, r.Failures, check, text, fix)
}

// mustFind asserts that one of the findings has this text and way out.
func mustFind(t *testing.T, findings []Finding, check, text, fix string) {
	t.Helper()
	var all []string
	for _, f := range findings {
		if f.Check == check && strings.Contains(f.Text, text) && strings.Contains(f.Fix, fix) {
			return
		}
		all = append(all, f.String())
	}
	t.Errorf("want %s: %q, %q; got:\n%s", check, text, fix, strings.Join(all, "\n"))
}

// name returns the quoted name of a table of the test's schema.
func name(s *sandboxtest.Schema, t string) string {
	return table.Name{Schema: s.Name, Table: t}.String()
}

func TestRunPassesAnOrdinaryTableAndChangesNothing(t *testing.T) {
	for _, e := range sandbox.Engines() { // of its own: others would move the log's position
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := sandboxtest.NewSchema(t, sandboxtest.Private(t, e, sandbox.Options{}).Address())
			s.MustExec("CREATE TABLE t (id int PRIMARY KEY, a text, b int AS (id + 1)); INSERT INTO t (id, a) VALUES (1, 'x')")
			in := input(t, s.Server, s.Name, "t")
			before := state(s, in.Server)
			r := mustRunAlone(t, in)
			if len(r.Failures)+len(r.Warnings) > 0 || r.Err() != nil {
				t.Errorf("got:\n%s", r)
			}
			mustFind(t, r.Notes, "room", "the copy of "+in.Names.Source.String()+" takes about ", "")
			if r.Source == nil || len(r.Source.Columns) != 3 {
				t.Errorf("source: %+v", r.Source)
			}
			if after := state(s, in.Server); after != before {
				t.Errorf("the server was changed:\nbefore %s\nafter  %s", before, after)
			}
		})
	}
}

// state is what a change of the server would change: where its log ends, its tables, accounts and variables.
func state(s *sandboxtest.Schema, server *conn.Server) string {
	parts := s.MustQueryRows(logStatus(server))
	for _, q := range []string{
		"SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_COMMENT, CREATE_TIME FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN ('information_schema', 'performance_schema', 'sys') ORDER BY 1, 2",
		"SELECT Host, User FROM mysql.user ORDER BY 1, 2",
		"SELECT SCHEMA_NAME FROM information_schema.SCHEMATA ORDER BY 1",
		"SHOW GLOBAL VARIABLES WHERE Variable_name NOT LIKE '%timestamp%' AND Variable_name NOT LIKE 'gtid_%' AND Variable_name NOT LIKE 'innodb_history%'",
	} {
		parts = append(parts, s.MustQueryRows(q)...)
	}
	return strings.Join(parts, "\n")
}

func TestRunReportsAllFailuresTogether(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int, p int UNIQUE, FOREIGN KEY (p) REFERENCES p (id)); CREATE TABLE t__old (id int); CREATE TABLE t__new (id int)")
		s.MustExec("CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.id = 1")
		r := mustRun(t, input(t, s.Server, s.Name, "t"))
		source, parent := name(s, "t"), name(s, "p")
		for _, want := range []struct{ check, text, fix string }{
			{"migration key", source + " cannot be migrated: ", ""},
			{"migration key", "`p`: column `p`: it can be NULL: add a primary key", ""},
			{"foreign keys", source + " refers to " + parent + " by the foreign key ", "ALTER TABLE " + source + " DROP FOREIGN KEY "},
			{"triggers", source + " has the trigger `tr`", "DROP TRIGGER `" + s.Name + "`.`tr`"},
			{"table names", "`t__new` exists and is not Midstream's", "find out whose it is"},
			{"table names", "`t__old` stands in the way", "DROP TABLE `" + s.Name + "`.`t__old`; or use another name with --timestamp-old-table"},
		} {
			mustFind(t, r.Failures, want.check, want.text, want.fix)
		}
		if len(r.Failures) != 5 {
			t.Errorf("want 5 failures, got:\n%s", r)
		}
		err := r.Err()
		if err == nil || !strings.HasPrefix(err.Error(), "refused before the start, nothing was changed:\n  - migration key: ") {
			t.Errorf("got %v", err)
		}
		for _, f := range r.Failures {
			if !strings.Contains(err.Error(), f.Text) || !strings.Contains(err.Error(), f.Fix) {
				t.Errorf("the error does not hold %q", f.Text)
			}
		}
	})
}

func TestReportRendersItsParts(t *testing.T) {
	var r Report
	if r.String() != "" || r.Err() != nil {
		t.Errorf("empty: %q, %v", r.String(), r.Err())
	}
	for _, f := range []finding{note("n", "").of("c3"), fail("f", "do").of("c1"), warn("w", "mind").of("c2"), fail("g", "").of("c4")} {
		r.add(f)
	}
	want := "refused:\n  - c1: f\n      do\n  - c4: g\nwarnings:\n  - c2: w\n      mind\nnotes:\n  - c3: n\n"
	if r.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", r.String(), want)
	}
	if got := fmt.Sprint(r.Err()); got != "refused before the start, nothing was changed:\n  - c1: f\n      do\n  - c4: g" {
		t.Errorf("got %s", got)
	}
}
