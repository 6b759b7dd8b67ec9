package conn_test

import (
	"math"
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// TestLiteralsSurviveDerivedTables compares with literals that hold quotes and backslashes, outside of a derived table into
// which the server may push the comparison.
func TestLiteralsSurviveDerivedTables(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db, err := conn.Open(conn.Config{Host: s.Server.Host, Port: s.Server.Port, User: s.Server.User, Password: s.Server.Password}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }() // its queries have been answered
		s.MustExec("CREATE TABLE t (id int PRIMARY KEY, v varchar(20))")
		for i, value := range []string{"it's", `a\b`, `\`, `say "x"`, `'\'`, "tab\tnew\n", "100%_"} {
			if _, err := db.ExecContext(t.Context(), "INSERT INTO "+s.Name+".t VALUES (?, ?)", i, value); err != nil {
				t.Fatal(err)
			}
			var got string
			query := "SELECT v FROM (SELECT id, v FROM " + s.Name + ".t GROUP BY id, v UNION SELECT -1, 'x') d WHERE v = ? AND id = ?"
			if err := db.QueryRowContext(t.Context(), query, value, i).Scan(&got); err != nil || got != value {
				t.Errorf("%q: got %q, %v", value, got, err)
			}
		}
		var isolation string
		if err := db.QueryRowContext(t.Context(), "SELECT @@"+map[bool]string{true: "tx", false: "transaction"}[s.Server.Engine.MariaDB()]+"_isolation").Scan(&isolation); err != nil || isolation != "READ-COMMITTED" {
			t.Errorf("isolation %q, %v", isolation, err)
		}
	})
}

// TestSettingsOfTheServerAreSetBack: what an administrator has set for all sessions does not reach ours.
func TestSettingsOfTheServerAreSetBack(t *testing.T) {
	sandboxtest.EachPrivate(t, sandbox.Options{}, func(t *testing.T, server *sandbox.Server) {
		s := sandboxtest.NewSchema(t, server.Address())
		limit, value := "max_execution_time", "20"
		if server.Engine.MariaDB() {
			limit, value = "max_statement_time", "0.02"
		}
		s.MustExec("SET GLOBAL unique_checks = 0, GLOBAL foreign_key_checks = 0, GLOBAL sql_safe_updates = 1, GLOBAL sql_select_limit = 1, GLOBAL completion_type = 'CHAIN', GLOBAL " + limit + " = " + value)
		db, err := conn.Open(configOf(s.Server, "set back"), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }() // its session is idle
		var unique, foreign, safe bool
		var completion string
		var rows uint64
		var time float64
		err = db.QueryRowContext(t.Context(), "SELECT @@unique_checks, @@foreign_key_checks, @@sql_safe_updates, @@sql_select_limit, @@completion_type, @@"+limit).
			Scan(&unique, &foreign, &safe, &rows, &completion, &time)
		if err != nil {
			t.Fatal(err)
		}
		if !unique || !foreign || safe || rows != math.MaxUint64 || completion != "NO_CHAIN" || time != 0 {
			t.Errorf("unique_checks %t, foreign_key_checks %t, sql_safe_updates %t, sql_select_limit %d, completion_type %s, %s %g", unique, foreign, safe, rows, completion, limit, time)
		}
	})
}
