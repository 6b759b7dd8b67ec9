package table

import (
	"errors"
	"fmt"
	"slices"
)

// allow marks the pairs whose losses are accepted, or says why a column of the list cannot be one of them.
func (m *Mapping) allow(columns []string) error {
	var failures []error
	for _, name := range columns {
		failures = append(failures, m.allowOne(name))
	}
	return errors.Join(failures...)
}

func (m *Mapping) allowOne(name string) error {
	refuse := func(why string) error { return fmt.Errorf("allow losses in column %s: %s", Quote(name), why) }
	of := func(p Pair) bool { return !p.IsConstant() && SameIdentifier(p.Source.Name, name) }
	i := slices.IndexFunc(m.Columns, of)
	switch {
	case m.Source.Column(name) == nil:
		return refuse("there is none of that name: --allow-lossy takes columns as they are called before the ALTER")
	case i < 0 || !m.Columns[i].Loss.May():
		return refuse("the ALTER converts none of its values to anything that could lose them: leave it out of --allow-lossy")
	}
	if why := m.againstAllowing(&m.Columns[i]); why != "" {
		return refuse(why)
	}
	m.Columns[i].Lossy = true
	return nil
}

// MayAllow says whether losses in the pair's column can be accepted.
func (m *Mapping) MayAllow(p *Pair) bool { return m.againstAllowing(p) == "" }

// likeAnALTER says whether writing a value leniently makes of it what an ALTER makes that is not strict, as far as the servers
// were seen to.
func likeAnALTER(from, to *Column, mariaDB bool) bool {
	real := from.Kind == Float || from.Kind == Double
	text := from.IsString() || from.isBytes()
	switch {
	case !from.isPlain() || !to.isPlain():
		return false
	case real && (to.Kind == Enum || to.Kind == Set || to.Kind == Year):
		return false
	case real && to.Kind == Int:
		return from.Kind == Double && !(to.Unsigned && to.DataType == "bigint")
	case real && (to.Kind == Float || to.Kind == Double):
		return to.DataType == to.ColumnType
	case from.Kind == Decimal && to.Kind == Bit, from.IsTemporal() && to.Kind == Year:
		return false
	case mariaDB && text && to.Kind == Int, mariaDB && (text || from.isNumber()) && to.IsTemporal():
		return false // an ALTER reads the beginning of a text, and knows other dates
	case mariaDB && to.Kind == Time && from.Nullable && !to.Nullable:
		return false // an ALTER makes the least time of NULL, or one beside it
	case mariaDB && (to.Kind == Text || to.Kind == Blob):
		return from.Kind != Text && from.Kind != Blob
	}
	return true
}

// isPlain says whether the type is one of those that both engines have and convert into each other.
func (c *Column) isPlain() bool {
	return c.isNumber() || c.IsTemporal() || c.IsString() || c.isBytes() || c.Kind == Bit || c.Kind == Enum || c.Kind == Set
}

// againstAllowing says why losses cannot be accepted, "" if they can.
func (m *Mapping) againstAllowing(p *Pair) string {
	switch {
	case slices.ContainsFunc(m.Key.Columns, func(k Pair) bool { return k.Source == p.Source }):
		return "it is in the migration key, whose values must stay what they are: leave it out of --allow-lossy"
	case !likeAnALTER(p.Source, p.Shadow, m.MariaDB):
		return fmt.Sprintf("the server's own ALTER makes other values of %s than it writes into %s: change the values that would be lost first",
			p.Source.ColumnType, p.Shadow.ColumnType)
	case p.refusesByText():
		return "what becomes of such values depends on the time zone: make it a DATETIME first"
	}
	return ""
}

// Lossy says whether losses of any column are accepted.
func (m *Mapping) Lossy() bool {
	return slices.ContainsFunc(m.Columns, func(p Pair) bool { return p.Lossy })
}
