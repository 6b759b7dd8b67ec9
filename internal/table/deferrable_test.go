package table_test

import (
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/table"
)

// TestDeferrable: the last of the keys that are neither unique nor needed nor of another kind, but for full-text indexes, which
// the servers list last anyway.
func TestDeferrable(t *testing.T) {
	key := func(name, columns string, unique bool, kind string) table.Key {
		k := table.Key{Name: name, Unique: unique, Type: kind, Visible: true}
		for _, c := range strings.Fields(columns) {
			k.Parts = append(k.Parts, table.KeyPart{Column: c})
		}
		return k
	}
	primary, a, b := key("PRIMARY", "id", true, "BTREE"), key("a", "a", false, "BTREE"), key("b", "b id", false, "BTREE")
	functional := table.Key{Name: "f", Type: "BTREE", Parts: []table.KeyPart{{Expression: "a + 1"}}}
	for _, c := range []struct {
		keys []table.Key
		with func(*table.Table)
		want string
	}{
		{[]table.Key{primary}, nil, ""},
		{[]table.Key{primary, a, b}, nil, "a b"},
		{[]table.Key{primary, key("u", "a", true, "BTREE"), functional, b}, nil, "f b"},
		{[]table.Key{a, key("s", "p", false, "SPATIAL"), b, key("t", "c", false, "FULLTEXT")}, nil, "b"},
		{[]table.Key{a, b, key("v", "p", false, "VECTOR")}, nil, ""},
		{[]table.Key{primary, a, key("n", "number a", false, "BTREE"), b}, nil, "b"},
		{[]table.Key{primary, a, b}, func(t *table.Table) { t.ForeignKeys = []table.ForeignKey{{Columns: []string{"x", "a"}}} }, "b"},
		{[]table.Key{primary, a, b}, func(t *table.Table) { t.ReferencedBy = []table.ForeignKey{{References: []string{"b"}}} }, ""},
	} {
		given := &table.Table{Keys: c.keys, Columns: []table.Column{{Name: "id"}, {Name: "a"}, {Name: "number", AutoIncrement: true}}}
		if c.with != nil {
			c.with(given)
		}
		var names []string
		for _, k := range given.Deferrable() {
			names = append(names, k.Name)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("of %+v: %q, want %q", c.keys, got, c.want)
		}
	}
}
