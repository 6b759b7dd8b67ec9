package load

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// model knows what one table contains. A row that was never touched is known by the table's formula; the others stand in
// rows. A transaction leases the ids that it touches until its outcome is known and recorded: so the order of the records
// is, for each row, the order of the commits.
type model struct {
	table Table
	limit int // changes kept in the log

	mu      sync.Mutex // guards what follows
	rows    map[int64]state
	leases  map[int64]chan struct{} // closed at the lease's end
	top     int64                   // the greatest id ever
	values  []int64                 // unique values that no row holds
	fresh   int64                   // the next unique value that no row ever held
	log     []record
	logged  int // changes in log
	trimmed bool
}

// state is a row that was touched: there, or deleted.
type state struct {
	row   Row
	alive bool
}

// record is a committed transaction's part in one table.
type record struct {
	writer       int32
	seq          uint64
	began, ended time.Time
	witness      int64 // a row that it wrote and left there
	changes      []change
}

// change is a row's state before the transaction.
type change struct {
	id     int64
	before state
}

func newModel(t Table, limit int) *model {
	return &model{
		table: t, limit: limit, rows: make(map[int64]state), leases: make(map[int64]chan struct{}),
		top: t.Rows, fresh: t.uniqueEnd() + 1,
	}
}

// get returns the row's state; m.mu is held.
func (m *model) get(id int64) state {
	if s, touched := m.rows[id]; touched {
		return s
	}
	r, there := m.table.initial(id)
	return state{r, there}
}

// lease takes the id, unless another transaction has it; m.mu is held.
func (m *model) lease(id int64) bool {
	if _, taken := m.leases[id]; taken {
		return false
	}
	m.leases[id] = make(chan struct{})
	return true
}

// leaseWait takes the id, waiting for the transaction that has it. It fails only when ctx ends. A transaction that holds
// leases must not wait for another.
func (m *model) leaseWait(ctx context.Context, id int64) error {
	for {
		m.mu.Lock()
		taken := m.leases[id]
		if taken == nil {
			m.lease(id)
		}
		m.mu.Unlock()
		if taken == nil {
			return nil
		}
		select {
		case <-taken:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// takeValue returns a unique value that no row holds: one that was held before, or now and then a fresh one. m.mu is held.
func (m *model) takeValue(r *rand.Rand) int64 {
	if n := len(m.values); n > 0 && r.IntN(8) > 0 {
		i := r.IntN(n)
		v := m.values[i]
		m.values[i] = m.values[n-1]
		m.values = m.values[:n-1]
		return v
	}
	m.fresh++
	return m.fresh - 1
}

// commit records what a transaction did and ends its leases.
func (m *model) commit(p *part, rec record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	after := maps.Clone(p.rows)
	for _, in := range p.inserted {
		after[in.id] = state{in.row, true}
		m.top = max(m.top, in.id)
	}
	held := make(map[int64]bool) // unique values that were held or taken: whether a row holds them now
	for _, v := range p.taken {
		held[v] = false
	}
	for _, id := range slices.Sorted(maps.Keys(after)) {
		before := m.get(id)
		rec.changes = append(rec.changes, change{id, before})
		if _, known := held[before.value()]; !known {
			held[before.value()] = false
		}
		held[after[id].value()] = true
		m.rows[id] = after[id]
	}
	for _, v := range slices.Sorted(maps.Keys(held)) {
		if v != 0 && !held[v] {
			m.values = append(m.values, v)
		}
	}
	m.append(rec)
	m.release(p)
}

// abandon ends the leases of a transaction that changed nothing.
func (m *model) abandon(p *part) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values = append(m.values, p.taken...)
	m.release(p)
}

func (m *model) release(p *part) {
	for id := range p.leased {
		close(m.leases[id])
		delete(m.leases, id)
	}
}

func (m *model) append(rec record) {
	m.log = append(m.log, rec)
	m.logged += len(rec.changes)
	for m.logged > m.limit && len(m.log) > 1 {
		m.logged -= len(m.log[0].changes)
		m.log = m.log[1:]
		m.trimmed = true
	}
}

// value is the unique value that the row holds, 0 for none.
func (s state) value() int64 {
	if !s.alive {
		return 0
	}
	return s.row.U >> 1
}

// now returns what the table contains when no transaction is under way.
func (m *model) now() *Model {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Model{Table: m.table, touched: maps.Clone(m.rows)}
}
