package binlog

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/midstreamdb/midstream/internal/table"
)

// field says how the bytes of one column lie in a row image and what they mean.
type field struct {
	column *table.Column
	slot   int // place in the row that is handed out, or skipped
	form   cellForm
	prefix int // bytes of the length in front of the value; 0: the value has a fixed size
	size   int // fixed size; of a Binary, UUID or Inet the length without cut zeros
	scale  int // digits of the fraction: decimal, seconds
	digits int // of a decimal
	limit  uint64
}

const skipped = -1

// cellForm is the meaning of the bytes of a value.
type cellForm uint8

const (
	formSigned cellForm = iota
	formUnsigned
	formBigEndian // BIT
	formYear
	formFloat
	formDouble
	formEnum
	formSet
	formDecimal
	formDate
	formTime      // 3 bytes, decimal
	formDateTime  // 8 bytes, decimal
	formTimestamp // 4 bytes
	formTime2
	formDateTime2
	formTimestamp2
	formTimeHires      // MariaDB before its mysql56_temporal_format, with a fraction
	formDateTimeHires  // the same
	formTimestampHires // the same
	formBytes
	formPadded     // fixed length, zeros at its end cut
	formUUID       // the same
	formInet6      // the same
	formInet4      // the same
	formCompressed // MariaDB's COMPRESSED columns
	formJSON
)

// cut takes the bytes of the value off the front of data.
func (f *field) cut(data []byte) (cell, rest []byte, err error) {
	n := f.size
	if f.prefix > 0 {
		if len(data) < f.prefix {
			return nil, nil, errShort
		}
		n = int(littleEndian(data[:f.prefix]))
		data = data[f.prefix:]
	}
	if n > len(data) {
		return nil, nil, errShort
	}
	return data[:n:n], data[n:], nil
}

// value decodes the bytes of a value that is not NULL. What it cannot alias is written to texts.
func (f *field) value(cell []byte, texts *arena) (table.Value, error) {
	switch f.form {
	case formSigned:
		shift := 64 - 8*len(cell)
		return table.IntValue(int64(littleEndian(cell)<<shift) >> shift), nil
	case formUnsigned:
		return table.UintValue(littleEndian(cell)), nil
	case formFloat:
		return table.Value{Kind: table.Float32, Num: uint64(binary.LittleEndian.Uint32(cell))}, nil
	case formDouble:
		return table.Value{Kind: table.Float64, Num: binary.LittleEndian.Uint64(cell)}, nil
	case formBytes:
		return table.Value{Kind: table.Bytes, Text: cell}, nil
	case formBigEndian, formYear, formEnum, formSet:
		return f.number(cell)
	case formPadded:
		if len(cell) > f.size {
			return table.Value{}, errChanged
		}
		return table.Value{Kind: table.Bytes, Text: texts.pad(cell, f.size)}, nil
	case formCompressed:
		text, err := inflateColumn(cell)
		return table.Value{Kind: table.Bytes, Text: text}, err
	case formJSON:
		text, err := appendJSON(texts.open(len(cell)*2), cell)
		return table.Value{Kind: table.SQL, Text: texts.keep(text)}, err
	}
	text, err := f.appendText(texts.open(f.textSize()), cell)
	return table.Value{Kind: table.Plain, Text: texts.keep(text)}, err
}

// number decodes the values that are unsigned numbers but not integers.
func (f *field) number(cell []byte) (table.Value, error) {
	var n uint64
	switch f.form {
	case formBigEndian:
		n = bigEndian(cell)
	case formYear:
		if n = uint64(cell[0]); n > 0 {
			n += 1900
		}
	default:
		n = littleEndian(cell)
	}
	if n > f.limit {
		return table.Value{}, fmt.Errorf("value %d is beyond what the column can hold: %w", n, errChanged)
	}
	return table.UintValue(n), nil
}

// appendText appends the plain text of a value that has one.
func (f *field) appendText(dst, cell []byte) ([]byte, error) {
	switch f.form {
	case formDecimal:
		return appendDecimal(dst, cell, f.digits, f.scale)
	case formDate:
		return appendDate(dst, littleEndian(cell))
	case formTime:
		return appendOldTime(dst, cell)
	case formDateTime:
		return appendOldDateTime(dst, littleEndian(cell))
	case formTimestamp:
		return appendTimestamp(dst, uint32(littleEndian(cell)), 0, 0)
	case formTime2:
		return appendTime2(dst, cell, f.scale)
	case formDateTime2:
		return appendDateTime2(dst, cell, f.scale)
	case formTimestamp2:
		return appendTimestamp(dst, binary.BigEndian.Uint32(cell), fraction(cell[4:], f.scale), f.scale)
	case formTimeHires:
		return appendTimeHires(dst, cell, f.scale)
	case formDateTimeHires:
		return appendDateTimeHires(dst, cell, f.scale)
	case formTimestampHires:
		return appendTimestamp(dst, binary.BigEndian.Uint32(cell), hiresFraction(cell[4:], f.scale), f.scale)
	case formUUID:
		return appendUUID(dst, cell)
	case formInet6:
		return appendInet(dst, cell, 16)
	case formInet4:
		return appendInet(dst, cell, 4)
	}
	return nil, errors.New("values of this form have no plain text")
}

// textSize returns how many bytes the text of a value may take; 0 where it aliases the event or is of any size.
func (f *field) textSize() int {
	if f.slot == skipped {
		return 0
	}
	switch f.form {
	case formDecimal:
		return f.digits + 3
	case formDate, formTime, formTime2, formTimeHires, formInet4:
		return 17
	case formDateTime, formTimestamp, formDateTime2, formTimestamp2, formDateTimeHires, formTimestampHires:
		return 26
	case formUUID, formInet6:
		return 46
	}
	return 0
}
