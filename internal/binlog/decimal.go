package binlog

import (
	"bytes"
	"errors"
	"strconv"
)

var errDecimal = errors.New("decimal is damaged")

// decimalBytes is how many bytes hold that many digits, fewer than a group of nine, which takes four.
var decimalBytes = [...]int{0, 1, 1, 2, 2, 3, 3, 4, 4}

const decimalGroup = 9

// maxDecimal is the number of digits that the servers compute with; a column has at most 65, a value in JSON may have more.
const maxDecimal = 81

// decimalSize returns the bytes of a DECIMAL(precision, scale), or 0 if there is no such type.
func decimalSize(precision, scale int) int {
	if precision < 1 || precision > maxDecimal || scale < 0 || scale > precision {
		return 0
	}
	whole := precision - scale
	return whole/decimalGroup*4 + decimalBytes[whole%decimalGroup] + scale/decimalGroup*4 + decimalBytes[scale%decimalGroup]
}

// appendDecimal appends the text of a DECIMAL in the servers' binary form: groups of nine digits, high byte first, the
// short group at the outer end of either side, the top bit inverted, and all bits inverted for a negative value.
func appendDecimal(dst, cell []byte, precision, scale int) ([]byte, error) {
	var bin [maxDecimal/decimalGroup*4 + 4]byte
	if n := decimalSize(precision, scale); n == 0 || n != len(cell) {
		return nil, errDecimal
	}
	copy(bin[:], cell)
	bin[0] ^= 0x80
	if bin[0]&0x80 != 0 {
		dst = append(dst, '-')
		for i := range cell {
			bin[i] = ^bin[i]
		}
	}
	rest, whole, start := bin[:len(cell)], precision-scale, len(dst)
	dst, rest, err := appendGroup(dst, rest, whole%decimalGroup)
	for i := 0; i < whole/decimalGroup && err == nil; i++ {
		dst, rest, err = appendGroup(dst, rest, decimalGroup)
	}
	dst = append(dst, '.')
	for i := 0; i < scale/decimalGroup && err == nil; i++ {
		dst, rest, err = appendGroup(dst, rest, decimalGroup)
	}
	if err == nil {
		dst, _, err = appendGroup(dst, rest, scale%decimalGroup)
	}
	if err != nil {
		return nil, err
	}
	return trimZeros(dst, start, len(dst)-scale), nil
}

// appendGroup appends exactly that many digits, at most nine, from the front of bin.
func appendGroup(dst, bin []byte, digits int) (out, rest []byte, err error) {
	size := 4
	if digits < decimalGroup {
		size = decimalBytes[digits]
	}
	if digits == 0 {
		return dst, bin, nil
	}
	var text [20]byte
	s := strconv.AppendUint(text[:0], bigEndian(bin[:size]), 10)
	if len(s) > digits {
		return nil, nil, errDecimal
	}
	for range digits - len(s) {
		dst = append(dst, '0')
	}
	return append(dst, s...), bin[size:], nil
}

// trimZeros removes the leading zeros of the digits dst[start:point-1] but for a last one, which it adds if there is none,
// and a point with nothing after it.
func trimZeros(dst []byte, start, point int) []byte {
	first := start
	for first < point-2 && dst[first] == '0' {
		first++
	}
	switch {
	case point-1 == start: // no digit before the point
		dst = append(dst, 0)
		copy(dst[start+1:], dst[start:])
		dst[start] = '0'
	case first > start:
		dst = append(dst[:start], dst[first:]...)
	}
	return bytes.TrimSuffix(dst, []byte{'.'})
}
