package underload_test

import (
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
		{connections: 8, workers: 4, rows: 50_000},
		{connections: 8, workers: 4, rows: 5000, skew: load.Skew{HotShare: 0.9}},
		{connections: 16, workers: 4, rows: 5000, unique: true, mix: load.Everything()},
	} {
		set.apply, set.alter = migrate.Refresh, neutral
		stopped(t, set, soak(4*time.Second))
	}
}

// TestRefreshLoadThroughTheSwap: the same with the load running through the swap; and with a unique key that the ALTER adds.
func TestRefreshLoadThroughTheSwap(t *testing.T) {
	for _, set := range []settings{
		{connections: 8, workers: 4, rows: 5000, alter: "MODIFY k BIGINT NOT NULL DEFAULT 0, ADD COLUMN note VARCHAR(20)", unique: true, mix: load.Everything()},
		{connections: 4, workers: 2, rows: 2000, alter: neutral, skew: load.Skew{HotShare: 0.9}},
	} {
		set.apply = migrate.Refresh
		t.Run(set.String(), func(t *testing.T) {
			each(t, func(t *testing.T, s *sandboxtest.Schema) {
				r := begin(t, s, set)
				r.awaitPostponed()
				r.mustStay(soak(2 * time.Second))
				r.mustSwap()
				r.mustStay(500 * time.Millisecond)
				r.mustStopLoad()
				r.mustProve(proof.Model(t.Context(), s.DB, r.source.Name, r.generator.Model(0)))
				r.mustProve(proof.Retired(t.Context(), s.DB, table.NamesFor(r.source.Name).Retired, r.generator, 0))
				r.tell()
			})
		})
	}
}
