package binlog

import (
	"math"
	"strconv"
)

// appendJSONText appends a value as JSON text. The caller has made sure that a text carries all of it.
func appendJSONText(dst []byte, v jsonValue) ([]byte, error) {
	switch v.typ {
	case jsonObject, jsonWideObject, jsonArray, jsonWideArray:
		return appendJSONContainerText(dst, v)
	case jsonLiteral:
		switch v.data[0] {
		case jsonTrue:
			return append(dst, "true"...), nil
		case jsonFalse:
			return append(dst, "false"...), nil
		}
		return append(dst, "null"...), nil
	case jsonDouble:
		f, err := v.double()
		return appendJSONDouble(dst, f), err
	case jsonString:
		b, err := v.text()
		return appendJSONString(dst, b), err
	}
	n, signed, err := v.integer()
	if signed {
		return strconv.AppendInt(dst, n, 10), err
	}
	return strconv.AppendUint(dst, uint64(n), 10), err
}

func appendJSONContainerText(dst []byte, v jsonValue) ([]byte, error) {
	c, err := v.container()
	if err != nil {
		return nil, err
	}
	open, end := byte('['), byte(']')
	if c.object {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	for i := range c.count {
		if i > 0 {
			dst = append(dst, ',')
		}
		if c.object {
			k, err := c.key(i)
			if err != nil {
				return nil, err
			}
			dst = append(appendJSONString(dst, k), ':')
		}
		e, err := c.value(i)
		if err != nil {
			return nil, err
		}
		if dst, err = appendJSONText(dst, e); err != nil {
			return nil, err
		}
	}
	return append(dst, end), nil
}

// isTextInteger says whether the server reads the integer's digits as the same type: what needs no more than 32 bits
// without a sign, and everything negative, becomes INTEGER, the rest UNSIGNED INTEGER.
func isTextInteger(n int64, signed bool) bool {
	if signed {
		return n <= math.MaxUint32
	}
	return uint64(n) > math.MaxUint32
}

// splitDouble returns f as significand and power of ten; exact says that the server's JSON parser, which rounds more than
// once in general, is sure to read them as f: two exact doubles, one multiplication or division.
func splitDouble(f float64) (significand uint64, exponent int, exact bool) {
	var buf [32]byte
	digits, count, seen := strconv.AppendFloat(buf[:0], math.Abs(f), 'e', -1, 64), 0, false
	for i, c := range digits {
		if c == 'e' {
			exponent, _ = strconv.Atoi(string(digits[i+1:])) // as AppendFloat wrote it
			break
		}
		if c == '.' {
			seen = true
			continue
		}
		significand = significand*10 + uint64(c-'0')
		if seen {
			count++
		}
	}
	exponent -= count
	return significand, exponent, significand < 1e15 && exponent >= -22 && exponent <= 22
}

func appendJSONDouble(dst []byte, f float64) []byte {
	if math.Signbit(f) {
		dst = append(dst, '-')
	}
	significand, exponent, _ := splitDouble(f)
	dst = strconv.AppendUint(dst, significand, 10)
	return strconv.AppendInt(append(dst, 'e'), int64(exponent), 10)
}

// appendJSONString appends text, which is UTF-8, between quotes with the escapes that JSON asks for.
func appendJSONString(dst, text []byte) []byte {
	dst = append(dst, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
