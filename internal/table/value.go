package table

import (
	"bytes"
	"encoding/binary"
	"math"
)

// ValueKind says which field of a Value holds it.
type ValueKind uint8

// The forms that a column value of a row image takes.
const (
	Null    ValueKind = iota
	Integer           // signed: Int of a signed column
	Number            // unsigned: Int of an unsigned column, Bit, Year, Enum (member number), Set (member bits)
	Float32           // bits of a float in Num
	Float64           // bits of a double in Num
	Bytes             // a string in the column's charset, or binary: exactly the stored bytes
	Plain             // ASCII text that a quoted literal carries exactly: decimals, temporal values (TIMESTAMP in UTC), UUID, INET
	SQL               // an SQL expression that evaluates to the value: JSON
)

// Value is one column value of a row image, exact. The zero Value is NULL. Bytes may alias a packet buffer that is never
// reused; a Value is never changed.
type Value struct {
	Kind ValueKind
	Num  uint64
	Text []byte
}

// Row is a row image: a value for each column of the table, by Column.Ordinal.
type Row []Value

// IntValue returns a signed integer value.
func IntValue(i int64) Value { return Value{Kind: Integer, Num: uint64(i)} }

// UintValue returns an unsigned number, bit field, enum or set value.
func UintValue(u uint64) Value { return Value{Kind: Number, Num: u} }

// Float32Value returns a FLOAT value.
func Float32Value(f float32) Value { return Value{Kind: Float32, Num: uint64(math.Float32bits(f))} }

// Float64Value returns a DOUBLE value.
func Float64Value(f float64) Value { return Value{Kind: Float64, Num: math.Float64bits(f)} }

// AppendKey appends an encoding of the values that is equal for equal values only. Compared as bytes, encodings of values of
// the same kinds are ordered as the values are: column by column, numbers by value, texts by their bytes, a prefix first;
// only floats are not. DecodeKey reads it.
func AppendKey(dst []byte, values []Value) []byte {
	for _, v := range values {
		dst = append(dst, byte(v.Kind))
		switch v.Kind {
		case Null:
		case Integer:
			dst = binary.BigEndian.AppendUint64(dst, v.Num^signBit)
		case Number, Float32, Float64:
			dst = binary.BigEndian.AppendUint64(dst, v.Num)
		default:
			for _, b := range v.Text {
				if dst = append(dst, b); b == textEnd {
					dst = append(dst, textGoesOn)
				}
			}
			dst = append(dst, textEnd, textEnds)
		}
	}
	return dst
}

// DecodeKey returns the values of an encoding that AppendKey made. It panics on any other.
func DecodeKey(encoded []byte) []Value {
	var values []Value
	for len(encoded) > 0 {
		v := Value{Kind: ValueKind(encoded[0])}
		encoded = encoded[1:]
		switch v.Kind {
		case Null:
		case Integer, Number, Float32, Float64:
			v.Num = binary.BigEndian.Uint64(encoded)
			if v.Kind == Integer {
				v.Num ^= signBit
			}
			encoded = encoded[8:]
		default:
			v.Text, encoded = decodeText(encoded)
		}
		values = append(values, v)
	}
	return values
}

func decodeText(encoded []byte) (text, rest []byte) {
	text = make([]byte, 0, len(encoded))
	for {
		i := bytes.IndexByte(encoded, textEnd)
		text = append(text, encoded[:i]...)
		goesOn := encoded[i+1] == textGoesOn
		encoded = encoded[i+2:]
		if !goesOn {
			return text, encoded
		}
		text = append(text, textEnd)
	}
}

const (
	signBit = 1 << 63 // flipped, negative numbers come before the others

	// A zero byte is followed by what it means; the end of a text comes before any byte that goes on.
	textEnd    = 0x00
	textEnds   = 0x00
	textGoesOn = 0xff
)
