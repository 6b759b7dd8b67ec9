package binlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// MySQL's binary JSON: a type byte, then the value. An object or array begins with its number of elements and its size;
// entries for the keys (place, length) and the values (type, place or the value itself if it is small) follow, then keys
// and values; places count from the container's start. Counts and places take 2 bytes, 4 in the wide containers.
const (
	jsonObject     = 0x00
	jsonWideObject = 0x01
	jsonArray      = 0x02
	jsonWideArray  = 0x03
	jsonLiteral    = 0x04
	jsonInt16      = 0x05
	jsonUint16     = 0x06
	jsonInt32      = 0x07
	jsonUint32     = 0x08
	jsonInt64      = 0x09
	jsonUint64     = 0x0a
	jsonDouble     = 0x0b
	jsonString     = 0x0c
	jsonOpaque     = 0x0f
)

const (
	jsonNull  = 0
	jsonTrue  = 1
	jsonFalse = 2
)

// maxJSONDepth is the servers' limit.
const maxJSONDepth = 100

var errJSON = errors.New("JSON value is damaged")

// jsonValue is one value. data starts at the value and may reach beyond it.
type jsonValue struct {
	typ  byte
	data []byte
}

func (v jsonValue) isContainer() bool { return v.typ <= jsonWideArray }

// jsonContainer is an object or array with its header taken apart.
type jsonContainer struct {
	data   []byte // exactly the container's bytes
	count  int
	wide   bool
	object bool
}

func (v jsonValue) container() (jsonContainer, error) {
	c := jsonContainer{wide: v.typ&1 == 1, object: v.typ <= jsonWideObject, data: v.data}
	w := c.width()
	if len(v.data) < 2*w {
		return c, errJSON
	}
	count, size := littleEndian(v.data[:w]), littleEndian(v.data[w:2*w])
	if size > uint64(len(v.data)) || count > size || uint64(c.valueEntry(int(count))) > size {
		return c, errJSON
	}
	c.count, c.data = int(count), v.data[:size]
	return c, nil
}

// width is the size of a count or place.
func (c *jsonContainer) width() int {
	if c.wide {
		return 4
	}
	return 2
}

// valueEntry returns where the entry of value i stands; for i = count, where the entries end.
func (c *jsonContainer) valueEntry(i int) int {
	w := c.width()
	at := 2*w + i*(w+1)
	if c.object {
		at += c.count * (w + 2)
	}
	return at
}

func (c *jsonContainer) key(i int) ([]byte, error) {
	w := c.width()
	at := 2*w + i*(w+2)
	place, length := littleEndian(c.data[at:at+w]), littleEndian(c.data[at+w:at+w+2])
	if place+length > uint64(len(c.data)) {
		return nil, errJSON
	}
	return c.data[place : place+length], nil
}

func (c *jsonContainer) value(i int) (jsonValue, error) {
	w := c.width()
	at := c.valueEntry(i)
	v := jsonValue{typ: c.data[at]}
	switch v.typ {
	case jsonLiteral, jsonInt16, jsonUint16:
		v.data = c.data[at+1 : at+1+w]
		return v, nil
	case jsonInt32, jsonUint32:
		if c.wide {
			v.data = c.data[at+1 : at+1+w]
			return v, nil
		}
	}
	place := littleEndian(c.data[at+1 : at+1+w])
	if place >= uint64(len(c.data)) {
		return v, errJSON
	}
	v.data = c.data[place:]
	return v, nil
}

// number returns the bytes of a scalar of fixed size.
func (v jsonValue) number() ([]byte, error) {
	size := 8
	switch v.typ {
	case jsonLiteral:
		size = 1
	case jsonInt16, jsonUint16:
		size = 2
	case jsonInt32, jsonUint32:
		size = 4
	}
	if len(v.data) < size {
		return nil, errJSON
	}
	return v.data[:size], nil
}

// integer returns an integer; signed is false for the unsigned types.
func (v jsonValue) integer() (n int64, signed bool, err error) {
	b, err := v.number()
	if err != nil {
		return 0, false, err
	}
	switch v.typ {
	case jsonInt16:
		return int64(int16(binary.LittleEndian.Uint16(b))), true, nil
	case jsonInt32:
		return int64(int32(binary.LittleEndian.Uint32(b))), true, nil
	case jsonInt64:
		return int64(binary.LittleEndian.Uint64(b)), true, nil
	}
	return int64(littleEndian(b)), false, nil
}

func (v jsonValue) double() (float64, error) {
	b, err := v.number()
	if err != nil {
		return 0, err
	}
	f := math.Float64frombits(binary.LittleEndian.Uint64(b))
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, errJSON
	}
	return f, nil
}

// text returns the bytes of a string.
func (v jsonValue) text() ([]byte, error) {
	length, n := binary.Uvarint(v.data)
	if n <= 0 || n > 5 || length > uint64(len(v.data)-n) {
		return nil, errJSON
	}
	return v.data[n : n+int(length)], nil
}

// opaque returns the column type and the bytes of a value that JSON itself does not know.
func (v jsonValue) opaque() (wireType, []byte, error) {
	if len(v.data) == 0 {
		return 0, nil, errJSON
	}
	b, err := jsonValue{data: v.data[1:]}.text()
	return wireType(v.data[0]), b, err
}

// jsonScan looks at every value of a document once.
type jsonScan struct {
	budget int  // bytes that may still be looked at: values do not overlap, so the document's length is enough
	typed  bool // a value was found whose type a JSON text does not carry
}

func (s *jsonScan) spend(n int) error {
	if s.budget -= n; s.budget < 0 {
		return errJSON
	}
	return nil
}

func (s *jsonScan) value(v jsonValue, depth int) error {
	switch v.typ {
	case jsonObject, jsonWideObject, jsonArray, jsonWideArray:
		return s.container(v, depth)
	case jsonLiteral:
		b, err := v.number()
		if err != nil || b[0] > jsonFalse {
			return errJSON
		}
		return nil
	case jsonInt16, jsonUint16, jsonInt32, jsonUint32, jsonInt64, jsonUint64:
		n, signed, err := v.integer()
		s.typed = s.typed || !isTextInteger(n, signed)
		return err
	case jsonDouble:
		f, err := v.double()
		_, _, text := splitDouble(f)
		s.typed = s.typed || !text
		return errors.Join(err, s.spend(8))
	case jsonString:
		b, err := v.text()
		return errors.Join(err, s.spend(len(b)+1))
	case jsonOpaque:
		s.typed = true
		_, b, err := v.opaque()
		return errors.Join(err, s.spend(len(b)+2))
	}
	return fmt.Errorf("JSON type %d is not known: %w", v.typ, errJSON)
}

func (s *jsonScan) container(v jsonValue, depth int) error {
	c, err := v.container()
	if err != nil {
		return err
	}
	if depth >= maxJSONDepth {
		return fmt.Errorf("nested deeper than %d: %w", maxJSONDepth, errJSON)
	}
	if err := s.spend(c.valueEntry(c.count)); err != nil {
		return err
	}
	for i := range c.count {
		if c.object {
			k, err := c.key(i)
			if err := errors.Join(err, s.spend(len(k))); err != nil {
				return err
			}
		}
		e, err := c.value(i)
		if err != nil {
			return err
		}
		if err := s.value(e, depth+1); err != nil {
			return err
		}
	}
	return nil
}
