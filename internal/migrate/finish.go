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
		SetsAutoIncrement: r.mapping.Shadow.AutoIncrement > 1, // of the empty table
		ReadsSource:       r.apply == Refresh || r.cfg.Verify,
		Log:               r.cfg.Log,
	}, cutover.Deps{Applier: applier, Fencer: r.log, Lock: r.lock, Permission: &permission{r: r, gate: p.gate}})
	r.view.cuttingOver(c)
	result, err := c.Run(ctx)
	if errors.Is(err, cutover.ErrUnknownOutcome) {
		return &Unknown{Err: err}
	}
	if err != nil {
		return err
	}
	r.view.swapped(result)
	f := p.applier.Figures()
	copied := p.copier.Stats()
	r.summary = Summary{
		Source: r.names.Source, Retired: r.names.Retired, Way: r.way(),
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
// be done by hand.
func (r *Runner) cleanUp(ctx context.Context) error {
	if r.services != nil {
		_ = r.services.stop() // what failed after the swap concerns the retired table only
	}
	drops := []table.Name{r.names.Changelog}
	if r.cfg.DropOldTable {
		drops = append(drops, r.names.Retired)
	}
	drops = append(drops, r.names.Checkpoint) // last: until then the same command finishes this
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoPatience)
	defer cancel()
	var errs []error
	var left []string
	for _, name := range drops {
		statement := "DROP TABLE IF EXISTS " + name.String()
		err := conn.Retry(ctx, dropPatience, func() error {
			_, err := r.db.ExecContext(ctx, statement)
			return err
		})
		if err != nil {
			errs, left = append(errs, fmt.Errorf("drop %s: %w", name, err)), append(left, statement+";")
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

// dropPatience is how long a drop is tried again that fails for a reason that passes.
const dropPatience = 5 * time.Second
