package chunktest

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
)

// Shapes are the kinds of keys that there are.
var Shapes = []Shape{
	{Name: "int dense", Columns: []string{"int"}, Values: values(between(-300, 300))},
	{Name: "int sparse", Columns: []string{"int"}, Values: values(between(-2_000_000_000, 2_000_000_000))},
	{Name: "tinyint all", Columns: []string{"tinyint"}, Values: values(between(-128, 127))},
	{Name: "bigint extremes", Columns: []string{"bigint"}, Values: values(either(
		between(-9223372036854775808, -9223372036854775700), between(-5, 5), between(9223372036854775700, 9223372036854775807)))},
	{Name: "bigint top", Columns: []string{"bigint"}, Values: values(between(9223372036854775500, 9223372036854775807))},
	{Name: "bigint unsigned extremes", Columns: []string{"bigint unsigned"}, Values: values(either(
		among("0", "1", "9223372036854775807", "9223372036854775808"), unsigned(18446744073709551400)))},
	{Name: "bigint unsigned top", Columns: []string{"bigint unsigned"}, Values: values(unsigned(18446744073709551300))},
	{Name: "int zerofill", Columns: []string{"int(8) unsigned zerofill"}, Values: values(between(0, 5000))},
	{Name: "int descending", Columns: []string{"int"}, Key: "c0 DESC", Values: values(between(-300, 300))},
	{Name: "decimal", Columns: []string{"decimal(30,10)"}, Values: values(decimal)},
	{Name: "decimal zerofill", Columns: []string{"decimal(10,2) zerofill"}, Values: values(either(between(0, 1), between(0, 5000)))},
	{Name: "bit", Columns: []string{"bit(64)"}, Values: values(unsigned(18446744073709551300))},
	{Name: "year", Columns: []string{"year"}, Values: values(among("0", "1901", "1970", "2000", "2024", "2155"))},
	{Name: "date", Columns: []string{"date"}, Values: values(either(day, among("'0000-00-00'", "'2024-00-01'", "'2023-02-31'", "'9999-12-31'")))},
	{Name: "time", Columns: []string{"time(3)"}, Values: values(span)},
	{Name: "datetime", Columns: []string{"datetime(6)"}, Values: values(either(moment(6), among("'0000-00-00 00:00:00'")))},
	{Name: "timestamp", Columns: []string{"timestamp"}, Values: values(either(moment(0), among("'0000-00-00 00:00:00'", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'")))},
	{Name: "enum", Columns: []string{"enum('z','y','x','w','a','b','c','d')", "int"}, Values: values(among("'a'", "'z'", "'y'", "'c'", "'d'", "0"), between(0, 40))},
	{Name: "enum descending", Columns: []string{"int", "enum('z','y','x','w','a','b','c','d')"}, Key: "c1 DESC, c0", Values: values(between(0, 40), among("'a'", "'z'", "'y'", "'c'", "'d'"))},
	{Name: "enum in the middle", Columns: []string{"tinyint", "enum('z','y','x')", "int"}, Values: values(between(1, 3), among("'z'", "'y'", "0"), between(0, 40))},
	{Name: Set, Columns: []string{"set('z','y','x','w','a','b','c','d')"}, Values: values(between(0, 255))},
	{Name: SetOf64, Columns: []string{set64()}, Values: values(either(between(0, 200), unsigned(18446744073709551300)))},
	{Name: "binary", Columns: []string{"binary(4)"}, Values: values(binary(0, 4))},
	{Name: "varbinary", Columns: []string{"varbinary(10)"}, Values: values(binary(0, 10))},
	{Name: "utf8mb4 bin", Columns: []string{"varchar(20) character set utf8mb4 collate utf8mb4_bin"}, Values: values(words)},
	{Name: "utf8mb4 unicode", Columns: []string{"varchar(20) character set utf8mb4 collate utf8mb4_unicode_ci"}, Values: values(words)},
	{Name: "utf8mb4 0900", Only: "mysql", Columns: []string{"varchar(20) character set utf8mb4 collate utf8mb4_0900_ai_ci"}, Values: values(words)},
	{Name: "char 0900", Only: "mysql", Columns: []string{"char(20) character set utf8mb4 collate utf8mb4_0900_as_cs"}, Values: values(words)},
	{Name: "uca1400", Only: "mariadb", Columns: []string{"varchar(20) character set utf8mb4 collate utf8mb4_uca1400_ai_ci"}, Values: values(words)},
	{Name: "uca1400 nopad", Only: "mariadb", Columns: []string{"varchar(20) character set utf8mb4 collate utf8mb4_uca1400_nopad_as_cs"}, Values: values(words)},
	{Name: "latin1", Columns: []string{"varchar(20) character set latin1 collate latin1_swedish_ci"}, Values: values(latin)},
	{Name: "latin1 german", Columns: []string{"char(20) character set latin1 collate latin1_german2_ci"}, Values: values(latin)},
	{Name: "gbk", Columns: []string{"varchar(20) character set gbk"}, Values: values(chinese)},
	{Name: "sjis", Columns: []string{"varchar(20) character set sjis"}, Values: values(japanese)},
	{Name: "utf16", Columns: []string{"varchar(20) character set utf16"}, Values: values(words)},
	{Name: "uuid", Only: "mariadb", Columns: []string{"uuid"}, Values: values(uuid)},
	{Name: "inet6", Only: "mariadb", Columns: []string{"inet6"}, Values: values(inet6)},
	{Name: "inet4", Only: "mariadb", Columns: []string{"inet4"}, Values: values(inet4)},
	{Name: "two ints", Columns: []string{"int", "int"}, Values: values(between(0, 12), between(-50, 50))},
	{Name: "two ints, turned", Columns: []string{"int", "int"}, Key: "c1, c0", Values: values(between(0, 12), between(-50, 50))},
	{Name: "mixed directions", Columns: []string{"int", "int", "varchar(5)"}, Key: "c0, c1 DESC, c2", Values: values(between(0, 4), between(-5, 5), words)},
	{Name: "four columns", Columns: []string{"tinyint", "varchar(10)", "datetime(2)", "varbinary(3)"},
		Values: values(between(0, 3), among("'a'", "'B'", "'é'"), among("'2024-01-01'", "'2024-01-01 00:00:00.01'", "'1999-12-31 23:59:59.99'"), binary(0, 3))},
}

// The names of shapes that a test may want by itself.
const (
	Dense  = "int dense"
	Sparse = "int sparse"
	// Servers cannot use an index for a range of these.
	Set     = "set"
	SetOf64 = "set of 64"
)

// Find returns the shape of that name.
func Find(name string) Shape {
	for _, s := range Shapes {
		if s.Name == name {
			return s
		}
	}
	panic("chunktest: no shape " + name)
}

type random = func(r *rand.Rand) string

func values(v ...random) []random { return v }

func between(low, high int64) random {
	return func(r *rand.Rand) string {
		width := uint64(high) - uint64(low) + 1
		return fmt.Sprint(int64(uint64(low) + r.Uint64N(width)))
	}
}

// unsigned gives numbers from low to the greatest.
func unsigned(low uint64) random {
	return func(r *rand.Rand) string { return fmt.Sprint(low + r.Uint64N(-low)) }
}

func among(texts ...string) random {
	return func(r *rand.Rand) string { return texts[r.IntN(len(texts))] }
}

func either(of ...random) random {
	return func(r *rand.Rand) string { return of[r.IntN(len(of))](r) }
}

func decimal(r *rand.Rand) string {
	return fmt.Sprintf("%d.%010d", r.Int64N(2_000_000)-1_000_000, r.Int64N(10_000_000_000))
}

func day(r *rand.Rand) string {
	return fmt.Sprintf("'%04d-%02d-%02d'", 1900+r.IntN(200), 1+r.IntN(12), 1+r.IntN(28))
}

func span(r *rand.Rand) string {
	return fmt.Sprintf("'%d:%02d:%02d.%03d'", r.IntN(1677)-838, r.IntN(60), r.IntN(59), r.IntN(1000))
}

func moment(digits int) random {
	return func(r *rand.Rand) string {
		text := fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d", 1971+r.IntN(60), 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60))
		if digits > 0 {
			text += fmt.Sprintf(".%0*d", digits, r.IntN(1_000_000))
		}
		return "'" + text + "'"
	}
}

// binary gives short strings of few different bytes, so that prefixes and zeros at the end are frequent.
func binary(least, most int) random {
	return func(r *rand.Rand) string {
		b := make([]byte, least+r.IntN(most-least+1))
		for i := range b {
			b[i] = []byte{0, 0, 1, 0x20, 0x27, 0x5c, 0x61, 0xff}[r.IntN(8)]
		}
		return "x'" + hex.EncodeToString(b) + "'"
	}
}

func text(letters string, most int) random {
	runes := []rune(letters)
	return func(r *rand.Rand) string {
		s := make([]rune, r.IntN(most+1))
		for i := range s {
			s[i] = runes[r.IntN(len(runes))]
		}
		return "_utf8mb4 x'" + hex.EncodeToString([]byte(string(s))) + "'"
	}
}

var (
	words    = text("aAbBéÉßsS zZ'\\\"%_\t0", 5)
	latin    = text("aAbBéÉßsSüÜ zZ'\\", 5)
	chinese  = text("aA中文字漢誠運 '\\", 4)
	japanese = text("aA表能ソ日本語 '", 4)
)

func uuid(r *rand.Rand) string {
	b := make([]byte, 16)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	s := hex.EncodeToString(b)
	return "'" + s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:] + "'"
}

// inet6 gives addresses with zeros anywhere: servers differ in which of them they leave out.
func inet6(r *rand.Rand) string {
	groups := make([]string, 8)
	for i := range groups {
		groups[i] = fmt.Sprintf("%x", []int{0, 0, 1, 0xdb8, 0x2001, 0xffff}[r.IntN(6)])
	}
	address := strings.Join(groups, ":")
	return "'" + []string{address, address, "::" + groups[7], "::ffff:10.0.3." + fmt.Sprint(r.IntN(255)), "::10.1.2." + fmt.Sprint(r.IntN(255))}[r.IntN(5)] + "'"
}

func inet4(r *rand.Rand) string { return fmt.Sprintf("'10.%d.%d.0'", r.IntN(255), r.IntN(255)) }

func set64() string {
	s := "set('m0'"
	for i := 1; i < 64; i++ {
		s += fmt.Sprintf(",'m%d'", i)
	}
	return s + ")"
}
