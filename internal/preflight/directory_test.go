package preflight

import (
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// TestRunRefusesADirectoryOfItsOwn asks the servers as well what LIKE keeps.
func TestRunRefusesADirectoryOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	sandboxtest.EachPrivate(t, sandbox.Options{Args: []string{"--loose-innodb-directories=" + dir}}, func(t *testing.T, server *sandbox.Server) {
		s := sandboxtest.NewSchema(t, server.Address())
		option := " DATA DIRECTORY = '" + dir + "'"
		s.MustExec("CREATE TABLE own (id int PRIMARY KEY)" + option + `;
			CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id) (PARTITION p VALUES LESS THAN (10)` + option + `);
			CREATE TABLE said (` + "`DATA DIRECTORY='`" + ` int PRIMARY KEY COMMENT 'a'' DATA DIRECTORY=\\') COMMENT ' DATA DIRECTORY=''x''';
			CREATE TABLE own_like LIKE own; CREATE TABLE parts_like LIKE parts`)
		for table, lost := range map[string]bool{"own": true, "parts": server.Engine.MariaDB(), "said": false} {
			if table != "said" && strings.Contains(showCreate(t, s, table+"_like"), "DATA DIRECTORY") == lost {
				t.Errorf("the server does otherwise with that of %s", table)
			}
			r := mustRun(t, input(t, s.Server, s.Name, table))
			if lost {
				mustFail(t, r, "table", name(s, table)+" has a DATA DIRECTORY", "the server's own ALTER TABLE")
			} else if len(r.Failures) > 0 {
				t.Errorf("%s: got %s", table, r)
			}
		}
	})
}

func showCreate(t *testing.T, s *sandboxtest.Schema, table string) string {
	t.Helper()
	var called, create string
	if err := s.DB.QueryRow("SHOW CREATE TABLE "+table).Scan(&called, &create); err != nil {
		t.Fatal(err)
	}
	return create
}
