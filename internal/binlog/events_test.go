package binlog

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/midstreamdb/midstream/internal/table"
)

// script writes the events of a binary log, as a server of one kind would.
type script struct {
	maria    bool
	checksum bool
	log      [][]byte // all events since the start of the first file
	file     int
	offset   uint64
	number   int64 // of the last transaction
	sequence int64 // of the last transaction in this file
}

var testUUID = uuid{0xab, 1, 2, 3}

const (
	sourceID    = 100
	changelogID = 101
	otherID     = 102
)

// sourceTable has two INT columns, and so has the changelog but for their names and BIGINTs.
var (
	sourceTable = &table.Table{Name: table.Name{Schema: "d", Table: "t"}, Columns: []table.Column{
		{Name: "id", Kind: table.Int, DataType: "int", ColumnType: "int"},
		{Name: "k", Ordinal: 1, Kind: table.Int, DataType: "int", ColumnType: "int"},
	}}
	changelogTable = &table.Table{Name: table.Name{Schema: "d", Table: "t__changelog"}, Columns: []table.Column{
		{Name: "id", Kind: table.Int, DataType: "bigint", ColumnType: "bigint"},
		{Name: "value", Ordinal: 1, Kind: table.Int, DataType: "bigint", ColumnType: "bigint unsigned", Unsigned: true},
	}}
)

func newScript(maria bool) *script {
	s := &script{maria: maria, checksum: true, file: 1}
	s.begin()
	return s
}

// encode makes an event that stands in the log.
func (s *script) encode(kind byte, flags uint16, logged bool, body []byte) []byte {
	size := headerSize + len(body)
	if s.checksum {
		size += checksumSize
	}
	var end uint32
	if logged {
		s.offset += uint64(size)
		end = uint32(s.offset)
	}
	raw := make([]byte, headerSize, size)
	if logged {
		binary.LittleEndian.PutUint32(raw, 1_700_000_000)
	}
	raw[4] = kind
	binary.LittleEndian.PutUint32(raw[5:], 7)
	binary.LittleEndian.PutUint32(raw[9:], uint32(size))
	binary.LittleEndian.PutUint32(raw[13:], end)
	binary.LittleEndian.PutUint16(raw[17:], flags)
	raw = append(raw, body...)
	if s.checksum {
		raw = binary.LittleEndian.AppendUint32(raw, crc32.ChecksumIEEE(raw))
	}
	return raw
}

func (s *script) add(kind byte, body []byte) { s.log = append(s.log, s.encode(kind, 0, true, body)) }

func (s *script) fileName() string { return fileName(s.file) }

func fileName(n int) string { return "binlog." + string(append([]byte("00000"), byte('0'+n))) }

// begin starts a file.
func (s *script) begin() {
	s.offset, s.sequence = 4, 0
	s.log = append(s.log, s.fakeRotate(s.fileName(), 4))
	s.add(formatDescriptionEvent, s.format())
	s.add(previousGTIDsEvent, make([]byte, 8))
}

func (s *script) format() []byte {
	body := make([]byte, 2+50+4+1+40)
	if s.checksum {
		return append(body, 1)
	}
	return append(body, 0, 0, 0, 0, 0)
}

func (s *script) fakeRotate(file string, offset uint64) []byte {
	body := binary.LittleEndian.AppendUint64(nil, offset)
	return s.encode(rotateEvent, flagArtificial, false, append(body, file...))
}

// reopened returns what a server sends first on a new connection.
func (s *script) reopened(offset uint64) [][]byte {
	return [][]byte{s.fakeRotate(s.fileName(), offset), s.encode(formatDescriptionEvent, 0, false, s.format())}
}

// rotate ends the file and starts the next one.
func (s *script) rotate() {
	s.file++
	body := binary.LittleEndian.AppendUint64(nil, 4)
	s.add(rotateEvent, append(body, s.fileName()...))
	s.begin()
}

// crash starts the next file without an end of this one.
func (s *script) crash() {
	s.file++
	s.begin()
}

// opening returns the event in front of the next transaction.
func (s *script) opening(kind byte, mariaFlags byte) {
	s.number++
	s.sequence++
	if s.maria {
		body := binary.LittleEndian.AppendUint64(nil, uint64(s.number))
		body = append(binary.LittleEndian.AppendUint32(body, 0), mariaFlags|mariaTransactional|mariaParallel)
		s.add(mariaGTIDEvent, append(body, make([]byte, 6)...))
		return
	}
	body := append([]byte{0}, testUUID[:]...)
	body = binary.LittleEndian.AppendUint64(body, uint64(s.number))
	body = append(body, 2)
	body = binary.LittleEndian.AppendUint64(body, uint64(s.sequence-1))
	body = binary.LittleEndian.AppendUint64(body, uint64(s.sequence))
	body = append(body, 1, 0, 0, 0, 0, 0, 0) // one microsecond
	s.add(kind, body)
}

func (s *script) open() {
	s.opening(gtidEvent, 0)
	if !s.maria {
		s.query("BEGIN")
	}
}

func queryBody(schema, text string) []byte {
	body := make([]byte, 13)
	body[8] = byte(len(schema))
	body = append(append(body, schema...), 0)
	return append(body, text...)
}

func (s *script) query(text string) { s.add(queryEvent, queryBody("d", text)) }

func (s *script) commit() { s.add(xidEvent, make([]byte, 8)) }

// statement writes a statement that is a transaction.
func (s *script) statement(text string) {
	s.opening(gtidEvent, mariaStandalone)
	s.query(text)
}

func tableMapBody(id uint64, name table.Name, wire byte) []byte {
	body := binary.LittleEndian.AppendUint64(nil, id)[:6]
	body = append(body, 0, 0, byte(len(name.Schema)))
	body = append(append(body, name.Schema...), 0, byte(len(name.Table)))
	body = append(append(body, name.Table...), 0)
	return append(body, 2, wire, wire, 0, 0) // two columns, no metadata, none nullable
}

// insertBody is a WRITE_ROWS event of rows with two values.
func insertBody(id uint64, flags byte, size int, rows ...[2]uint64) []byte {
	body := binary.LittleEndian.AppendUint64(nil, id)[:6]
	body = append(body, flags, 0, 2, 0, 2, 0x03)
	for _, row := range rows {
		body = append(body, 0)
		for _, v := range row {
			body = append(body, binary.LittleEndian.AppendUint64(nil, v)[:size]...)
		}
	}
	return body
}

func (s *script) insert(k uint64) {
	s.add(tableMapEvent, tableMapBody(sourceID, sourceTable.Name, 3))
	s.add(writeRowsV2, insertBody(sourceID, 1, 4, [2]uint64{k, k}))
}

func (s *script) mark(value uint64) {
	s.add(tableMapEvent, tableMapBody(changelogID, changelogTable.Name, 8))
	s.add(writeRowsV2, insertBody(changelogID, 1, 8, [2]uint64{2, value}))
}

// others writes rows of a table of others, which has a column of a type that nobody knows.
func (s *script) others() {
	s.add(tableMapEvent, tableMapBody(otherID, table.Name{Schema: "d", Table: "x"}, 141))
	s.add(writeRowsV2, append(insertBody(otherID, 1, 1), "whatever"...))
}

// loggedXID is an xid as both engines log it.
func loggedXID(id byte) string { return fmt.Sprintf("X'%02x',X'',1", id) }

// xa writes an XA transaction up to its PREPARE.
func (s *script) xa(id byte, k uint64) {
	s.xaOpen(id)
	s.insert(k)
	s.xaEnd(id)
}

// xaOfOthers is xa without a change of the source.
func (s *script) xaOfOthers(id byte) {
	s.xaOpen(id)
	s.others()
	s.xaEnd(id)
}

func (s *script) xaOpen(id byte) {
	s.opening(gtidEvent, mariaPreparedXA)
	if s.maria {
		// its GTID event carries the xid
		s.log = s.log[:len(s.log)-1]
		s.offset -= uint64(headerSize + 19 + checksumSize)
		body := binary.LittleEndian.AppendUint64(nil, uint64(s.number))
		body = append(binary.LittleEndian.AppendUint32(body, 0), mariaPreparedXA|mariaTransactional|mariaParallel)
		body = append(body, 1, 0, 0, 0, 1, 0, id)
		s.add(mariaGTIDEvent, body)
	} else {
		s.query("XA START " + loggedXID(id))
	}
}

func (s *script) xaEnd(id byte) {
	s.query("XA END " + loggedXID(id))
	s.xaPrepare(id, false)
}

func (s *script) xaPrepare(id byte, onePhase bool) {
	body := []byte{0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, id}
	if onePhase {
		body[0] = 1
	}
	s.add(xaPrepareEvent, body)
}

func (s *script) decide(verb string, id byte) {
	s.statement("XA " + verb + " " + loggedXID(id))
}

// compressed writes what f writes between the transaction's first event and its end as one payload.
func (s *script) compressed(tb testing.TB, f func(*script)) {
	tb.Helper()
	inner := &script{}
	f(inner)
	plain := bytes.Join(inner.log, nil)
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		tb.Fatal(err)
	}
	s.opening(gtidEvent, 0)
	s.add(transactionPayload, payloadBody(encoder.EncodeAll(plain, nil), uint64(len(plain))))
}

func payloadBody(data []byte, size uint64) []byte {
	number := func(n uint64) []byte { return append([]byte{0xfe}, binary.LittleEndian.AppendUint64(nil, n)...) }
	var body []byte
	for field, value := range map[byte]uint64{1: uint64(len(data)), 2: 0, 3: size} {
		body = append(append(body, field, 9), number(value)...)
	}
	return append(append(body, 0), data...)
}

// dumped returns what a server sends from a position on: everything after the events that end there.
func (s *script) dumped(tb testing.TB, from Position) [][]byte {
	tb.Helper()
	if from.form != fileForm {
		return s.dumpedByGTID(tb, from)
	}
	file, offset, sent := "", uint64(0), [][]byte(nil)
	for _, raw := range s.log {
		e := mustSplit(tb, raw)
		if e.kind == rotateEvent && e.artificial() {
			file, offset = string(raw[headerSize+8:len(raw)-checksumSize]), 4
		} else {
			offset += uint64(e.size)
		}
		switch {
		case file == from.file && e.artificial():
			sent = append(sent, s.fakeRotate(file, from.offset))
		case file == from.file && e.kind == formatDescriptionEvent && from.offset > 4:
			sent = append(sent, s.encode(formatDescriptionEvent, 0, false, s.format()))
		case len(sent) > 0 && (file != from.file || offset > from.offset):
			sent = append(sent, raw)
		}
	}
	return sent
}

// dumpedByGTID sends every file, without the transactions that the position has.
func (s *script) dumpedByGTID(tb testing.TB, from Position) [][]byte {
	tb.Helper()
	var sent [][]byte
	skipping := false
	for _, raw := range s.log {
		e := mustSplit(tb, raw)
		switch e.kind {
		case gtidEvent, mariaGTIDEvent:
			if s.checksum {
				e.body = e.body[:len(e.body)-checksumSize]
			}
			o, err := parseOpening(e)
			if err != nil {
				tb.Fatal(err)
			}
			skipping = from.set.contains(gtidSet(nil).with(o.source, o.tag, max(o.number, 1)))
			if s.maria {
				skipping = from.domains.contains(domainSet{o.maria})
			}
		case rotateEvent, formatDescriptionEvent, previousGTIDsEvent:
			skipping = false
		}
		if !skipping {
			sent = append(sent, raw)
		}
	}
	return sent
}

func mustSplit(tb testing.TB, raw []byte) event {
	tb.Helper()
	e, err := splitEvent(raw)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}
