package migrate

import (
	"context"
	"fmt"
	"time"

	"github.com/midstreamdb/midstream/internal/applier"
	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/copier"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// changes is an applier, whichever way it works.
type changes interface {
	Feed(ctx context.Context, tx *binlog.Transaction) error
	Run(ctx context.Context) error
	WaitApplied(ctx context.Context, fence uint64) error
	Hold(ctx context.Context) (*applier.Hold, error)
	Predict() time.Duration
	Figures() applier.Figures
}

var _, _ changes = (*applier.Replay)(nil), (*applier.Refresh)(nil)

// chooseWay decides how changes are applied: a fence proves nothing to refresh where commits become visible in another order
// than they are logged. Replay does not need it.
func (r *Runner) chooseWay(ctx context.Context) (err error) {
	if r.ordered, err = r.server.OrdersCommits(ctx, r.db); err != nil {
		return err
	}
	if r.apply = r.cfg.Apply; !r.ordered {
		r.apply = Replay
	}
	return nil
}

// chooseApplier builds the applier, and returns what lets chunks be read without locks, nil for replay. left is what was not
// copied by earlier runs.
func (r *Runner) chooseApplier(ctx context.Context, p *parts, deps applier.Deps, left *chunk.Rest) (copier.Registry, error) {
	cfg := applier.Config{
		Workers: r.cfg.Workers, StatementBytes: statementBytes, QueueBytes: queueBytes, ReconnectTimeout: r.cfg.ReconnectTimeout,
	}
	if r.apply == Replay {
		p.replay = applier.NewReplay(cfg, deps)
		p.applier = p.replay
		return nil, nil
	}
	covered, err := r.covered(ctx, left)
	if err != nil {
		return nil, err
	}
	refresh := applier.NewRefresh(cfg, deps, r.log, covered)
	p.applier, p.columns = refresh, r.mapping.Key.Ordinals()
	return registry{refresh}, nil
}

// covered returns what of the key the shadow may hold rows of: chunks of earlier runs, of which some no checkpoint knows.
func (r *Runner) covered(ctx context.Context, left *chunk.Rest) (applier.Covered, error) {
	if r.record == nil || left.Ended {
		return applier.Covered{All: left.Ended}, nil
	}
	key := sqlgen.NewKey(r.mapping)
	column := key.Dense()
	if column == nil {
		return applier.Covered{All: true}, nil
	}
	var text []byte
	if err := r.db.QueryRowContext(ctx, sqlgen.Greatest(r.mapping)).Scan(&text); err != nil {
		return applier.Covered{}, fmt.Errorf("read the greatest key of %s: %w", r.names.Shadow, err)
	}
	covered := applier.Covered{UpTo: left.After}
	if text == nil {
		return covered, nil
	}
	greatest, err := key.ParseKey([][]byte{text})
	if err != nil {
		return covered, err
	}
	if covered.UpTo == nil || beyond(column, greatest[0], covered.UpTo[0]) {
		covered.UpTo = greatest
	}
	return covered, nil
}

// beyond says whether a is greater than b.
func beyond(column *table.Column, a, b table.Value) bool {
	if column.Unsigned {
		return a.Num > b.Num
	}
	return int64(a.Num) > int64(b.Num)
}

// registry is the refreshing applier as the copier sees it.
type registry struct{ *applier.Refresh }

// Register implements copier.Registry.
func (r registry) Register(ctx context.Context, upper []table.Value) (copier.Flight, error) {
	return r.Refresh.Register(ctx, upper)
}
