package table

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Loss is what a conversion may lose, as far as the types tell. The zero Loss: every value has its equal in the new column.
type Loss struct {
	Why string // what may be lost, for people
	// Keeps is a condition on the source's value, which is not NULL, that holds only where it means the same afterwards; "" where
	// a strict server refuses by itself all that would be lost.
	Keeps Wrap
}

// May says whether some value may be lost.
func (l Loss) May() bool { return l.Why != "" }

// lossOf says what the conversion of a pair may lose. Values are what counts, not how they are written: '1.50' is the number
// 1.5, and zero has no sign. A FLOAT is the number that it is, not the digits that are shown of it.
func lossOf(from, to *Column, zone string) Loss {
	l := typeLoss(from, to)
	if from.Kind == Timestamp && l.Keeps != "" && !isUTC(zone) {
		l.Keeps = Wrap(l.Keeps.Around(string(localTime(zone))))
	}
	if from.Nullable && !to.Nullable {
		l.Why = joined(l.Why, "NULL")
	}
	return l
}

func typeLoss(from, to *Column) Loss {
	if from.Kind == to.Kind && from.ColumnType == to.ColumnType && from.Charset == to.Charset {
		return Loss{}
	}
	switch {
	case from.IsString() || from.isBytes():
		return textLoss(from, to)
	case to.IsString() || to.isBytes():
		return writtenLoss(from, to)
	case from.isNumber() && from.Kind != Year:
		return numberLoss(from, to)
	case from.Kind == Date || from.Kind == DateTime || from.Kind == Timestamp || from.Kind == Time:
		return temporalLoss(from, to)
	case from.Kind == JSON:
		return jsonLoss(to)
	case (from.Kind == Bit || from.Kind == Set) && (to.Kind == Float || to.Kind == Double):
		return bitsLoss(from, to)
	case (from.Kind == Enum || from.Kind == Set) && from.Kind == to.Kind && extends(to, from):
		return Loss{}
	case from.Kind == Bit && to.Kind == Bit && to.Length >= from.Length:
		return Loss{}
	}
	if to.IsTemporal() && from.Kind != to.Kind {
		return Loss{"all that it means", "FALSE"}
	}
	return Loss{Why: "what the new type cannot hold"}
}

// joined is a list for people of what is not "".
func joined(parts ...string) string {
	var some []string
	for _, p := range parts {
		if p != "" {
			some = append(some, p)
		}
	}
	return strings.Join(some, ", ")
}

const outOfRange = "numbers out of the new range"

// mantissa is the number of bits of a FLOAT's or DOUBLE's digits, decimals that of decimal digits that always survive.
func mantissa(c *Column) (bits, decimals int) {
	if c.Kind == Float {
		return 24, 6
	}
	return 53, 15
}

// asReal is SQL for a value as the FLOAT or DOUBLE that the column makes of it.
func asReal(to *Column, value string) string {
	if strings.Contains(to.ColumnType, "(") { // (M,D)
		value = "ROUND(" + value + ", " + strconv.Itoa(to.Scale) + ")"
	}
	if to.Kind == Float {
		return "CAST(" + value + " AS FLOAT)"
	}
	return "(" + value + " + 0e0)"
}

func numberLoss(from, to *Column) Loss {
	switch {
	case to.Kind == Year:
		return Loss{"numbers that are no years of four digits", Hole + " = 0 OR " + Hole + " BETWEEN 1901 AND 2155 AND " + Hole + " = FLOOR(" + Hole + ")"}
	case to.Kind == Date || to.Kind == DateTime || to.Kind == Timestamp || to.Kind == Time:
		whole := ""
		if from.Kind != Int {
			whole = Hole + " = FLOOR(" + Hole + ") AND "
		}
		why := "numbers that are not written as a date or time in full"
		if to.Kind != Time {
			why = joined(why, "days that no month has")
		}
		return Loss{why, Wrap(Hole + " = 0 OR " + whole + castTo(to) + " + 0 = " + Hole).and(aDay(to))}
	case (to.Kind == Enum || to.Kind == Set) && from.Kind != Int:
		return Loss{"numbers that are no member's", Hole + " = FLOOR(" + Hole + ")"}
	case to.Kind == Bit:
		return Loss{"negative numbers, digits after the point, numbers of too many bits", Hole + " >= 0 AND " + Hole + " = FLOOR(" + Hole + ")"}
	}
	switch from.Kind {
	case Int:
		return intLoss(from, to)
	case Decimal:
		return decimalLoss(from, to)
	}
	return realLoss(from, to)
}

// castTo is SQL for the value as the temporal type of the column.
func castTo(to *Column) string {
	switch to.Kind {
	case Date:
		return "CAST(" + Hole + " AS DATE)"
	case Time:
		return "CAST(" + Hole + " AS TIME(" + strconv.Itoa(to.Scale) + "))"
	}
	return "CAST(" + Hole + " AS DATETIME(" + strconv.Itoa(to.Scale) + "))"
}

// aDay holds for days that their month has, if there is one: sessions of Midstream take the 31st of February, so that
// they can copy one that is there, but none comes from a text or a number.
func aDay(to *Column) Wrap {
	if to.Kind == Time {
		return ""
	}
	const date = "CAST(" + Hole + " AS DATE)"
	return "(DAYOFMONTH(" + date + ") <= 28 OR MONTH(" + date + ") = 0 OR DAYOFMONTH(" + date + ") <= DAYOFMONTH(LAST_DAY(DATE_FORMAT(" + date + ", '%Y-%m-01'))))"
}

// widths are the bits and the greatest number of decimal digits of integers.
var widths = map[string]struct{ bits, digits int }{
	"tinyint": {8, 3}, "smallint": {16, 5}, "mediumint": {24, 8}, "int": {32, 10}, "bigint": {64, 20},
}

func intLoss(from, to *Column) Loss {
	width := widths[from.DataType]
	switch to.Kind {
	case Int:
		if from.Unsigned == to.Unsigned && widths[to.DataType].bits >= width.bits || holds(to, from) {
			return Loss{}
		}
	case Decimal:
		if to.Precision-to.Scale >= width.digits && (from.Unsigned || !to.Unsigned) {
			return Loss{}
		}
	case Float, Double:
		bits, _ := mantissa(to)
		if width.bits <= bits {
			return rangeLoss(to)
		}
		return Loss{"the last digits of great numbers", lastBits(Hole, bits)}
	}
	return Loss{Why: outOfRange}
}

// lastBits holds for a whole number that has no more bits than that before its last zeros.
func lastBits(number string, bits int) Wrap {
	return Wrap(fmt.Sprintf("CASE WHEN %[1]s = 0 THEN TRUE ELSE ABS(CAST(%[1]s AS DECIMAL(20))) <= CAST(%[1]s & (~%[1]s + 1) AS DECIMAL(20)) * %[2]d END",
		number, uint64(1)<<bits))
}

// bitsLoss is that of the number that a BIT or SET is.
func bitsLoss(from, to *Column) Loss {
	width := from.Length
	if from.Kind == Set {
		width = len(from.Values)
	}
	bits, _ := mantissa(to)
	if width <= bits {
		return rangeLoss(to)
	}
	return Loss{"the last digits of great numbers", lastBits("CAST("+Hole+" AS UNSIGNED)", bits)}
}

// jsonLoss is that of what is no JSON any more: only numbers have their equal.
func jsonLoss(to *Column) Loss {
	const exact, real = "CAST(" + Hole + " AS DECIMAL(65,30))", "(" + Hole + " + 0e0)"
	of := func(integer, unsigned, decimal, double string) Loss {
		return Loss{"what is no number, digits that the new type has no place for, " + outOfRange, Wrap(fmt.Sprintf(
			"CASE JSON_TYPE(%s) WHEN 'INTEGER' THEN %s WHEN 'UNSIGNED INTEGER' THEN %s WHEN 'DECIMAL' THEN %s WHEN 'DOUBLE' THEN %s ELSE FALSE END",
			Hole, integer, unsigned, decimal, double))}
	}
	const signed = exact + " < 9223372036854775808" // the server may store greater ones as negative numbers
	switch to.Kind {
	case Int:
		return of("TRUE", signed+" OR "+strconv.FormatBool(to.Unsigned), exact+" = TRUNCATE("+exact+", 0)", real+" = FLOOR("+real+")")
	case Decimal:
		stored := fmt.Sprintf("CAST(%s AS DECIMAL(%d,%d))", Hole, to.Precision, to.Scale)
		return of("TRUE", signed, exact+" = "+stored, fmt.Sprintf("CASE WHEN ABS(%s) < 1e%d THEN %s + 0e0 = %[1]s ELSE FALSE END", real, to.Precision-to.Scale, stored))
	case Float, Double:
		stored := asReal(to, real)
		digits := "CAST(" + stored + " AS DECIMAL(65,30)) = " + exact
		bits, _ := mantissa(to)
		return of(string(lastBits("CAST("+Hole+" AS SIGNED)", bits)), string(lastBits("CAST("+Hole+" AS UNSIGNED)", bits)), digits, stored+" = "+real)
	}
	return Loss{"all that it means", "FALSE"}
}

// rangeLoss is that of a FLOAT or DOUBLE with limits of its own.
func rangeLoss(to *Column) Loss {
	if to.DataType == to.ColumnType {
		return Loss{}
	}
	return Loss{Why: outOfRange}
}

func decimalLoss(from, to *Column) Loss {
	switch to.Kind {
	case Int:
		if from.Scale == 0 {
			return Loss{Why: outOfRange}
		}
		return Loss{"digits after the point, " + outOfRange, Hole + " = TRUNCATE(" + Hole + ", 0)"}
	case Decimal:
		l := Loss{}
		if to.Precision-to.Scale < from.Precision-from.Scale || to.Unsigned && !from.Unsigned {
			l.Why = outOfRange
		}
		if to.Scale < from.Scale {
			l.Why = joined("digits after the point", l.Why)
			l.Keeps = Wrap(fmt.Sprintf("%[1]s = TRUNCATE(%[1]s, %[2]d)", Hole, to.Scale))
		}
		return l
	case Float, Double:
		if _, decimals := mantissa(to); from.Precision <= decimals && to.DataType == to.ColumnType {
			return Loss{}
		}
		return Loss{"the last digits", Wrap(fmt.Sprintf("CAST(%s AS DECIMAL(65,%d)) = %s", asReal(to, Hole), from.Scale, Hole))}
	}
	return Loss{Why: "what the new type cannot hold"}
}

func realLoss(from, to *Column) Loss {
	switch to.Kind {
	case Int:
		return Loss{"digits after the point, " + outOfRange, Hole + " = FLOOR(" + Hole + ")"}
	case Decimal:
		return Loss{"digits that the new type has no place for, " + outOfRange,
			Wrap(fmt.Sprintf("CASE WHEN ABS(%s) < 1e%d THEN ", Hole, to.Precision-to.Scale) +
				realAgain(from, fmt.Sprintf("CAST(%s AS DECIMAL(%d,%d))", Hole, to.Precision, to.Scale)) + " = " + Hole + " ELSE FALSE END")}
	case Float, Double:
		if from.Kind == Float && to.Kind == Double && to.DataType == to.ColumnType {
			return Loss{}
		}
		return Loss{"the last digits, " + outOfRange, Wrap(realAgain(from, asReal(to, Hole)) + " = " + Hole)}
	}
	return Loss{Why: "what the new type cannot hold"}
}

// realAgain is SQL for the FLOAT or DOUBLE that a value becomes when it is converted back.
func realAgain(from *Column, value string) string {
	if from.Kind == Float {
		return "CAST(" + value + " AS FLOAT)"
	}
	return "(" + value + " + 0e0)"
}

// fraction holds where no digit of the seconds is cut off, as a condition; "" where the new column has them all.
func fraction(from, to *Column) Wrap {
	if to.Scale >= from.Scale {
		return ""
	}
	return Wrap(fmt.Sprintf("MICROSECOND(%s) %% %s = 0", Hole, "1"+strings.Repeat("0", 6-to.Scale)))
}

func temporalLoss(from, to *Column) Loss {
	moment := from.Kind == DateTime || from.Kind == Timestamp
	switch {
	case from.Kind == to.Kind, moment && (to.Kind == DateTime || to.Kind == Timestamp), from.Kind == Date && to.Kind == Timestamp:
		l := Loss{Keeps: fraction(from, to)}
		if l.Keeps != "" {
			l.Why = "fractions of a second"
		}
		if from.Kind != to.Kind && to.Kind == Timestamp {
			l.Why = joined(l.Why, "times that no TIMESTAMP has")
		}
		return l
	case from.Kind == Date && to.Kind == DateTime:
		return Loss{}
	case moment && to.Kind == Date:
		return Loss{"the time of day", "CAST(" + Hole + " AS TIME(6)) = 0"}
	case to.Kind == Time:
		return Loss{"the date", "FALSE"}
	case to.Kind == Year:
		return Loss{"all but the year", "FALSE"}
	case to.Kind == Int || to.Kind == Decimal:
		l := Loss{Why: outOfRange, Keeps: fraction(from, to)}
		if l.Keeps != "" {
			l.Why = "fractions of a second, " + outOfRange
		}
		return l
	case to.Kind == Float || to.Kind == Double:
		return Loss{"the last digits", Wrap("CAST(" + asReal(to, Hole+" + 0") + " AS DECIMAL(20,6)) = " + Hole + " + 0")}
	}
	return Loss{Why: "what the new type cannot hold"}
}

// writtenLoss is that of what becomes a text and was none.
func writtenLoss(from, to *Column) Loss {
	l := Loss{}
	if to.Length < 255 || !from.isNumber() && !from.IsTemporal() {
		l.Why = "texts that are too long"
	}
	if from.Kind == Float {
		l.Why = joined("digits that the server does not show", l.Why)
		l.Keeps = "CAST(CAST(" + Hole + " AS CHAR) AS FLOAT) = " + Hole
	}
	if to.Kind == Binary && from.Kind != UUID && from.Kind != Inet4 && from.Kind != Inet6 {
		l.Why = joined(l.Why, "the length, by zero bytes at the end")
		l.Keeps = l.Keeps.and(Wrap(fmt.Sprintf("LENGTH(CAST(%s AS CHAR)) = %d", Hole, to.Length)))
	}
	return l
}

// and is the condition that both hold; "" counts as one that does.
func (w Wrap) and(other Wrap) Wrap {
	switch {
	case w == "":
		return other
	case other == "":
		return w
	}
	return w + " AND " + other
}

func textLoss(from, to *Column) Loss {
	text := "CONVERT(" + Hole + " USING utf8mb4)"
	switch to.Kind {
	case Char, VarChar, Text:
		return charLoss(from, to)
	case Binary, VarBinary, Blob:
		return byteLoss(from, to)
	case Int:
		return Loss{"texts that are no whole number, " + outOfRange, Wrap(text + ` REGEXP '^[[:space:]]*[-+]?[0-9]+([.]0*)?[[:space:]]*$'`)}
	case Decimal:
		return Loss{"texts that are no number of so many digits", Wrap(text + fmt.Sprintf(` REGEXP '^[[:space:]]*[-+]?[0-9]*([.][0-9]{0,%d}0*)?[[:space:]]*$'`, to.Scale))}
	case Float, Double:
		return textRealLoss(text, to)
	case Year:
		return Loss{"texts that are no year of four digits", Wrap(text + ` REGEXP '^[[:space:]]*(0000|[0-9]{4})[[:space:]]*$'`)}
	case Date:
		return Loss{"texts that are no date, the time of day", Wrap("CAST(" + Hole + " AS DATETIME(6)) = CAST(" + Hole + " AS DATE)").and(aDay(to))}
	case DateTime, Timestamp:
		return Loss{"texts that are no such time, fractions of a second", Wrap(whole(text, to) + " AND CAST(" + Hole + " AS DATETIME(6)) = " + castTo(to)).and(aDay(to))}
	case Time:
		return Loss{"texts that are no such time, dates, fractions of a second",
			Wrap(text + ` NOT REGEXP '^[[:space:]]*[0-9]+[-/]' AND ` + whole(text, to) + " AND CAST(" + Hole + " AS TIME(6)) = " + castTo(to))}
	case Enum:
		return Loss{"texts that are not in the list, or are spelled otherwise there", Wrap("CAST(" + text + " AS BINARY) IN (" + strings.Join(memberBytes(to), ", ") + ")")}
	case Set:
		return Loss{"texts that are not in the list, or are spelled or ordered otherwise there", Wrap("CAST(" + text + " AS BINARY) = " + inOrder(text, to))}
	}
	return Loss{Why: "what the new type cannot hold"}
}

// whole holds for texts without digits beyond the sixth of the seconds.
func whole(text string, to *Column) string { return text + ` NOT REGEXP '[.][0-9]{6}0*[1-9]'` }

// textRealLoss takes a number for kept if the new column has few enough digits of it, or shows the same ones.
func textRealLoss(text string, to *Column) Loss {
	_, decimals := mantissa(to)
	short := "LENGTH(REGEXP_REPLACE(" + text + ", '[eE].*$|[^0-9]', '')) <= " + strconv.Itoa(decimals)
	if to.DataType != to.ColumnType {
		short = "FALSE"
	}
	real := asReal(to, Hole)
	return Loss{"texts that are no number, the last digits", Wrap(
		"(" + short + " OR ABS(" + real + ") < 1e35 AND CAST(" + Hole + " AS DECIMAL(65,30)) = CAST(" + real + " AS DECIMAL(65,30)))" +
			" AND (" + real + " <> 0 OR " + text + " NOT REGEXP '^[^eE]*[1-9]')")}
}

// memberBytes are an ENUM's or SET's, as literals of bytes in utf8mb4.
func memberBytes(c *Column) []string {
	list := make([]string, len(c.Values))
	for i, v := range c.Values {
		list[i] = "x'" + hex.EncodeToString([]byte(v)) + "'"
	}
	return list
}

// inOrder is SQL for the members of the SET that the text names, as the column will show them.
func inOrder(text string, to *Column) string {
	var bits []string
	for i, m := range memberBytes(to) {
		bits = append(bits, fmt.Sprintf("(FIND_IN_SET(CONVERT(%s USING utf8mb4), %s) > 0) << %d", m, text, i))
	}
	return "CAST(MAKE_SET(" + strings.Join(bits, " | ") + ", " + "CONVERT(" + strings.Join(memberBytes(to), " USING utf8mb4), CONVERT(") + " USING utf8mb4)) AS BINARY)"
}

// most is the greatest number of bytes of a value of the column, and of characters.
func (c *Column) most() (bytes, characters int) {
	if c.Kind == Char || c.Kind == VarChar {
		return 4 * c.Length, c.Length
	}
	return c.Length, c.Length
}

func charLoss(from, to *Column) Loss {
	text := Hole
	if from.isBytes() {
		text = "CONVERT(" + Hole + " USING " + to.Charset + ")"
	}
	bytes, characters := from.most()
	l := Loss{}
	switch {
	case to.Kind == Text && (bytes > to.Length && (from.Kind != Text || from.Length > to.Length) || from.Kind == Text && from.Charset != to.Charset):
		l = Loss{"texts that are too long", Wrap(fmt.Sprintf("LENGTH(CONVERT(%s USING %s)) <= %d", Hole, to.Charset, to.Length))}
	case to.Kind != Text && characters > to.Length:
		l = Loss{"texts that are too long", Wrap(fmt.Sprintf("CHAR_LENGTH(%s) <= %d", text, to.Length))}
	}
	if to.Kind == Char && from.Kind != Char {
		l.Why = joined(l.Why, "spaces at the end")
		l.Keeps = l.Keeps.and(Wrap("CHAR_LENGTH(RTRIM(" + text + ")) = CHAR_LENGTH(" + text + ")"))
	}
	if from.Charset != to.Charset && !(strings.HasPrefix(to.Charset, "utf8mb4") || from.Charset == "ascii") {
		l.Why = joined(l.Why, "characters that "+to.Charset+" has not")
	}
	if from.isBytes() {
		l.Why = joined(l.Why, "bytes that are no text")
	}
	return l
}

func byteLoss(from, to *Column) Loss {
	bytes, _ := from.most()
	switch {
	case to.Kind == Binary:
		return Loss{"bytes beyond the new length, the length, by zero bytes at the end", Wrap(fmt.Sprintf("LENGTH(%s) = %d", Hole, to.Length))}
	case bytes > to.Length:
		return Loss{"bytes beyond the new length", Wrap(fmt.Sprintf("LENGTH(%s) <= %d", Hole, to.Length))}
	}
	return Loss{}
}
