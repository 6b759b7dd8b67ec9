package migrate

import (
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/checkpoint"
	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/progress"
	"github.com/midstreamdb/midstream/internal/table"
	"github.com/midstreamdb/midstream/internal/verify"
)

// onlyKey maps a table of one column.
func onlyKey() *table.Mapping {
	column := func() []table.Column { return []table.Column{{Name: "id", Kind: table.Int}} }
	key := table.Key{Name: "PRIMARY", Unique: true, Visible: true, Type: "BTREE", Parts: []table.KeyPart{{Column: "id"}}}
	m := &table.Mapping{
		Source: &table.Table{Name: table.Name{Schema: "s", Table: "t"}, Columns: column(), Keys: []table.Key{key}},
		Shadow: &table.Table{Name: table.Name{Schema: "s", Table: "t__new"}, Columns: column(), Keys: []table.Key{key}},
		Key:    table.MigrationKey{Name: key.Name, ShadowName: key.Name},
	}
	m.Columns = []table.Pair{{Source: &m.Source.Columns[0], Shadow: &m.Shadow.Columns[0]}}
	m.Key.Columns = m.Columns
	return m
}

// TestPositionIsLookedAtBeforeSuspects: rows that were compared are written, each noted before it is applied. Whenever a
// checkpoint is taken down, each change up to its position is among the rows to be looked at again: a later run reads only
// what follows from the log.
func TestPositionIsLookedAtBeforeSuspects(t *testing.T) {
	for range 400 { // the moment in which the order counts is short
		mustLookInOrder(t)
	}
}

func mustLookInOrder(t *testing.T) {
	t.Helper()
	const changes = 500
	p := &parts{applied: progress.NewApplied(binlog.FilePosition("binlog.000001", 0))}
	p.copyDone.Store(true)
	v := verify.New(verify.Config{Rest: &verify.Rest{Rest: chunk.Rest{Ended: true}}}, verify.Deps{Mapping: onlyKey()})
	p.verifier.Store(v)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range uint64(changes) {
			v.Note([][]table.Value{{table.UintValue(i)}})
			p.applied.Complete(p.applied.Begin(binlog.FilePosition("binlog.000001", i+1), i+1, time.Time{}))
		}
	}()
	k := &keeper{}
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
		}
		var now checkpoint.Record
		k.look(p, &now)
		if now.Verified == nil || !now.Verified.Ended || len(now.Verified.Open) > 0 {
			t.Fatalf("%+v", now.Verified)
		}
		noted := make(map[uint64]bool, changes)
		for _, key := range now.Verified.Suspects {
			noted[key[0].Num] = true
		}
		for i := uint64(0); binlog.FilePosition("binlog.000001", i).String() != k.safe.String(); i++ {
			if !noted[i] {
				t.Fatalf("change %d is applied at position %s, and not among %d suspects", i, k.safe, len(noted))
			}
		}
	}
}
