package applier

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/midstreamdb/midstream/internal/adapt"
	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/progress"
	"github.com/midstreamdb/midstream/internal/table"
)

// instant is a Fencer whose fences are committed at once.
type instant struct{}

func (instant) Fence(context.Context) (uint64, error) { return 0, nil }

// newRefresherOf returns the dispatcher of a refresh of the table that collects so many keys, of one integer, and has one worker:
// whoever takes its portions.
func newRefresherOf(limit int, source *table.Table) *refresher {
	column := &table.Column{Name: "id", Kind: table.Int, Unsigned: true}
	pairs := []table.Pair{{Source: column, Shadow: column}}
	m := &table.Mapping{Source: source, Shadow: &table.Table{}, Columns: pairs, Key: table.MigrationKey{Columns: pairs}}
	r := NewRefresh(Config{QueueBytes: 1}, // one item waits at most
		Deps{Mapping: m, Server: &conn.Server{}, Applied: progress.NewApplied(binlog.FilePosition("log.000001", 4))}, instant{}, Covered{All: true})
	r.books = newBooks(ledgerConfig{limit: limit, covered: Covered{All: true}},
		func(key []table.Value) uint64 { return key[0].Num },
		func(n uint64) []table.Value { return []table.Value{table.UintValue(n)} })
	return newRefresher(r, adapt.Fixed(1))
}

// TestReadingWaitsForRoom: the worker is held while more is changed than is collected. Feeding waits, for as long as it takes, and
// goes on with the worker.
func TestReadingWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, changes = 10, 1000
		d := newRefresherOf(limit, &table.Table{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = d.run(ctx) }()                             // what it returns is the context's
		go func() { _ = d.writeFences(ctx, d.fences, d.fenced) }() // likewise
		var fed atomic.Int64
		go func() {
			for i := range uint64(changes) {
				tx := &binlog.Transaction{Changes: []binlog.RowChange{{After: table.Row{table.UintValue(i)}}}}
				if d.Feed(ctx, tx) != nil {
					return
				}
				fed.Add(1)
			}
		}()
		time.Sleep(time.Hour)
		// One more waits in the queue.
		if n := fed.Load(); n != limit+1 {
			t.Errorf("%d changes were taken while the worker was held, want %d", n, limit+1)
		}
		var written int
		go func() {
			for {
				select {
				case p := <-d.work:
					written += len(p.keys)
					d.results <- result{portion: p}
				case <-ctx.Done():
					return
				}
			}
		}()
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := fed.Load(); n != changes || written != changes {
			t.Errorf("%d changes were taken and %d keys written in the end, want %d", n, written, changes)
		}
	})
}
