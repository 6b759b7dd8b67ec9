package migrate

import (
	"errors"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/cutover"
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

// TestSwapThatNobodySaw: a run that ends after the server restarted in the swap does not say that the source is unchanged.
func TestSwapThatNobodySaw(t *testing.T) {
	r := New(Config{})
	r.names = table.NamesFor(table.Name{Schema: "s", Table: "t"})
	r.left, r.unseen = []string{"DROP TABLE t__new"}, true
	r.view.cuttingOver(&cutover.Cutover{})
	r.reset()
	var unknown *Unknown
	if err := r.explain(t.Context(), conn.ErrRestarted); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "`t__old`") {
		t.Errorf("it is a %T: %v", err, err)
	}
	if r.view.cutover != nil {
		t.Error("what is shown is still of the cut-over that ended")
	}
}

// TestFailureOfARestart: who repeats a command with --restart loses what it has done.
func TestFailureOfARestart(t *testing.T) {
	for restarts, says := range map[bool]string{false: "The same command goes on", true: "The same command without --restart goes on"} {
		if text := (&Failure{Err: errors.New("x"), Restarts: restarts, Left: []string{"DROP"}}).Error(); !strings.Contains(text, says) {
			t.Errorf("it says %q", text)
		}
	}
}
