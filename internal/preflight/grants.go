package preflight

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// privileges is a set of privileges by name, as SHOW GRANTS writes them.
type privileges map[string]bool

const allPrivileges = "ALL PRIVILEGES"

func (p privileges) has(name string) bool { return p[name] || p[allPrivileges] }

// grants are what the session's user may do, its active roles included.
type grants struct {
	list     []grant
	literal  bool // database names hold no wildcards (partial_revokes)
	caseless bool // names are compared without case (lower_case_table_names)
}

// grant is one line of SHOW GRANTS.
type grant struct {
	schema  string // "" for *.*; a pattern where table is ""
	table   string
	given   privileges
	revoked bool   // a REVOKE, which narrows a global grant
	to      string // the user or role that has it, quoted
}

// everywhere says whether the user has a global privilege.
func (g grants) everywhere(privilege string) bool {
	for _, one := range g.list {
		if one.schema == "" && !one.revoked && one.given.has(privilege) {
			return true
		}
	}
	return false
}

// on says whether the user has a privilege on a table; with an empty table, on the whole schema.
func (g grants) on(privilege string, n table.Name) bool {
	allowed := g.everywhere(privilege)
	for _, one := range g.list {
		if one.revoked && one.given.has(privilege) && g.same(one.schema, n.Schema) {
			allowed = false
		}
	}
	for _, one := range append(g.inForce(n.Schema), g.onTable(n)...) {
		allowed = allowed || one.given.has(privilege)
	}
	return allowed
}

// inForce returns the grants on the schema that count: of several patterns that match it the server takes, for each user or
// role, the one whose first wildcard comes last, alone.
func (g grants) inForce(schema string) []grant {
	narrowest := map[string]int{}
	for _, one := range g.list {
		if one.onSchemas() && g.matches(one.schema, schema) {
			narrowest[one.to] = max(narrowest[one.to], g.narrowness(one.schema))
		}
	}
	var list []grant
	for _, one := range g.list {
		if one.onSchemas() && g.matches(one.schema, schema) && g.narrowness(one.schema) == narrowest[one.to] {
			list = append(list, one)
		}
	}
	return list
}

func (g grants) onTable(n table.Name) []grant {
	var list []grant
	for _, one := range g.list {
		if one.table != "" && !one.revoked && g.same(one.schema, n.Schema) && g.same(one.table, n.Table) {
			list = append(list, one)
		}
	}
	return list
}

func (g grant) onSchemas() bool { return g.schema != "" && g.table == "" && !g.revoked }

// narrowness orders patterns by where their first wildcard stands, as the servers do.
func (g grants) narrowness(pattern string) int {
	const whole = 128
	if g.literal {
		return whole
	}
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] == '\\' && i+1 < len(pattern):
			i++
		case pattern[i] == '%' || pattern[i] == '_':
			return min(i+1, whole-1)
		}
	}
	return whole
}

// writesWhenReadOnly says whether read_only does not bind the user.
func (g grants) writesWhenReadOnly() bool {
	return g.everywhere("SUPER") || g.everywhere("CONNECTION_ADMIN") || g.everywhere("READ_ONLY ADMIN")
}

func (g grants) same(a, b string) bool {
	return a == b || g.caseless && strings.EqualFold(a, b)
}

func (g grants) matches(pattern, schema string) bool {
	if g.literal {
		return g.same(pattern, schema)
	}
	if g.caseless {
		pattern, schema = strings.ToLower(pattern), strings.ToLower(schema)
	}
	return like([]rune(pattern), []rune(schema))
}

// like matches as LIKE does: % is any text, _ one character, a backslash takes the next one as it is.
func like(pattern, s []rune) bool {
	if len(pattern) == 0 {
		return len(s) == 0
	}
	switch c := pattern[0]; {
	case c == '%':
		return like(pattern[1:], s) || len(s) > 0 && like(pattern, s[1:])
	case len(s) == 0:
		return false
	case c == '\\' && len(pattern) > 1:
		return pattern[1] == s[0] && like(pattern[2:], s[1:])
	default:
		return (c == '_' || c == s[0]) && like(pattern[1:], s[1:])
	}
}

func readGrants(ctx context.Context, q conn.Querier, global variables) (grants, error) {
	g := grants{literal: global.on("partial_revokes"), caseless: !global.off("lower_case_table_names")}
	rows, err := queryRows(ctx, q, "SHOW GRANTS")
	if err != nil {
		return grants{}, err
	}
	for _, r := range rows {
		for _, line := range r {
			one, ok, err := parseGrant(line)
			if err != nil {
				return grants{}, err
			}
			if ok {
				g.list = append(g.list, one)
			}
		}
	}
	return g, nil
}

// parseGrant reads a line of SHOW GRANTS; ok is false for one that gives no privilege on tables: of roles, proxies, routines,
// or of single columns, and for a statement of another kind (SET DEFAULT ROLE).
func parseGrant(line string) (g grant, ok bool, err error) {
	rest, isGrant := strings.CutPrefix(line, "GRANT ")
	if !isGrant {
		if rest, g.revoked = strings.CutPrefix(line, "REVOKE "); !g.revoked {
			return grant{}, false, nil
		}
	}
	g.given = privileges{}
	for {
		text, end, after := nextPrivilege(rest)
		if end == "" { // no ON: a role
			return grant{}, false, nil
		}
		if !strings.ContainsAny(text, "(`") {
			g.given[strings.ToUpper(strings.TrimSpace(text))] = true
		}
		rest = after
		if end == " ON " {
			break
		}
	}
	delete(g.given, "USAGE")
	schema, rest, err := grantObject(rest)
	if err != nil || schema == nil {
		return grant{}, false, err
	}
	name, rest, err := grantObject(strings.TrimPrefix(rest, "."))
	if err != nil {
		return grant{}, false, err
	}
	g.schema = *schema
	if name != nil {
		g.table = *name
	}
	g.to, err = grantee(rest)
	return g, len(g.given) > 0, err
}

// grantee reads the account or role after TO or FROM, quoted as readAccount does; "" for PUBLIC.
func grantee(s string) (string, error) {
	name, rest, err := grantObject(strings.TrimPrefix(strings.TrimPrefix(s, " TO "), " FROM "))
	if err != nil || name == nil {
		return "", err
	}
	host, _, err := grantObject(strings.TrimPrefix(rest, "@"))
	if err != nil || host == nil {
		return table.Quote(*name), err
	}
	return table.Quote(*name) + "@" + table.Quote(*host), nil
}

// nextPrivilege cuts the text before the next "," or " ON " that stands outside of parentheses and backticks; end is which of
// them it was, "" for neither.
func nextPrivilege(s string) (text, end, after string) {
	depth, quoted := 0, false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '`':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			return s[:i], ",", s[i+1:]
		case depth == 0 && strings.HasPrefix(s[i:], " ON "):
			return s[:i], " ON ", s[i+len(" ON "):]
		}
	}
	return s, "", ""
}

// grantObject reads `name` or * from the start of s: "" for a *, nil for what is not about tables (PROCEDURE …).
func grantObject(s string) (name *string, rest string, err error) {
	if after, star := strings.CutPrefix(s, "*"); star {
		return new(string), after, nil
	}
	if !strings.HasPrefix(s, "`") || strings.HasPrefix(s, "``@") { // the latter: a PROXY
		return nil, "", nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '`' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '`' {
			b.WriteByte('`')
			i++
			continue
		}
		text := b.String()
		return &text, s[i+1:], nil
	}
	return nil, "", errors.New("read grants: a name without end in SHOW GRANTS")
}

// readAccount returns the user that the session counts as, quoted for GRANT.
func readAccount(ctx context.Context, q conn.Querier) (string, error) {
	var account string
	if err := q.QueryRowContext(ctx, "SELECT CURRENT_USER()").Scan(&account); err != nil {
		return "", fmt.Errorf("ask for the account: %w", err)
	}
	at := strings.LastIndexByte(account, '@')
	if at < 0 {
		return table.Quote(account), nil
	}
	return table.Quote(account[:at]) + "@" + table.Quote(account[at+1:]), nil
}
