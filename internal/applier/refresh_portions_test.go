package applier

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/table"
)

// portionsOf returns how many keys the worker was given at once, one time after another, while so many were changed by one
// transaction.
func portionsOf(t *testing.T, source *table.Table, changes int) (sizes []int) {
	synctest.Test(t, func(t *testing.T) {
		d := newRefresherOf(changes, source)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = d.run(ctx) }()                             // what it returns is the context's
		go func() { _ = d.writeFences(ctx, d.fences, d.fenced) }() // likewise
		tx := &binlog.Transaction{}
		for i := range uint64(changes) {
			tx.Changes = append(tx.Changes, binlog.RowChange{After: table.Row{table.UintValue(i)}})
		}
		if err := d.Feed(ctx, tx); err != nil {
			t.Fatal(err)
		}
		for left := changes; left > 0; {
			p := <-d.work
			sizes = append(sizes, len(p.keys))
			left -= len(p.keys)
			d.results <- result{portion: p}
		}
	})
	return sizes
}

// TestWideRowsAreWrittenByFewAtOnce: what one commit writes is bounded by the size of the rows, too.
func TestWideRowsAreWrittenByFewAtOnce(t *testing.T) {
	for _, c := range []struct {
		rows, bytes uint64
		most        int
	}{
		{rows: 0, bytes: 0, most: 999},
		{rows: 1000, bytes: 1000 << 10, most: 999},
		{rows: 100, bytes: 100 << 20, most: 16},
	} {
		sizes := portionsOf(t, &table.Table{EstimatedRows: c.rows, DataBytes: c.bytes}, 3000)
		if n := slices.Max(sizes); n != c.most {
			t.Errorf("%d rows in %d bytes: %d keys at once, want %d", c.rows, c.bytes, n, c.most)
		}
	}
}
