package migrate

import (
	"log/slog"
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestWithoutCheckpointTheOldTableKeepsItsName: a process has dropped its checkpoint, the last of all, and did not get the
// answer. When it goes on it still knows by which name the old table went, whatever its own flags would call it: a table of
// that name is somebody else's.
func TestWithoutCheckpointTheOldTableKeepsItsName(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id INT PRIMARY KEY); CREATE TABLE t__old (somebodys INT); CREATE TABLE t__old_2026 LIKE t")
		a := s.Server
		r := New(Config{
			Conn: conn.Config{Host: a.Host, Port: a.Port, User: a.User, Password: a.Password}, Database: s.Name, Table: "t",
			Alter: "ENGINE = InnoDB", DropOldTable: true, Log: slog.New(slog.DiscardHandler),
		})
		defer r.close()
		source := table.Name{Schema: s.Name, Table: "t"}
		r.goingOn = true
		r.summary = Summary{Source: source, Retired: table.Name{Schema: s.Name, Table: "t__old_2026"}}
		if err := r.preflight(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.cleanUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left := s.MustQueryRows("SHOW TABLES LIKE 't\\_\\_old%'"); len(left) != 1 || left[0] != "t__old" {
			t.Errorf("the old tables that are left are %v", left)
		}
	})
}
