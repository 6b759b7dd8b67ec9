package underload_test

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/status"

	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// lines are the runs that were proven, for the table at the end.
var (
	linesMu sync.Mutex
	lines   []string
)

// report adds a run to the table.
func report(r *run, stats *load.Stats, s status.Snapshot) {
	result := "equal"
	if r.t.Failed() {
		result = "FAILED"
	}
	line := fmt.Sprintf("%s\t%.0f\t%d\t%d\t%d\t%s\t%d\t%s\t", r.t.Name(), stats.Rate(), s.ChangesApplied, s.Retries, s.MostBusy,
		s.Stall.Round(time.Millisecond), stats.Errors[1213], result)
	linesMu.Lock()
	defer linesMu.Unlock()
	lines = append(lines, line)
}

// atOnce is the number of runs side by side: most of them mostly wait.
const atOnce = 4

// busy has room for as many runs as may keep the machine busy all the time.
var busy = make(chan struct{}, 2)

// beBusy waits until few enough other runs are busy; this one is until the test's end.
func beBusy(t *testing.T) {
	busy <- struct{}{}
	t.Cleanup(func() { <-busy })
}

func TestMain(m *testing.M) {
	sandboxtest.AtOnce(atOnce)
	code := m.Run()
	slices.Sort(lines)
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "\nrun\tload tx/s\tchanges applied\tretries\tbusy at once\tstall\tdeadlocks seen by the load\tresult\t")
	for _, line := range lines {
		fmt.Fprintln(out, line)
	}
	_ = out.Flush() // standard output
	os.Exit(code)
}
