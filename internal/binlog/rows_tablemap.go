package binlog

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/midstreamdb/midstream/internal/table"
)

// wireType is the type byte of a column in a table map.
type wireType byte

const (
	wireTiny              wireType = 1
	wireShort             wireType = 2
	wireLong              wireType = 3
	wireFloat             wireType = 4
	wireDouble            wireType = 5
	wireTimestamp         wireType = 7
	wireLongLong          wireType = 8
	wireInt24             wireType = 9
	wireDate              wireType = 10
	wireTime              wireType = 11
	wireDateTime          wireType = 12
	wireYear              wireType = 13
	wireNewDate           wireType = 14
	wireVarChar           wireType = 15
	wireBit               wireType = 16
	wireTimestamp2        wireType = 17
	wireDateTime2         wireType = 18
	wireTime2             wireType = 19
	wireBlobCompressed    wireType = 140 // MariaDB
	wireVarCharCompressed wireType = 141 // MariaDB
	wireVector            wireType = 242
	wireJSON              wireType = 245
	wireDecimal           wireType = 246
	wireEnum              wireType = 247
	wireSet               wireType = 248
	wireTinyBlob          wireType = 249
	wireMediumBlob        wireType = 250
	wireLongBlob          wireType = 251
	wireBlob              wireType = 252
	wireVarString         wireType = 253
	wireString            wireType = 254
	wireGeometry          wireType = 255
)

// tableMap is what a TABLE_MAP_EVENT says about the rows events that follow it.
type tableMap struct {
	id      uint64
	name    table.Name
	columns []wireColumn
}

// wireColumn is a column as the log describes it. CHAR, ENUM and SET are told apart already: typ is the real type.
type wireColumn struct {
	typ      wireType
	meta     int // length in bytes, bytes of the length, digits of the seconds; by type
	scale    int // of a decimal, whose precision is meta
	nullable bool
}

var errShort = errors.New("event ends too early")

// parseTableMap parses the body of a TABLE_MAP_EVENT: what follows the common header, without the checksum. The optional
// metadata at its end is not needed: the inspected definition says more.
func parseTableMap(body []byte) (*tableMap, error) {
	m, err := readTableMap(&reader{data: body})
	if err != nil {
		return nil, fmt.Errorf("read table map: %w", err)
	}
	return m, nil
}

func readTableMap(r *reader) (*tableMap, error) {
	m := &tableMap{id: r.uint(6)}
	r.bytes(2) // flags
	schema := r.bytes(int(r.uint(1)))
	r.bytes(1) // 0x00
	name := r.bytes(int(r.uint(1)))
	r.bytes(1) // 0x00
	types := r.bytes(r.length())
	meta := &reader{data: r.bytes(r.length())}
	nullable := r.bytes((len(types) + 7) / 8)
	if r.short {
		return nil, errShort
	}
	m.name = table.Name{Schema: string(schema), Table: string(name)}
	m.columns = make([]wireColumn, len(types))
	for i, t := range types {
		c := &m.columns[i]
		c.typ, c.nullable = wireType(t), nullable[i/8]>>(i%8)&1 == 1
		if !c.readMeta(meta) {
			return nil, fmt.Errorf("table %s: column %d has the unknown type %d", m.name, i+1, t)
		}
	}
	if meta.short || len(meta.data) > 0 {
		return nil, fmt.Errorf("table %s: metadata of the columns has the wrong length", m.name)
	}
	return m, nil
}

// readMeta takes the column's metadata from r; false: the type is not known, nor where the next column's metadata starts.
func (c *wireColumn) readMeta(r *reader) bool {
	switch c.typ {
	case wireTiny, wireShort, wireLong, wireLongLong, wireInt24, wireYear, wireTimestamp, wireDate, wireNewDate, wireTime, wireDateTime:
	case wireFloat, wireDouble, wireTimestamp2, wireDateTime2, wireTime2, wireJSON, wireGeometry, wireVector,
		wireTinyBlob, wireMediumBlob, wireLongBlob, wireBlob, wireBlobCompressed:
		c.meta = int(r.uint(1))
	case wireVarChar, wireVarString, wireVarCharCompressed:
		c.meta = int(r.uint(2))
	case wireBit:
		bits := int(r.uint(1))
		c.meta = int(r.uint(1))*8 + bits
	case wireDecimal:
		c.meta, c.scale = int(r.uint(1)), int(r.uint(1))
	case wireString, wireEnum, wireSet:
		c.readStringMeta(int(r.uint(1)), int(r.uint(1)))
	default:
		return false
	}
	return true
}

// readStringMeta resolves the metadata of CHAR, BINARY, ENUM and SET: the real type, two bits of which hold, inverted, the
// high bits of a length over 255.
func (c *wireColumn) readStringMeta(real, length int) {
	if real == 0 { // as very old servers wrote it
		c.meta = length
		return
	}
	c.meta = length | (real&0x30^0x30)<<4
	c.typ = wireType(real | 0x30)
}

// reader takes values off the front of data; once it ran out of bytes short is set and every value is zero.
type reader struct {
	data  []byte
	short bool
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.data) {
		r.data, r.short = nil, true
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

// uint reads a little-endian number of up to 8 bytes.
func (r *reader) uint(size int) uint64 {
	return littleEndian(r.bytes(size))
}

// length reads a length-encoded number that counts bytes or bits of the same event.
func (r *reader) length() int {
	n := r.uint(1)
	switch n {
	case 0xfc:
		n = r.uint(2)
	case 0xfd:
		n = r.uint(3)
	case 0xfe:
		n = r.uint(8)
	}
	if n > 1<<31 {
		r.data, r.short = nil, true
		return 0
	}
	return int(n)
}

func littleEndian(b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	case 8:
		return binary.LittleEndian.Uint64(b)
	}
	var n uint64
	for i, c := range b {
		n |= uint64(c) << (8 * i)
	}
	return n
}

func bigEndian(b []byte) uint64 {
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}
