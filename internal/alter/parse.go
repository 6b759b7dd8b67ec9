// Package alter reads the ALTER TABLE statement that a user gives, as far as its text alone tells what Midstream must know:
// which columns it renames and drops, and what it asks for that a shadow table cannot do. The server parses the rest. The
// text is carried over byte for byte. The package also says which tables a statement of the binary log mentions.
package alter

import (
	"errors"
	"fmt"
	"strings"

	"github.com/midstreamdb/midstream/internal/table"
)

// Alter is an ALTER TABLE statement without its table.
type Alter struct {
	// Clauses is the text after the table's name, without what surrounds it: comments, spaces, a semicolon.
	Clauses string
	// Renames are the columns that get a new name, also one that differs in case only: old name to new name.
	Renames map[string]string
	// Drops are the columns that are dropped.
	Drops []string
	// SetsAutoIncrement says that the next AUTO_INCREMENT value is set, as a table option.
	SetsAutoIncrement bool

	mentions []mention // of constraints
}

// For returns the statement for the table of that name.
func (a *Alter) For(name table.Name) string { return "ALTER TABLE " + name.String() + " " + a.Clauses }

// By is For with the algorithm and lock that the server is to use, as they stand in an ALTER.
func (a *Alter) By(algorithm string, name table.Name) string {
	return "ALTER TABLE " + name.String() + " " + algorithm + ", " + a.Clauses // PARTITION BY may end the clauses
}

// Parse reads the clauses of an ALTER TABLE, or the whole statement, which must then name the source; a schema may be left
// out. d is the dialect of the session that will run it. Everything that stands against it is reported together.
func Parse(sql string, source table.Name, d Dialect) (*Alter, error) {
	all := tokenize(sql, d)
	if n := len(all); n > 0 && all[n-1].kind == unterminated {
		return nil, fmt.Errorf("read ALTER: what begins at %s has no end", excerpt(all[n-1].text))
	}
	if at := unclosed(all); at != nil {
		return nil, fmt.Errorf("read ALTER: the comment at %s has no end", excerpt(sql[at.offset:]))
	}
	tokens, err := oneStatement(significant(all))
	if err != nil {
		return nil, fmt.Errorf("read ALTER: %w", err)
	}
	rest, err := header(tokens, source, d.FoldsNames)
	if err != nil {
		return nil, fmt.Errorf("read ALTER: %w", err)
	}
	if len(rest) == 0 {
		return nil, errors.New("read ALTER: it changes nothing: give at least one clause, such as ADD COLUMN or ENGINE=InnoDB")
	}
	clauses, err := split(rest)
	if err != nil {
		return nil, fmt.Errorf("read ALTER: %w", err)
	}
	start := rest[0].offset
	a := &Alter{Clauses: sql[start:end(all, rest[len(rest)-1])], Renames: make(map[string]string)}
	var refusals []error
	for _, c := range clauses {
		if err := a.read(c); err != nil {
			refusals = append(refusals, fmt.Errorf("refuse %s: %w", excerpt(sql[c[0].offset:]), err))
		}
		for _, m := range mentions(c) {
			m.at, m.end = m.at-start, m.end-start
			a.mentions = append(a.mentions, m)
		}
	}
	if err := errors.Join(refusals...); err != nil {
		return nil, err
	}
	return a, nil
}

// unclosed returns the bracket of an executable comment that does not end, or nil.
func unclosed(tokens []token) *token {
	var open *token
	for i := range tokens {
		switch tokens[i].kind {
		case opening:
			open = &tokens[i]
		case closing:
			open = nil
		}
	}
	return open
}

// oneStatement returns the tokens without the semicolons at their end.
func oneStatement(tokens []token) ([]token, error) {
	for len(tokens) > 0 && tokens[len(tokens)-1].isMark(";") {
		tokens = tokens[:len(tokens)-1]
	}
	for _, t := range tokens {
		if t.isMark(";") {
			return nil, errors.New("there are several statements: give one ALTER TABLE")
		}
	}
	return tokens, nil
}

// header reads ALTER … TABLE and the table's name where they are given, and returns the clauses.
func header(tokens []token, source table.Name, foldsNames bool) ([]token, error) {
	c := &cursor{tokens: tokens}
	if !c.take("ALTER") {
		return tokens, nil
	}
	c.take("ONLINE")
	ignore := c.take("IGNORE")
	if !c.take("TABLE") {
		return tokens, nil // clauses that begin with ALTER COLUMN
	}
	if ignore {
		return nil, errors.New("IGNORE drops rows without a word: leave it out, and rows that stand against the change are named")
	}
	c.takeIfExists()
	schema, name, ok := c.tableName()
	if !ok {
		return nil, errors.New("no table name after ALTER TABLE")
	}
	same := func(a, b string) bool { return a == b || foldsNames && strings.EqualFold(a, b) }
	if !same(name, source.Table) || schema != "" && !same(schema, source.Schema) {
		return nil, fmt.Errorf("the statement is for table %s, the migration is of %s: name the same table, or give the clauses alone",
			strings.TrimPrefix(table.Name{Schema: schema, Table: name}.String(), "``."), source)
	}
	if c.peek().isOne("WAIT", "NOWAIT") {
		return nil, errors.New("WAIT and NOWAIT have no meaning here, since no lock is held while rows are copied: leave them out")
	}
	for _, t := range c.tokens[:c.at] {
		if t.inside {
			return nil, errors.New("the statement begins inside an executable comment: write it without the comment")
		}
	}
	return c.tokens[c.at:], nil
}

// end returns the offset behind the token, and behind the executable comment that it stands in.
func end(all []token, last token) int {
	for _, t := range all {
		if last.inside && t.kind == closing && t.offset > last.offset {
			return t.offset + len(t.text)
		}
	}
	return last.offset + len(last.text)
}

// split cuts the clauses at the commas outside parentheses. It refuses a cut inside an executable comment: a server that
// does not execute it would see other clauses.
func split(tokens []token) ([][]token, error) {
	var clauses [][]token
	depth, start := 0, 0
	for i, t := range tokens {
		switch {
		case t.isMark("("):
			depth++
		case t.isMark(")"):
			depth--
		case t.isMark(",") && depth == 0:
			if t.inside {
				return nil, errors.New("an executable comment holds several clauses: write them without the comment")
			}
			clauses = append(clauses, tokens[start:i])
			start = i + 1
		}
		if depth < 0 {
			return nil, errors.New("a closing parenthesis has no opening one")
		}
	}
	if depth != 0 {
		return nil, errors.New("an opening parenthesis has no closing one")
	}
	clauses = append(clauses, tokens[start:])
	for _, c := range clauses {
		if len(c) == 0 {
			return nil, errors.New("a clause is empty: there is a comma too many")
		}
		if c[0].inside {
			return nil, errors.New("a clause begins inside an executable comment: write it without the comment")
		}
	}
	return clauses, nil
}

// excerpt returns the beginning of a text, for messages.
func excerpt(s string) string {
	const most = 40
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
