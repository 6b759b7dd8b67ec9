package table

import (
	"context"
	"fmt"
	"strings"
)

// conversion returns the SQL that a write needs around the source's value so that the server converts it as a native ALTER
// would, though Midstream's sessions run in UTC. What no SQL can repeat is an error.
func conversion(from, to *Column, changes Changes) (Wrap, error) {
	zone := changes.TimeZone
	fail := func(why string) (Wrap, error) {
		return "", fmt.Errorf("convert column %s from %s to %s: %s", Quote(from.Name), from.DataType, to.DataType, why)
	}
	switch {
	case from.Kind == to.Kind:
		return "", nil
	case from.Kind == Time && (to.Kind == Date || to.Kind == DateTime || to.Kind == Timestamp):
		return fail("the date would be that of the moment of writing: add a column and fill it instead")
	case to.Kind == Bit && (from.IsString() || from.isBytes() || from.Kind == JSON || from.Kind == Time):
		return fail("the server would read the text as a number: make it an integer first")
	case to.Kind == Bit && (from.Kind == Float || from.Kind == Double):
		return fail("the server rounds some values otherwise: make it an integer first")
	case changes.MariaDB && from.Kind == Bit && from.Length == 64 && (to.Kind == Float || to.Kind == Double):
		return fail("the server takes the first bit for a sign: make it an integer first")
	case changes.MariaDB && from.Kind == Decimal && (to.Kind == Enum || to.Kind == Set):
		return fail("the server rounds some values otherwise: make it an integer first")
	case from.isNumber() && asInALTER(from, to, changes.MariaDB) && (to.Kind != Timestamp || isUTC(zone)):
		return asText, nil
	case isUTC(zone):
		return "", nil
	case from.Kind == Timestamp && (to.IsString() || to.Kind == DateTime || to.Kind == Date || to.Kind == Time):
		return localTime(zone), nil
	case from.Kind == Timestamp:
		return fail("it depends on the time zone: make it a DATETIME first")
	case to.Kind == Timestamp && (from.Kind == DateTime || from.Kind == Date):
		return instant(zone), nil
	case to.Kind == Timestamp:
		return fail("it depends on the time zone: make it a DATETIME first")
	case from.IsString() && to.IsTemporal() && to.Kind != Year:
		return withoutOffset, nil
	default:
		return "", nil
	}
}

// asText is a number as the server writes it: with leading zeros, and a FLOAT with its own digits.
const asText = Wrap("CAST(" + Hole + " AS CHAR)")

// asInALTER says whether an ALTER goes by the text of a number, where an INSERT goes by the number itself: shortened to
// what fits, a FLOAT with the digits of a DOUBLE, and 0 as a date.
func asInALTER(from, to *Column, mariaDB bool) bool {
	switch to.Kind {
	case Char, VarChar, Binary, VarBinary, Text, Blob:
		return true
	case Date, DateTime, Timestamp, Time:
		return !mariaDB || from.Kind != Int && from.Kind != Decimal
	case JSON, Enum, Set:
		return !mariaDB
	default:
		return false
	}
}

// isNumber says whether the values are numbers, BIT's aside.
func (c *Column) isNumber() bool {
	switch c.Kind {
	case Int, Decimal, Float, Double, Year:
		return true
	default:
		return false
	}
}

// zeros is true for dates with a zero year, month or day, which no time zone moves: the server judges them as they are.
// CONVERT_TZ must not see them, since it makes an error of a text with zeros.
const zeros = "(" + Hole + " LIKE '0000-%' OR " + Hole + " LIKE '%-00%')"

// localTime is the DATETIME that a TIMESTAMP, read in UTC, shows in the zone.
func localTime(zone string) Wrap {
	return Wrap("IF(" + zeros + ", " + Hole + ", CONVERT_TZ(" + Hole + ", '+00:00', " + literal(zone) + "))")
}

// instant is the TIMESTAMP, in UTC, that the zone shows as the given DATETIME. CONVERT_TZ gives its argument back when the
// instant is out of range, and another time when the zone skips this one: neither is the same again on the way back, and
// both become a text that the column refuses.
func instant(zone string) Wrap {
	local := "CAST(" + Hole + " AS DATETIME(6))"
	utc := "CONVERT_TZ(" + local + ", " + literal(zone) + ", '+00:00')"
	return Wrap("CASE WHEN " + Hole + " IS NULL OR " + zeros + " THEN " + Hole +
		" WHEN CONVERT_TZ(" + utc + ", '+00:00', " + literal(zone) + ") = " + local + " THEN " + utc +
		" ELSE CONCAT('no TIMESTAMP: ', " + Hole + ") END")
}

// withoutOffset refuses texts like '2024-01-01 10:00:00+02:00', which MySQL moves into the time zone of the session.
const withoutOffset = Wrap("IF(" + Hole + " REGEXP '[-+][0-9]{1,2}:[0-9]{2}$', CONCAT('has an offset: ', " + Hole + "), " + Hole + ")")

// refusesByText says whether the pair's Wrap makes of some values a text that the new column refuses.
func (p *Pair) refusesByText() bool {
	return p.Wrap == withoutOffset || p.Shadow.Kind == Timestamp && strings.Contains(string(p.Wrap), "no TIMESTAMP: ")
}

// GlobalTimeZone returns the server's @@global.time_zone, in which a session that sets nothing converts, after the server
// has shown that it can compute with it; UTC where it is that of a host in UTC.
func GlobalTimeZone(ctx context.Context, q Querier) (string, error) {
	var zone string
	var known, utc bool
	const ask = `
		SELECT @@global.time_zone, CONVERT_TZ('2024-01-01 00:00:00', '+00:00', @@global.time_zone) IS NOT NULL,
		       @@system_time_zone = 'UTC' AND CONVERT_TZ('2024-01-01 00:00:00', '+00:00', 'SYSTEM') = '2024-01-01 00:00:00'`
	if err := q.QueryRowContext(ctx, ask).Scan(&zone, &known, &utc); err != nil {
		return "", fmt.Errorf("ask server for its time zone: %w", err)
	}
	if zone == "SYSTEM" && utc {
		return "UTC", nil
	}
	if !known {
		return "", fmt.Errorf("ask server for its time zone: it cannot convert to %s: load the time zone tables", zone)
	}
	return zone, nil
}

func isUTC(zone string) bool { return zone == "+00:00" || strings.EqualFold(zone, "UTC") }

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
