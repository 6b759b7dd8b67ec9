package table_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestInspectTemporaryAgrees: of every type, a temporary table tells what a base table tells.
func TestInspectTemporaryAgrees(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		lines := []string{"id INT NOT NULL AUTO_INCREMENT PRIMARY KEY", "a VARCHAR(20) CHARACTER SET latin1 NOT NULL", "u INT DEFAULT 5", "UNIQUE KEY ua (a)", "KEY part (a(3), u)",
			"e ENUM('x','y''z','it, (') CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "m SET('p','q')", "g INT AS (u + 1) STORED", "v INT AS (u * 2) VIRTUAL"}
		for i, c := range everyType {
			lines = append(lines, fmt.Sprintf("c%d %s", i, c.definition))
		}
		if s.Server.Engine.MariaDB() {
			lines = append(lines, "mu UUID", "mi INET6", "mc TEXT COMPRESSED", "inv INT INVISIBLE DEFAULT 3", "j JSON")
		} else {
			lines = append(lines, "inv INT DEFAULT 3 INVISIBLE", "j JSON", "UNIQUE KEY expression ((u + 1))")
		}
		if s.Server.Engine != sandbox.MariaDB1011 {
			lines = append(lines, "vec VECTOR(5)")
		}
		s.MustExec("CREATE TABLE t (" + strings.Join(lines, ", ") + ") ENGINE = InnoDB")
		base := inspect(t, connect(t, s), s.Name, "t")
		c := mustSession(t, s)
		name := table.Name{Schema: s.Name, Table: "tmp"}
		if _, err := c.ExecContext(t.Context(), "CREATE TEMPORARY TABLE "+name.String()+" LIKE "+base.Name.String()); err != nil {
			t.Fatal(err)
		}
		temporary, err := table.InspectTemporary(t.Context(), c, name)
		if err != nil {
			t.Fatal(err)
		}
		if len(temporary.Columns) != len(base.Columns) || len(base.Columns) < len(everyType) {
			t.Fatalf("%d columns, want %d", len(temporary.Columns), len(base.Columns))
		}
		for i := range base.Columns {
			got, want := temporary.Columns[i], base.Columns[i]
			if (got.Expression == "") != (want.Expression == "") || (got.Expression != "" && !strings.Contains(got.Expression, "`u`")) {
				t.Errorf("column %s: expression %q, want one like %q", want.Name, got.Expression, want.Expression)
			}
			if s.Server.Engine.MariaDB() && want.Nullable && want.Default != nil && *want.Default == "NULL" {
				want.Default = nil // information_schema's way to say that there is none
			}
			got.Expression, want.Expression = "", ""
			if g, w := fmt.Sprintf("%+v %t", without(got), got.Default != nil), fmt.Sprintf("%+v %t", without(want), want.Default != nil); g != w {
				t.Errorf("column %s:\n%s, want\n%s", want.Name, g, w)
			}
		}
		if g, w := fmt.Sprintf("%+v", temporary.Keys), fmt.Sprintf("%+v", base.Keys); g != w {
			t.Errorf("keys %s, want %s", g, w)
		}
	})
}

func without(c table.Column) table.Column {
	c.Default = nil
	return c
}

func mustSession(t *testing.T, s *sandboxtest.Schema) *sql.Conn {
	t.Helper()
	a := s.Server
	db, err := conn.Open(conn.Config{Host: a.Host, Port: a.Port, User: a.User, Password: a.Password}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}
