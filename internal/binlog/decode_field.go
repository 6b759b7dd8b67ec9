package binlog

import (
	"fmt"
	"math"

	"github.com/midstreamdb/midstream/internal/table"
)

// newField pairs a column of the log with the inspected one; the error says where they differ.
func newField(w wireColumn, c *table.Column) (field, error) {
	f := field{column: c, scale: c.Scale, digits: c.Precision, limit: math.MaxUint64}
	ok := false
	switch c.Kind {
	case table.Int:
		ok = f.integer(w)
	case table.Decimal:
		f.form, f.size = formDecimal, decimalSize(c.Precision, c.Scale)
		ok = w.typ == wireDecimal && w.meta == c.Precision && w.scale == c.Scale && f.size > 0
	case table.Float:
		f.form, f.size = formFloat, 4
		ok = w.typ == wireFloat && w.meta == f.size
	case table.Double:
		f.form, f.size = formDouble, 8
		ok = w.typ == wireDouble && w.meta == f.size
	case table.Bit:
		ok = f.bits(w)
	case table.Year:
		f.form, f.size = formYear, 1
		ok = w.typ == wireYear
	case table.Date, table.Time, table.DateTime, table.Timestamp:
		ok = f.temporal(w)
	case table.Enum, table.Set:
		ok = f.member(w)
	case table.UUID, table.Inet6, table.Inet4:
		ok = f.address(w)
	default:
		ok = f.bytes(w)
	}
	if !ok {
		return field{}, fmt.Errorf("type %d with metadata %d,%d in the binary log does not fit %s: %w", w.typ, w.meta, w.scale, c.ColumnType, errChanged)
	}
	return f, nil
}

// hiddenColumns returns how many columns stand in the log, after all others, that no definition shows: MariaDB's hashes
// behind unique keys over columns that are too long for an index.
func hiddenColumns(t *table.Table) int {
	n := 0
	for i := range t.Keys {
		if k := &t.Keys[i]; k.Unique && k.Type == "HASH" {
			n++
		}
	}
	return n
}

var hidden = &table.Column{Name: "hidden hash", DataType: "bigint", ColumnType: "bigint unsigned", Kind: table.Int, Unsigned: true, Generation: table.Virtual}

var integers = map[string]struct {
	typ  wireType
	size int
}{
	"tinyint": {wireTiny, 1}, "smallint": {wireShort, 2}, "mediumint": {wireInt24, 3}, "int": {wireLong, 4}, "bigint": {wireLongLong, 8},
}

func (f *field) integer(w wireColumn) bool {
	t, known := integers[f.column.DataType]
	f.size = t.size
	if f.column.Unsigned {
		f.form = formUnsigned
	}
	return known && w.typ == t.typ
}

func (f *field) bits(w wireColumn) bool {
	n := f.column.Length
	if n < 1 || n > 64 {
		return false
	}
	f.form, f.size, f.limit = formBigEndian, (n+7)/8, math.MaxUint64>>(64-n)
	return w.typ == wireBit && w.meta == n
}

// temporal takes the present formats, and the older ones that a column keeps until its table is rebuilt.
func (f *field) temporal(w wireColumn) bool {
	scale := f.column.Scale
	if scale < 0 || scale > 6 {
		return false
	}
	half := (scale + 1) / 2
	switch f.column.Kind {
	case table.Date:
		f.form, f.size = formDate, 3
		return w.typ == wireDate || w.typ == wireNewDate
	case table.Time:
		if w.typ == wireTime2 {
			f.form, f.size = formTime2, 3+half
			return w.meta == scale
		}
		f.form, f.size = formTime, 3
		if scale > 0 {
			f.form, f.size = formTimeHires, hiresTimeSize[scale]
		}
		return w.typ == wireTime
	case table.DateTime:
		if w.typ == wireDateTime2 {
			f.form, f.size = formDateTime2, 5+half
			return w.meta == scale
		}
		f.form, f.size = formDateTime, 8
		if scale > 0 {
			f.form, f.size = formDateTimeHires, hiresDateTimeSize[scale]
		}
		return w.typ == wireDateTime
	}
	if w.typ == wireTimestamp2 {
		f.form, f.size = formTimestamp2, 4+half
		return w.meta == scale
	}
	f.form, f.size = formTimestamp, 4
	if scale > 0 {
		f.form, f.size = formTimestampHires, 4+half
	}
	return w.typ == wireTimestamp
}

// member is for ENUM and SET, whose values must stand in the inspected list.
func (f *field) member(w wireColumn) bool {
	n := len(f.column.Values)
	f.size = w.meta
	if f.column.Kind == table.Enum {
		f.form, f.limit = formEnum, uint64(n)
		return w.typ == wireEnum && (w.meta == 1 || w.meta == 2)
	}
	if n == 0 || n > 64 {
		return false
	}
	f.form, f.limit = formSet, math.MaxUint64>>(64-n)
	return w.typ == wireSet && w.meta >= 1 && w.meta <= 8
}

// address is for MariaDB's fixed types, which arrive as BINARY does: zeros at the end are cut.
func (f *field) address(w wireColumn) bool {
	f.prefix, f.size = 1, 16
	switch f.column.Kind {
	case table.UUID:
		f.form = formUUID
	case table.Inet6:
		f.form = formInet6
	default:
		f.form, f.size = formInet4, 4
	}
	return w.typ == wireString && w.meta == f.size
}

// bytes is for everything that is a string of bytes with its length in front.
func (f *field) bytes(w wireColumn) bool {
	c := f.column
	f.form = formBytes
	if c.Compressed {
		f.form = formCompressed
	}
	switch c.Kind {
	case table.Char, table.Binary:
		f.prefix = lengthBytes(w.meta)
		if c.Kind == table.Binary {
			f.form, f.size = formPadded, c.Length
		}
		return w.typ == wireString && w.meta == c.Length*maxCharBytes(c.Charset)
	case table.VarChar, table.VarBinary:
		f.prefix = lengthBytes(w.meta)
		if c.Compressed {
			return w.typ == wireVarCharCompressed
		}
		return (w.typ == wireVarChar || w.typ == wireVarString) && w.meta == c.Length*maxCharBytes(c.Charset)
	case table.Text, table.Blob:
		f.prefix = w.meta
		if c.Compressed {
			return w.typ == wireBlobCompressed && w.meta == blobLengthBytes[c.DataType]
		}
		return isBlob(w.typ) && w.meta == blobLengthBytes[c.DataType]
	case table.JSON:
		f.form, f.prefix = formJSON, w.meta
		return w.typ == wireJSON && w.meta == 4
	case table.Geometry:
		f.prefix = w.meta
		return w.typ == wireGeometry && w.meta == 4
	case table.Vector:
		f.prefix = w.meta
		if w.typ == wireVarChar { // MariaDB
			f.prefix = lengthBytes(w.meta)
			return w.meta == c.Length*4
		}
		return w.typ == wireVector && w.meta == 4
	}
	return false
}

func isBlob(t wireType) bool { return t >= wireTinyBlob && t <= wireBlob }

var blobLengthBytes = map[string]int{
	"tinytext": 1, "text": 2, "mediumtext": 3, "longtext": 4, "tinyblob": 1, "blob": 2, "mediumblob": 3, "longblob": 4,
}

// lengthBytes returns how many bytes count a string of at most that many bytes.
func lengthBytes(longest int) int {
	if longest > 255 {
		return 2
	}
	return 1
}

// maxCharBytes returns the length of the charset's longest character; 1 for binary columns, which have none.
func maxCharBytes(charset string) int {
	switch charset {
	case "utf8mb4", "utf16", "utf16le", "utf32", "gb18030":
		return 4
	case "utf8", "utf8mb3", "ujis", "eucjpms":
		return 3
	case "ucs2", "gbk", "gb2312", "big5", "sjis", "cp932", "euckr":
		return 2
	}
	return 1
}
