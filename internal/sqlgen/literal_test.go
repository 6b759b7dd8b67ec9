package sqlgen

import (
	"bytes"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/midstreamdb/midstream/internal/table"
)

func text(s string) table.Value  { return table.Value{Kind: table.Bytes, Text: []byte(s)} }
func plain(s string) table.Value { return table.Value{Kind: table.Plain, Text: []byte(s)} }

func chars(charset string) *table.Column {
	return &table.Column{Kind: table.VarChar, Charset: charset}
}

func TestAppendLiteral(t *testing.T) {
	number, enum := &table.Column{Kind: table.Int}, &table.Column{Kind: table.Enum, Values: []string{"a", "0"}}
	for _, c := range []struct {
		column *table.Column
		value  table.Value
		want   string
	}{
		{number, table.Value{}, "NULL"},
		{number, table.IntValue(math.MinInt64), "-9223372036854775808"},
		{number, table.UintValue(math.MaxUint64), "18446744073709551615"},
		{&table.Column{Kind: table.Bit}, table.UintValue(math.MaxUint64), "18446744073709551615"},
		{&table.Column{Kind: table.Set}, table.UintValue(math.MaxUint64), "-1"},
		{enum, table.UintValue(2), "2"},
		{enum, table.UintValue(0), "0"},
		{&table.Column{Kind: table.Float}, table.Float32Value(0.1), "1.0000000149011612e-01"},
		{&table.Column{Kind: table.Double}, table.Float64Value(math.Copysign(0, -1)), "-0e+00"},
		{&table.Column{Kind: table.Double}, table.Float64Value(5e-324), "5e-324"},
		{&table.Column{Kind: table.Decimal}, plain("-1.50"), "-1.50"},
		{&table.Column{Kind: table.Time}, plain("-838:59:59"), "'-838:59:59'"},
		{chars("utf8mb4"), text(""), "_utf8mb4''"},
		{chars("utf8mb4"), text("it's 日本\n"), "_utf8mb4'it''s 日本\n'"},
		{chars("utf8mb3"), text("ä"), "_utf8mb3'ä'"},
		{chars("utf8mb4"), text("\xff"), "_utf8mb4 x'ff'"},
		{chars("utf8mb4"), text(`a\`), "_utf8mb4 x'615c'"},
		{chars("utf8mb4"), text("a\x00"), "_utf8mb4 x'6100'"},
		{chars("latin1"), text("a'b"), "_latin1'a''b'"},
		{chars("latin1"), text("\xe4"), "_latin1 x'e4'"},
		{chars("gbk"), text("\xbf\x5c"), "_gbk x'bf5c'"},
		{chars("ucs2"), text("\x00a"), "_ucs2 x'0061'"},
		{chars("utf16le"), text("a'"), "_utf16le x'6127'"},
		{chars("utf32"), text(""), "_utf32''"},
		{&table.Column{Kind: table.Blob}, text("a'"), "_binary'a'''"},
		{&table.Column{Kind: table.Blob}, text("ä"), "_binary x'c3a4'"},
		{&table.Column{Kind: table.Geometry}, text("\x00\x01"), "_binary x'0001'"},
		{&table.Column{Kind: table.UUID}, plain("00-1"), "'00-1'"},
		{&table.Column{Kind: table.JSON}, table.Value{Kind: table.SQL, Text: []byte("CAST('1' AS JSON)")}, "CAST('1' AS JSON)"},
	} {
		if got := string(AppendLiteral([]byte("= "), c.column, c.value)); got != "= "+c.want {
			t.Errorf("%+v: got %s, want = %s", c.value, got, c.want)
		}
	}
}

func TestAppendStored(t *testing.T) {
	enum := func(members ...string) *table.Column { return &table.Column{Kind: table.Enum, Values: members} }
	for _, c := range []struct {
		column *table.Column
		value  table.Value
		want   string
	}{
		{enum("a"), table.UintValue(0), "'0'"},
		{enum("0", "00", "a"), table.UintValue(0), "'000'"},
		{enum("a"), table.UintValue(1), "1"},
		{enum("a"), table.Value{}, "NULL"},
		{&table.Column{Kind: table.Set}, table.UintValue(0), "0"},
		{&table.Column{Kind: table.Int}, table.UintValue(0), "0"},
	} {
		if got := string(AppendStored(nil, c.column, c.value)); got != c.want {
			t.Errorf("%v: got %s, want %s", c.value, got, c.want)
		}
	}
}

func TestAppendMember(t *testing.T) {
	enum := &table.Column{Kind: table.Enum, Values: []string{"a", "it's", "日"}}
	set := &table.Column{Kind: table.Set, Values: []string{"a", "b", "it's"}}
	for _, c := range []struct {
		column *table.Column
		value  table.Value
		want   string
	}{
		{enum, table.Value{}, "NULL"},
		{enum, table.UintValue(0), "_utf8mb4''"},
		{enum, table.UintValue(2), "_utf8mb4'it''s'"},
		{enum, table.UintValue(3), "_utf8mb4'日'"},
		{set, table.UintValue(0), "_utf8mb4''"},
		{set, table.UintValue(1), "_utf8mb4'a'"},
		{set, table.UintValue(5), "_utf8mb4'a,it''s'"},
	} {
		if got := string(AppendMember(nil, c.column, c.value)); got != c.want {
			t.Errorf("%s %d: got %s, want %s", c.column.Values, c.value.Num, got, c.want)
		}
	}
}

// TestLongLiteralsFitThePacket that the value came in: what is long is not written twice as long, whatever stands in it.
func TestLongLiteralsFitThePacket(t *testing.T) {
	for charset, text := range map[string]string{
		"utf8mb4": `{"said": "\"é\"", "lines": "a\nb"}`, "utf8mb3": "日\\n", "latin1": "caf\xe9 ", "binary": "\x00\xff\\a",
	} {
		b := bytes.Repeat([]byte(text), 2*longest/len(text))
		if n := len(AppendLiteral(nil, chars(charset), table.Value{Kind: table.Bytes, Text: b})); n > len(b)*5/4+100 {
			t.Errorf("%s: %d bytes are written as %d", charset, len(b), n)
		}
	}
}

// TestLongLiteralsAreNotConverted where bytes may be no text of their charset: the server would make NULL of them, or question marks.
func TestLongLiteralsAreNotConverted(t *testing.T) {
	for charset, text := range map[string]string{"utf8mb4": "a\xe9", "utf8mb3": "😀", "gbk": "\xd6", "utf16": "\xd8", "ascii": "\xe9"} {
		literal := AppendLiteral(nil, chars(charset), table.Value{Kind: table.Bytes, Text: bytes.Repeat([]byte("\x01"+text), longest)})
		if !bytes.HasPrefix(literal, []byte("_"+charset+" x'")) {
			t.Errorf("%s: got %.40s", charset, literal)
		}
	}
}

// Whatever the bytes are, the literal ends where it should: no quote and no backslash stands alone in it.
func TestLiteralsEndAtTheirQuote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		charset := rapid.SampledFrom([]string{"utf8mb4", "latin1", "gbk", "sjis", "ucs2", "binary"}).Draw(t, "charset")
		b := rapid.OneOf(rapid.SliceOf(rapid.Byte()), rapid.SliceOf(rapid.SampledFrom([]byte("a'\\\x00\xbf\xe4")))).Draw(t, "bytes")
		if rapid.Bool().Draw(t, "long") {
			rare := bytes.Repeat([]byte("a"), rapid.SampledFrom([]int{0, 100}).Draw(t, "between backslashes"))
			b = append(append(b, '\\'), rare...)
			b = bytes.Repeat(b, longest/len(b)+1)
		}
		literal := AppendLiteral(nil, chars(charset), table.Value{Kind: table.Bytes, Text: b})
		quotes, want, end := 0, 2, byte('\'')
		converted := bytes.TrimPrefix(literal, []byte("CONVERT("))
		if bytes.HasPrefix(converted, []byte("REPLACE(")) { // the value, what stands for the backslash, and the backslash
			want, end = 6, ')'
		}
		if len(converted) < len(literal) {
			end = ')'
		}
		for i := 0; i < len(literal); i++ {
			switch c := literal[i]; {
			case c == '\\' && i+1 < len(literal) && literal[i+1] == '\\':
				i++
			case c == '\\':
				t.Fatalf("%s has a backslash that stands alone", literal)
			case c == '\'' && quotes%2 == 1 && i+1 < len(literal) && literal[i+1] == '\'':
				i++
			case c == '\'':
				quotes++
			}
		}
		if quotes != want || literal[len(literal)-1] != end {
			t.Fatalf("%s has %d quotes", literal, quotes)
		}
	})
}

func BenchmarkAppendLiteral(b *testing.B) {
	columns := []*table.Column{{Kind: table.Int}, chars("utf8mb4"), {Kind: table.Decimal}, {Kind: table.DateTime}, {Kind: table.Double}, {Kind: table.Blob}}
	values := []table.Value{table.UintValue(12345678), text("some text of forty characters, it's usual"), plain("-12345.67"), plain("2024-01-02 03:04:05.678901"),
		table.Float64Value(1.5), text("\x00\x01\x02\x03\x04\x05\x06\x07")}
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		dst = dst[:0]
		for i, c := range columns {
			dst = AppendLiteral(dst, c, values[i])
		}
	}
}
