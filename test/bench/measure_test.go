//go:build bench

package bench

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// engines are those of BENCH_ENGINES, by default MySQL and the newest MariaDB.
func engines(t *testing.T) []sandbox.Engine {
	t.Helper()
	engines, err := sandbox.ParseEngines(cmp.Or(os.Getenv("BENCH_ENGINES"), "mysql,mariadb"))
	if err != nil {
		t.Fatal(err)
	}
	return engines
}

// turns is how often each of the things that are compared is measured: BENCH_TURNS, or as given.
func turns(t *testing.T, otherwise int) int { t.Helper(); return number(t, "BENCH_TURNS", otherwise) }

// rowsOf is the number of rows of a table: BENCH_ROWS, or as given.
func rowsOf(t *testing.T, otherwise int) int64 {
	t.Helper()
	return int64(number(t, "BENCH_ROWS", otherwise))
}

func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%s is not a number from 1", variable, text)
	}
	return n
}

// durable starts a server that loses no commit, with room for all of a table in memory and in its redo log,
// and with the options of BENCH_SERVER.
func durable(t *testing.T, engine sandbox.Engine) *sandbox.Server {
	t.Helper()
	redo := "--innodb-redo-log-capacity=4G"
	if engine.MariaDB() {
		redo = "--innodb-log-file-size=4G"
	}
	args := append([]string{"--innodb-buffer-pool-size=4G", redo}, strings.Fields(os.Getenv("BENCH_SERVER"))...)
	return sandboxtest.Private(t, engine, sandbox.Options{Durable: true, Args: args})
}

// report prints a table, with a line for each engine.
func report(t *testing.T, header []string, measure func(t *testing.T, engine sandbox.Engine) []any) {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "\nserver\t%s\t\n", strings.Join(header, "\t"))
	for _, engine := range engines(t) {
		t.Run(string(engine), func(t *testing.T) {
			line := []string{string(engine)}
			for _, figure := range measure(t, engine) {
				line = append(line, fmt.Sprint(figure))
			}
			fmt.Fprintf(out, "%s\t\n", strings.Join(line, "\t"))
		})
	}
	_ = out.Flush() // standard output
}

// median returns the median of one figure of each turn.
func median[T any, N cmp.Ordered](of []T, figure func(T) N) N {
	figures := make([]N, len(of))
	for i := range of {
		figures[i] = figure(of[i])
	}
	slices.Sort(figures)
	return figures[len(figures)/2]
}

// seconds and milliseconds render a time; ratio, percent, one number beside another.
func seconds(d time.Duration) string      { return fmt.Sprintf("%.2f s", d.Seconds()) }
func milliseconds(d time.Duration) string { return fmt.Sprintf("%.1f ms", 1000*d.Seconds()) }
func ratio(a, b time.Duration) string     { return fmt.Sprintf("%.2f", a.Seconds()/b.Seconds()) }
func percent(share float64) string        { return fmt.Sprintf("%.1f %%", 100*share) }

// command builds the program and returns its path.
func command(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "midstream")
	if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/midstream").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// cpuTime returns the time that a process has spent on processors so far.
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	const user, system, tick = 11, 12, 10 * time.Millisecond // behind the name, which may hold blanks; USER_HZ is 100
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var ticks time.Duration
	for _, at := range []int{user, system} {
		n, err := strconv.ParseInt(fields[at], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ticks += time.Duration(n)
	}
	return ticks * tick
}

// peakMemory returns the most memory that a process has had so far, in KiB; 0 when it has ended.
func peakMemory(pid int) (kib int64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	if _, after, found := strings.Cut(string(text), "VmHWM:"); found {
		_, _ = fmt.Sscan(after, &kib) // the kernel's own rendering
	}
	return kib
}
