package applier

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestRefreshPredicts: what one session would need for what is left follows from what batches took: each a commit and its rows.
func TestRefreshPredicts(t *testing.T) {
	const (
		commit = 10 * time.Millisecond
		each   = 100 * time.Microsecond
		left   = 5000
	)
	synctest.Test(t, func(t *testing.T) {
		d := newRefresherOf(2*left, &table.Table{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = d.run(ctx) }()                             // what it returns is the context's
		go func() { _ = d.writeFences(ctx, d.fences, d.fenced) }() // likewise
		change := func(rows int) {
			tx := &binlog.Transaction{}
			for i := range uint64(rows) {
				tx.Changes = append(tx.Changes, binlog.RowChange{After: table.Row{table.UintValue(i)}})
			}
			if err := d.Feed(ctx, tx); err != nil {
				t.Fatal(err)
			}
		}
		write := func(rows int) { // as a worker does
			for rows > 0 {
				p := <-d.work
				n := len(p.keys)
				took := commit + time.Duration(n)*each
				d.counters.observe(took, n)
				d.results <- result{portion: p, took: took}
				rows -= n
			}
			synctest.Wait()
		}
		for rows := range 20 {
			change(10 * (rows + 1))
			write(10 * (rows + 1))
		}
		if p := d.Predict(); p != 0 {
			t.Errorf("%v are predicted though nothing is left", p)
		}
		change(left)
		least := left/time.Duration(d.mostKeys)*commit + left*each
		if p := d.Predict(); p < least || p > least+2*commit {
			t.Errorf("%v are predicted for %d rows, want %v and up to two commits more", p, left, least)
		}
		write(left)
		if p := d.Predict(); p != 0 {
			t.Errorf("%v are predicted though everything is written", p)
		}
	})
}
