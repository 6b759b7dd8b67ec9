package sqlgen_test

import (
	"math"
	"path/filepath"
	"slices"
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

// TestStatementsByKeyFit: however long the values of a key may be, statements fit into the least packet that is accepted.
func TestStatementsByKeyFit(t *testing.T) {
	const packet = 1 << 20
	for name, c := range map[string]struct {
		columns []table.Column
		few     bool
	}{
		"integers": {[]table.Column{{Name: "id", Kind: table.Int, ColumnType: "bigint", DataType: "bigint"}}, false},
		"uuids":    {[]table.Column{{Name: "id", Kind: table.Char, Length: 36, Charset: "ascii", ColumnType: "char(36)", DataType: "char"}}, false},
		"texts":    {[]table.Column{{Name: "id", Kind: table.VarChar, Length: 768, Charset: "utf8mb4", ColumnType: "varchar(768)", DataType: "varchar"}}, true},
		"bytes":    {[]table.Column{{Name: "id", Kind: table.VarBinary, Length: 3072, ColumnType: "varbinary(3072)", DataType: "varbinary"}}, true},
		"both": {[]table.Column{{Name: "id", Kind: table.VarBinary, Length: 1500, ColumnType: "varbinary(1500)", DataType: "varbinary"},
			{Name: "of", Ordinal: 1, Kind: table.VarBinary, Length: 1500, ColumnType: "varbinary(1500)", DataType: "varbinary"}}, true},
	} {
		of := func(name string) *table.Table {
			key := table.Key{Name: "PRIMARY", Unique: true, Visible: true, Type: "BTREE"}
			for _, column := range c.columns {
				key.Parts = append(key.Parts, table.KeyPart{Column: column.Name})
			}
			return &table.Table{Name: table.Name{Schema: "s", Table: name}, Columns: c.columns, Keys: []table.Key{key}}
		}
		m, err := table.Map(of("t"), of("t__new"), table.Changes{TimeZone: "+00:00"})
		if err != nil {
			t.Fatal(err)
		}
		var key []table.Value
		for _, column := range c.columns {
			if column.Kind == table.Int {
				key = append(key, table.IntValue(math.MinInt64))
			} else {
				key = append(key, table.Value{Kind: table.Bytes, Text: []byte(strings.Repeat("\xf0", min(m.Key.Bytes()/len(c.columns), 4*column.Length)))})
			}
		}
		most := sqlgen.MostKeysOf(m)
		if (most < sqlgen.MostKeys) != c.few {
			t.Errorf("%s: %d keys", name, most)
		}
		r := sqlgen.NewRefresh(m, &conn.Server{})
		keys := slices.Repeat([][]table.Value{key}, most)
		for _, statement := range []string{r.Write(keys), r.Count(keys), r.Present(keys)} {
			if len(statement) > packet-1<<10 {
				t.Errorf("%s: a statement of %d keys has %d bytes", name, most, len(statement))
			}
		}
	}
}
