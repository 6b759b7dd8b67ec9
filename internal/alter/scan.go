package alter

import (
	"slices"
	"strings"

	"github.com/midstreamdb/midstream/internal/table"
)

// Statement is what is known of any SQL statement without parsing it.
type Statement struct {
	// Verb is the first keyword, in upper case, for CREATE, ALTER and DROP with the kind of object: "ALTER TABLE",
	// "CREATE INDEX", "TRUNCATE", "INSERT". "" for an empty statement.
	Verb string
	// Names are the tables that the statement may mention: rather one too many than one too few. A word that is not a
	// table is among them where its place does not tell.
	Names []Ref
}

// Ref is a name in a statement, unquoted.
type Ref struct {
	Schema string // "" where the statement leaves it to the session
	Table  string // "" for a schema as such: DROP DATABASE
}

// Scan says what a statement of the binary log is and which tables it mentions. Executable comments count as text of the
// statement, MariaDB's SET STATEMENT … FOR is passed over, and where the session's sql_mode decides how text is read, every
// reading counts.
func Scan(sql string) Statement {
	var s Statement
	for _, d := range []Dialect{{}, {PlainBackslash: true}, {ANSIQuotes: true}, {PlainBackslash: true, ANSIQuotes: true}} {
		read := scan(sql, d)
		if s.Verb == "" {
			s.Verb = read.Verb
		}
		for _, n := range read.Names {
			if !slices.Contains(s.Names, n) {
				s.Names = append(s.Names, n)
			}
		}
		if !strings.ContainsAny(sql, `\"`) {
			break // all readings are the same
		}
	}
	return s
}

// Mentions says whether the statement, run in a session with that default schema, may mention the table or its whole schema.
// Names are compared without case.
func (s *Statement) Mentions(n table.Name, defaultSchema string) bool {
	return slices.ContainsFunc(s.Names, func(r Ref) bool {
		if r.Schema == "" {
			r.Schema = defaultSchema
		}
		return strings.EqualFold(r.Schema, n.Schema) && (r.Table == "" || strings.EqualFold(r.Table, n.Table))
	})
}

func scan(sql string, d Dialect) Statement {
	c := &cursor{tokens: significant(tokenize(sql, d))}
	if c.peek().is("SET") && c.look(1).is("STATEMENT") {
		for c.at < len(c.tokens) && !c.peek().is("FOR") {
			c.at++
		}
		c.at++
	}
	c.tokens, c.at = c.tokens[min(c.at, len(c.tokens)):], 0
	verb := verbOf(c.tokens)
	switch verb {
	case "CREATE DATABASE", "ALTER DATABASE", "DROP DATABASE":
		return Statement{Verb: verb, Names: schemas(c)}
	case "ALTER TABLE":
		return Statement{Verb: verb, Names: mentioned(c, "TABLE", "EXISTS", "TO", "AS", "RENAME", "=", "REFERENCES")}
	case "CREATE TABLE":
		if !slices.ContainsFunc(c.tokens, func(t token) bool { return t.isOne("SELECT", "WITH", "UNION") }) {
			return Statement{Verb: verb, Names: mentioned(c, "TABLE", "TABLES", "EXISTS", "LIKE", "REFERENCES", "AS")}
		}
	}
	return Statement{Verb: verb, Names: mentioned(c)}
}

var objects = []string{"TABLE", "INDEX", "TRIGGER", "VIEW", "PROCEDURE", "FUNCTION", "EVENT", "DATABASE", "USER", "ROLE",
	"SERVER", "TABLESPACE", "SEQUENCE", "PACKAGE", "LOGFILE", "INSTANCE", "RESOURCE", "LIBRARY"}

// verbOf returns the verb of the statement, for statements on objects with the kind of object.
func verbOf(tokens []token) string {
	if len(tokens) == 0 || tokens[0].kind != word {
		return ""
	}
	verb := strings.ToUpper(tokens[0].text)
	if verb != "CREATE" && verb != "ALTER" && verb != "DROP" {
		return verb
	}
	for i, t := range tokens[1:] {
		if before := tokens[i]; before.isMark("=") || before.isMark("@") {
			continue // the name of a DEFINER
		}
		switch {
		case t.is("SCHEMA"):
			return verb + " DATABASE"
		case t.is("TABLES"):
			return verb + " TABLE"
		case t.isOne(objects...):
			return verb + " " + strings.ToUpper(t.text)
		}
	}
	return verb
}

// schemas returns the names after DATABASE or SCHEMA.
func schemas(c *cursor) []Ref {
	var refs []Ref
	for _, r := range mentioned(c, "DATABASE", "SCHEMA", "EXISTS") {
		refs = append(refs, Ref{Schema: r.Table})
	}
	return refs
}

// mentioned returns all names of the statement, or those that follow one of the keywords or marks.
func mentioned(c *cursor, after ...string) []Ref {
	var refs []Ref
	add := func(r Ref) {
		if !slices.Contains(refs, r) {
			refs = append(refs, r)
		}
	}
	c.at = 0
	for c.at < len(c.tokens) {
		before := token{}
		if c.at > 0 {
			before = c.tokens[c.at-1]
		}
		names := c.chain()
		if len(names) == 0 {
			c.at++
			continue
		}
		if len(after) > 0 && !before.isOne(after...) && !slices.ContainsFunc(after, before.isMark) {
			continue
		}
		if len(names) == 1 {
			add(Ref{Table: names[0]})
		}
		for i := 1; i < len(names); i++ {
			add(Ref{Schema: names[i-1], Table: names[i]})
		}
	}
	return refs
}
