package sqlgen_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestVerifyStatements compares what compares the tables with testdata/verify_*.sql, which are to be read.
func TestVerifyStatements(t *testing.T) {
	converted := mapping([]string{"id"}, false)
	converted.Columns[3].Wrap = table.Wrap("CONVERT_TZ(" + table.Hole + ", '+00:00', 'Europe/Berlin')")
	named := func(name string, id int64) []table.Value {
		return []table.Value{{Kind: table.Bytes, Text: []byte(name)}, table.IntValue(id)}
	}
	for file, c := range map[string]struct {
		m    *table.Mapping
		r    sqlgen.Range
		keys [][]table.Value
	}{
		"direct":    {mapping([]string{"name", "id"}, true), sqlgen.Range{Lower: named("a", 7), Upper: named("b", -9)}, [][]table.Value{named("Zoë's", 7), named("b", -9)}},
		"converted": {converted, sqlgen.Range{Upper: []table.Value{table.IntValue(9)}}, [][]table.Value{{table.IntValue(-3)}, {table.IntValue(7)}}},
	} {
		t.Run(file, func(t *testing.T) {
			v := sqlgen.NewVerify(c.m, table.Name{Schema: "shop", Table: "orders__verify"})
			var text strings.Builder
			say := func(what string, statements ...string) {
				for _, s := range statements {
					text.WriteString("-- " + what + "\n" + s + ";\n")
				}
			}
			if create := v.Scratch(); create != "" {
				say("scratch", create)
			}
			say("fill", v.Fill(c.r)...)
			say("count", v.Compare(c.r))
			say("which differ", v.Differing(c.r, 999))
			say("which are too many", v.Extra(c.r, 999))
			say("fill for some", v.FillKeys(c.keys)...)
			say("which of them differ", v.DifferingAmong(c.keys))
			say("which of them are too many", v.ExtraAmong(c.keys))
			say("in which columns", v.Agreement(c.keys[0]))
			say("as it should be", v.Expected(c.keys[0]))
			say("as it is", v.Actual(c.keys[0]))
			mustMatchFile(t, filepath.Join("testdata", "verify_"+file+".sql"), text.String())
		})
	}
}
