package table

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Changes is what the definitions alone cannot tell about an ALTER.
type Changes struct {
	Renames map[string]string // columns: old name to new name
	Drops   []string          // columns
	// TimeZone is the one in which a native ALTER would convert between TIMESTAMP and other types: see GlobalTimeZone.
	TimeZone string
	// Moment is the ALTER's: what an added column gets whose default is the current time. It is the same in all runs.
	Moment  time.Time
	MariaDB bool // is the server
	// AllowLossy are the columns of the source whose conversion may lose something.
	AllowLossy []string
}

// Map pairs the columns of a source with those of its altered shadow and chooses the migration key. All that stands against
// the mapping is reported together: a column that vanishes though nothing dropped it, a conversion that depends on the
// moment or the session, why none of the source's keys can serve, and columns that no loss can be allowed in.
func Map(source, shadow *Table, changes Changes) (*Mapping, error) {
	p := &pairing{source: source, shadow: shadow, changes: changes, to: make(map[*Column]*Column), from: make(map[*Column]*Column)}
	if err := p.match(); err != nil {
		return nil, err
	}
	m := &Mapping{Source: source, Shadow: shadow, MariaDB: changes.MariaDB}
	var failures []error
	for i := range shadow.Columns {
		pair, written, err := p.write(&shadow.Columns[i])
		if written && err == nil {
			m.Columns = append(m.Columns, pair)
		}
		failures = append(failures, err)
	}
	failures = append(failures, p.checkComputed()...)
	key, err := p.chooseKey()
	if err := errors.Join(append(failures, err)...); err != nil {
		return nil, err
	}
	m.Key = key
	if err := m.allow(changes.AllowLossy); err != nil {
		return nil, err
	}
	for i := range shadow.Keys {
		if k := &shadow.Keys[i]; k.Unique && !p.guaranteed(k) {
			m.AddedUnique = append(m.AddedUnique, *k)
		}
	}
	return m, nil
}

// pairing knows which columns of source and shadow are the same.
type pairing struct {
	source, shadow *Table
	changes        Changes
	to             map[*Column]*Column // of the source to the shadow's
	from           map[*Column]*Column // of the shadow to the source's
}

func (p *pairing) match() error {
	var failures []error
	for _, old := range slices.Sorted(maps.Keys(p.changes.Renames)) {
		failures = append(failures, p.matchRenamed(old, p.changes.Renames[old]))
	}
	for i := range p.source.Columns {
		failures = append(failures, p.matchNamesake(&p.source.Columns[i]))
	}
	return errors.Join(failures...)
}

func (p *pairing) matchRenamed(old, name string) error {
	from := p.source.Column(old)
	if from == nil {
		return nil // the server accepted the ALTER, so it said IF EXISTS
	}
	to := p.shadow.Column(name)
	if to == nil {
		return fmt.Errorf("map column %s: it is renamed to %s, which the altered table does not have", Quote(from.Name), Quote(name))
	}
	if again := p.shadow.Column(old); again != nil && again != to && !p.renamedTo(old) {
		return fmt.Errorf("map column %s: it is renamed to %s and a new column takes its name: rename and add in two migrations",
			Quote(from.Name), Quote(name))
	}
	p.pair(from, to)
	return nil
}

func (p *pairing) matchNamesake(from *Column) error {
	if p.to[from] != nil || p.dropped(from.Name) {
		return nil
	}
	to := p.shadow.Column(from.Name)
	if to == nil || p.from[to] != nil {
		return fmt.Errorf("map column %s: it vanishes, and the ALTER neither drops nor renames it", Quote(from.Name))
	}
	p.pair(from, to)
	return nil
}

func (p *pairing) pair(from, to *Column) { p.to[from], p.from[to] = to, from }

func (p *pairing) dropped(name string) bool {
	return slices.ContainsFunc(p.changes.Drops, func(d string) bool { return SameIdentifier(d, name) })
}

func (p *pairing) renamedTo(name string) bool {
	for _, to := range p.changes.Renames {
		if SameIdentifier(to, name) {
			return true
		}
	}
	return false
}

// write says how a column of the shadow is written, and whether it is.
func (p *pairing) write(to *Column) (pair Pair, written bool, err error) {
	if to.Generation != NotGenerated {
		return Pair{}, false, nil
	}
	from := p.from[to]
	if from != nil {
		if to.AutoIncrement && from.Nullable {
			return Pair{}, false, fmt.Errorf("column %s becomes AUTO_INCREMENT, which would give a number to rows in which it is NULL: give them one, and make it NOT NULL by an ALTER of its own before",
				Quote(from.Name))
		}
		wrap, err := conversion(from, to, p.changes)
		return Pair{Source: from, Shadow: to, Wrap: wrap, Loss: lossOf(from, to, p.changes.TimeZone)}, true, err
	}
	if to.AutoIncrement {
		return Pair{}, false, fmt.Errorf("add column %s: it is AUTO_INCREMENT, and a native ALTER numbers the rows in the order of the primary key, "+
			"a copy in the order of writing: add it by the server's own ALTER, or as a plain column that you fill, and make it AUTO_INCREMENT afterwards", Quote(to.Name))
	}
	if value, err := p.moment(to); value != "" || err != nil {
		return Pair{Source: &p.source.Columns[0], Shadow: to, Wrap: value}, true, err
	}
	if to.Nullable || to.Default != nil {
		return Pair{}, false, nil
	}
	value := implicit(to)
	// MariaDB's JSON is a text with a condition, which its own ALTER does not check.
	if value == "" || strings.Contains(p.shadow.CreateSQL, "CHECK (json_valid("+Quote(to.Name)+"))") {
		return Pair{}, false, fmt.Errorf("add column %s: it is NOT NULL and rows that exist have no value for it: give it a DEFAULT", Quote(to.Name))
	}
	return Pair{Source: &p.source.Columns[0], Shadow: to, Wrap: Wrap(value)}, true, nil
}

// implicit returns the value that a native ALTER gives the rows that exist in an added NOT NULL column, as SQL, or "" where
// there is none or it is one that a strict mode refuses.
func implicit(c *Column) string {
	switch c.Kind {
	case Int, Decimal, Float, Double, Bit, Year:
		return "0"
	case Char, VarChar, Text, Binary, VarBinary, Blob, Set:
		return "''"
	case Enum:
		return "1"
	case Time:
		return "'00:00:00'"
	case JSON:
		return "'null'"
	case UUID:
		return "'00000000-0000-0000-0000-000000000000'"
	case Inet6:
		return "'::'"
	case Inet4:
		return "'0.0.0.0'"
	default:
		return ""
	}
}
