package binlog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/midstreamdb/midstream/internal/table"
)

// group is the transaction that is being read.
type group struct {
	after       Position // where the stream stands once it is complete; of GTIDs only, a file's offset is known at its end
	clock       Clock
	committedAt time.Time

	passed     bool   // it was read before, on an earlier connection or by an earlier run
	thread     uint32 // of the server that made it; 0: the log does not tell
	begun      bool   // statements follow until a commit; else one statement is all
	xa         bool   // ends with XA PREPARE
	phase      alterPhase
	changes    []RowChange
	marks      []Mark
	bytes      int
	pieces     int // handed out already
	savepoints []savepoint
}

// savepoint is the place in a transaction that ROLLBACK TO goes back to.
type savepoint struct {
	name                          string
	changes, marks, bytes, pieces int
}

var errOutside = errors.New("the event belongs into a transaction, and none is open")

// open starts a transaction.
func (a *assembler) open(e event) error {
	if a.group != nil {
		return errors.New("a transaction starts inside another one")
	}
	o, err := parseOpening(e)
	if err != nil {
		return fmt.Errorf("read GTID: %w", err)
	}
	g := &group{clock: o.clock, committedAt: committedAt(o, e), thread: o.thread, xa: o.xaPrepare, phase: o.phase}
	g.clock.File = a.epoch
	switch {
	case a.read.form == fileForm && !o.clock.MariaDB:
	case a.read.form == mariaForm && o.clock.MariaDB:
		g.begun = !o.standalone
		g.after = Position{form: mariaForm, domains: a.read.domains.with(o.maria)}
	case a.read.form == gtidForm && !o.clock.MariaDB && !o.anonymous:
		g.after = Position{form: gtidForm, set: a.read.set.with(o.source, o.tag, o.number)}
	default:
		return errors.New("the transaction has no GTID of the kind that this run counts by: GTIDs were switched on or off on the server")
	}
	g.passed, err = a.proof.passes(o, FilePosition(a.file, a.offset))
	a.group = g
	return err
}

func parseOpening(e event) (opening, error) {
	switch e.kind {
	case mariaGTIDEvent:
		return parseMariaGTID(e.body, e.server)
	case taggedGTIDEvent:
		return parseTaggedGTID(e.body)
	}
	return parseGTID(e.kind, e.body)
}

// close ends the open transaction, one way or the other, and moves the position over it, unless it stands there already.
func (a *assembler) close() *group {
	g := a.group
	a.group = nil
	a.endStatement()
	if g.passed {
		return g
	}
	next := g.after
	if next.form == noForm {
		next = FilePosition(a.file, a.offset)
	}
	a.read = next.WithWitness(a.read.witness)
	return g
}

// commit ends the open transaction and hands it out.
func (a *assembler) commit() error {
	if a.group == nil || !a.group.begun {
		return errOutside
	}
	before := a.read.WithWitness(nil)
	g := a.close()
	if n := len(g.marks); n > 0 && !g.passed {
		a.read.witness = &Witness{Before: before, Mark: g.marks[n-1]}
	}
	return a.handOut(g)
}

// handOut hands a complete transaction out, unless it was passed over.
func (a *assembler) handOut(g *group) error {
	if err := a.proof.check(g.marks, g.passed); err != nil || g.passed {
		return err
	}
	if len(g.changes) == 0 && len(g.marks) == 0 && g.pieces == 0 {
		if a.skipped++; a.skipped < emptyEvery {
			return nil
		}
	}
	a.skipped = 0
	return a.emit(&Transaction{
		End: a.end(), Clock: g.clock, CommittedAt: g.committedAt,
		Changes: g.changes, Marks: g.marks, Bytes: g.bytes,
	})
}

// rollBack ends the open transaction without its changes. It stands in the log because it also changed tables that cannot
// roll back; the watched ones can.
func (a *assembler) rollBack() error {
	g := a.close()
	if g.pieces == 0 {
		return a.handOut(&group{passed: g.passed, clock: g.clock, committedAt: g.committedAt})
	}
	return a.emit(&Transaction{Undone: true, End: a.end(), Clock: g.clock, CommittedAt: g.committedAt})
}

// query handles a statement.
func (a *assembler) query(e event) error {
	g := a.group
	if g == nil {
		return errOutside
	}
	q, err := parseQuery(e.kind, e.body)
	if err != nil {
		return fmt.Errorf("read statement: %w", err)
	}
	switch v, argument := q.control(); v {
	case beginVerb:
		g.begun, g.thread = true, q.thread
	case commitVerb:
		if err := a.mustBeOrdered(); err != nil {
			return err
		}
		return a.commit()
	case rollbackVerb:
		return a.rollBack()
	case savepointVerb:
		g.savepoints = append(g.savepoints, savepoint{argument, len(g.changes), len(g.marks), g.bytes, g.pieces})
	case rollbackToVerb:
		return g.rollBackTo(argument)
	case xaStartVerb:
		g.begun, g.xa, g.thread = true, true, q.thread
	case releaseVerb, xaEndVerb:
	case xaCommitVerb, xaRollbackVerb:
		return a.decide(v == xaCommitVerb, argument)
	default:
		return a.statement(q)
	}
	return nil
}

// statement handles a statement that is none of the transaction's own: DDL, or a change logged as a statement. Outside of a
// transaction it is one.
func (a *assembler) statement(q query) error {
	g := a.group
	if !g.passed && (g.phase == wholeAlter || g.phase == commitAlter) {
		if err := a.guard.check(q); err != nil {
			return err
		}
	}
	if g.begun {
		return nil
	}
	return a.handOut(a.close())
}

// rollBackTo forgets what came after the savepoint, which may be rolled back to again.
func (g *group) rollBackTo(name string) error {
	for i := len(g.savepoints) - 1; i >= 0; i-- {
		s := g.savepoints[i]
		if !strings.EqualFold(s.name, name) {
			continue
		}
		if s.pieces != g.pieces {
			return fmt.Errorf("a transaction too large to hold is rolled back to savepoint %s", name)
		}
		g.changes, g.marks, g.bytes = g.changes[:s.changes:s.changes], g.marks[:s.marks:s.marks], s.bytes
		g.savepoints = g.savepoints[:i+1]
		return nil
	}
	return fmt.Errorf("the transaction is rolled back to savepoint %s, which it does not have", name)
}

// tableMap notes whose rows follow under a table id.
func (a *assembler) tableMap(e event) error {
	if a.group == nil || !a.group.begun {
		return errOutside
	}
	r := &reader{data: e.body}
	id := r.uint(6)
	r.bytes(2)
	schema := r.bytes(int(r.uint(1)))
	r.bytes(1)
	name := r.bytes(int(r.uint(1)))
	if r.short {
		return errShort
	}
	for _, w := range a.watched {
		if a.same(schema, w.table.Name.Schema) && a.same(name, w.table.Name.Table) {
			a.tables[id] = w
			return w.prepare(e.body)
		}
	}
	a.tables[id] = nil
	if w := a.watch; w != nil && a.same(schema, w.Shadow.Schema) && a.same(name, w.Shadow.Table) {
		a.tables[id] = shadowRows
	}
	return nil
}

// endStatement forgets what counts for the rows of one statement.
func (a *assembler) endStatement() {
	clear(a.tables)
	a.annotation = nil
}

func (a *assembler) same(logged []byte, name string) bool {
	if a.foldCase {
		return strings.EqualFold(string(logged), name)
	}
	return string(logged) == name
}

// prepare makes the decoder for the rows under a table map.
func (w *watched) prepare(body []byte) error {
	if w.decoder != nil && w.mapped == string(body) {
		return nil
	}
	m, err := parseTableMap(body)
	if err != nil {
		return err
	}
	d, err := newRowDecoder(m, w.table)
	if err != nil {
		return err
	}
	if w.columns != nil {
		d = d.project(w.columns)
	}
	w.mapped, w.decoder = string(body), d
	return nil
}

// rows handles a rows event; those of other tables are not looked into.
func (a *assembler) rows(e event) error {
	g := a.group
	if g == nil || !g.begun {
		return errOutside
	}
	r := &reader{data: e.body}
	id, flags := r.uint(6), r.uint(2)
	if r.short {
		return errShort
	}
	const endOfStatement = 1
	w, mapped := a.tables[id]
	if !mapped && id != dummyTableID {
		return fmt.Errorf("rows of table id %d, which no table map explains", id)
	}
	var err error
	switch w {
	case nil:
	case shadowRows:
		err = a.mayWrite(g, e)
	default:
		err = a.add(w, e)
	}
	if err != nil {
		return err
	}
	if flags&endOfStatement != 0 {
		a.endStatement()
	}
	return nil
}

// add decodes an event of a watched table into the open transaction.
func (a *assembler) add(w *watched, e event) error {
	body := e.body
	if len(body) <= sharedPacket {
		body = bytes.Clone(body) // values alias it, and must not keep what lies beside it
	}
	changes, err := w.decoder.decode(e.kind, body)
	if err != nil {
		return err
	}
	g := a.group
	if w.marks == nil {
		g.changes = append(g.changes, changes...)
		g.bytes += len(e.body) + weight(changes)
	} else {
		for _, c := range changes {
			if c.After != nil {
				a.mark(g, e, w.marks.of(c.After))
			}
		}
	}
	if g.passed {
		g.changes, g.bytes = nil, 0
		return nil
	}
	if g.xa {
		return a.held.room(g.bytes, a.limits.held)
	}
	if g.bytes < a.limits.transaction {
		return nil
	}
	return a.piece(g)
}

// mark notes a row written to the changelog.
func (a *assembler) mark(g *group, e event, m Mark) {
	g.marks = append(g.marks, m)
	a.begins = a.begins && g.passed
	if !g.passed && a.watch != nil && a.watch.Writers != nil {
		a.watch.Writers.Note(e.server, m.ID, m.Value)
	}
}

// piece hands out what has been read of a transaction that is too large to hold.
func (a *assembler) piece(g *group) error {
	t := &Transaction{
		Clock: g.clock, CommittedAt: g.committedAt, More: true,
		Changes: g.changes, Marks: g.marks, Bytes: g.bytes,
	}
	g.changes, g.marks, g.bytes = nil, nil, 0
	g.pieces++
	return a.emit(t)
}

func (m *markColumns) of(row table.Row) Mark {
	return Mark{ID: int64(row[m.id].Num), Value: row[m.value].Num}
}

func weight(changes []RowChange) int {
	n := 0
	for _, c := range changes {
		n += 2*rowWeight + valueWeight*(len(c.Before)+len(c.After))
	}
	return n
}

// payload handles a compressed transaction.
func (a *assembler) payload(e event, inner bool) error {
	if inner {
		return errors.New("a compressed transaction stands inside another one")
	}
	if a.group == nil {
		return errOutside
	}
	p, err := parsePayload(e.body)
	if err != nil {
		return err
	}
	return a.inflater.events(p, func(raw []byte) error {
		e, err := splitEvent(raw)
		if err != nil {
			return err
		}
		return a.dispatch(e, true)
	})
}
