package table

import (
	"fmt"
	"slices"
	"strings"
)

// unlike says why values of the two columns might not compare alike: distinct and ordered in the shadow as in the source.
// "" means that they do. Conversions that cannot be proven for every value count as unlike.
func unlike(from, to *Column) string {
	switch {
	case from.Kind != to.Kind || from.Kind == Unknown:
		return fmt.Sprintf("its type changes from %s to %s", from.ColumnType, to.ColumnType)
	case from.Charset != to.Charset || from.Collation != to.Collation:
		return fmt.Sprintf("its collation changes from %s to %s", from.Collation, to.Collation)
	case from.Unsigned != to.Unsigned && !holds(to, from):
		return "its sign changes"
	}
	changed := fmt.Sprintf("its type changes from %s to %s, which may make values equal", from.ColumnType, to.ColumnType)
	switch from.Kind {
	case Int, Year, Date, UUID, Inet6, Inet4:
		return ""
	case Decimal:
		return unless(to.Scale == from.Scale && to.Precision >= from.Precision, changed)
	case Time, DateTime, Timestamp:
		return unless(to.Scale == from.Scale, changed)
	case Char, VarChar, VarBinary, Bit:
		return unless(to.Length >= from.Length, changed)
	case Text, Blob:
		return unless(to.Length >= from.Length, changed)
	case Enum, Set:
		return unless(extends(to, from), changed)
	default:
		return unless(to.ColumnType == from.ColumnType, changed)
	}
}

func unless(ok bool, why string) string {
	if ok {
		return ""
	}
	return why
}

// holds says whether every value of the integer column from is one of the integer column to.
func holds(to, from *Column) bool {
	width := func(c *Column) int {
		return map[string]int{"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}[c.DataType]
	}
	return from.Kind == Int && to.Kind == Int && from.Unsigned && !to.Unsigned && width(to) > width(from)
}

// extends says whether the members of from are the first of to. In a list that changes, a member with a question mark may
// have become another one: the servers show characters beyond their system charset so.
func extends(to, from *Column) bool {
	if from.ColumnType == to.ColumnType {
		return true
	}
	return len(to.Values) >= len(from.Values) && slices.Equal(to.Values[:len(from.Values)], from.Values) && !obscured(from)
}

// obscured says whether a member of an enum or set may not be what it looks like.
func obscured(c *Column) bool {
	return slices.ContainsFunc(c.Values, func(v string) bool { return strings.Contains(v, "?") })
}

// guaranteed says whether two rows of the source that exist at once can never be equal in this unique key of the shadow,
// because a unique key of the source has the same parts or some of them.
func (p *pairing) guaranteed(k *Key) bool {
	return slices.ContainsFunc(p.source.Keys, func(s Key) bool {
		if !s.Unique {
			return false
		}
		for i := range s.Parts {
			if !slices.ContainsFunc(k.Parts, func(part KeyPart) bool { return p.distinguishes(&part, &s.Parts[i]) }) {
				return false
			}
		}
		return true
	})
}

// distinguishes says whether values that differ in the source's key part differ in the shadow's too.
func (p *pairing) distinguishes(to, from *KeyPart) bool {
	if from.Expression != "" || to.Expression != "" {
		return from.Expression == to.Expression && p.unchanged(from.Expression)
	}
	source, shadow := p.source.Column(from.Column), p.shadow.Column(to.Column)
	if source == nil || shadow == nil || p.to[source] != shadow || unlike(source, shadow) != "" || p.mayLose(source) {
		return false
	}
	if shadow.Generation != NotGenerated && (source.Expression != shadow.Expression || !p.unchanged(source.Expression)) {
		return false
	}
	return to.Prefix == 0 || from.Prefix != 0 && to.Prefix >= from.Prefix
}

// unchanged says whether every column that the expression mentions is in the shadow as it is in the source.
func (p *pairing) unchanged(expression string) bool {
	for i := range p.source.Columns {
		c := &p.source.Columns[i]
		if !Mentions(expression, c.Name) {
			continue
		}
		to := p.to[c]
		if to == nil || p.mayLose(c) || to.Name != c.Name || to.ColumnType != c.ColumnType || to.Collation != c.Collation ||
			to.Generation != c.Generation || to.Expression != c.Expression {
			return false
		}
	}
	return true
}

// mayLose says whether losses in the column of the source are accepted: distinct values, and any number of NULLs, may then
// become equal, though the types alone would keep them apart or refuse them.
func (p *pairing) mayLose(c *Column) bool {
	return slices.ContainsFunc(p.changes.AllowLossy, func(name string) bool { return SameIdentifier(name, c.Name) })
}

// Mentions says whether a generation expression, as the servers print it, names the column.
func Mentions(expression, column string) bool {
	return strings.Contains(strings.ToLower(expression), strings.ToLower(Quote(column)))
}
