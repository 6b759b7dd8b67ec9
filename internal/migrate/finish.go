package migrate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/cutover"
	"github.com/midstreamdb/midstream/internal/table"
)

// blockerPatience bounds the wait for transactions that stand in the way of the cut-over.
const blockerPatience = 30 * time.Second

// cutOver swaps the tables.
func (r *Runner) cutOver(ctx context.Context) error {
	p := r.parts.Load()
	applier := &heldBack{changes: p.applier, parts: p, services: r.services}
	applier.follow()
	defer func() { applier.stop() }()
	c := cutover.New(cutover.Config{
		Conn: r.writers, Server: r.server, Names: r.names,
		LockTimeout: r.cfg.LockTimeout, MaxStall: r.cfg.MaxStall,
		BlockerPatience: blockerPatience, ReconnectTimeout: r.cfg.ReconnectTimeout,
		SetsAutoIncrement: r.alter.SetsAutoIncrement,
		ReadsSource:       r.apply == Refresh || r.cfg.Verify,
		Log:               r.cfg.Log,
	}, cutover.Deps{Applier: applier, Fencer: r.log, Lock: r.lock, Permission: &permission{r: r, gate: p.gate}})
	r.view.cuttingOver(c)
	result, err := c.Run(ctx)
	if errors.Is(err, cutover.ErrUnknownOutcome) {
		return &Unknown{Err: err}
	}
	r.unseen = errors.Is(err, cutover.ErrUnseen)
	if err != nil {
		return err
	}
	r.view.swapped(result)
	f := p.applier.Figures()
	copied := p.copier.Stats()
	r.summary = Summary{
		Source: r.names.Source, Retired: r.names.Retired, Way: r.way(), Why: r.whyCopy,
		Verified: p.verified(), Rows: r.view.before.rows + copied.Rows, Changes: r.view.before.changes + f.Applied, Retries: r.view.before.retries + f.Retries + copied.Retries,
		Attempts: result.Attempts, Stall: result.Stall(),
	}
	return nil
}

// way is how the migration was done, for the summary.
func (r *Runner) way() string {
	way := fmt.Sprintf("shadow table, --native=%s, --apply=%s", r.cfg.Native, r.apply)
	if r.deferred != nil {
		way += ", indexes built afterwards"
	}
	return way
}

// cleanUp ends the services and drops what only the migration needed. The tables are swapped: whatever fails here is left to
// be done by hand. A checkpoint says so before the first drop: the tables themselves do not show it without the retired one.
func (r *Runner) cleanUp(ctx context.Context) error {
	if r.services != nil {
		_ = r.services.stop() // what failed after the swap concerns the retired table only
	}
	ctx = context.WithoutCancel(ctx)
	if err := r.keep(ctx); err != nil && !conn.IsNoSuchTable(err) { // dropped already, and the answer was lost
		return err
	}
	var errs []error
	var left []string
	for _, name := range r.needless() {
		if err := r.drop(ctx, name); err != nil {
			errs, left = append(errs, err), append(left, dropStatement(name)+";")
		}
	}
	err := errors.Join(errs...)
	if errors.Is(err, conn.ErrRestarted) { // this process goes on from the checkpoint, which is there still
		return err
	}
	if err != nil {
		return &Leftover{Err: err, Left: left}
	}
	if r.cfg.DropOldTable {
		r.summary.Retired = table.Name{}
	}
	return nil
}

// needless are the tables that nobody needs after the swap.
func (r *Runner) needless() []table.Name {
	names := []table.Name{r.names.Changelog}
	if r.cfg.DropOldTable {
		names = append(names, r.names.Retired)
	}
	return append(names, r.names.Checkpoint) // last: until then the same command finishes this
}

// leftover is the end of a run that had the tables swapped, or found them so, and could not clean up.
func (r *Runner) leftover(err error) error {
	var left []string
	for _, name := range r.needless() {
		left = append(left, dropStatement(name)+";")
	}
	return &Leftover{Err: err, Left: left}
}

// drop drops a table that is not needed any more. The retired one may be large, and has the time that it takes.
func (r *Runner) drop(ctx context.Context, name table.Name) error {
	if name != r.names.Retired {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, undoPatience)
		defer cancel()
	}
	err := conn.Retry(ctx, dropPatience, func() error {
		_, err := r.db.ExecContext(ctx, dropStatement(name))
		return err
	})
	if err != nil {
		return fmt.Errorf("drop %s: %w", name, err)
	}
	return nil
}

func dropStatement(name table.Name) string { return "DROP TABLE IF EXISTS " + name.String() }

// dropPatience is how long a drop is tried again that fails for a reason that passes.
const dropPatience = 5 * time.Second
