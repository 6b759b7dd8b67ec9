//go:build bench

package bench

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/status"
)

// TestIdle migrates a table of a million rows (BENCH_ROWS says otherwise) again and again on the idle, durable server, in
// turns with the server's own ALTER … ALGORITHM=COPY of the same change: with refresh, its secondary
// index built afterwards or from the beginning, with refresh and verification, and with replay. Medians of five turns.
func TestIdle(t *testing.T) {
	const turns = 5
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "\nserver\trows\tALGORITHM=COPY\trefresh, --verify=off\tratio\t--defer-indexes=off\tratio\tverification adds\tof the copy\treplay, --verify=off\tratio\t")
	for _, engine := range engines(t) {
		t.Run(string(engine), func(t *testing.T) {
			m := newMigrateBench(t, engine)
			took := map[string][]time.Duration{}
			types := []string{"MODIFY k BIGINT NOT NULL DEFAULT 0", "MODIFY k INT NOT NULL DEFAULT 0"}
			next := 0
			change := func() string { next++; return types[(next-1)%len(types)] }
			for range turns {
				began := time.Now()
				m.s.MustExec("ALTER TABLE idle " + change() + ", ALGORITHM=COPY")
				took["native"] = append(took["native"], time.Since(began))
				for way, cfg := range map[string]struct {
					apply   migrate.Apply
					verify  bool
					indexes migrate.Defer
				}{
					"refresh": {migrate.Refresh, false, migrate.DeferAuto}, "indexed": {migrate.Refresh, false, migrate.DeferOff},
					"verified": {migrate.Refresh, true, migrate.DeferAuto}, "replay": {migrate.Replay, false, migrate.DeferAuto},
				} {
					c := m.config("idle", change(), "")
					c.Apply, c.Verify, c.DeferIndexes = cfg.apply, cfg.verify, cfg.indexes
					s, err := migrate.New(c).Run(t.Context())
					m.must(err)
					took[way] = append(took[way], s.Took)
					m.s.MustExec("DROP TABLE idle__old")
				}
			}
			median := func(way string) time.Duration {
				slices.Sort(took[way])
				return took[way][turns/2]
			}
			native, refresh, indexed, verified, replay := median("native"), median("refresh"), median("indexed"), median("verified"), median("replay")
			short := func(d time.Duration) string { return d.Round(10 * time.Millisecond).String() }
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%.2f\t%s\t%.2f\t%s\t%.0f %%\t%s\t%.2f\t\n", engine, status.Count(uint64(m.source.Rows)), short(native), short(refresh),
				refresh.Seconds()/native.Seconds(), short(indexed), indexed.Seconds()/native.Seconds(), short(verified-refresh), 100*(verified.Seconds()/refresh.Seconds()-1), short(replay), replay.Seconds()/native.Seconds())
		})
	}
	_ = out.Flush() // standard output
}

// TestHarm measures what a write load notices of a migration: at 40 % of what the idle server takes, before the migration and
// during it, the swap included.
func TestHarm(t *testing.T) {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "\nserver\tcapacity\tload\tkept\tp50\tduring\tp99\tduring\tratio\tlongest pause\tduring\tmigration\tstall\terrors\t")
	for _, engine := range engines(t) {
		t.Run(string(engine), func(t *testing.T) {
			m := newMigrateBench(t, engine)
			full := m.lap(0, 10*time.Second)
			capacity := full.Rate()
			m.s.MustExec("DROP TABLE sbtest1")
			m.must(m.source.Create(t.Context(), m.s.DB))
			m.generator = load.New(load.Config{DB: m.s.DB, Tables: []load.Table{m.source}, Connections: 8, Rate: 0.4 * capacity, Seed: 1})
			loading, stop := context.WithCancel(t.Context())
			loaded := make(chan error, 1)
			go func() { loaded <- m.generator.Run(loading) }()
			time.Sleep(2 * time.Second)
			m.generator.Lap()
			time.Sleep(10 * time.Second)
			before := m.generator.Lap()
			c := m.config("sbtest1", widen, "")
			c.Verify = true
			s, err := migrate.New(c).Run(t.Context())
			m.must(err)
			during := m.generator.Lap()
			stop()
			m.must(<-loaded)
			ms := func(d time.Duration) string { return d.Round(100 * time.Microsecond).String() }
			fmt.Fprintf(out, "%s\t%.0f/s\t%.0f/s\t%.1f %%\t%s\t%s\t%s\t%s\t%.1f\t%s\t%s\t%s\t%s\t%d\t\n", engine, capacity, before.Rate(), 100*during.Rate()/before.Rate(),
				ms(before.P50), ms(during.P50), ms(before.P99), ms(during.P99), during.P99.Seconds()/before.P99.Seconds(),
				ms(before.LongestPause), ms(during.LongestPause), s.Took.Round(10*time.Millisecond), ms(s.Stall), during.ErrorCount())
		})
	}
	_ = out.Flush() // standard output
}

// lap runs a load of that rate, 0 for as fast as it goes, and returns what it did.
func (m *migrateBench) lap(rate float64, d time.Duration) load.Stats {
	m.t.Helper()
	g := load.New(load.Config{DB: m.s.DB, Tables: []load.Table{m.source}, Connections: 8, Rate: rate, Seed: 2})
	ctx, cancel := context.WithTimeout(m.t.Context(), d)
	defer cancel()
	m.must(g.Run(ctx))
	return g.Snapshot()
}
