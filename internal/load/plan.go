package load

import (
	"context"
	"maps"
	"math/rand/v2"
	"strconv"
	"time"
)

// transaction is a planned transaction: its statements and, for each table, its effect. It can be tried several times.
type transaction struct {
	writer    int32
	seq       uint64
	due       time.Time
	rollback  bool
	xa        bool
	parts     []*part // in the order in which the tables were first touched
	statement []statement
}

// part is what a transaction does to one table.
type part struct {
	m        *model
	pick     *picker
	rows     map[int64]state // as the transaction leaves them
	touched  []int64         // ids of rows, in the order in which they were written
	leased   map[int64]bool
	taken    []int64 // unique values out of the model's pool
	inserted []inserted
	witness  bool // whether a row with the transaction's mark remains
}

// inserted is a row whose id the server chose; it differs with each try.
type inserted struct {
	id  int64
	row Row
}

// statement is an SQL statement with what the server must answer.
type statement struct {
	sql      string
	affected int64 // -1: not looked at
	part     *part
	insert   []Row // rows whose ids the server chooses
}

// planner makes one transaction of a writer.
type planner struct {
	*transaction
	cfg  *Config
	rand *rand.Rand
	hot  hotRow
}

// hotRow is the row that was leased before all others, to be used by the first operation.
type hotRow struct {
	table int
	id    int64
	due   bool
}

// plan plans the next transaction and leases its rows. It fails only when ctx ends.
func (w *writer) plan(ctx context.Context, due time.Time) (*transaction, error) {
	w.seq++
	t := &transaction{writer: int32(w.number), seq: w.seq, due: due}
	p := &planner{transaction: t, cfg: &w.g.cfg, rand: w.rand}
	if w.number == 0 && p.cfg.BigEvery > 0 && w.seq%uint64(p.cfg.BigEvery) == 0 {
		p.big(p.open(w, w.rand.IntN(len(w.g.models))))
		return t, nil
	}
	t.rollback = w.rand.Float64() < p.cfg.Rollback
	t.xa = w.rand.Float64() < p.cfg.XA
	count := 1 + w.rand.IntN(p.cfg.Operations)
	if s := p.cfg.Skew.HotShare; s > 0 && w.rand.Float64() < s {
		if err := p.leaseHot(ctx, w); err != nil {
			return nil, err
		}
		count = 1
	}
	for range count {
		table := w.rand.IntN(len(w.g.models))
		if p.hot.due {
			table = p.hot.table
		}
		p.operation(p.open(w, table))
	}
	if !t.xa && w.rand.Float64() < p.cfg.Savepoint {
		p.undone(t.parts[0])
	}
	for _, part := range t.parts {
		p.ensureWitness(part)
	}
	return t, nil
}

// open returns the transaction's part for that table.
func (p *planner) open(w *writer, table int) *part {
	m := w.g.models[table]
	for _, part := range p.parts {
		if part.m == m {
			return part
		}
	}
	part := &part{m: m, pick: w.pick[table], rows: make(map[int64]state), leased: make(map[int64]bool)}
	p.parts = append(p.parts, part)
	return part
}

// leaseHot waits for a hot row while the transaction holds no other.
func (p *planner) leaseHot(ctx context.Context, w *writer) error {
	table := p.rand.IntN(len(w.g.models))
	m := w.g.models[table]
	id := w.pick[table].hot(m.table)
	if err := m.leaseWait(ctx, id); err != nil {
		return err
	}
	p.open(w, table).leased[id] = true
	p.hot = hotRow{table: table, id: id, due: true}
	return nil
}

// operation plans one operation on one table.
func (p *planner) operation(at *part) {
	at.m.mu.Lock()
	defer at.m.mu.Unlock()
	if p.hot.due {
		if id := p.hot.id; !at.state(id).alive {
			p.hot.due = false
			p.insertAt(at, id)
			return
		}
	}
	o := p.cfg.Mix.pick(p.rand)
	if o == HandOver || o == UniqueSwap || o == UniqueToTail {
		if !at.m.table.Unique {
			o = IndexUpdate
		}
	}
	if !p.do(o, at) {
		p.insertTail(at, 1) // every row that was looked at is another transaction's
	}
}

// undone plans an operation between a savepoint and the return to it: the server does it, and the model does not.
func (p *planner) undone(at *part) {
	rows, witness := maps.Clone(at.rows), at.witness
	p.add(statement{sql: "SAVEPOINT before_undone", affected: -1})
	first := len(p.statement)
	p.operation(at)
	for i := first; i < len(p.statement); i++ {
		p.statement[i].insert = nil
	}
	p.add(statement{sql: "ROLLBACK TO SAVEPOINT before_undone", affected: -1})
	at.rows, at.witness = rows, witness
}

// ensureWitness makes sure that the transaction leaves a row with its mark in the table.
func (p *planner) ensureWitness(at *part) {
	for _, s := range at.rows {
		if s.alive {
			at.witness = true
		}
	}
	if at.witness {
		return
	}
	at.m.mu.Lock()
	defer at.m.mu.Unlock()
	if !p.do(IndexUpdate, at) {
		p.insertTail(at, 1)
	}
}

// big plans the update of many rows, from a random id on, in statements of 1000.
func (p *planner) big(at *part) {
	const batch = 1000
	at.m.mu.Lock()
	defer at.m.mu.Unlock()
	top := at.m.top
	start := p.rand.Int64N(top) + 1
	var ids []int64
	for i := range top {
		id := (start+i-1)%top + 1
		if len(at.rows) >= p.cfg.BigRows {
			break
		}
		if s := at.m.get(id); s.alive && at.m.lease(id) {
			at.leased[id] = true
			s.row.K++
			p.leave(at, id, s.row)
			ids = append(ids, id)
		}
		if len(ids) == batch {
			p.updateMany(at, ids)
			ids = ids[:0]
		}
	}
	if len(ids) > 0 {
		p.updateMany(at, ids)
	}
	if len(at.rows) == 0 {
		p.insertTail(at, 1)
	}
}

// state is the row as the transaction sees it.
func (at *part) state(id int64) state {
	if s, ok := at.rows[id]; ok {
		return s
	}
	return at.m.get(id)
}

// leave notes the row as the transaction leaves it, with its mark.
func (p *planner) leave(at *part, id int64, r Row) {
	r.W, r.Seq = p.writer, p.seq
	at.rows[id] = state{r, true}
	at.touched = append(at.touched, id)
}

func (p *planner) add(s statement) { p.statement = append(p.statement, s) }

// mark renders the assignment of the transaction's mark.
func (p *planner) mark() string {
	return "w = " + strconv.Itoa(int(p.writer)) + ", seq = " + strconv.FormatUint(p.seq, 10)
}
