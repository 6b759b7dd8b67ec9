//go:build bench

package bench

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/status"
)

// TestIdle migrates a table of a million rows (BENCH_ROWS says otherwise) again and again on the idle, durable server, in
// turns with the server's own ALTER … ALGORITHM=COPY of the same change: with refresh, its secondary
// index built afterwards or from the beginning, with refresh and verification, and with replay. Medians of five turns.
func TestIdle(t *testing.T) {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "\nserver\trows\tALGORITHM=COPY\trefresh, --verify=off\tratio\t--defer-indexes=off\tratio\tverification adds\tof the copy\treplay, --verify=off\tratio\t")
	for _, engine := range engines(t) {
		t.Run(string(engine), func(t *testing.T) {
			m := newMigrateBench(t, engine)
			took := map[string][]time.Duration{}
			for range turns(t, 5) {
				took["native"] = append(took["native"], m.copied("idle"))
				for way, cfg := range map[string]struct {
					apply   migrate.Apply
					verify  bool
					indexes migrate.Defer
				}{
					"refresh": {migrate.Refresh, false, migrate.DeferAuto}, "indexed": {migrate.Refresh, false, migrate.DeferOff},
					"verified": {migrate.Refresh, true, migrate.DeferAuto}, "replay": {migrate.Replay, false, migrate.DeferAuto},
				} {
					c := m.config("idle", widen, "")
					c.Apply, c.Verify, c.DeferIndexes = cfg.apply, cfg.verify, cfg.indexes
					s, err := migrate.New(c).Run(t.Context())
					m.must(err)
					took[way] = append(took[way], s.Took)
					m.again("idle")
				}
			}
			median := func(way string) time.Duration {
				slices.Sort(took[way])
				return took[way][len(took[way])/2]
			}
			native, refresh, indexed, verified, replay := median("native"), median("refresh"), median("indexed"), median("verified"), median("replay")
			short := func(d time.Duration) string { return d.Round(10 * time.Millisecond).String() }
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%.2f\t%s\t%.2f\t%s\t%.0f %%\t%s\t%.2f\t\n", engine, status.Count(uint64(m.source.Rows)), short(native), short(refresh),
				refresh.Seconds()/native.Seconds(), short(indexed), indexed.Seconds()/native.Seconds(), short(verified-refresh), 100*(verified.Seconds()/refresh.Seconds()-1), short(replay), replay.Seconds()/native.Seconds())
		})
	}
	_ = out.Flush() // standard output
}
