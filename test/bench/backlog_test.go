//go:build bench

package bench

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/midstreamdb/midstream/internal/applier"
	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/progress"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestBacklog: a load like sysbench's oltp_write_only of about 80,000 row changes to 52,000 of 200,000 rows (BENCH_ROWS says
// otherwise) is held back, and then brought into a fresh copy of the table as it was before, in turn: by two sessions that
// do nothing but refresh the rows that were changed, a thousand at once, by refresh, and by serial replay. Medians of five turns.
func TestBacklog(t *testing.T) {
	for _, skew := range []load.Skew{{}, {Zipf: 1.1}} {
		header := []string{skewName(skew) + ", row changes", "rows", "two SQL sessions", "refresh", "ratio", "row changes a second", "serial replay", "ratio"}
		report(t, header, func(t *testing.T, engine sandbox.Engine) []any {
			b := newApplyBench(t, engine)
			b.holdBack(skew, uint64(3*b.rows/10))
			keys := b.changedKeys()
			took := map[string][]time.Duration{}
			for range turns(t, 5) {
				took["sql"] = append(took["sql"], b.bare(keys))
				took["refresh"] = append(took["refresh"], b.refresh())
				serial := b.replay(1, 0, way{})
				took["replay"] = append(took["replay"], serial.took)
			}
			same := func(d time.Duration) time.Duration { return d }
			sql, refresh, replay := median(took["sql"], same), median(took["refresh"], same), median(took["replay"], same)
			return []any{
				b.all.changes, len(keys), seconds(sql), seconds(refresh), ratio(refresh, sql),
				fmt.Sprintf("%.0f", float64(b.all.changes)/refresh.Seconds()), seconds(replay), ratio(replay, sql),
			}
		})
	}
}

// holdBack writes until so many rows were left changed by transactions: a row that is deleted and inserted again, which a third
// of the operations do, stands in the log twice.
func (b *applyBench) holdBack(skew load.Skew, changed uint64) {
	b.t.Helper()
	generator := b.generator(skew)
	ctx, stop := context.WithCancel(b.t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- generator.Run(ctx) }()
	for generator.Snapshot().RowChanges < changed {
		select {
		case err := <-ended:
			b.t.Fatalf("the load ended early: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	stop()
	b.must(<-ended)
	var err error
	b.all.fence, err = b.log.Fence(b.t.Context())
	b.must(err)
	b.count(&b.all)
}

// changedKeys returns the keys of all rows that were changed, sorted.
func (b *applyBench) changedKeys() [][]table.Value {
	b.t.Helper()
	ids := map[int64]bool{}
	b.stream(b.t.Context(), b.all.fence, nil, func(tx *binlog.Transaction) {
		for _, c := range tx.Changes {
			for _, image := range []table.Row{c.Before, c.After} {
				if image != nil {
					ids[int64(image[0].Num)] = true
				}
			}
		}
	})
	keys := make([][]table.Value, 0, len(ids))
	for id := range ids {
		keys = append(keys, []table.Value{table.IntValue(id)})
	}
	slices.SortFunc(keys, func(x, y []table.Value) int { return int(int64(x[0].Num) - int64(y[0].Num)) })
	return keys
}

// bare refreshes the rows under the keys with two sessions, which know the keys beforehand and do nothing else.
func (b *applyBench) bare(keys [][]table.Value) time.Duration {
	b.t.Helper()
	statements := sqlgen.NewRefresh(b.shadow(), b.server)
	db := b.open(b.config(0, false))
	batches := make(chan [][]table.Value, len(keys)/sqlgen.MostKeys+1)
	for batch := range slices.Chunk(keys, sqlgen.MostKeys) {
		batches <- batch
	}
	close(batches)
	began := time.Now()
	g, ctx := errgroup.WithContext(b.t.Context())
	for range 2 {
		g.Go(func() error {
			session, _, err := conn.Session(ctx, db)
			if err != nil {
				return err
			}
			defer session.Close()
			for batch := range batches {
				if _, err := session.ExecContext(ctx, statements.Write(batch)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	b.must(g.Wait())
	took := time.Since(began)
	b.prove(false)
	return took
}

// refresh reads the backlog from the log and applies it by its keys, with as many workers as bring most.
func (b *applyBench) refresh() time.Duration {
	b.t.Helper()
	m := b.shadow()
	cfg, deps := b.applies(m, 0)
	r := applier.NewRefresh(cfg, deps, b.log, applier.Covered{All: true})
	took := b.drain(r, b.all, m.Key.Ordinals())
	b.prove(false)
	return took
}

// applies returns what an applier works with that reaches the server with a delay.
func (b *applyBench) applies(m *table.Mapping, delay time.Duration) (applier.Config, applier.Deps) {
	b.t.Helper()
	c := b.config(delay, true)
	return applier.Config{StatementBytes: 512 << 10, QueueBytes: 64 << 20, ReconnectTimeout: time.Minute},
		applier.Deps{Conn: c, DB: b.open(c), Server: b.server, Mapping: m, Applied: progress.NewApplied(b.start), Gate: open{}}
}

// drain feeds the applier with a part of the log, whose rows have these columns, and returns how long it took to apply all.
func (b *applyBench) drain(a interface {
	Run(ctx context.Context) error
	Feed(ctx context.Context, tx *binlog.Transaction) error
	WaitApplied(ctx context.Context, fence uint64) error
}, part portion, columns []int) time.Duration {
	b.t.Helper()
	ctx, cancel := context.WithCancelCause(b.t.Context())
	defer cancel(nil)
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	began := time.Now()
	b.stream(ctx, part.fence, columns, func(tx *binlog.Transaction) { b.must(a.Feed(ctx, tx)) })
	b.must(a.WaitApplied(ctx, part.fence))
	took := time.Since(began)
	cancel(errEnough)
	if err := <-ended; err != nil && ctx.Err() == nil {
		b.t.Fatal(err)
	}
	return took
}
