package alter

import (
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestServersAcceptWhatParseAccepts runs each accepted text, retargeted, and looks whether the columns it says to rename and
// drop are the ones that the server renames and drops.
func TestServersAcceptWhatParseAccepts(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		engine := "mysql"
		if s.Server.Engine.MariaDB() {
			engine = "mariadb"
		}
		for _, c := range accepted {
			if c.only != "" && c.only != engine {
				continue
			}
			a, err := Parse(c.sql, source, Dialect{})
			if err != nil {
				t.Errorf("%s: %v", c.sql, err)
				continue
			}
			check(t, s, a)
		}
	})
}

func check(t *testing.T, s *sandboxtest.Schema, a *Alter) {
	t.Helper()
	shadow := table.Name{Schema: s.Name, Table: "100%s `shadow`"}
	s.MustExec("DROP TABLE IF EXISTS " + shadow.String() + "; CREATE TABLE " + shadow.String() +
		" (id INT PRIMARY KEY, a INT, b INT, c TEXT, d INT, KEY ka (a), CONSTRAINT positive CHECK (d > 0))")
	if _, err := s.DB.ExecContext(t.Context(), a.For(shadow)); err != nil {
		t.Errorf("%s: %v", a.For(shadow), err)
		return
	}
	columns := "," + strings.Join(s.MustQueryRows(
		"SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?", shadow.Table), ",") + ","
	taken := make(map[string]bool)
	for old, name := range a.Renames {
		taken[name] = true
		if !strings.Contains(columns, ","+name+",") {
			t.Errorf("%s: no column %s in %s", a.Clauses, name, columns)
		}
		if _, back := a.Renames[name]; !back && strings.Contains(columns, ","+old+",") {
			t.Errorf("%s: column %s is still in %s", a.Clauses, old, columns)
		}
	}
	for _, name := range a.Drops {
		if !taken[name] && strings.Contains(columns, ","+name+",") {
			t.Errorf("%s: column %s is still in %s", a.Clauses, name, columns)
		}
	}
	for _, name := range []string{"id", "a", "b", "c", "d"} {
		_, renamed := a.Renames[name]
		gone := renamed || strings.Contains(","+strings.Join(a.Drops, ",")+",", ","+name+",")
		if !gone && !strings.Contains(columns, ","+name+",") {
			t.Errorf("%s: column %s vanished and nothing says so: %s", a.Clauses, name, columns)
		}
	}
}
