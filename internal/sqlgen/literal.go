package sqlgen

import (
	"bytes"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/midstreamdb/midstream/internal/table"
)

// AppendLiteral appends a value of column c as a literal that the server reads back as exactly that value, with the
// column's type and charset, in WHERE as in VALUES; a value of kind SQL is appended as it is. ENUM and SET are written as
// numbers. It relies on the session settings of conn.Open (backslash escapes, UTC, utf8mb4).
func AppendLiteral(dst []byte, c *table.Column, v table.Value) []byte {
	switch v.Kind {
	case table.Null:
		return append(dst, "NULL"...)
	case table.Integer:
		return strconv.AppendInt(dst, int64(v.Num), 10)
	case table.Number:
		if c.Kind == table.Set {
			return strconv.AppendInt(dst, int64(v.Num), 10) // as the server takes its 64th member when it compares
		}
		return strconv.AppendUint(dst, v.Num, 10)
	case table.Float32:
		// As a double: the server parses those exactly and rounds to the same float.
		return strconv.AppendFloat(dst, float64(math.Float32frombits(uint32(v.Num))), 'e', -1, 64)
	case table.Float64:
		return strconv.AppendFloat(dst, math.Float64frombits(v.Num), 'e', -1, 64)
	case table.Bytes:
		return appendString(dst, charsetOf(c), v.Text)
	case table.SQL:
		return append(dst, v.Text...)
	}
	if c.Kind == table.Decimal {
		return append(dst, v.Text...) // a quoted one would be compared as a double
	}
	return appendQuoted(dst, v.Text)
}

// AppendStored is AppendLiteral for a value that is written and not compared: the empty value of an ENUM (number 0), which
// a strict server refuses as a number, is written as a numeral that is not a member. MariaDB before 11 refuses that too.
func AppendStored(dst []byte, c *table.Column, v table.Value) []byte {
	if c.Kind != table.Enum || v.Kind != table.Number || v.Num != 0 {
		return AppendLiteral(dst, c, v)
	}
	numeral := "0"
	for slices.Contains(c.Values, numeral) {
		numeral += "0"
	}
	return appendQuoted(dst, []byte(numeral))
}

// AppendMember appends the member of an ENUM, or the members of a SET with commas between, as a literal in utf8mb4: for a
// column that has the members at other numbers, or is a string. The empty value of an ENUM (number 0) gives ”. v must be
// NULL or a number that is in the column's list.
func AppendMember(dst []byte, c *table.Column, v table.Value) []byte {
	if v.Kind == table.Null {
		return append(dst, "NULL"...)
	}
	var text []byte
	if c.Kind == table.Enum {
		if v.Num > 0 {
			text = append(text, c.Values[v.Num-1]...)
		}
		return AppendText(dst, text)
	}
	for i, member := range c.Values {
		if v.Num>>i&1 == 0 {
			continue
		}
		if len(text) > 0 {
			text = append(text, ',')
		}
		text = append(text, member...)
	}
	return AppendText(dst, text)
}

// AppendText appends text, which is UTF-8, as a string literal in utf8mb4.
func AppendText(dst, text []byte) []byte { return appendString(dst, "utf8mb4", text) }

// AppendBinary appends b as a literal of a binary string, never a number as a bare x'…' may be.
func AppendBinary(dst, b []byte) []byte { return appendString(dst, "binary", b) }

// charsetOf returns the charset that the column's bytes are in.
func charsetOf(c *table.Column) string {
	if c.IsString() && c.Charset != "" {
		return c.Charset
	}
	return "binary"
}

// longest is the number of bytes that are written in hexadecimal. That doubles them, and what came in a packet is to fit into
// one again.
const longest = 16 << 10

// appendString appends bytes with their charset in front: readable where that is sure to be exact, else in hexadecimal. Long
// values of most charsets are bytes between quotes, which is exact, too, and are given their charset afterwards.
func appendString(dst []byte, charset string, b []byte) []byte {
	switch {
	case charset == "binary" && len(b) > longest:
		return appendLong(dst, b)
	case isPlain(charset, b):
		return appendQuoted(append(append(dst, '_'), charset...), b)
	case len(b) > longest && isWellFormed(charset, b):
		dst = appendLong(append(dst, "CONVERT("...), b)
		return append(append(append(dst, " USING "...), charset...), ')')
	}
	dst = append(append(append(dst, '_'), charset...), " x'"...)
	return append(hex.AppendEncode(dst, b), '\'')
}

// appendLong appends many bytes between quotes: no byte of a character beyond ASCII is a quote or a backslash. Where backslashes are frequent, a byte that the value does not have stands for
// them, which the server puts back: doubled, they might not fit into a packet that the value fits into.
func appendLong(dst, b []byte) []byte {
	const frequent = 16
	if bytes.Count(b, []byte{'\\'}) > len(b)/frequent {
		for other := byte(1); other < ' '; other++ {
			if bytes.IndexByte(b, other) < 0 {
				dst = append(dst, "REPLACE(_binary"...)
				dst = appendQuoted(dst, bytes.ReplaceAll(b, []byte{'\\'}, []byte{other}))
				return append(hex.AppendEncode(append(dst, ", _binary x'"...), []byte{other}), "', _binary x'5C')"...)
			}
		}
	}
	return appendQuoted(append(dst, "_binary"...), b)
}

// appendQuoted appends text between quotes; quotes and backslashes inside are doubled.
func appendQuoted(dst, text []byte) []byte {
	dst = append(dst, '\'')
	for _, c := range text {
		if c == '\'' || c == '\\' {
			dst = append(dst, c)
		}
		dst = append(dst, c)
	}
	return append(dst, '\'')
}

// isWellFormed says whether b is sure to be text of the charset. What a server converts from other bytes is NULL, or has question
// marks.
func isWellFormed(charset string, b []byte) bool {
	switch charset {
	case "utf8mb4":
		return utf8.Valid(b)
	case "utf8mb3", "utf8":
		return utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool { return r > 0xffff })
	case "ascii", "big5", "cp932", "eucjpms", "euckr", "gb18030", "gb2312", "gbk", "sjis", "ucs2", "ujis", "utf16", "utf16le", "utf32":
		return false
	}
	return true // each byte is a character
}

// isPlain says whether b is readable between quotes in a statement that is utf8mb4 text: printable, without the backslash,
// which a log shows doubled, and in a charset that has ASCII at its place.
func isPlain(charset string, b []byte) bool {
	unicode := false
	switch charset {
	case "ucs2", "utf16", "utf16le", "utf32":
		return len(b) == 0
	case "utf8mb4", "utf8mb3", "utf8":
		unicode = true
	}
	ascii := true
	for _, c := range b {
		switch {
		case c >= 0x80:
			ascii = false
		case c == '\\' || c == 0x7f || c < ' ' && c != '\t' && c != '\n' && c != '\r':
			return false
		}
	}
	return ascii || unicode && utf8.Valid(b)
}
