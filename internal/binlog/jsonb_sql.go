package binlog

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"github.com/midstreamdb/midstream/internal/sqlgen"
)

// appendJSON appends an SQL expression of type JSON that evaluates to exactly the document: its text where a text carries
// every type in it, else the same tree built of JSON_OBJECT, JSON_ARRAY and typed values. The error names a value that no
// expression builds.
func appendJSON(dst, doc []byte) ([]byte, error) {
	v := jsonValue{typ: jsonLiteral, data: []byte{jsonNull}}
	if len(doc) > 0 { // a server that had to fill a NOT NULL column leaves nothing, and reads null
		v = jsonValue{typ: doc[0], data: doc[1:]}
	}
	scan := jsonScan{budget: len(doc)}
	if err := scan.value(v, 0); err != nil {
		return nil, err
	}
	if !scan.typed {
		return appendJSONCast(dst, v)
	}
	if v.isContainer() {
		return appendJSONTree(dst, v)
	}
	// JSON_ARRAY takes a value of any type as it is; CAST does not.
	dst, err := appendJSONLeaf(append(dst, "JSON_EXTRACT(JSON_ARRAY("...), v)
	return append(dst, "), '$[0]')"...), err
}

// appendJSONCast appends a checked value as text that the server parses.
func appendJSONCast(dst []byte, v jsonValue) ([]byte, error) {
	text, err := appendJSONText(make([]byte, 0, len(v.data)*3/2), v)
	if err != nil {
		return nil, err
	}
	dst = sqlgen.AppendText(append(dst, "CAST("...), text)
	return append(dst, " AS JSON)"...), nil
}

// appendJSONTree appends a checked object or array as a call that builds it. Keys keep their order and stay unique.
func appendJSONTree(dst []byte, v jsonValue) ([]byte, error) {
	c, err := v.container()
	if err != nil {
		return nil, err
	}
	call := "JSON_ARRAY("
	if c.object {
		call = "JSON_OBJECT("
	}
	dst = append(dst, call...)
	for i := range c.count {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		if c.object {
			k, err := c.key(i)
			if err != nil {
				return nil, err
			}
			dst = append(sqlgen.AppendText(dst, k), ", "...)
		}
		e, err := c.value(i)
		if err != nil {
			return nil, err
		}
		if dst, err = appendJSONPart(dst, e); err != nil {
			return nil, err
		}
	}
	return append(dst, ')'), nil
}

// appendJSONPart appends an element of a document that has typed values somewhere.
func appendJSONPart(dst []byte, v jsonValue) ([]byte, error) {
	scan := jsonScan{budget: math.MaxInt} // the whole was scanned within bounds
	if err := scan.value(v, 0); err != nil {
		return nil, err
	}
	switch {
	case !scan.typed:
		return appendJSONCast(dst, v)
	case v.isContainer():
		return appendJSONTree(dst, v)
	}
	return appendJSONLeaf(dst, v)
}

// appendJSONLeaf appends a scalar whose type a JSON text does not carry as an SQL expression of that type.
func appendJSONLeaf(dst []byte, v jsonValue) ([]byte, error) {
	switch v.typ {
	case jsonDouble:
		f, err := v.double()
		return strconv.AppendFloat(dst, f, 'e', -1, 64), err
	case jsonOpaque:
		typ, b, err := v.opaque()
		if err != nil {
			return nil, err
		}
		return appendJSONOpaque(dst, typ, b)
	}
	n, signed, err := v.integer()
	if signed {
		return strconv.AppendInt(dst, n, 10), err
	}
	dst = strconv.AppendUint(append(dst, "CAST("...), uint64(n), 10)
	return append(dst, " AS UNSIGNED)"...), err
}

// appendJSONOpaque appends a value that came into the document from a column of that type.
func appendJSONOpaque(dst []byte, typ wireType, b []byte) ([]byte, error) {
	switch typ {
	case wireDecimal:
		if len(b) < 2 {
			return nil, errJSON
		}
		return appendJSONDecimal(dst, b[2:], int(b[0]), int(b[1]))
	case wireDate, wireTime, wireDateTime, wireTimestamp:
		if len(b) != 8 {
			return nil, errJSON
		}
		return appendJSONTemporal(dst, typ, int64(binary.LittleEndian.Uint64(b)))
	case wireVarChar:
		return sqlgen.AppendBinary(dst, b), nil
	case wireBit:
		if len(b) < 1 || len(b) > 8 {
			return nil, errJSON
		}
		value := strconv.AppendUint(nil, bigEndian(b), 10)
		return appendJSONColumn(dst, value, "BIT("+strconv.Itoa(8*len(b))+")"), nil
	case wireTinyBlob, wireMediumBlob, wireLongBlob, wireBlob:
		name := map[wireType]string{
			wireTinyBlob: "TINYBLOB", wireMediumBlob: "MEDIUMBLOB", wireLongBlob: "LONGBLOB", wireBlob: "BLOB",
		}[typ]
		return appendJSONColumn(dst, sqlgen.AppendBinary(nil, b), name), nil
	case wireString:
		return appendJSONColumn(dst, sqlgen.AppendBinary(nil, b), "BINARY("+strconv.Itoa(len(b))+")"), nil
	}
	return nil, fmt.Errorf("the JSON document holds an opaque value of type %d, which replay cannot write exactly", typ)
}

// appendJSONDecimal appends a DECIMAL with the precision that the document keeps beside its digits: a literal has as much as
// it has digits, CAST fills up whole groups before the point, a column has as much as it was made with.
func appendJSONDecimal(dst, cell []byte, precision, scale int) ([]byte, error) {
	text, err := appendDecimal(nil, cell, precision, scale)
	if err != nil {
		return nil, err
	}
	if scale == 0 {
		text = append(text, '.') // else it would be an integer
	}
	const most, mostScale = 65, 30 // of a type
	declared := "DECIMAL(" + strconv.Itoa(min(precision, most)) + "," + strconv.Itoa(scale) + ")"
	whole, digits := precision-scale, len(bytes.TrimPrefix(text, []byte{'-'}))-1
	switch {
	case digits == precision || scale > mostScale:
		return append(dst, text...), nil
	case whole > 0 && whole%decimalGroup == 0:
		dst = append(append(dst, "CAST("...), text...)
		return append(append(append(dst, " AS "...), declared...), ')'), nil
	}
	return appendJSONColumn(dst, text, declared), nil
}

// appendJSONColumn appends a value that has to come out of a column of that type to keep it.
func appendJSONColumn(dst, value []byte, columnType string) []byte {
	dst = append(dst, "JSON_EXTRACT((SELECT JSON_ARRAY(c) FROM JSON_TABLE(JSON_ARRAY("...)
	dst = append(dst, value...)
	dst = append(dst, "), '$[*]' COLUMNS (c "...)
	dst = append(dst, columnType...)
	return append(dst, " PATH '$' ERROR ON ERROR)) AS j), '$[0]')"...)
}

// appendJSONTemporal appends a date or time that is packed as a DATETIME(6) or TIME(6) is, with the fraction in the low 24
// bits.
func appendJSONTemporal(dst []byte, typ wireType, packed int64) ([]byte, error) {
	negative := packed < 0
	if negative {
		packed = -packed
	}
	if negative && typ != wireTime || packed < 0 {
		return nil, errJSON
	}
	clock := uint64(packed) >> 24
	m := splitDateTime(clock)
	m.fraction, m.scale = uint64(packed)&(1<<24-1), 6
	var text [32]byte
	var value []byte
	var err error
	name := "DATETIME(6)"
	switch typ {
	case wireDate:
		name = "DATE"
		value, err = m.appendDate(text[:0])
	case wireTime:
		name = "TIME(6)"
		m.hour = clock >> 12
		value = text[:0]
		if negative {
			value = append(value, '-')
		}
		value, err = m.appendTime(value)
	default:
		value, err = m.appendDateTime(text[:0])
	}
	if err != nil {
		return nil, err
	}
	if typ == wireTimestamp {
		return appendJSONColumn(dst, sqlgen.AppendText(nil, value), "TIMESTAMP(6)"), nil
	}
	dst = sqlgen.AppendText(append(dst, "CAST("...), value)
	dst = append(append(dst, " AS "...), name...)
	return append(dst, ')'), nil
}
