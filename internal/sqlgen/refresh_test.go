package sqlgen_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestRefreshStatements compares what writes rows by their keys with testdata/refresh_*.sql, which are to be read.
func TestRefreshStatements(t *testing.T) {
	added := mapping([]string{"id"}, true)
	added.AddedUnique = []table.Key{{Name: "added"}}
	name := func(name string, id int64) []table.Value {
		return []table.Value{{Kind: table.Bytes, Text: []byte(name)}, table.IntValue(id)}
	}
	ids := [][]table.Value{{table.IntValue(-3)}, {table.IntValue(7)}}
	for file, c := range map[string]struct {
		m    *table.Mapping
		keys [][]table.Value
	}{
		"in_place":  {mapping([]string{"id"}, false), ids},
		"replace":   {mapping([]string{"name", "id"}, true), [][]table.Value{name("Zoë's", 7), name("b\x00", -9)}},
		"added_key": {added, ids},
	} {
		t.Run(file, func(t *testing.T) {
			refresh := sqlgen.NewRefresh(c.m, &conn.Server{Flavor: conn.MySQL, Version: conn.Version{Major: 9, Minor: 7}})
			text := "-- write\n" + refresh.Write(c.keys) + ";\n-- how many\n" + refresh.Count(c.keys) + ";\n-- which\n" +
				refresh.Present(c.keys) + ";\n-- delete\n" + strings.Join(refresh.Deletes(c.keys, 1<<20), ";\n") + ";\n"
			mustMatchFile(t, filepath.Join("testdata", "refresh_"+file+".sql"), text)
		})
	}
}
