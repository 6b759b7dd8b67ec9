package underload_test

import (
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/migrate"
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
		throughTheSwap(t, set)
	}
}
