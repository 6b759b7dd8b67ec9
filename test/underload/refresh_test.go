package underload_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestRefreshLoadStopped: changes are applied by their keys, rows copied without locks; the load stops before the swap.
func TestRefreshLoadStopped(t *testing.T) {
	for _, set := range []settings{
		large(settings{connections: 8, workers: 4, rate: calm()}),
		{connections: 8, workers: 4, rows: 5000, skew: load.Skew{HotShare: 0.9}, rate: calm()},
		{connections: 16, workers: 4, rows: 5000, unique: true, mix: load.Everything()},
	} {
		set.apply, set.alter = migrate.Refresh, neutral
		stopped(t, set, soak(4*time.Second))
	}
}

// TestRefreshLoadThroughTheSwap: the same with the load running through the swap, and changing many rows while others are copied:
// unique values and keys go from row to row; one row has nearly all the writes, is deleted and comes back; and a unique key is added
// by the ALTER: the source's has another collation, so that nothing is known of the order in which its values are handed around.
func TestRefreshLoadThroughTheSwap(t *testing.T) {
	for _, set := range []settings{
		{connections: 8, workers: 4, rows: 5000, alter: "MODIFY k BIGINT NOT NULL DEFAULT 0, ADD COLUMN note VARCHAR(20)", unique: true, rate: calm()},
		{connections: 4, workers: 2, rows: 2000, alter: neutral, skew: load.Skew{HotShare: 0.9}, rate: 2 * calm()},
		{connections: 6, workers: 4, rows: 5000, alter: "MODIFY u VARCHAR(24) COLLATE utf8mb4_unicode_ci, DROP KEY u_1, ADD UNIQUE KEY u_2 (u)", unique: true, rate: 50},
	} {
		set.apply, set.mix, set.chunk, set.proxied = migrate.Refresh, load.Everything(), small, true
		t.Run(set.String(), func(t *testing.T) {
			sandboxtest.EachPosition(t, func(t *testing.T, s *sandboxtest.Schema) {
				c := startChurn(beginLoad(t, s, set))
				c.mustCopy()
				c.awaitPostponed()
				c.mustSwapUnderLoad()
			})
		})
	}
}

// TestTransactionOfAllRows: one transaction changes every row while rows are copied, and one changes or deletes every key or row
// when all are copied: in the long form a million rows, more than the set of dirty keys has room for.
func TestTransactionOfAllRows(t *testing.T) {
	set := settings{connections: 2, workers: 4, rows: 20_000, alter: neutral, apply: migrate.Refresh, rate: 100}
	if _, ok := long(); ok {
		set.rows = 1_000_000
	}
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		set := set
		set.throttled = filepath.Join(t.TempDir(), "throttle")
		r := begin(t, s, set)
		for r.runner.Snapshot().Copied == 0 {
			r.mustStay(time.Millisecond)
		}
		if err := os.WriteFile(set.throttled, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		r.mustStopLoad()
		s.MustExec("UPDATE sbtest1 SET k = k + 1, c = REVERSE(c)")
		if err := os.Remove(set.throttled); err != nil {
			t.Fatal(err)
		}
		r.awaitPostponed()
		s.MustExec("BEGIN; DELETE FROM sbtest1 WHERE id % 3 = 0; UPDATE sbtest1 SET id = -id WHERE id % 3 = 1; UPDATE sbtest1 SET k = k + 1 WHERE id % 3 = 2; COMMIT")
		r.mustSwap()
		r.mustProve(proof.Equal(t.Context(), s.DB, table.NamesFor(r.source.Name).Retired, r.source.Name))
	})
}
