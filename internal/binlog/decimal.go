package binlog

import (
	"errors"
	"strconv"
)

var errDecimal = errors.New("decimal is damaged")

// decimalBytes is how many bytes hold that many digits, fewer than a group of nine, which takes four.
var decimalBytes = [...]int{0, 1, 1, 2, 2, 3, 3, 4, 4}

const decimalGroup = 9

// decimalSize returns the bytes of a DECIMAL(precision, scale), or 0 if there is no such type.
func decimalSize(precision, scale int) int {
	if precision < 1 || precision > 65 || scale < 0 || scale > precision {
		return 0
	}
	whole := precision - scale
	return whole/decimalGroup*4 + decimalBytes[whole%decimalGroup] + scale/decimalGroup*4 + decimalBytes[scale%decimalGroup]
}

// appendDecimal appends the text of a DECIMAL in the servers' binary form: groups of nine digits, high byte first, the
// short group at the outer end of either side, the top bit inverted, and all bits inverted for a negative value.
func appendDecimal(dst, cell []byte, precision, scale int) ([]byte, error) {
	var bin [32]byte // 65 digits take 30 bytes
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
	rest, start := bin[:len(cell)], len(dst)
	whole := precision - scale
	first := whole % decimalGroup
	var err error
	if dst, rest, err = appendGroup(dst, rest, first); err != nil {
		return nil, err
	}
	for range whole / decimalGroup {
		if dst, rest, err = appendGroup(dst, rest, decimalGroup); err != nil {
			return nil, err
		}
	}
	dst = trimZeros(dst, start)
	if scale > 0 {
		dst = append(dst, '.')
	}
	for range scale / decimalGroup {
		if dst, rest, err = appendGroup(dst, rest, decimalGroup); err != nil {
			return nil, err
		}
	}
	dst, _, err = appendGroup(dst, rest, scale%decimalGroup)
	return dst, err
}

// appendGroup appends exactly that many digits, at most nine, from the front of bin.
func appendGroup(dst, bin []byte, digits int) (out, rest []byte, err error) {
	size := 4
	if digits < decimalGroup {
		size = decimalBytes[digits]
	}
	n := bigEndian(bin[:size])
	var text [20]byte
	s := strconv.AppendUint(text[:0], n, 10)
	if digits == 0 {
		return dst, bin, nil
	}
	if len(s) > digits {
		return nil, nil, errDecimal
	}
	for range digits - len(s) {
		dst = append(dst, '0')
	}
	return append(dst, s...), bin[size:], nil
}

// trimZeros removes leading zeros from dst[start:] and leaves one digit.
func trimZeros(dst []byte, start int) []byte {
	digits := dst[start:]
	for len(digits) > 1 && digits[0] == '0' {
		digits = digits[1:]
	}
	if len(digits) == 0 {
		return append(dst, '0')
	}
	return append(dst[:start], digits...)
}
