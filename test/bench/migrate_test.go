//go:build bench

package bench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

const (
	widen  = "MODIFY k BIGINT NOT NULL DEFAULT 0"
	narrow = "MODIFY k INT NOT NULL DEFAULT 0" // what it was before
	// same leaves the columns alone, so that the tables can be compared by CHECKSUM TABLE too.
	same     = "ENGINE=InnoDB, COMMENT='rebuilt'"
	loadRate = 200 // transactions a second, as the mix of sysbench's oltp_write_only
)

// TestMigrate migrates a table of a million rows (BENCH_ROWS says otherwise) on a durable server of its own of each kind:
// the server's own ALTER with ALGORITHM=COPY of a copy of the table beside the migration of that copy, both on the idle
// server; then the table itself under a write load, twice: with the load stopped before the swap, old = new, and with
// the load running through it, new = model and old = model as of the rename.
func TestMigrate(t *testing.T) {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "\nserver\trows\tALGORITHM=COPY\tmidstream\tratio\tunder load\tchanges\tstall\tthrough the swap\tchanges\tstall\t")
	for _, engine := range engines(t) {
		t.Run(string(engine), func(t *testing.T) {
			m := newMigrateBench(t, engine)
			native := m.copied("idle")
			idle := m.idle()
			stopped, before := m.loadStopped()
			through, swap := m.loadThrough()
			seconds := func(d time.Duration) string { return d.Round(100 * time.Millisecond).String() }
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%.2f\t%s\t%d\t%s\t%s\t%d\t%s\t\n", engine, status.Count(uint64(m.source.Rows)), seconds(native), seconds(idle),
				idle.Seconds()/native.Seconds(), seconds(stopped.Took), stopped.Changes, before, seconds(through.Took), through.Changes, swap)
		})
	}
	_ = out.Flush() // standard output
}

// migrateBench is a table and a load that writes to it.
type migrateBench struct {
	t         *testing.T
	server    *sandbox.Server
	s         *sandboxtest.Schema
	source    load.Table
	generator *load.Generator
}

// newServerBench has a schema without tables.
func newServerBench(t *testing.T, engine sandbox.Engine) *migrateBench {
	t.Helper()
	server := durable(t, engine)
	return &migrateBench{t: t, server: server, s: sandboxtest.NewSchema(t, server.Address())}
}

func newMigrateBench(t *testing.T, engine sandbox.Engine) *migrateBench {
	t.Helper()
	m := newServerBench(t, engine)
	m.source = load.Table{Name: m.name("sbtest1"), Rows: rowsOf(t, 1_000_000)}
	m.must(m.source.Create(t.Context(), m.s.DB))
	m.s.MustExec("CREATE TABLE idle LIKE sbtest1; INSERT INTO idle SELECT * FROM sbtest1")
	m.generator = load.New(load.Config{DB: m.s.DB, Tables: []load.Table{m.source}, Connections: 8, Rate: loadRate, Seed: 1})
	return m
}

func (m *migrateBench) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// again takes the table as it was before its migration, for the next one.
func (m *migrateBench) again(name string) {
	m.t.Helper()
	m.s.MustExec("DROP TABLE " + name + "; RENAME TABLE " + name + "__old TO " + name)
}

// copied has the server alter a table by ALGORITHM=COPY, and back.
func (m *migrateBench) copied(name string) time.Duration {
	m.t.Helper()
	began := time.Now()
	m.s.MustExec("ALTER TABLE " + name + " " + widen + ", ALGORITHM=COPY")
	took := time.Since(began)
	m.s.MustExec("ALTER TABLE " + name + " " + narrow + ", ALGORITHM=COPY")
	return took
}

// idle migrates another copy, with nothing else going on.
func (m *migrateBench) idle() time.Duration {
	m.t.Helper()
	r := m.runner("idle", widen, "")
	s, err := r.Run(m.t.Context())
	m.must(err)
	m.prove(proof.Equal(m.t.Context(), m.s.DB, m.name("idle__old"), m.name("idle")))
	m.s.MustExec("DROP TABLE idle__old, idle")
	return s.Took
}

func (m *migrateBench) name(t string) table.Name { return table.Name{Schema: m.s.Name, Table: t} }

func (m *migrateBench) runner(name, alter, postpone string) *migrate.Runner {
	return migrate.New(m.config(name, alter, postpone))
}

func (m *migrateBench) config(name, alter, postpone string) migrate.Config {
	a := m.s.Server
	return migrate.Config{
		Conn:     conn.Config{Host: a.Host, Port: a.Port, User: a.User, Password: a.Password, Run: m.s.Name},
		Database: m.s.Name, Table: name, Alter: alter, Apply: migrate.Refresh, Native: migrate.NativeOff, DeferIndexes: migrate.DeferAuto,
		ChunkTime: 100 * time.Millisecond, LockTimeout: 3 * time.Second, MaxStall: 500 * time.Millisecond,
		ReconnectTimeout: time.Minute, Heartbeat: 100 * time.Millisecond, Checkpoint: 5 * time.Second, PostponeFile: postpone, Log: slog.New(slog.DiscardHandler),
	}
}

// prove ends the test unless the proof holds, and shows it.
func (m *migrateBench) prove(report *proof.Report, err error) {
	m.t.Helper()
	m.must(err)
	m.t.Logf("%s", report)
}

// underLoad migrates the table while the load writes; ready is called when all is copied and the cut-over is postponed.
func (m *migrateBench) underLoad(alter string, ready func(stop func())) (*migrate.Summary, time.Duration) {
	m.t.Helper()
	postpone := filepath.Join(m.t.TempDir(), "postpone")
	m.must(os.WriteFile(postpone, nil, 0o600))
	loading, cancel := context.WithCancel(m.t.Context())
	loaded := make(chan error, 1)
	go func() { loaded <- m.generator.Run(loading) }()
	stop := func() {
		if cancel(); loaded != nil {
			m.must(<-loaded)
			loaded = nil
		}
	}
	r := m.runner("sbtest1", alter, postpone)
	ended := make(chan error, 1)
	var summary *migrate.Summary
	go func() {
		var err error
		summary, err = r.Run(m.t.Context())
		ended <- err
	}()
	for r.Snapshot().Phase != status.Postponed {
		select {
		case err := <-ended:
			m.t.Fatalf("the migration ended before its cut-over: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	ready(stop)
	m.must(os.Remove(postpone))
	m.must(<-ended)
	if want := "shadow table, --native=off, --apply=refresh"; summary.Way != want {
		m.t.Errorf("the migration took the way %q, want %q", summary.Way, want)
	}
	stop()
	stats := m.generator.Snapshot()
	m.t.Logf("%s; load: %s", alter, stats.String())
	return summary, summary.Stall.Round(time.Millisecond)
}

// loadStopped: the load stops before the swap.
func (m *migrateBench) loadStopped() (*migrate.Summary, time.Duration) {
	m.t.Helper()
	summary, stall := m.underLoad(same, func(stop func()) { stop() })
	m.prove(proof.Equal(m.t.Context(), m.s.DB, m.name("sbtest1__old"), m.source.Name))
	m.prove(proof.Model(m.t.Context(), m.s.DB, m.source.Name, m.generator.Model(0)))
	m.s.MustExec("DROP TABLE sbtest1__old")
	return summary, stall
}

// loadThrough: the load runs through the swap.
func (m *migrateBench) loadThrough() (*migrate.Summary, time.Duration) {
	m.t.Helper()
	summary, stall := m.underLoad(widen, func(func()) {})
	m.prove(proof.Model(m.t.Context(), m.s.DB, m.source.Name, m.generator.Model(0)))
	m.prove(proof.Retired(m.t.Context(), m.s.DB, m.name("sbtest1__old"), m.generator, 0))
	return summary, stall
}
