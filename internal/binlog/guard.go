package binlog

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/midstreamdb/midstream/internal/alter"
	"github.com/midstreamdb/midstream/internal/table"
)

// ChangedError says that a statement in the binary log touched the source, the shadow or another table of the migration in a
// way that row changes do not show. The migration cannot go on from here.
type ChangedError struct {
	Table     table.Name
	Statement string // shortened
	// Rows says that it is no DDL but a change of rows that was logged as a statement.
	Rows bool
}

// Error implements error.
func (e *ChangedError) Error() string {
	if e.Rows {
		return fmt.Sprintf("rows of table %s were changed by a statement that the binary log holds as text, not as rows "+
			"(a session has set binlog_format to STATEMENT or MIXED): %s", e.Table, e.Statement)
	}
	return fmt.Sprintf("somebody changed table %s by DDL during the run: %s", e.Table, e.Statement)
}

// ErrSwapped says that this migration's own RENAME of the source was read (conn.Config.Mark is in it): everything before it was
// handed out, and the source table was the new one. Whether it is so still, the log that follows tells, or the tables.
var ErrSwapped = errors.New("the tables were swapped")

// guard looks for statements that concern the tables of a migration.
type guard struct {
	tables   []table.Name // source, shadow …
	triggers []string     // of the source
	foldCase bool
	own      string // comment in the statements of this run; "": none are expected
}

func newGuard(cfg Config) *guard {
	g := &guard{}
	if cfg.Source != nil {
		g.tables = append(g.tables, cfg.Source.Name)
		g.triggers = cfg.Source.Triggers
	}
	if cfg.Changelog != nil {
		g.tables = append(g.tables, cfg.Changelog.Name)
	}
	g.tables = append(g.tables, cfg.Guarded...)
	if cfg.Conn.Run != "" {
		g.own = cfg.Conn.Mark()
	}
	return g
}

// check returns nil when the statement concerns none of the tables, else a *ChangedError or ErrSwapped. In doubt it concerns
// them.
func (g *guard) check(q query) error {
	s := alter.Scan(q.text)
	if s.Verb == "" || harmless[s.Verb] || temporary.MatchString(q.text) || autoIncrement.MatchString(q.text) {
		return nil
	}
	name, found := g.concerns(q, s)
	if !found {
		return nil
	}
	if own := g.own != "" && strings.Contains(q.text, g.own); own && g.swaps(q, s) {
		return ErrSwapped
	} else if own {
		return nil
	}
	return &ChangedError{Table: name, Statement: shorten(q.text), Rows: rowVerbs[s.Verb]}
}

// swaps says whether one of the migration's own statements is the swap. What undoes half of one names the source, and not the
// shadow.
func (g *guard) swaps(q query, s alter.Statement) bool {
	return s.Verb == "RENAME" && slices.ContainsFunc(g.tables[1:], func(n table.Name) bool {
		return slices.ContainsFunc(s.Names, func(r alter.Ref) bool { return g.means(r, q.schema, n) })
	})
}

// harmless are the statements that change neither rows nor definitions of the tables they name.
var harmless = verbs("ANALYZE", "OPTIMIZE", "CHECK", "REPAIR", "FLUSH", "GRANT", "REVOKE", "SET", "USE", "CREATE DATABASE", "ALTER DATABASE",
	"CREATE VIEW", "ALTER VIEW", "DROP VIEW", "CREATE FUNCTION", "ALTER FUNCTION", "DROP FUNCTION",
	"CREATE PROCEDURE", "ALTER PROCEDURE", "DROP PROCEDURE", "CREATE PACKAGE", "DROP PACKAGE", "CREATE EVENT", "ALTER EVENT", "DROP EVENT",
	"CREATE USER", "ALTER USER", "DROP USER", "CREATE ROLE", "DROP ROLE", "CREATE SERVER", "ALTER SERVER", "DROP SERVER",
	"CREATE LIBRARY", "ALTER LIBRARY", "DROP LIBRARY", "CREATE RESOURCE", "ALTER RESOURCE", "DROP RESOURCE", "ALTER INSTANCE")

// rowVerbs are the statements that change rows.
var rowVerbs = verbs("INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "WITH", "CALL", "DO", "EXECUTE")

func verbs(list ...string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, v := range list {
		set[v] = true
	}
	return set
}

const anyName = "(?:`(?:[^`]|``)+`|[\\w$\\x80-\\x{10ffff}]+)"

var (
	// temporary matches statements on temporary tables, which hide others of their name from one session only.
	temporary = regexp.MustCompile(`(?is)^\s*(?:CREATE|DROP)\s+(?:OR\s+REPLACE\s+)?(?:/\*M?!\d*\s*)?TEMPORARY\b`)
	// autoIncrement matches the ALTER TABLE that sets the next AUTO_INCREMENT value and nothing else, as a cut-over does, also
	// one of an earlier run that is read again.
	autoIncrement = regexp.MustCompile(`(?is)^\s*ALTER\s+TABLE\s+` + anyName + `(?:\s*\.\s*` + anyName + `)?\s+AUTO_INCREMENT\s*=?\s*\d+(?:\s*,\s*(?:ALGORITHM|LOCK)\s*=?\s*\w+)*\s*(?:/\*[^!M][^*]*\*/\s*)?;?\s*$`)
	// likeTable matches CREATE TABLE … LIKE, which only reads what it names last.
	likeTable = regexp.MustCompile(`(?is)\bLIKE\b`)
	// reaching matches what makes a CREATE TABLE concern other tables, too.
	reaching = regexp.MustCompile(`(?is)\b(?:REFERENCES|SELECT|WITH|VALUES|UNION|MERGE)\b`)
)

// concerns returns the first of the tables that the statement may change.
func (g *guard) concerns(q query, s alter.Statement) (table.Name, bool) {
	names := s.Names
	if s.Verb == "CREATE TABLE" && len(names) > 0 && likeTable.MatchString(q.text) && !reaching.MatchString(q.text) {
		names = names[:1]
	}
	if s.Verb == "DROP TRIGGER" && len(g.tables) > 0 && slices.ContainsFunc(names, g.isTrigger) {
		return g.tables[0], true
	}
	if !utf8.ValidString(q.text) {
		// The names are in some other charset than ours: they cannot be compared.
		if i := slices.IndexFunc(g.tables, func(n table.Name) bool { return !isASCII(n.Schema + n.Table) }); i >= 0 {
			return g.tables[i], true
		}
	}
	for _, n := range g.tables {
		if slices.ContainsFunc(names, func(r alter.Ref) bool { return g.means(r, q.schema, n) }) {
			return n, true
		}
	}
	return table.Name{}, false
}

// means says whether a name in a statement is the table or its whole schema.
func (g *guard) means(r alter.Ref, schema string, n table.Name) bool {
	if r.Schema != "" {
		schema = r.Schema
	}
	return g.same(schema, n.Schema) && (r.Table == "" || g.same(r.Table, n.Table))
}

func (g *guard) same(a, b string) bool {
	return a == b || g.foldCase && strings.EqualFold(a, b)
}

func (g *guard) isTrigger(r alter.Ref) bool { return slices.Contains(g.triggers, r.Table) }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// shorten makes a statement fit for a message.
func shorten(sql string) string {
	const limit = 200
	text := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(sql, "?")), " "))
	if len(text) > limit {
		text = append(text[:limit], '…')
	}
	return string(text)
}
