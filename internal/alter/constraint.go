package alter

import (
	"slices"
	"strings"

	"github.com/midstreamdb/midstream/internal/table"
)

// mention is a place in the clauses where a constraint is named.
type mention struct {
	name    string
	at, end int // in the clauses
	drop    bool
}

// mentions finds the constraints that a clause names: DROP or ALTER CONSTRAINT x, DROP or ALTER CHECK x, and CONSTRAINT x CHECK
// where one is added. What is dropped as a CONSTRAINT may also be a key. The offsets are those of the tokens.
func mentions(clause []token) []mention {
	var found []mention
	c := &cursor{tokens: clause}
	for ; c.at < len(clause); c.at++ {
		changed := c.at == 1 && clause[0].isOne("DROP", "ALTER")
		name := c.look(1)
		if !name.isName() || !(changed && c.peek().isOne("CONSTRAINT", "CHECK")) && !(c.peek().is("CONSTRAINT") && c.look(2).is("CHECK")) {
			continue
		}
		found = append(found, mention{name.name(), name.offset, name.offset + len(name.text), changed && clause[0].is("DROP")})
	}
	return found
}

// DropsConstraint says whether a constraint of that name is dropped, and none of its name added.
func (a *Alter) DropsConstraint(name string) bool {
	dropped := false
	for _, m := range a.mentions {
		if table.SameIdentifier(m.name, name) {
			if !m.drop {
				return false
			}
			dropped = true
		}
	}
	return dropped
}

// Calling returns the ALTER for a table whose CHECK constraints have the names for the shadow: wherever one of the source's is
// named, the shadow's stands.
func (a *Alter) Calling(names []table.CheckName) *Alter {
	var text strings.Builder
	at := 0
	for _, m := range a.mentions {
		i := slices.IndexFunc(names, func(n table.CheckName) bool { return table.SameIdentifier(n.Source, m.name) })
		if i < 0 {
			continue
		}
		text.WriteString(a.Clauses[at:m.at] + table.Quote(names[i].Shadow))
		at = m.end
	}
	text.WriteString(a.Clauses[at:])
	return &Alter{Clauses: text.String(), Renames: a.Renames, Drops: a.Drops}
}
