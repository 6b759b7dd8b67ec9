package scenario_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestSwapUnderLoad migrates while an application writes, through the swap and beyond. Afterwards the new table is what the
// model of the load says, and the retired one what it said at the moment of the rename.
func TestSwapUnderLoad(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		alter string
		flags map[string]string
		table load.Table
		load  load.Config
		odd   bool
	}{
		"sysbench": {alter: "MODIFY k BIGINT NOT NULL", table: load.Table{Rows: 2000, Int: true}, load: load.Config{Rate: 300}},
		"everything": {
			alter: "MODIFY k BIGINT NOT NULL, ADD COLUMN added VARCHAR(9) NOT NULL DEFAULT 'x' FIRST",
			table: load.Table{Rows: 1000, Gap: 10, Unique: true},
			load:  load.Config{Rate: 200, Mix: load.Everything(), Rollback: 0.1, Savepoint: 0.1},
		},
		"few rows": {
			alter: "MODIFY k BIGINT NOT NULL, ADD UNIQUE KEY w_seq_id (w, seq, id)",
			table: load.Table{Rows: 40, Unique: true}, load: load.Config{Rate: 200, Mix: load.Everything(), Operations: 6},
			flags: map[string]string{"chunk-size": "5"},
		},
		"serial": {
			alter: "MODIFY k BIGINT NOT NULL", table: load.Table{Rows: 1000, Unique: true}, load: load.Config{Rate: 150, Mix: load.Everything()},
			flags: map[string]string{"num-workers": "1", "copy-workers": "1"},
		},
		"xa":       {alter: "MODIFY k BIGINT NOT NULL", table: load.Table{Rows: 1000, Gap: 10}, load: load.Config{Rate: 60, XA: 0.2, Rollback: 0.2}},
		"big":      {alter: "MODIFY k BIGINT NOT NULL", table: load.Table{Rows: 3000}, load: load.Config{Rate: 100, BigEvery: 20, BigRows: 2000}},
		"hot rows": {alter: "MODIFY k BIGINT NOT NULL", table: load.Table{Rows: 500}, load: load.Config{Rate: 200, Skew: load.Skew{HotShare: 0.9, HotRows: 3}}},
		"odd server": {
			alter: "MODIFY k BIGINT NOT NULL, MODIFY pad VARCHAR(90) NOT NULL", odd: true,
			table: load.Table{Rows: 1000, Unique: true}, load: load.Config{Rate: 200, Mix: load.Everything()},
		},
	} {
		for _, s := range (&spec{name: name, way: "--native=off", table: "t", options: c.flags}).ways() {
			t.Run(name+"/"+s.applies(), func(t *testing.T) {
				t.Parallel()
				where := usual
				if c.odd {
					where = odd
				}
				where.each(t, sandbox.Engines(), func(t *testing.T, schema *sandboxtest.Schema) {
					generate(t, schema, s, c.alter, c.table, c.load)
				})
			})
		}
	}
}

// generate creates the table, runs load and migration, and proves both tables.
func generate(t *testing.T, schema *sandboxtest.Schema, s *spec, alter string, source load.Table, cfg load.Config) {
	source.Name = table.Name{Schema: schema.Name, Table: s.table}
	if err := source.Create(t.Context(), schema.DB); err != nil {
		t.Fatal(err)
	}
	cfg.DB, cfg.Tables, cfg.Connections = schema.DB, []load.Table{source}, 6
	g := load.New(cfg)
	m := newMigration(t, s, schema)
	m.cfg.Alter = alter
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	loading, stop := context.WithCancel(ctx)
	loaded := make(chan error, 1)
	go func() { loaded <- g.Run(loading) }()
	summary, err := undisturbed(t, func() (*migrate.Summary, error) { return migrate.New(m.cfg).Run(ctx) })
	select {
	case <-loading.Done():
	case <-time.After(afterwards):
	}
	stop()
	if err := <-loaded; err != nil {
		t.Error(err)
	}
	if err != nil {
		t.Fatalf("migrate: %v", err)
	}
	if want := "shadow table, " + strings.ReplaceAll(s.way, " ", ", "); summary.Way != want {
		t.Errorf("the migration went the way %q, want %s", summary.Way, s.way)
	}
	prove(t, schema, g, source.Name, summary)
}

// afterwards is how long the load goes on behind the swap.
const afterwards = 300 * time.Millisecond

func prove(t *testing.T, schema *sandboxtest.Schema, g *load.Generator, fresh table.Name, summary *migrate.Summary) {
	t.Helper()
	report, err := proof.Model(t.Context(), schema.DB, fresh, g.Model(0))
	if err != nil {
		t.Error(err)
	}
	t.Log(report)
	if report, err = proof.Retired(t.Context(), schema.DB, summary.Retired, g, 0); err != nil {
		t.Error(err)
		return
	}
	t.Log(report)
	if report.Cut.Before == 0 || report.Cut.After == 0 {
		t.Errorf("the load did not run through the swap: %+v", report.Cut)
	}
}
