package table_test

import (
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestServersTakeTheNames creates all tables of a migration for sources with long and odd names.
func TestServersTakeTheNames(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		for _, source := range []string{
			strings.Repeat("z", 64), strings.Repeat("T", 64), strings.Repeat("_", 60), strings.Repeat("~", 45),
			strings.Repeat("名", 48), strings.Repeat("\uff9f", 48), strings.Repeat("é", 60), "a b`c.d'e\"f\\g%s", "select", "1e5", "T",
		} {
			n := table.NamesFor(table.Name{Schema: s.Name, Table: source})
			for _, name := range []table.Name{n.Source, n.Shadow, n.Retired, n.Changelog, n.Checkpoint, n.RetiredAt(time.Now())} {
				s.MustExec("CREATE TABLE " + name.String() + " (id INT PRIMARY KEY) COMMENT '" + table.OwnershipMark + "'")
				if got := inspect(t, connect(t, s), name.Schema, name.Table); got.Name != name || got.Comment != table.OwnershipMark {
					t.Errorf("%s: found %s with comment %q", name, got.Name, got.Comment)
				}
			}
		}
	})
}
