package conn_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// written is a table whose expressions hold what a session's sql_mode may read otherwise: backslashes, quotes, a line end.
const written = `
	CREATE TABLE t (
		id int, a varchar(20), d varchar(20) DEFAULT 'd\\n\'"', e varchar(20) DEFAULT (concat('e', '\\')),
		s varchar(40) AS (concat(a, 's\\t\n\'"')) STORED, v varchar(40) AS (concat(a, 'v\\t\n\'"')) VIRTUAL,
		CHECK (a <> 'no\\t'), KEY (v), PRIMARY KEY (id, a)%s
	) ENGINE = InnoDB
	PARTITION BY LIST COLUMNS (a) (PARTITION p VALUES IN ('x', 'y', 'no\\t'), PARTITION q VALUES IN ('p\\q'))`

// TestExpressionsAreReadAsWritten: what a table computes is the same in our sessions as in the application's, also right after
// they have opened it, and one of ours does not change what it is for others.
func TestExpressionsAreReadAsWritten(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		functional := ", KEY f ((concat(a, '\\\\f')))"
		if s.Server.Engine.MariaDB() {
			functional = ""
		}
		s.MustExec(fmt.Sprintf(written, functional))
		db, err := conn.Open(configOf(s.Server, "expressions"), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }() // its statements have been answered
		table := s.Name + ".t"
		s.MustExec("INSERT INTO t (id, a) VALUES (1, 'x')")
		s.MustExec("FLUSH TABLES t")
		const values = "SELECT HEX(concat_ws('|', d, e, s, v)) FROM "
		if _, err := db.ExecContext(t.Context(), "INSERT INTO "+table+" (id, a) VALUES (2, 'y')"); err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(s.MustQueryString(values+"t WHERE id = 1"), "78", "79")
		if got := s.MustQueryString(values + "t WHERE id = 2"); got != want {
			t.Errorf("our session writes %s, the application's %s", got, want)
		}
		var got string
		if err := db.QueryRowContext(t.Context(), values+table+" WHERE v = ?", "yv\\t\n'\"").Scan(&got); err != nil || got != want {
			t.Errorf("our session reads %s, %v, want %s", got, err, want)
		}
		if _, err := db.ExecContext(t.Context(), "INSERT INTO "+table+" (id, a) VALUES (3, ?)", `no\t`); err == nil {
			t.Error("our session does not see the condition violated")
		}
		if _, err := db.ExecContext(t.Context(), "INSERT INTO "+table+" (id, a) VALUES (4, ?)", `p\q`); err != nil {
			t.Errorf("our session does not find the partition: %v", err)
		}
		for i, session := range sessions(t, s, 20) { // the server may give a session what another has opened
			var seen string
			if err := session.QueryRowContext(t.Context(), values+"t WHERE id = 2").Scan(&seen); err != nil || seen != want {
				t.Fatalf("session %d of the application reads %s, %v, want %s", i, seen, err, want)
			}
		}
	})
}

// sessions are n sessions of the application, open at once.
func sessions(t *testing.T, s *sandboxtest.Schema, n int) []*sql.Conn {
	all := make([]*sql.Conn, n)
	for i := range all {
		all[i] = s.MustConn()
	}
	return all
}

// TestModesThatTheServerKeeps: of the modes that change how SQL is read or computed, only these matter when a session writes
// to a table whose expressions were written under others: docs/safety.md names them.
func TestModesThatTheServerKeeps(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		parts := []string{`b varchar(60) AS (concat(a, 'x\\y')) STORED`, `q varchar(60) AS (concat(a, "q")) STORED`,
			"o varchar(20) AS (a || '1') STORED", "n int AS (NOT u BETWEEN 0 AND 5) STORED", "f double AS (u / 3) STORED", "p varchar(30) AS (REPLACE (a, 'a', 'b')) STORED"}
		matter := []string(nil)
		if !s.Server.Engine.MariaDB() { // it refuses what depends on these
			parts = append(parts, "m bigint AS (u - w) STORED", "c varchar(30) AS (concat(k, '|')) STORED")
			matter = []string{"NO_BACKSLASH_ESCAPES", "NO_UNSIGNED_SUBTRACTION", "PAD_CHAR_TO_FULL_LENGTH"}
		}
		session := s.MustConn()
		set := func(mode string) {
			if _, err := session.ExecContext(t.Context(), "SET sql_mode = ?", mode); err != nil {
				t.Fatal(err)
			}
		}
		set("PIPES_AS_CONCAT,HIGH_NOT_PRECEDENCE,IGNORE_SPACE")
		if _, err := session.ExecContext(t.Context(), "CREATE TABLE t (id int PRIMARY KEY, a varchar(20), k char(5), u int unsigned, w int unsigned, "+strings.Join(parts, ", ")+")"); err != nil {
			t.Fatal(err)
		}
		rows := func(mode string) string {
			set(mode)
			for _, statement := range []string{"FLUSH TABLES t", "DELETE FROM t"} {
				if _, err := session.ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			for _, row := range []string{"(1, 'a', 'k', 3, 1)", "(2, 'a', 'k', 3, 5)"} { // the second may be refused
				_, _ = session.ExecContext(t.Context(), "INSERT INTO t (id, a, k, u, w) VALUES "+row)
			}
			return strings.Join(s.MustQueryRows("SELECT * FROM t ORDER BY id"), "\n")
		}
		want := rows("")
		for _, mode := range []string{"NO_BACKSLASH_ESCAPES", "ANSI_QUOTES", "PIPES_AS_CONCAT", "NO_UNSIGNED_SUBTRACTION", "HIGH_NOT_PRECEDENCE",
			"REAL_AS_FLOAT", "IGNORE_SPACE", "PAD_CHAR_TO_FULL_LENGTH", conn.SQLMode} {
			if got := rows(mode); (got != want) != slices.Contains(matter, mode) {
				t.Errorf("in the mode %s\n%s\nin none\n%s", mode, got, want)
			}
		}
	})
}
