package table

import (
	"context"
	"fmt"
	"strings"
)

// conversion returns the SQL that a write needs around the source's value so that the server converts it as a native ALTER
// would, though Midstream's sessions run in UTC. What no SQL can repeat is an error.
func conversion(from, to *Column, zone string) (Wrap, error) {
	fail := func(why string) (Wrap, error) {
		return "", fmt.Errorf("convert column %s from %s to %s: %s", Quote(from.Name), from.DataType, to.DataType, why)
	}
	switch {
	case from.Kind == to.Kind:
		return "", nil
	case from.Kind == Time && (to.Kind == Date || to.Kind == DateTime || to.Kind == Timestamp):
		return fail("the date would be that of the moment of writing: add a column and fill it instead")
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

// localTime is the DATETIME that a TIMESTAMP, read in UTC, shows in the zone. CONVERT_TZ gives NULL for the zero date only.
func localTime(zone string) Wrap {
	return Wrap("COALESCE(CONVERT_TZ(" + Hole + ", '+00:00', " + literal(zone) + "), " + Hole + ")")
}

// instant is the TIMESTAMP, in UTC, that the zone shows as the given DATETIME. CONVERT_TZ gives NULL for NULL and for dates
// with zeros, which the server may judge itself; it gives back its argument when the instant is out of range, and another
// time when the zone skips this one: these do not come back on the way back, and become a text that the column refuses.
func instant(zone string) Wrap {
	local := "CAST(" + Hole + " AS DATETIME(6))"
	utc := "CONVERT_TZ(" + local + ", " + literal(zone) + ", '+00:00')"
	return Wrap("CASE WHEN " + utc + " IS NULL THEN " + Hole +
		" WHEN CONVERT_TZ(" + utc + ", '+00:00', " + literal(zone) + ") = " + local + " THEN " + utc +
		" ELSE CONCAT('no TIMESTAMP: ', " + Hole + ") END")
}

// withoutOffset refuses texts like '2024-01-01 10:00:00+02:00', which MySQL moves into the time zone of the session.
const withoutOffset = Wrap("IF(" + Hole + " REGEXP '[-+][0-9]{1,2}:[0-9]{2}$', CONCAT('has an offset: ', " + Hole + "), " + Hole + ")")

// GlobalTimeZone returns the server's @@global.time_zone, in which a session that sets nothing converts, after the server
// has shown that it can compute with it.
func GlobalTimeZone(ctx context.Context, q Querier) (string, error) {
	var zone string
	var known bool
	const ask = `SELECT @@global.time_zone, CONVERT_TZ('2024-01-01 00:00:00', '+00:00', @@global.time_zone) IS NOT NULL`
	if err := q.QueryRowContext(ctx, ask).Scan(&zone, &known); err != nil {
		return "", fmt.Errorf("ask server for its time zone: %w", err)
	}
	if !known {
		return "", fmt.Errorf("ask server for its time zone: it cannot convert to %s: load the time zone tables", zone)
	}
	return zone, nil
}

func isUTC(zone string) bool { return zone == "+00:00" || strings.EqualFold(zone, "UTC") }

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
