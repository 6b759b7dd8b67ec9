package table

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

var currentTimestamp = regexp.MustCompile(`(?i)^(?:current_timestamp|now)(?:\(([0-6]?)\))?$`)

// ofTheSession are expressions whose value depends on the time zone of the session that writes.
var ofTheSession = regexp.MustCompile(`(?i)\b(?:now|curdate|curtime|current_timestamp|current_date|current_time|localtime|localtimestamp|` +
	`sysdate|unix_timestamp|from_unixtime)\b`)

// ofTheMoment are expressions that have another value at each moment, in each session, or in each row.
var ofTheMoment = regexp.MustCompile(`(?i)\b(?:(?:now|curdate|curtime|current_timestamp|current_date|current_time|localtime|localtimestamp|` +
	`sysdate|utc_date|utc_time|utc_timestamp|rand|random_bytes|uuid|uuid_v\d|uuid_short|sys_guid|nextval|lastval|connection_id|last_insert_id)\b|` +
	`unix_timestamp\(\))`)

var (
	textOrName = regexp.MustCompile("(`(?:[^`]|``)*`)|'(?:[^'\\\\]|\\\\.|'')*'")
	escaped    = regexp.MustCompile(`\\(.)`)
)

// withoutTexts takes what stands in quotes out of an expression.
func withoutTexts(expression string) string {
	return textOrName.ReplaceAllString(unescapedQuotes(expression), "$1")
}

// withoutNames puts marks in the places of texts and names, too: a column may be called like a function.
func withoutNames(expression string) string {
	return textOrName.ReplaceAllString(unescapedQuotes(expression), "?")
}

// unescapedQuotes returns an expression with its quotes as they were: MySQL's information_schema escapes them once more.
func unescapedQuotes(expression string) string {
	if at := strings.IndexByte(expression, '\''); at > 0 && expression[at-1] == '\\' {
		return escaped.ReplaceAllString(expression, "$1")
	}
	return expression
}

// moment returns what an added column gets in all rows that are copied, as SQL, where leaving it to its default would give another
// value at each write: the time of the ALTER, as the server's zone shows it, or the default itself. It is "" where the default serves.
func (p *pairing) moment(to *Column) (Wrap, error) {
	zone := p.changes.TimeZone
	isMoment := to.Kind == DateTime || to.Kind == Timestamp
	updates := strings.Contains(strings.ToLower(to.Extra), "on update") // a row that is written again would get the time of that
	if to.Default == nil || *to.Default == "NULL" {
		if isMoment && to.Nullable && updates {
			return "NULL", nil
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
	if why := p.varies(to); why != "" {
		return "", computedErrorf("add column %s: its default %s: add the column without it, fill it, and set the default by an ALTER of its own",
			Quote(to.Name), why)
	}
	if !isMoment || !updates {
		return "", nil
	}
	text, _ := defaultIn(p.shadow.CreateSQL, to.Name) // of a TIMESTAMP in UTC, which information_schema does not show
	value, _, err := quoted(text)
	if err != nil {
		return "", fmt.Errorf("add column %s: its default is an expression, and it is ON UPDATE CURRENT_TIMESTAMP: add it by an ALTER of its own, "+
			"by the server's means, when this one is done", Quote(to.Name))
	}
	return Wrap(literal(value)), nil
}

// varies says why the default of an added column is not what a native ALTER gives all rows at once, "" if it is.
func (p *pairing) varies(to *Column) string {
	switch {
	case !to.hasExpression(p.changes.MariaDB):
		return ""
	case ofTheMoment.MatchString(withoutNames(*to.Default)):
		return "depends on the moment, or is another value in each row"
	case !isUTC(p.changes.TimeZone) && p.inZone(*to.Default, p.zoned()):
		return "depends on the time zone of the session that writes"
	}
	return ""
}

// hasExpression says so of a column's default. MariaDB does not tell a number or a name from one.
func (c *Column) hasExpression(mariaDB bool) bool {
	switch {
	case c.Default == nil:
		return false
	case mariaDB:
		return withoutTexts(*c.Default) != ""
	}
	return strings.Contains(c.Extra, "DEFAULT_GENERATED")
}

// computesDefault says whether the default of a column of the table is made of other columns.
func (t *Table) computesDefault(c *Column, mariaDB bool) bool {
	return c.hasExpression(mariaDB) && slices.ContainsFunc(t.Columns, func(of Column) bool { return Mentions(withoutTexts(*c.Default), of.Name) })
}

// defaultIn returns what follows DEFAULT in a column's line of a CREATE statement.
func defaultIn(create, column string) (text string, found bool) {
	_, text, found = strings.Cut(definitionIn(create, column), " DEFAULT ")
	return text, found
}
