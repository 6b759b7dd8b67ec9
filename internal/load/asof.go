package load

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"time"

	"github.com/midstreamdb/midstream/internal/table"
)

// Cut tells which transactions went into a table before it was renamed away.
type Cut struct {
	Before uint64 // transactions of the load, as far as they are known, that went into it
	After  uint64 // transactions that did not
}

// AsOf returns what table t of the load contained at the moment at which it was renamed to the given name, found from the
// marks in its rows: a transaction is in it when its witness is, or when one that is in it wrote over that witness later.
// It fails when that gives no moment: a transaction is in the table though one that ended before is not. Run must not run.
func (g *Generator) AsOf(ctx context.Context, db *sql.DB, t int, renamed table.Name) (*Model, Cut, error) {
	m := g.models[t]
	m.mu.Lock()
	defer m.mu.Unlock()
	marks, err := m.readMarks(ctx, db, renamed)
	if err != nil {
		return nil, Cut{}, fmt.Errorf("read marks of table %s: %w", renamed, err)
	}
	back := rewind{model: &Model{Table: m.table, touched: maps.Clone(m.rows)}, marks: marks, settled: make(map[int64]record)}
	for i := len(m.log) - 1; i >= 0; i-- {
		if err := back.step(m.log[i]); err != nil {
			return nil, Cut{}, fmt.Errorf("find moment of the rename of table %s: %w", renamed, err)
		}
	}
	if m.trimmed && back.cut.Before == 0 {
		return nil, Cut{}, fmt.Errorf("find moment of the rename of table %s: it lies before the %d row changes that are kept",
			renamed, m.limit)
	}
	return back.model, back.cut, nil
}

// mark names the transaction that wrote a row last.
type mark struct {
	writer int32
	seq    uint64
}

// readMarks returns the marks of those rows that are witnesses.
func (m *model) readMarks(ctx context.Context, db *sql.DB, name table.Name) (marks map[int64]mark, err error) {
	witnesses := make(map[int64]bool)
	for _, r := range m.log {
		witnesses[r.witness] = true
	}
	rows, err := db.QueryContext(ctx, "SELECT id, w, seq FROM "+name.String()+" WHERE w >= 0")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err below has told what matters
	marks = make(map[int64]mark)
	for rows.Next() {
		var id int64
		var k mark
		if err := rows.Scan(&id, &k.writer, &k.seq); err != nil {
			return nil, err
		}
		if witnesses[id] {
			marks[id] = k
		}
	}
	return marks, rows.Err()
}

// rewind goes back through the log and undoes what came after the cut.
type rewind struct {
	model   *Model
	marks   map[int64]mark
	settled map[int64]record // rows that a transaction before the cut wrote, and the last one that did
	lastIn  record           // of the transactions before the cut, the one that began last
	cut     Cut
}

func (b *rewind) step(r record) error {
	_, overwritten := b.settled[r.witness]
	if overwritten || b.marks[r.witness] == (mark{r.writer, r.seq}) {
		b.cut.Before++
		for _, c := range r.changes {
			if _, later := b.settled[c.id]; !later {
				b.settled[c.id] = r
			}
		}
		if r.began.After(b.lastIn.began) {
			b.lastIn = r
		}
		return nil
	}
	b.cut.After++
	if r.ended.Before(b.lastIn.began) {
		return fmt.Errorf("%s is not in it, but %s is, which began %s after the other had ended",
			r, b.lastIn, b.lastIn.began.Sub(r.ended).Round(time.Microsecond))
	}
	for _, c := range r.changes {
		if later, ok := b.settled[c.id]; ok {
			return fmt.Errorf("%s is not in it, but %s is, which wrote over its row %d", r, later, c.id)
		}
		b.model.touched[c.id] = c.before
	}
	return nil
}

// String names the transaction in errors.
func (r record) String() string {
	return fmt.Sprintf("transaction %d of connection %d", r.seq, r.writer)
}
