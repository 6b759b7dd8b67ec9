package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// What is migrated, and how.
const (
	schema    = "shop"
	tableName = "orders"
	alter     = "MODIFY k bigint NOT NULL DEFAULT 0, ADD COLUMN note varchar(40) NOT NULL DEFAULT 'none'"
)

// lead is how long the load runs before the migration begins, and after it.
const lead = 3 * time.Second

// demo is one run on one server.
type demo struct {
	cli
	server *sandbox.Server
	db     *sql.DB // the application's pool
	load   *load.Generator

	before, during load.Stats // of the load: without a migration, and from its start to its end
	summary        *migrate.Summary
}

func (d *demo) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{d.fill, d.migrateUnderLoad, d.prove} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return d.conclude()
}

// fill creates the table.
func (d *demo) fill(ctx context.Context) error {
	admin := d.server.Open("")
	defer func() { _ = admin.Close() }() // nothing is left to be told by its connections
	var version string
	if err := admin.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		return fmt.Errorf("ask for version: %w", err)
	}
	say("Started", "%s %s on %s:%d, process %d, commits wait for the disk", d.server.Engine, version, d.server.Host, d.server.Port, d.server.Pid())
	if _, err := admin.ExecContext(ctx, "CREATE DATABASE "+schema+" CHARACTER SET utf8mb4"); err != nil {
		return fmt.Errorf("create schema: %w", err)
	}
	began := time.Now()
	t := load.Table{Name: table.Name{Schema: schema, Table: tableName}, Rows: d.Rows}
	if err := t.Create(ctx, admin); err != nil {
		return err
	}
	say("Table", "%s.%s filled with %s rows in %s", schema, tableName, status.Count(uint64(d.Rows)), time.Since(began).Round(100*time.Millisecond))
	d.db = d.server.Open(schema)
	d.load = load.New(load.Config{
		DB: d.db, Tables: []load.Table{t}, Connections: d.Connections, Rate: d.Rate, Operations: 3, Rollback: 0.02,
		Mix: load.Mix{
			load.IndexUpdate: 30, load.Update: 25, load.Reinsert: 10, load.Insert: 8, load.Delete: 12,
			load.KeyChange: 10, load.KeySwap: 3, load.MultiUpdate: 2,
		},
	})
	return nil
}

// migrateUnderLoad migrates while the load runs; either's failure ends both.
func (d *demo) migrateUnderLoad(ctx context.Context) error {
	defer func() { _ = d.db.Close() }() // the load has seen all that its sessions had to tell
	say("Load", "%.0f transactions a second from %d sessions: inserts, updates, deletes, rows that change their keys, rollbacks", d.Rate, d.Connections)
	group, ctx := errgroup.WithContext(ctx)
	loading, stop := context.WithCancel(ctx)
	defer stop()
	group.Go(func() error { return d.load.Run(loading) })
	group.Go(func() (err error) {
		defer stop()
		if err := wait(ctx, lead); err != nil {
			return err
		}
		d.before = d.load.Lap()
		say("Before", "%s", &d.before)
		if d.summary, err = d.migrate(ctx); err != nil {
			return err
		}
		d.during = d.load.Lap()
		return wait(ctx, lead)
	})
	return group.Wait()
}

// prove compares both tables with the load's model, and looks at the new definition.
func (d *demo) prove(ctx context.Context) error {
	db := d.server.Open(schema)
	defer func() { _ = db.Close() }() // nothing is left to be told by its connections
	say("Proof", "every row and value of both tables against the model of the load")
	report, err := proof.Model(ctx, db, d.summary.Source, d.load.Model(0))
	if err != nil {
		return err
	}
	say("", "%s", report)
	if report, err = proof.Retired(ctx, db, d.summary.Retired, d.load, 0); err != nil {
		return err
	}
	say("", "%s", report)
	t, err := table.Inspect(ctx, db, d.summary.Source)
	if err != nil {
		return err
	}
	k, note := t.Column("k"), t.Column("note")
	if k == nil || k.DataType != "bigint" || note == nil {
		return fmt.Errorf("the table is not altered: it is\n%s", t.CreateSQL)
	}
	say("", "the table has its new definition: k %s, note %s", k.ColumnType, note.ColumnType)
	return nil
}

// conclude prints the summary, and returns an error when something is not as it must be.
func (d *demo) conclude() error {
	all, s := d.load.Snapshot(), d.summary
	say("Summary", "%s rows copied and %s row changes applied in %s, %s",
		status.Count(s.Rows), status.Count(s.Changes), s.Took.Round(10*time.Millisecond), s.Way)
	say("", "compared before the swap: %s", s.Verified)
	say("", "the cut-over held writes back for %.1f ms, in attempt %d", float64(s.Stall.Microseconds())/1000, s.Attempts)
	say("", "application before    %s", &d.before)
	say("", "application meanwhile %s", &d.during)
	deadlocks := all.Errors[deadlock]
	errs := all.ErrorCount() - deadlocks
	say("", "application's errors  %d of %s transactions%s", errs, status.Count(all.Transactions), alsoDeadlocks(deadlocks))
	if errs > 0 {
		return fmt.Errorf("the application saw errors, by number: %v", all.Errors)
	}
	if s.Changes == 0 {
		return errors.New("no change was applied: the migration did not run under the load")
	}
	say("", "verified: new table = model, retired table = model as of the rename")
	return nil
}

// deadlock is the server's number of the one error that every application of InnoDB meets and answers by trying again. With
// --apply=replay the copy locks the rows that it reads, which can bring one about.
const deadlock = 1213

func alsoDeadlocks(n uint64) string {
	if n == 0 {
		return ", no deadlocks"
	}
	return fmt.Sprintf(", besides %d deadlocks that ended well at the next try", n)
}

// wait waits for d.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
