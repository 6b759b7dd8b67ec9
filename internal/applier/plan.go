package applier

import (
	"fmt"
	"slices"
	"strings"

	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// plan is what a batch does to the shadow: for each key that its transactions touch, the row as the last of them left it.
// A plan is not changed once made, so that trying it again does the same.
type plan struct {
	last  binlog.Position
	outs  []outcome // sorted by key, so that two batches lock in the same order
	fence uint64    // the newest fence in the batch, 0: none
}

// outcome is the state of one key after the batch.
type outcome struct {
	id  string // the key's values, encoded
	key []table.Value
	row table.Row // nil: no row under this key
}

// plan reduces the transactions to their outcome. Keys are compared by their bytes: two spellings that the collation
// holds equal are two keys, of which at most one has a row at the end; since deletions are written first, it stays.
func (r *Replay) plan(items []item) *plan {
	p := &plan{}
	at := make(map[string]int)
	set := func(image, row table.Row) {
		key := r.deps.Mapping.Key.Of(image)
		id := string(table.AppendKey(nil, key))
		i, ok := at[id]
		if !ok {
			i = len(p.outs)
			at[id] = i
			p.outs = append(p.outs, outcome{id: id, key: key})
		}
		p.outs[i].row = row
	}
	for _, it := range items {
		for _, change := range it.tx.Changes {
			if change.Before != nil {
				set(change.Before, nil)
			}
			if change.After != nil {
				set(change.After, change.After)
			}
		}
		p.last = it.tx.End
		p.fence = max(p.fence, fenceOf(it.tx))
	}
	slices.SortFunc(p.outs, func(a, b outcome) int { return strings.Compare(a.id, b.id) })
	return p
}

// statements returns the plan as SQL, to be executed in order.
func (p *plan) statements(sql *sqlgen.Replay, limit int) []string {
	return append(sql.Deletes(p.deletes(sql.DeletesFirst()), limit), sql.Writes(p.rows(), limit)...)
}

// deletes returns the keys without a row, or with all of them those that get one too.
func (p *plan) deletes(all bool) [][]table.Value {
	var keys [][]table.Value
	for _, o := range p.outs {
		if all || o.row == nil {
			keys = append(keys, o.key)
		}
	}
	return keys
}

func (p *plan) rows() []table.Row {
	var rows []table.Row
	for _, o := range p.outs {
		if o.row != nil {
			rows = append(rows, o.row)
		}
	}
	return rows
}

// String names the plan in errors.
func (p *plan) String() string {
	return fmt.Sprintf("changes of %d rows up to %s", len(p.outs), p.last)
}
