package load_test

import (
	"context"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

func mustCreate(t *testing.T, s *sandboxtest.Schema, tables ...load.Table) {
	t.Helper()
	for _, table := range tables {
		if err := table.Create(t.Context(), s.DB); err != nil {
			t.Fatal(err)
		}
	}
}

// mustRun runs the load for a while; during runs beside it.
func mustRun(t *testing.T, g *load.Generator, d time.Duration, during func(ctx context.Context)) load.Stats {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if during != nil {
			during(ctx)
		}
	}()
	err := g.Run(ctx)
	<-done
	if err != nil {
		t.Fatal(err)
	}
	stats := g.Snapshot()
	t.Log(&stats)
	return stats
}

func mustProve(t *testing.T, s *sandboxtest.Schema, g *load.Generator, tables ...load.Table) {
	t.Helper()
	for i, table := range tables {
		report, err := proof.Model(t.Context(), s.DB, table.Name, g.Model(i))
		if err != nil {
			t.Fatal(err)
		}
		t.Log(report)
	}
}

func TestModelIsTable(t *testing.T) {
	uniques := func(m load.Mix) load.Mix {
		for _, o := range []load.Operation{load.HandOver, load.UniqueSwap, load.UniqueToTail} {
			m[o] *= 4
		}
		return m
	}
	for name, c := range map[string]struct {
		table load.Table
		cfg   load.Config
	}{
		"sysbench":  {load.Table{Rows: 5000, Int: true}, load.Config{}},
		"all":       {load.Table{Rows: 2000, Gap: 10, Unique: true}, load.Config{Mix: load.Everything(), Rollback: 0.1, Savepoint: 0.1}},
		"few rows":  {load.Table{Rows: 40, Unique: true}, load.Config{Mix: uniques(load.Everything()), Operations: 8}},
		"xa":        {load.Table{Rows: 2000, Gap: 10, Unique: true}, load.Config{Mix: load.Everything(), Rollback: 0.2, XA: 0.5}},
		"hot":       {load.Table{Rows: 2000}, load.Config{Mix: load.Everything(), Skew: load.Skew{HotShare: 0.9}}},
		"zipf, big": {load.Table{Rows: 5000}, load.Config{Skew: load.Skew{Zipf: 1.1}, BigEvery: 20, BigRows: 3000}},
	} {
		t.Run(name, func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
				c := c // each engine has its own
				c.table.Name = table.Name{Schema: s.Name, Table: "t"}
				other := load.Table{Name: table.Name{Schema: s.Name, Table: "other"}, Rows: 500}
				mustCreate(t, s, c.table, other)
				c.cfg.DB, c.cfg.Tables, c.cfg.Connections, c.cfg.Seed = s.DB, []load.Table{c.table, other}, 6, 1
				g := load.New(c.cfg)
				mustProve(t, s, g, c.table, other)
				stats := mustRun(t, g, 700*time.Millisecond, nil)
				mustProve(t, s, g, c.table, other)
				if stats.Transactions < 20 {
					t.Errorf("only %d transactions", stats.Transactions)
				}
				if (stats.RolledBack > 0) != (c.cfg.Rollback > 0) {
					t.Errorf("%d transactions rolled back, but a share of %v wanted", stats.RolledBack, c.cfg.Rollback)
				}
			})
		})
	}
}
