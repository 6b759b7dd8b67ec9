package binlog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/midstreamdb/midstream/internal/table"
)

// The rows events, by their type byte.
const (
	writeRowsV1  = 23
	updateRowsV1 = 24
	deleteRowsV1 = 25
	writeRowsV2  = 30
	updateRowsV2 = 31
	deleteRowsV2 = 32

	partialUpdateRows = 39 // MySQL, binlog_row_value_options=PARTIAL_JSON

	compressedRowsV1 = 166 // MariaDB, log_bin_compress: the first of three, like the plain ones
	compressedRowsV2 = 169
)

// rowDecoder turns rows events of one table into row changes. It holds no state between events and may be used by several
// goroutines.
type rowDecoder struct {
	name   table.Name
	id     uint64 // of the table map
	fields []field
	width  int // values of a row that is handed out
	text   int // bytes that the texts of such a row take, roughly
}

// newRowDecoder returns the decoder for the rows events under m, which must describe the table as it was inspected: else
// the error names the column that differs. It is cheap, but not free: keep it while table maps are byte for byte the same.
func newRowDecoder(m *tableMap, t *table.Table) (*rowDecoder, error) {
	d := &rowDecoder{name: t.Name, id: m.id, width: len(t.Columns), fields: make([]field, len(m.columns))}
	if want := len(t.Columns) + hiddenColumns(t); len(m.columns) != want || want == 0 {
		return nil, fmt.Errorf("table %s has %d columns in the binary log and had %d when it was inspected: %w",
			t.Name, len(m.columns), want, errChanged)
	}
	for i, w := range m.columns {
		c, slot := hidden, skipped
		if i < len(t.Columns) {
			c, slot = &t.Columns[i], i
		}
		f, err := newField(w, c)
		if err != nil {
			return nil, fmt.Errorf("column %s of table %s: %w", table.Quote(c.Name), t.Name, err)
		}
		f.slot = slot
		d.fields[i] = f
		d.text += f.textSize()
	}
	return d, nil
}

// errChanged says that the log and the inspected definition disagree.
var errChanged = errors.New("its definition changed during the run")

// project returns a decoder that hands out rows of only those columns, in that order; the others are passed over.
func (d *rowDecoder) project(ordinals []int) *rowDecoder {
	p := &rowDecoder{name: d.name, id: d.id, width: len(ordinals), fields: slices.Clone(d.fields)}
	for i := range p.fields {
		p.fields[i].slot = skipped
	}
	for slot, ordinal := range ordinals {
		p.fields[ordinal].slot = slot
		p.text += p.fields[ordinal].textSize()
	}
	return p
}

// rowsEvent is a rows event with its header taken apart.
type rowsEvent struct {
	update bool
	remove bool
	before []byte // bits of the columns in the first image of each row change, or its only one; nil: all
	after  []byte // of the second image of an update
	rows   []byte
}

// decode returns the row changes of a rows event in order. body is what follows the common header, without the checksum;
// strings of the result alias it. Compressed events of MariaDB are inflated here.
func (d *rowDecoder) decode(eventType byte, body []byte) ([]RowChange, error) {
	changes, err := d.decodeEvent(eventType, body)
	if err != nil {
		return nil, fmt.Errorf("decode rows of table %s: %w", d.name, err)
	}
	return changes, nil
}

func (d *rowDecoder) decodeEvent(eventType byte, body []byte) ([]RowChange, error) {
	e, err := d.parseRowsEvent(eventType, body)
	if err != nil {
		return nil, err
	}
	images, err := d.count(e)
	if err != nil {
		return nil, err
	}
	w := rowWriter{values: make([]table.Value, images*d.width), texts: arena{size: images * d.text}}
	if e.update {
		return d.decodeUpdates(e, &w, images/2)
	}
	changes := make([]RowChange, images)
	for i := range changes {
		row := w.row(d.width)
		if e.rows, err = d.image(row, e.before, e.rows, &w.texts); err != nil {
			return nil, err
		}
		if e.remove {
			changes[i].Before = row
		} else {
			changes[i].After = row
		}
	}
	return changes, nil
}

func (d *rowDecoder) decodeUpdates(e *rowsEvent, w *rowWriter, n int) ([]RowChange, error) {
	changes := make([]RowChange, n)
	for i := range changes {
		before, after := w.row(d.width), w.row(d.width)
		rest, err := d.image(before, e.before, e.rows, &w.texts)
		if err != nil {
			return nil, err
		}
		if e.after != nil {
			copy(after, before) // what FULL_NODUP leaves out did not change
		}
		if e.rows, err = d.image(after, e.after, rest, &w.texts); err != nil {
			return nil, err
		}
		changes[i] = RowChange{Before: before, After: after}
	}
	return changes, nil
}

// rowWriter hands out the memory of one event's rows: one slab of values, few of texts.
type rowWriter struct {
	values []table.Value
	texts  arena
}

func (w *rowWriter) row(width int) table.Row {
	row := w.values[:width:width]
	w.values = w.values[width:]
	return row
}

func (d *rowDecoder) parseRowsEvent(eventType byte, body []byte) (*rowsEvent, error) {
	e := &rowsEvent{}
	first, v2, compressed := byte(writeRowsV1), false, false
	switch {
	case eventType >= writeRowsV1 && eventType <= deleteRowsV1:
	case eventType >= writeRowsV2 && eventType <= deleteRowsV2:
		first, v2 = writeRowsV2, true
	case eventType >= compressedRowsV1 && eventType < compressedRowsV1+3:
		first, compressed = compressedRowsV1, true
	case eventType >= compressedRowsV2 && eventType < compressedRowsV2+3:
		first, v2, compressed = compressedRowsV2, true, true
	case eventType == partialUpdateRows:
		return nil, errors.New("an update of a JSON column was logged in part: set binlog_row_value_options to '' on the server and in every session")
	default:
		return nil, fmt.Errorf("event type %d is not a rows event", eventType)
	}
	e.update, e.remove = eventType == first+1, eventType == first+2
	r := &reader{data: body}
	if err := d.readRowsHeader(r, e, v2); err != nil {
		return nil, err
	}
	e.rows = r.data
	if compressed {
		var err error
		if e.rows, err = inflateRows(e.rows); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (d *rowDecoder) readRowsHeader(r *reader, e *rowsEvent, v2 bool) error {
	id := r.uint(6)
	r.bytes(2) // flags
	if v2 {
		r.bytes(int(r.uint(2)) - 2) // extra data, its length included
	}
	columns := r.length()
	e.before = r.bytes((columns + 7) / 8)
	if e.update {
		e.after = r.bytes((columns + 7) / 8)
	}
	switch {
	case r.short:
		return errShort
	case id != d.id:
		return fmt.Errorf("the event is for table id %d, not %d", id, d.id)
	case columns != len(d.fields):
		return fmt.Errorf("%d columns in the event, %d in its table map", columns, len(d.fields))
	}
	if isFull(e.after, columns) {
		e.after = nil
	}
	if isFull(e.before, columns) {
		e.before = nil
		return nil
	}
	return d.checkFull(e.before)
}

// checkFull refuses an image that leaves columns out, except generated ones: MariaDB leaves them out of updates and deletes
// from some version on (11.8.9 does, 11.8.6 did not). Nothing reads them; they are handed out as NULL.
func (d *rowDecoder) checkFull(present []byte) error {
	for i := range d.fields {
		if !bit(present, i) && d.fields[i].column.Generation == table.NotGenerated {
			return fmt.Errorf("column %s is not in the row image: set binlog_row_image to FULL on the server and in every session",
				table.Quote(d.fields[i].column.Name))
		}
	}
	return nil
}

// count walks over the rows without decoding them and returns the number of images.
func (d *rowDecoder) count(e *rowsEvent) (int, error) {
	images, rest := 0, e.rows
	for len(rest) > 0 {
		var err error
		if rest, err = d.skip(e.before, rest); err != nil {
			return 0, err
		}
		images++
		if e.update {
			if rest, err = d.skip(e.after, rest); err != nil {
				return 0, err
			}
			images++
		}
	}
	return images, nil
}

// skip returns what follows the image at the front of data. The columns in it are those of present, nil: all.
func (d *rowDecoder) skip(present, data []byte) ([]byte, error) {
	nulls, data, err := d.cutNulls(present, data)
	if err != nil {
		return nil, err
	}
	n := 0
	for i := range d.fields {
		if present != nil && !bit(present, i) {
			continue
		}
		if !bit(nulls, n) {
			if _, data, err = d.fields[i].cut(data); err != nil {
				return nil, d.at(i, err)
			}
		}
		n++
	}
	return data, nil
}

// image decodes the image at the front of data into row and returns what follows it. The columns in it are those of
// present, nil: all.
func (d *rowDecoder) image(row table.Row, present, data []byte, texts *arena) ([]byte, error) {
	nulls, data, err := d.cutNulls(present, data)
	if err != nil {
		return nil, err
	}
	n := 0
	for i := range d.fields {
		f := &d.fields[i]
		if present != nil && !bit(present, i) {
			continue
		}
		null := bit(nulls, n)
		n++
		var cell []byte
		if !null {
			if cell, data, err = f.cut(data); err != nil {
				return nil, d.at(i, err)
			}
		}
		if f.slot == skipped {
			continue
		}
		if null {
			row[f.slot] = table.Value{}
			continue
		}
		if row[f.slot], err = f.value(cell, texts); err != nil {
			return nil, d.at(i, err)
		}
	}
	return data, nil
}

func (d *rowDecoder) at(i int, err error) error {
	return fmt.Errorf("column %s: %w", table.Quote(d.fields[i].column.Name), err)
}

// cutNulls takes the null bits off an image: one for each column present.
func (d *rowDecoder) cutNulls(present, data []byte) (nulls, rest []byte, err error) {
	n := len(d.fields)
	if present != nil {
		n = 0
		for i := range d.fields {
			if bit(present, i) {
				n++
			}
		}
	}
	size := (n + 7) / 8
	if size > len(data) {
		return nil, nil, errShort
	}
	return data[:size], data[size:], nil
}

// isFull says whether the first n bits are set.
func isFull(bits []byte, n int) bool {
	for i := range bits {
		if bits[i]|byte(0xff<<min(n-8*i, 8)) != 0xff {
			return false
		}
	}
	return true
}

func bit(bits []byte, i int) bool { return bits[i>>3]>>(i&7)&1 == 1 }

// arena hands out pieces of a few large buffers.
type arena struct {
	free []byte
	size int // of the next buffer
}

const maxArenaBuffer = 64 << 10

// open returns an empty slice to append to, with room for n bytes; keep makes what was appended permanent.
func (a *arena) open(n int) []byte {
	if cap(a.free) < n {
		size := min(max(a.size, 64), maxArenaBuffer)
		a.free = make([]byte, 0, max(size, n))
	}
	return a.free
}

// keep returns text, which grew out of the last open, with nothing behind it.
func (a *arena) keep(text []byte) []byte {
	n := len(text)
	if cap(text) == cap(a.free) { // else it outgrew the buffer and has one of its own
		a.free = a.free[n:n]
	}
	return text[:n:n]
}

// pad returns b with zero bytes up to that length, and b itself if it is as long.
func (a *arena) pad(b []byte, length int) []byte {
	if len(b) >= length {
		return b
	}
	text := append(a.open(length), b...)
	return a.keep(append(text, zeros[:length-len(b)]...))
}

var zeros = bytes.Repeat([]byte{0}, 1024)
