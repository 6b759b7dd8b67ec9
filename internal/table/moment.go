package table

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

var currentTimestamp = regexp.MustCompile(`(?i)^(?:current_timestamp|now)(?:\(([0-6]?)\))?$`)

// ofTheSession are expressions whose value depends on the time zone of the session that writes.
var ofTheSession = regexp.MustCompile(`(?i)\b(?:now|curdate|curtime|current_timestamp|current_date|current_time|localtime|localtimestamp|` +
	`sysdate|unix_timestamp|from_unixtime)\b`)

var texts = regexp.MustCompile(`'(?:[^']|'')*'`)

// moment returns what an added column gets in all rows that are copied, as SQL, where its default would be another one at each
// write, and in UTC: the time of the ALTER, as the server's zone shows it. It is "" where the default serves.
func (p *pairing) moment(to *Column) (Wrap, error) {
	zone := p.changes.TimeZone
	isMoment := to.Kind == DateTime || to.Kind == Timestamp
	if to.Default == nil || *to.Default == "NULL" {
		if isMoment && to.Nullable && strings.Contains(strings.ToLower(to.Extra), "on update") {
			return "NULL", nil // or refreshing a row would set it
		}
		return "", nil
	}
	if found := currentTimestamp.FindStringSubmatch(*to.Default); isMoment && found != nil {
		digits := 0
		if found[1] != "" {
			digits = min(int(found[1][0]-'0'), to.Scale)
		}
		at := "'" + p.changes.Moment.UTC().Truncate(time.Second).Format(time.DateTime) + "'"
		if digits > 0 {
			at = "'" + p.changes.Moment.UTC().Format("2006-01-02 15:04:05.000000")[:len(time.DateTime)+1+digits] + "'"
		}
		if to.Kind == Timestamp || isUTC(zone) {
			return Wrap(at), nil
		}
		return Wrap("CONVERT_TZ(" + at + ", '+00:00', " + literal(zone) + ")"), nil
	}
	if !isUTC(zone) && p.dependsOnSession(to) {
		return "", fmt.Errorf("add column %s: its default depends on the time zone of the session that writes: add it by an ALTER of its own, "+
			"by the server's means, when this one is done", Quote(to.Name))
	}
	return "", nil
}

// dependsOnSession says so of a column's default. MariaDB does not tell a text from an expression.
func (p *pairing) dependsOnSession(to *Column) bool {
	if !p.changes.MariaDB && !strings.Contains(to.Extra, "DEFAULT_GENERATED") {
		return false
	}
	expression := texts.ReplaceAllString(*to.Default, "''")
	for i := range p.shadow.Columns {
		if c := &p.shadow.Columns[i]; c.Kind == Timestamp && mentions(expression, c.Name) {
			return true
		}
	}
	return ofTheSession.MatchString(expression)
}
