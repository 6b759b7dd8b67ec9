//go:build bench

package bench

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/sandbox"
)

// TestScale migrates a table of a million rows (BENCH_ROWS says otherwise) and one of four times as many by the command, in turn:
// how much longer the larger one takes, how much memory the client had, and how much time it spent on processors beside the server.
func TestScale(t *testing.T) {
	binary := command(t)
	header := []string{"rows", "1 ×", "4 ×", "ratio", "client's peak, 1 ×", "4 ×", "client's CPU beside the server's, 1 ×", "4 ×"}
	report(t, header, func(t *testing.T, engine sandbox.Engine) []any {
		m := newServerBench(t, engine)
		rows := rowsOf(t, 1_000_000)
		sizes := []string{"one", "four"}
		for i, name := range sizes {
			m.must(load.Table{Name: m.name(name), Rows: rows << (2 * i)}.Create(t.Context(), m.s.DB))
		}
		runs := map[string][]usage{}
		for range turns(t, 5) {
			for _, name := range sizes {
				runs[name] = append(runs[name], m.byCommand(binary, name, widen))
			}
		}
		took := func(u usage) time.Duration { return u.took }
		peak := func(u usage) int64 { return u.peak >> 10 }
		share := func(u usage) float64 { return u.client.Seconds() / u.server.Seconds() }
		one, four := runs["one"], runs["four"]
		return []any{
			rows, seconds(median(one, took)), seconds(median(four, took)), ratio(median(four, took), median(one, took)),
			strconv.FormatInt(median(one, peak), 10) + " MiB", strconv.FormatInt(median(four, peak), 10) + " MiB",
			percent(median(one, share)), percent(median(four, share)),
		}
	})
}

// usage is what a migration by the command took.
type usage struct {
	took           time.Duration
	peak           int64         // KiB
	client, server time.Duration // on processors
}

// byCommand migrates a table by the command, with everything default but --verify=off and --native=off.
func (m *migrateBench) byCommand(binary, name, alter string) usage {
	m.t.Helper()
	a := m.s.Server
	c := exec.Command(binary, "migrate", "--host", a.Host, "--port", strconv.Itoa(a.Port), "--user", a.User, "--database", m.s.Name,
		"--table", name, "--alter", alter, "--native=off", "--verify=off", "--progress=log")
	c.Env = append(os.Environ(), "MIDSTREAM_PASSWORD="+a.Password)
	var log bytes.Buffer
	c.Stderr = &log
	before, began := cpuTime(m.t, m.server.Pid()), time.Now()
	m.must(c.Start())
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	var u usage
	for {
		select {
		case err := <-ended:
			if err != nil {
				m.t.Fatalf("%v\n%s", err, log.Bytes())
			}
			u.took, u.server = time.Since(began), cpuTime(m.t, m.server.Pid())-before
			u.client = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
			m.again(name)
			return u
		case <-time.After(10 * time.Millisecond):
			u.peak = max(u.peak, peakMemory(c.Process.Pid))
		}
	}
}
