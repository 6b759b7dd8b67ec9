package table

import (
	"slices"
	"strings"
)

// Mapping says how rows of the source become rows of the shadow.
type Mapping struct {
	Source *Table
	Shadow *Table

	MariaDB bool // is the server

	// Columns are the columns that are written, in the shadow's order: those of the shadow that are not generated and
	// have a counterpart in the source or need a constant. Other added columns take their default and are not listed.
	Columns []Pair

	// Key is the migration key: at least one column, whole columns only, present in both tables.
	Key MigrationKey

	// AddedUnique are the unique keys of the shadow that the source has not, or has only wider, by other columns,
	// collation or prefix, or whose columns may lose what made them distinct or become generated: a write may push out
	// another row only through the others.
	AddedUnique []Key
}

// Pair is a column of the source and the column of the shadow that takes its values. Where the Wrap has no hole it is a
// constant, and the source column only lends its place: an added NOT NULL column without a default, which a native ALTER
// fills with its type's implicit value and a strict INSERT refuses to leave out, or one whose default is the current time.
type Pair struct {
	Source *Column
	Shadow *Column
	Wrap   Wrap // conversion that the write needs; the zero Wrap writes the value as it is
	Loss   Loss // of the conversion
	Lossy  bool // the user accepts it: values become what an ALTER makes of them in a mode that is not strict
}

// IsConstant says whether the column is written with a constant instead of the source's value.
func (p *Pair) IsConstant() bool { return p.Wrap != "" && !strings.Contains(string(p.Wrap), Hole) }

// Wrap is SQL around a value: an expression with one or more holes for the source's value, "" for none.
type Wrap string

// Hole marks in a Wrap where the source's value stands.
const Hole = "\x00"

// Around returns the expression with value (a column reference or a literal) in every hole.
func (w Wrap) Around(value string) string {
	if w == "" {
		return value
	}
	return strings.ReplaceAll(string(w), Hole, value)
}

// MigrationKey addresses rows in both tables. The shadow's key has the same columns, perhaps in another order.
type MigrationKey struct {
	Name    string // of the source's key, e.g. "PRIMARY"
	Columns []Pair // in key order
	// ShadowName is the key's name in the shadow.
	ShadowName string
}

// SourceNames returns the names of the key's columns in the source.
func (k *MigrationKey) SourceNames() []string {
	names := make([]string, len(k.Columns))
	for i, p := range k.Columns {
		names[i] = p.Source.Name
	}
	return names
}

// ShadowNames returns the names of the key's columns in the shadow.
func (k *MigrationKey) ShadowNames() []string {
	names := make([]string, len(k.Columns))
	for i, p := range k.Columns {
		names[i] = p.Shadow.Name
	}
	return names
}

// Ordinals returns where the key's columns stand in a row image of the source.
func (k *MigrationKey) Ordinals() []int {
	ordinals := make([]int, len(k.Columns))
	for i, p := range k.Columns {
		ordinals[i] = p.Source.Ordinal
	}
	return ordinals
}

// Bytes returns how many bytes the key's values take at most, as an index holds them.
func (k *MigrationKey) Bytes() int {
	const number, character, index = 16, 4, 3072 // the widest charsets have 4 bytes, and InnoDB indexes no more
	n := 0
	for _, p := range k.Columns {
		switch c := p.Source; {
		case c.IsString():
			n += character * c.Length
		case c.Kind == Binary || c.Kind == VarBinary || c.Kind == Blob:
			n += c.Length
		default:
			n += number
		}
	}
	return min(n, index)
}

// Of returns the key's values in a row image of the source.
func (k *MigrationKey) Of(row Row) []Value {
	values := make([]Value, len(k.Columns))
	for i, p := range k.Columns {
		values[i] = row[p.Source.Ordinal]
	}
	return values
}

// OnlyKey says whether the migration key is the shadow's only unique key.
func (m *Mapping) OnlyKey() bool {
	for i := range m.Shadow.Keys {
		if k := &m.Shadow.Keys[i]; k.Unique && k.Name != m.Key.ShadowName {
			return false
		}
	}
	return true
}

// InPlace says whether updating a row of the shadow makes it the one that inserting would: the migration key is the only unique key,
// and no added column has a default made of other columns, which an update leaves as it was.
func (m *Mapping) InPlace() bool {
	return m.OnlyKey() && !slices.ContainsFunc(m.Shadow.Columns, func(c Column) bool {
		written := slices.ContainsFunc(m.Columns, func(p Pair) bool { return p.Shadow.Name == c.Name })
		return !written && m.Shadow.computesDefault(&c, m.MariaDB)
	})
}
