package applier

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/table"
)

// portionsOf returns how many keys the worker was given at once, one time after another, when so many were changed by one
// transaction, and each took so long.
func portionsOf(t *testing.T, source *table.Table, changes int, each func(done int) time.Duration) (sizes []int) {
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
		for done := 0; done < changes; {
			p := <-d.work
			n := len(p.keys)
			d.results <- result{portion: p, took: time.Duration(n) * each(done)}
			sizes, done = append(sizes, n), done+n
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
		sizes := portionsOf(t, &table.Table{EstimatedRows: c.rows, DataBytes: c.bytes}, 3000, func(int) time.Duration { return 0 })
		if n := slices.Max(sizes); n != c.most {
			t.Errorf("%d rows in %d bytes: %d keys at once, want %d", c.rows, c.bytes, n, c.most)
		}
	}
}

// TestSlowRowsAreWrittenByFewAtOnce: where rows take long, fewer are written at once, though never so few that their commits are
// what takes long; and more again when they no longer do.
func TestSlowRowsAreWrittenByFewAtOnce(t *testing.T) {
	const changes = 40_000
	for _, c := range []struct {
		each time.Duration
		want int
	}{
		{each: 100 * time.Microsecond, want: 999},
		{each: 2 * time.Millisecond, want: 250},
		{each: time.Minute, want: leastKeys},
	} {
		slow := 0
		sizes := portionsOf(t, &table.Table{}, changes, func(done int) time.Duration {
			if done > changes/2 {
				return time.Microsecond
			}
			slow++
			return c.each
		})
		if n := sizes[slow-1]; n < c.want*9/10 || n > c.want*11/10 {
			t.Errorf("%d keys at once in the end when each takes %v, want about %d", n, c.each, c.want)
		}
		if n := slices.Min(sizes[:len(sizes)-1]); n < leastKeys {
			t.Errorf("%d keys at once when each takes %v, want %d at least", n, c.each, leastKeys)
		}
		if n := slices.Max(sizes[slow+1:]); n != 999 {
			t.Errorf("%d keys at once when they no longer take long, want 999", n)
		}
	}
}
