package migrate

import (
	"errors"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestGoingOnAfterTheSwap: a process that has the tables swapped and finds the server restarted looks at it anew before it cleans
// up; when it gives up, the table has its new definition, and nothing else is said.
func TestGoingOnAfterTheSwap(t *testing.T) {
	r := New(Config{DropOldTable: true})
	r.names = table.NamesFor(table.Name{Schema: "s", Table: "t"})
	r.swapped, r.summary.Source = true, r.names.Source
	for _, pass := range []string{"as it was found", "going on"} {
		var leftover *Leftover
		if err := r.explain(t.Context(), conn.ErrRestarted); !errors.As(err, &leftover) || !errors.Is(err, conn.ErrRestarted) {
			t.Errorf("%s: it is a %T: %v", pass, err, err)
		} else if got := strings.Join(leftover.Left, " "); strings.Count(got, "DROP") != 3 || !strings.HasSuffix(got, r.names.Checkpoint.String()+";") {
			t.Errorf("%s: left: %s", pass, got)
		}
		r.reset()
	}
	if r.skips(status.Preflight) {
		t.Error("it goes on without a connection")
	}
}
