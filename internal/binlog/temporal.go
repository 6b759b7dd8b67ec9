package binlog

import (
	"errors"
	"net/netip"
	"time"
)

var errTemporal = errors.New("date or time is damaged")

// moment is a date and a time of day as the servers print them: no part is checked against a calendar, since tables hold
// zero dates and invalid ones.
type moment struct {
	year, month, day     uint64
	hour, minute, second uint64
	fraction             uint64
	scale                int // digits of the fraction
}

func (m *moment) appendDate(dst []byte) ([]byte, error) {
	if m.year > 9999 || m.month > 12 || m.day > 31 {
		return nil, errTemporal
	}
	dst = appendDigits(dst, m.year, 4)
	dst = appendDigits(append(dst, '-'), m.month, 2)
	return appendDigits(append(dst, '-'), m.day, 2), nil
}

func (m *moment) appendTime(dst []byte) ([]byte, error) {
	if m.hour > 838 || m.minute > 59 || m.second > 59 {
		return nil, errTemporal
	}
	width := 2
	if m.hour > 99 {
		width = 3
	}
	dst = appendDigits(dst, m.hour, width)
	dst = appendDigits(append(dst, ':'), m.minute, 2)
	dst = appendDigits(append(dst, ':'), m.second, 2)
	if m.scale == 0 {
		return dst, nil
	}
	if m.fraction >= pow10[m.scale] {
		return nil, errTemporal
	}
	return appendDigits(append(dst, '.'), m.fraction, m.scale), nil
}

func (m *moment) appendDateTime(dst []byte) ([]byte, error) {
	dst, err := m.appendDate(dst)
	if err != nil || m.hour > 23 {
		return nil, errTemporal
	}
	return m.appendTime(append(dst, ' '))
}

// appendDigits appends the last digits of n.
func appendDigits(dst []byte, n uint64, digits int) []byte {
	for d := digits - 1; d >= 0; d-- {
		dst = append(dst, byte('0'+n/pow10[d]%10))
	}
	return dst
}

var pow10 = [...]uint64{1, 10, 100, 1000, 10000, 100000, 1000000}

// fraction reads the fraction of the present formats, which count in hundreds of the scale rounded up to an even number.
func fraction(b []byte, scale int) uint64 {
	return evenFraction(bigEndian(b), scale)
}

func evenFraction(n uint64, scale int) uint64 {
	if scale%2 == 1 {
		return n / 10
	}
	return n
}

// appendDate appends a DATE: five bits of day, four of month, the year.
func appendDate(dst []byte, n uint64) ([]byte, error) {
	m := moment{year: n >> 9, month: n >> 5 & 15, day: n & 31}
	return m.appendDate(dst)
}

// appendOldDateTime appends a DATETIME that is a decimal number YYYYMMDDhhmmss.
func appendOldDateTime(dst []byte, n uint64) ([]byte, error) {
	date, clock := n/1000000, n%1000000
	m := moment{
		year: date / 10000, month: date / 100 % 100, day: date % 100,
		hour: clock / 10000, minute: clock / 100 % 100, second: clock % 100,
	}
	return m.appendDateTime(dst)
}

// appendOldTime appends a TIME that is a signed decimal number hhmmss.
func appendOldTime(dst, cell []byte) ([]byte, error) {
	n := int64(littleEndian(cell)<<40) >> 40
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	u := uint64(n)
	m := moment{hour: u / 10000, minute: u / 100 % 100, second: u % 100}
	return m.appendTime(dst)
}

// appendTimestamp appends seconds since 1970 in UTC; zero is the zero date.
func appendTimestamp(dst []byte, seconds uint32, fraction uint64, scale int) ([]byte, error) {
	m := moment{fraction: fraction, scale: scale}
	if seconds != 0 || fraction != 0 {
		t := time.Unix(int64(seconds), 0).UTC()
		year, month, day := t.Date()
		hour, minute, second := t.Clock()
		m.year, m.month, m.day = uint64(year), uint64(month), uint64(day)
		m.hour, m.minute, m.second = uint64(hour), uint64(minute), uint64(second)
	}
	return m.appendDateTime(dst)
}

// appendDateTime2 appends a DATETIME of the present format: a one, 17 bits of year * 13 + month, 5 of day, 5, 6 and 6 of
// the time, and the fraction.
func appendDateTime2(dst, cell []byte, scale int) ([]byte, error) {
	n := bigEndian(cell[:5])
	if n>>39 != 1 {
		return nil, errTemporal // no server stores negative ones
	}
	n &^= 1 << 39
	m := splitDateTime(n)
	m.fraction, m.scale = fraction(cell[5:], scale), scale
	return m.appendDateTime(dst)
}

func splitDateTime(n uint64) moment {
	months := n >> 22
	return moment{
		year: months / 13, month: months % 13, day: n >> 17 & 31,
		hour: n >> 12 & 31, minute: n >> 6 & 63, second: n & 63,
	}
}

// appendTime2 appends a TIME of the present format: one number with its fraction, counted from the middle of its range.
func appendTime2(dst, cell []byte, scale int) ([]byte, error) {
	bits := 8 * uint(len(cell))
	n := int64(bigEndian(cell)) - 1<<(bits-1)
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	fractionBits := bits - 24
	u := uint64(n)
	clock := u >> fractionBits
	m := moment{
		hour: clock >> 12, minute: clock >> 6 & 63, second: clock & 63,
		fraction: evenFraction(u&(1<<fractionBits-1), scale), scale: scale,
	}
	return m.appendTime(dst)
}

// The formats that MariaDB used for fractions before it took MySQL's: the parts as one number in mixed radix, cut to the
// column's digits, high byte first. By the digits, the bytes they take.
var (
	hiresTimeSize     = [...]int{3, 4, 4, 5, 5, 5, 6}
	hiresDateTimeSize = [...]int{5, 6, 6, 7, 7, 7, 8}
)

func hiresFraction(b []byte, scale int) uint64 { return bigEndian(b) }

func appendDateTimeHires(dst, cell []byte, scale int) ([]byte, error) {
	n := bigEndian(cell)
	m := moment{fraction: n % pow10[scale], scale: scale}
	n /= pow10[scale]
	m.second, n = n%60, n/60
	m.minute, n = n%60, n/60
	m.hour, n = n%24, n/24
	m.day, n = n%32, n/32
	m.month, m.year = n%13, n/13
	return m.appendDateTime(dst)
}

// hiresTimeZero is the number of the zero TIME: one more than the seconds of the largest.
const hiresTimeZero = 838*3600 + 59*60 + 59 + 1

func appendTimeHires(dst, cell []byte, scale int) ([]byte, error) {
	n := int64(bigEndian(cell)) - int64(hiresTimeZero*pow10[scale])
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	u := uint64(n)
	m := moment{fraction: u % pow10[scale], scale: scale}
	u /= pow10[scale]
	m.second, m.minute, m.hour = u%60, u/60%60, u/3600
	return m.appendTime(dst)
}

const hexDigits = "0123456789abcdef"

// appendUUID appends a UUID of MariaDB in its usual form.
func appendUUID(dst, cell []byte) ([]byte, error) {
	var b [16]byte
	if len(cell) > len(b) {
		return nil, errChanged
	}
	copy(b[:], cell)
	for i, c := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst, nil
}

// appendInet appends an address of 4 or 16 bytes whose zeros at the end may be cut.
func appendInet(dst, cell []byte, size int) ([]byte, error) {
	var b [16]byte
	if len(cell) > size {
		return nil, errChanged
	}
	copy(b[:], cell)
	a, _ := netip.AddrFromSlice(b[:size]) // always of a valid size
	return a.AppendTo(dst), nil
}
