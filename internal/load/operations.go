package load

import (
	"slices"
	"strconv"
)

// do plans an operation; false when no row for it was found, and nothing was planned. at.m.mu is held.
func (p *planner) do(o Operation, at *part) bool {
	switch o {
	case IndexUpdate:
		return p.withRow(at, p.indexUpdate)
	case Update:
		return p.withRow(at, p.update)
	case Reinsert:
		return p.withRow(at, p.reinsert)
	case MultiUpdate:
		return p.multiUpdate(at, 2+p.rand.IntN(19))
	case Insert:
		p.insertTail(at, 1+p.rand.IntN(5))
		return true
	case Delete:
		return p.delete(at, 1+p.rand.IntN(3))
	case KeyChange:
		return p.withRow(at, p.keyChange)
	case KeySwap:
		return p.withRows(at, p.keySwap)
	case HandOver:
		return p.withRows(at, p.handOver)
	case UniqueSwap:
		return p.withRows(at, p.uniqueSwap)
	case UniqueToTail:
		return p.withRow(at, p.uniqueToTail)
	}
	panic("load: unknown operation " + strconv.Itoa(int(o)))
}

// tries is how many ids are drawn before an operation does without a row.
const tries = 40

// row leases a row that is there and is none of the given ones; now and then one that the transaction has already.
func (p *planner) row(at *part, but ...int64) (int64, bool) {
	if id := p.hot.id; p.hot.due {
		p.hot.due = false
		return id, true
	}
	if n := len(at.touched); n > 0 && p.rand.IntN(10) == 0 {
		if id := at.touched[p.rand.IntN(n)]; at.rows[id].alive && !slices.Contains(but, id) {
			return id, true
		}
	}
	for range tries {
		id := at.pick.id(at.m.top)
		if !at.leased[id] && at.m.get(id).alive && at.m.lease(id) {
			at.leased[id] = true
			return id, true
		}
	}
	return 0, false
}

// free leases an id of the beginning's range that no row has. Beyond it the server may hand out the same.
func (p *planner) free(at *part) (int64, bool) {
	for range tries {
		id := 1 + p.rand.Int64N(max(at.m.table.Rows, 1))
		if at.m.table.Gap > 0 && p.rand.IntN(2) == 0 {
			id = max(id-id%at.m.table.Gap, at.m.table.Gap)
		}
		if id <= at.m.table.Rows && !at.leased[id] && !at.m.get(id).alive && at.m.lease(id) {
			at.leased[id] = true
			return id, true
		}
	}
	return 0, false
}

func (p *planner) withRow(at *part, f func(at *part, id int64, r Row)) bool {
	id, ok := p.row(at)
	if ok {
		f(at, id, at.state(id).row)
	}
	return ok
}

func (p *planner) withRows(at *part, f func(at *part, a, b int64)) bool {
	a, ok := p.row(at)
	if !ok {
		return false
	}
	b, ok := p.row(at, a)
	if ok && a != b {
		f(at, a, b)
		return true
	}
	p.indexUpdate(at, a, at.state(a).row)
	return true
}

// set plans an update of one row that assigns what is given, and the mark.
func (p *planner) set(at *part, id int64, assign string) {
	p.add(statement{
		sql:      "UPDATE " + at.m.table.Name.String() + " SET " + assign + ", " + p.mark() + " WHERE id = " + number(id),
		affected: 1, part: at,
	})
}

func (p *planner) indexUpdate(at *part, id int64, r Row) {
	r.K++
	p.set(at, id, "k = k + 1")
	p.leave(at, id, r)
}

func (p *planner) update(at *part, id int64, r Row) {
	r.X = p.rand.Uint64()
	p.set(at, id, "c = '"+string(r.AppendC(nil))+"', pad = '"+string(r.AppendPad(nil))+"'")
	p.leave(at, id, r)
}

func (p *planner) reinsert(at *part, id int64, r Row) {
	p.deleteRows(at, []int64{id})
	p.insertRow(at, id, p.newRow(at, r.U>>1))
}

// insertAt inserts a row with an id that is free.
func (p *planner) insertAt(at *part, id int64) { p.insertRow(at, id, p.newRow(at, p.value(at))) }

func (p *planner) insertRow(at *part, id int64, r Row) {
	p.add(statement{
		sql: "INSERT INTO " + at.m.table.Name.String() + " (" + at.m.table.columns() + ") VALUES " +
			string(at.m.table.appendValues(nil, number(id), r)),
		affected: 1, part: at,
	})
	p.leave(at, id, r)
}

// insertTail inserts n rows with ids that the server chooses.
func (p *planner) insertTail(at *part, n int) {
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = p.newRow(at, p.value(at))
	}
	p.insertNew(at, rows)
}

func (p *planner) insertNew(at *part, rows []Row) {
	sql := []byte("INSERT INTO " + at.m.table.Name.String() + " (" + at.m.table.columns() + ") VALUES ")
	for i, r := range rows {
		if i > 0 {
			sql = append(sql, ',')
		}
		sql = at.m.table.appendValues(sql, "DEFAULT", r)
	}
	p.add(statement{sql: string(sql), affected: int64(len(rows)), part: at, insert: rows})
	at.witness = true
}

// newRow returns a row with the transaction's mark and that unique value, 0 for none.
func (p *planner) newRow(at *part, value int64) Row {
	return Row{K: p.rand.Int64N(max(at.m.table.Rows, 1)), U: p.written(value), X: p.rand.Uint64(), W: p.writer, Seq: p.seq}
}

// value takes a unique value for a new row; 0, for none, where the table has no such column, and now and then.
func (p *planner) value(at *part) int64 {
	if !at.m.table.Unique || p.rand.IntN(10) == 0 {
		return 0
	}
	v := at.m.takeValue(p.rand)
	at.taken = append(at.taken, v)
	return v
}

// written is the value in capitals or not.
func (p *planner) written(value int64) int64 {
	if value == 0 {
		return 0
	}
	return value<<1 | p.rand.Int64N(2)
}

func (p *planner) delete(at *part, n int) bool {
	var ids []int64
	for range n {
		if id, ok := p.row(at, ids...); ok && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) > 0 {
		p.deleteRows(at, ids)
	}
	return len(ids) > 0
}

func (p *planner) deleteRows(at *part, ids []int64) {
	p.add(statement{
		sql:      "DELETE FROM " + at.m.table.Name.String() + " WHERE id IN (" + idList(ids) + ")",
		affected: int64(len(ids)), part: at,
	})
	for _, id := range ids {
		at.rows[id] = state{}
	}
}

func (p *planner) multiUpdate(at *part, n int) bool {
	var ids []int64
	for range n {
		if id, ok := p.row(at, ids...); ok && !slices.Contains(ids, id) {
			r := at.state(id).row
			r.K++
			p.leave(at, id, r)
			ids = append(ids, id)
		}
	}
	if len(ids) > 0 {
		p.updateMany(at, ids)
	}
	return len(ids) > 0
}

func (p *planner) updateMany(at *part, ids []int64) {
	p.add(statement{
		sql:      "UPDATE " + at.m.table.Name.String() + " SET k = k + 1, " + p.mark() + " WHERE id IN (" + idList(ids) + ")",
		affected: int64(len(ids)), part: at,
	})
}

// keyChange moves the row to a free id; where none is found it writes the row in place.
func (p *planner) keyChange(at *part, id int64, r Row) {
	to, ok := p.free(at)
	if !ok {
		p.indexUpdate(at, id, r)
		return
	}
	p.set(at, id, "id = "+number(to))
	at.rows[id] = state{}
	p.leave(at, to, r)
}

// keySwap exchanges the ids of two rows, over a third one that is free.
func (p *planner) keySwap(at *part, a, b int64) {
	spare, ok := p.free(at)
	if !ok {
		p.indexUpdate(at, a, at.state(a).row)
		return
	}
	ra, rb := at.state(a).row, at.state(b).row
	p.set(at, a, "id = "+number(spare))
	p.set(at, b, "id = "+number(a))
	p.set(at, spare, "id = "+number(b))
	p.leave(at, a, rb)
	p.leave(at, b, ra)
}

// handOver gives a's unique value to b; what b had is free.
func (p *planner) handOver(at *part, a, b int64) {
	value := at.state(a).row.U >> 1
	p.setUnique(at, a, 0)
	p.setUnique(at, b, value)
}

// uniqueSwap exchanges the unique values of two rows.
func (p *planner) uniqueSwap(at *part, a, b int64) {
	va, vb := at.state(a).row.U>>1, at.state(b).row.U>>1
	p.setUnique(at, a, 0)
	p.setUnique(at, b, va)
	p.setUnique(at, a, vb)
}

// uniqueToTail gives the row's unique value to a new row.
func (p *planner) uniqueToTail(at *part, id int64, r Row) {
	if p.rand.IntN(2) == 0 {
		p.deleteRows(at, []int64{id})
	} else {
		p.setUnique(at, id, 0)
	}
	p.insertNew(at, []Row{p.newRow(at, r.U>>1)})
}

// setUnique assigns a unique value, 0 for none. The statement surely changes the row: else it would count as none.
func (p *planner) setUnique(at *part, id, value int64) {
	r := at.state(id).row
	same := r.W == p.writer && r.Seq == p.seq
	before := r.U
	r.U = p.written(value)
	assign := "u = " + uniqueLiteral(r)
	if same && r.U == before {
		r.K++
		assign += ", k = k + 1"
	}
	p.set(at, id, assign)
	p.leave(at, id, r)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
