package binlog

import (
	"errors"
	"fmt"
	"time"

	"github.com/midstreamdb/midstream/internal/table"
)

// assembler puts the events of a log together into transactions. It is pure: fed with events in their order it calls emit,
// and knows neither servers nor time. Its position is always the end of a transaction; what comes after it and is not
// complete is forgotten when the stream breaks.
type assembler struct {
	begins   bool // Config.Begins, and no mark was read yet
	limits   limits
	guard    *guard
	watched  []*watched // the source and the changelog
	watch    *Watch     // of the shadow; nil: nobody looks who writes it
	foldCase bool       // table names are compared without case
	ordered  bool       // Config.Ordered
	emit     func(*Transaction) error

	sums     checksums
	inflater inflater
	file     string
	offset   uint64 // in file: end of the last event
	skipTo   uint64 // offsets up to here were read before
	read     Position
	proof    proof // of this connection
	epoch    uint64

	group      *group              // the open transaction, or nil
	tables     map[uint64]*watched // of the open statement, by table id; nil for tables of others
	annotation []byte              // text of the open statement, where the log has it and it was asked for
	held       held
	skipped    int // transactions since the last item

	xaCommits *XACommits // Config.XACommits
}

// limits are in bytes.
type limits struct {
	transaction int // beyond it a transaction is handed out in pieces
	held        int // of all prepared XA transactions
}

// emptyEvery is the number of transactions of others after which an empty item tells how far the stream is.
const emptyEvery = 1000

// rowWeight and valueWeight are what a row image and each of its values take in memory.
const (
	rowWeight   = 48
	valueWeight = 40
)

// dummyTableID stands in a rows event that has no rows and only ends a statement.
const dummyTableID = 0x00ffffff

// watched is a table whose rows are decoded. The decoder is kept while the table maps stay the same.
type watched struct {
	table   *table.Table
	columns []int        // what its rows are handed out as; nil: all
	marks   *markColumns // not nil for the changelog
	mapped  string       // body of the table map that decoder is for
	decoder *rowDecoder
}

// markColumns are the ordinals of the changelog's columns.
type markColumns struct{ id, value int }

// newAssembler returns an assembler that stands at start, which is where the first event must follow.
func newAssembler(start Position, source, changelog *table.Table, emit func(*Transaction) error) (*assembler, error) {
	a := &assembler{read: start, emit: emit, tables: map[uint64]*watched{}, guard: &guard{}}
	a.watched = append(a.watched, &watched{table: source})
	if changelog != nil {
		id, value := changelog.Column("id"), changelog.Column("value")
		if id == nil || value == nil {
			return nil, fmt.Errorf("changelog table %s has no columns id and value", changelog.Name)
		}
		a.watched = append(a.watched, &watched{table: changelog, marks: &markColumns{id.Ordinal, value.Ordinal}})
	}
	a.rewind()
	return a, nil
}

// rewind prepares for a new connection, which begins at the origin of where the last complete transaction ended.
func (a *assembler) rewind() {
	a.sums, a.proof = checksums{}, newProof(a.read)
	a.file, a.offset, a.skipTo = "", 0, 0
	if origin := a.read.origin(); origin.form == fileForm {
		a.file, a.offset = origin.file, origin.offset
	}
}

// interrupt says that the connection is gone: the open transaction is forgotten, and the clock counts on.
func (a *assembler) interrupt() error {
	a.epoch++
	if err := a.abandon(); err != nil {
		return err
	}
	a.rewind()
	return nil
}

// abandon drops the open transaction, which will not be completed by what follows.
func (a *assembler) abandon() error {
	g := a.group
	a.group = nil
	a.endStatement()
	if g == nil || g.pieces == 0 {
		return nil
	}
	return a.emit(&Transaction{Undone: true, End: a.end(), Clock: g.clock, CommittedAt: g.committedAt})
}

// end is the position that items name: before every XA transaction that is not decided.
func (a *assembler) end() Position { return a.held.before(a.read) }

// feed takes the next event. raw must not be changed before the end of its transaction.
func (a *assembler) feed(raw []byte) error {
	e, err := splitEvent(raw)
	if err == nil {
		err = a.sums.strip(raw, &e)
	}
	file, offset := a.file, a.offset
	if err == nil {
		err = a.advance(&e)
	}
	passed := a.offset <= a.skipTo && a.read.form == fileForm && !e.artificial() && e.kind != formatDescriptionEvent
	if err == nil && !passed {
		err = a.dispatch(e, false)
	}
	if err != nil {
		return fmt.Errorf("read event at %s: %w", a.place(file, offset), err)
	}
	return nil
}

// place names the place of an event for a person.
func (a *assembler) place(file string, offset uint64) string {
	if file == "" {
		return a.read.String()
	}
	return fmt.Sprintf("%s:%d", file, offset)
}

// advance moves the offset over the event. The log has 32 bits for it, and a transaction may be longer than they can say,
// so the offset is counted here and the log's only checked. A server that skips transactions, as it does for GTIDs, leaves
// gaps; inside MariaDB's transactions it may not say offsets at all.
func (a *assembler) advance(e *event) error {
	if e.artificial() || e.logPos == 0 || e.kind == heartbeatEvent || e.kind == heartbeatV2Event {
		return nil
	}
	expected := a.offset + uint64(e.size)
	gap := e.logPos - uint32(expected)
	if a.read.form != fileForm {
		a.offset = uint64(e.logPos)
		return nil
	}
	if gap != 0 && gap != checksumSize { // a server may take checksums off on the way
		return fmt.Errorf("the event ends at offset %d modulo 2^32 by the log, and at %d by the sizes of all events", e.logPos, expected)
	}
	a.offset = expected + uint64(gap)
	return nil
}

// dispatch handles one event; inner ones come out of a compressed transaction.
func (a *assembler) dispatch(e event, inner bool) error {
	switch e.kind {
	case rotateEvent:
		return a.rotate(e)
	case formatDescriptionEvent:
		return a.abandon() // a file starts: what was open there never ended
	case gtidEvent, anonymousGTIDEvent, taggedGTIDEvent, mariaGTIDEvent:
		return a.open(e)
	case queryEvent, compressedQueryEvent, executeLoadQueryEvent:
		return a.query(e)
	case xidEvent:
		return a.commit()
	case xaPrepareEvent:
		return a.prepare(e)
	case annotateRowsEvent:
		a.annotation = e.body
		return nil
	case tableMapEvent:
		return a.tableMap(e)
	case transactionPayload:
		return a.payload(e, inner)
	case incidentEvent:
		return errors.New("the server says that changes may be missing from its binary log here (incident event)")
	}
	if isRows(e.kind) {
		return a.rows(e)
	}
	if isHarmless(e.kind) || e.flags&flagIgnorable != 0 {
		return nil
	}
	return fmt.Errorf("the event has type %d, which is not known", e.kind)
}

func isRows(kind byte) bool {
	return kind >= writeRowsV1 && kind <= deleteRowsV1 || kind >= writeRowsV2 && kind <= deleteRowsV2 ||
		kind >= compressedRowsV1 && kind < compressedRowsV2+3 || kind == partialUpdateRows
}

// isHarmless says whether the event can change neither rows nor the position: it accompanies others, or serves the server.
func isHarmless(kind byte) bool {
	switch kind {
	case stopEvent, previousGTIDsEvent, heartbeatEvent, heartbeatV2Event, ignorableEvent, transactionContext, viewChangeEvent,
		rowsQueryEvent, intVarEvent, randEvent, userVarEvent, beginLoadQueryEvent, appendBlockEvent, deleteFileEvent,
		binlogCheckpointEvent, mariaGTIDListEvent, startEncryptionEvent:
		return true
	}
	return false
}

// rotate notes which file is read. The server sends such an event at the end of a file, and makes one up whenever it opens
// one for this stream; only a change of the file counts.
func (a *assembler) rotate(e event) error {
	r := &reader{data: e.body}
	offset := r.uint(8)
	if r.short || len(r.data) == 0 {
		return errShort
	}
	file := string(r.data)
	if file == a.file {
		return a.reopen(offset)
	}
	if a.file != "" {
		a.epoch++
	}
	if err := a.abandon(); err != nil {
		return err
	}
	a.file, a.offset, a.skipTo = file, offset, 0
	if a.read.form != fileForm {
		return nil
	}
	start := FilePosition(file, offset)
	if passed, err := a.read.AtOrAfter(start); passed || err != nil {
		return err
	}
	a.read = start.WithWitness(a.read.witness)
	return nil
}

// reopen handles the event at the start of a connection. Offsets beyond 32 bits cannot be asked for: then the file comes
// from its start, and what was read before is passed over.
func (a *assembler) reopen(offset uint64) error {
	if a.read.form != fileForm || offset == a.offset {
		return nil
	}
	if offset > a.offset || a.group != nil {
		return fmt.Errorf("the server reads on at %s:%d", a.file, offset)
	}
	a.offset, a.skipTo = offset, a.offset
	return nil
}

// committedAt returns when the transaction was committed: what its first event says, else the event's own time.
func committedAt(o opening, e event) time.Time {
	if !o.committedAt.IsZero() {
		return o.committedAt
	}
	return time.Unix(int64(e.timestamp), 0).UTC()
}
