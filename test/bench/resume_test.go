//go:build bench

package bench

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/midstreamdb/midstream/internal/checkpoint"
	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox"
)

// TestResume kills the command in the middle of a copy, with a checkpoint each second, and starts it again: how long it takes from the start to the next
// chunk, and how many rows were copied beyond what the checkpoint knew.
func TestResume(t *testing.T) {
	binary := command(t)
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "\nserver\trows\tcopied at the kill\tknown to the checkpoint\tits age\tstart to the next chunk\t")
	for _, engine := range engines(t) {
		t.Run(string(engine), func(t *testing.T) {
			m := newMigrateBench(t, engine)
			a := m.s.Server
			begin := func() (*exec.Cmd, *bufio.Scanner) {
				c := exec.Command(binary, "migrate", "--host", a.Host, "--port", strconv.Itoa(a.Port), "--user", a.User, "--database", m.s.Name,
					"--table", "sbtest1", "--alter", widen, "--native=off", "--progress=log", "--checkpoint-interval=1s")
				c.Env = append(os.Environ(), "MIDSTREAM_PASSWORD="+a.Password)
				log, err := c.StderrPipe()
				m.must(err)
				m.must(c.Start())
				return c, bufio.NewScanner(log)
			}
			first, _ := begin()
			var record checkpoint.Record
			for record.Rows < uint64(m.source.Rows)/4 {
				time.Sleep(100 * time.Millisecond)
				if len(m.s.MustQueryRows("SHOW TABLES LIKE 'sbtest1%new'")) > 0 {
					m.must(json.Unmarshal([]byte(m.s.MustQueryString("SELECT record FROM sbtest1__checkpoint")), &record))
				}
			}
			time.Sleep(500 * time.Millisecond)
			m.must(first.Process.Kill())
			_ = first.Wait() // it was killed
			m.must(json.Unmarshal([]byte(m.s.MustQueryString("SELECT record FROM sbtest1__checkpoint")), &record))
			age := time.Since(record.Written)
			copied := m.s.MustQueryInt("SELECT COUNT(*) FROM sbtest1__new")
			began := time.Now()
			second, log := begin()
			var took time.Duration
			for log.Scan() {
				if took == 0 && strings.Contains(log.Text(), "phase=copy") {
					took = time.Since(began)
				}
			}
			m.must(second.Wait())
			fmt.Fprintf(out, "%s\t%d\t%d\t%d\t%s\t%s\t\n", engine, m.source.Rows, copied, record.Rows, age.Round(100*time.Millisecond), took.Round(time.Millisecond))
		})
	}
	_ = out.Flush() // standard output
}

// TestCheckpointCost copies an idle table with a checkpoint every 100 ms and with none but those of the phases, in turn.
func TestCheckpointCost(t *testing.T) {
	m := newServerBench(t, sandbox.MySQL97)
	m.source = load.Table{Name: m.name("sbtest1"), Rows: 200_000}
	m.must(m.source.Create(t.Context(), m.s.DB))
	took := map[time.Duration][]time.Duration{}
	intervals := []time.Duration{100 * time.Millisecond, 10 * time.Minute}
	runs := turns(t, 5)
	for range runs {
		for _, interval := range intervals {
			cfg := m.config("sbtest1", same, "")
			cfg.Checkpoint, cfg.CopyWorkers, cfg.Log = interval, 2, slog.New(slog.DiscardHandler)
			summary, err := migrate.New(cfg).Run(t.Context())
			m.must(err)
			took[interval] = append(took[interval], summary.Took)
			m.s.MustExec("DROP TABLE sbtest1__old")
		}
	}
	median := func(d time.Duration) time.Duration {
		slices.SortFunc(took[d], func(a, b time.Duration) int { return cmp.Compare(a, b) })
		return took[d][runs/2]
	}
	often, never := median(intervals[0]), median(intervals[1])
	fmt.Printf("\n200,000 rows, medians of %d: %s with a checkpoint every 100 ms, %s without: %.3f\n", runs, often, never, often.Seconds()/never.Seconds())
}
