package sqlgen_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

var updateCopy = flag.Bool("update-copy", false, "write the golden files of the copying statements")

// TestCopyStatements compares what copies chunks with testdata/copy_*.sql, which are to be read.
func TestCopyStatements(t *testing.T) {
	single := mapping([]string{"id"}, false)
	composite := mapping([]string{"name", "id"}, false)
	renamed := mapping([]string{"id"}, false)
	renamed.Key.Columns[0].Shadow = &table.Column{Name: "number", Kind: table.Int}
	renamed.Columns[0] = renamed.Key.Columns[0]
	renamed.Columns[3].Wrap = table.Wrap("CONVERT_TZ(" + table.Hole + ", '+00:00', 'Europe/Berlin')")
	turned := mapping([]string{"id", "kind"}, false)
	turned.Source.Keys[0].Parts[0].Descending = true
	unique := mapping([]string{"name", "id"}, true)
	long := mapping([]string{"id"}, false)
	long.Source.Name = table.Name{Schema: "a`b", Table: strings.Repeat("x", 63) + "`"}
	ints := func(n ...int64) (v []table.Value) {
		for _, i := range n {
			v = append(v, table.IntValue(i))
		}
		return v
	}
	named := func(name string, id int64) []table.Value {
		return []table.Value{{Kind: table.Bytes, Text: []byte(name)}, table.IntValue(id)}
	}
	kinds := func(id int64, kind uint64) []table.Value {
		return []table.Value{table.IntValue(id), table.UintValue(kind)}
	}
	for name, c := range map[string]struct {
		m       *table.Mapping
		r       sqlgen.Range
		reading sqlgen.Reading
	}{
		"all":             {single, sqlgen.Range{}, sqlgen.SkipLocked},
		"first":           {single, sqlgen.Range{Upper: ints(1000)}, sqlgen.SkipLocked},
		"middle":          {single, sqlgen.Range{Lower: ints(-5), Upper: ints(1000)}, sqlgen.SkipLocked},
		"waiting":         {single, sqlgen.Range{Lower: ints(-5), Upper: ints(1000)}, sqlgen.Locking},
		"plain":           {single, sqlgen.Range{Lower: ints(-5)}, sqlgen.Plain},
		"last":            {composite, sqlgen.Range{Lower: named("Zoë's", 7)}, sqlgen.SkipLocked},
		"composite":       {composite, sqlgen.Range{Lower: named("a", 7), Upper: named("b\x00", -9)}, sqlgen.SkipLocked},
		"equal_beginning": {composite, sqlgen.Range{Lower: named("a", 7), Upper: named("a", 900)}, sqlgen.SkipLocked},
		"renamed":         {renamed, sqlgen.Range{Lower: ints(1), Upper: ints(2)}, sqlgen.SkipLocked},
		"descending_enum": {turned, sqlgen.Range{Lower: kinds(9, 2), Upper: kinds(3, 1)}, sqlgen.SkipLocked},
		"unique_key":      {unique, sqlgen.Range{Lower: named("a", 7)}, sqlgen.SkipLocked},
		"odd_names":       {long, sqlgen.Range{Upper: ints(3)}, sqlgen.SkipLocked},
	} {
		t.Run(name, func(t *testing.T) {
			var text strings.Builder
			for _, flavor := range []conn.Flavor{conn.MySQL, conn.MariaDB} {
				copying := sqlgen.NewCopy(c.m, &conn.Server{Flavor: flavor, Version: conn.Version{Major: 10, Minor: 11}})
				text.WriteString("-- " + string(flavor) + "\n" + copying.Statement(c.r, c.reading) + ";\n")
				text.WriteString("-- how many\n" + copying.Count(c.r) + ";\n")
				text.WriteString("-- what is left\n" + copying.Left(c.r, 1000) + ";\n")
				text.WriteString("-- the end\n" + copying.End(c.r, c.reading) + ";\n")
				if c.r.Upper != nil {
					text.WriteString("-- one row\n" + copying.Row(c.r.Upper) + ";\n")
				}
			}
			text.WriteString("-- the 1000th row behind\n" + sqlgen.NewKey(c.m).Boundary(sqlgen.Range{Lower: c.r.Upper}, 1000) + ";\n")
			mustMatchFile(t, filepath.Join("testdata", "copy_"+name+".sql"), text.String())
		})
	}
}

func mustMatchFile(t *testing.T, path, text string) {
	t.Helper()
	if *updateCopy {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != text {
		t.Errorf("%s differs from:\n%s", path, text)
	}
}

// TestStatementsStaySmall has the longest keys that there are: no statement comes near the least max_allowed_packet.
func TestStatementsStaySmall(t *testing.T) {
	m := mapping([]string{"name", "kind", "id"}, true)
	m.Key.Columns[1].Source.Values = make([]string, 65535)
	bound := []table.Value{{Kind: table.Bytes, Text: []byte(strings.Repeat("\xff", 3072))}, table.UintValue(30000), table.IntValue(7)}
	other := []table.Value{{Kind: table.Bytes, Text: []byte(strings.Repeat("\xfe", 3072))}, table.UintValue(40000), table.IntValue(7)}
	statement := sqlgen.NewCopy(m, &conn.Server{Flavor: conn.MySQL}).Statement(sqlgen.Range{Lower: bound, Upper: other}, sqlgen.Locking)
	if len(statement) > 128<<10 {
		t.Errorf("a statement of %d bytes", len(statement))
	}
}

func TestKeysThatCannotBeRead(t *testing.T) {
	key := sqlgen.NewKey(mapping([]string{"name", "id"}, false))
	for name, texts := range map[string][][]byte{
		"too few": {[]byte("61")}, "NULL": {[]byte("61"), nil}, "no hex": {[]byte("6"), []byte("1")}, "no number": {[]byte("61"), []byte("x")},
	} {
		if v, err := key.ParseKey(texts); err == nil {
			t.Errorf("%s: read %v", name, v)
		}
	}
	values, err := key.ParseKey([][]byte{[]byte("6100ff"), []byte("-9223372036854775808")})
	if err != nil || string(values[0].Text) != "a\x00\xff" || int64(values[1].Num) != -1<<63 {
		t.Errorf("read %v: %v", values, err)
	}
}

// mapping maps a table shop.orders, with a key of the given columns, onto shop.orders__new.
func mapping(key []string, second bool) *table.Mapping {
	columns := func() []table.Column {
		return []table.Column{
			{Name: "id", Ordinal: 0, Kind: table.Int}, {Name: "name", Ordinal: 1, Kind: table.VarChar, Charset: "utf8mb4"},
			{Name: "kind", Ordinal: 2, Kind: table.Enum, Values: []string{"x", "y", "z"}}, {Name: "at", Ordinal: 3, Kind: table.Timestamp},
		}
	}
	k := table.Key{Name: "PRIMARY", Unique: true, Visible: true, Type: "BTREE"}
	for _, c := range key {
		k.Parts = append(k.Parts, table.KeyPart{Column: c})
	}
	m := &table.Mapping{
		Source: &table.Table{Name: table.Name{Schema: "shop", Table: "orders"}, Columns: columns(), Keys: []table.Key{k}},
		Shadow: &table.Table{Name: table.Name{Schema: "shop", Table: "orders__new"}, Columns: columns(), Keys: []table.Key{k}},
		Key:    table.MigrationKey{Name: k.Name, ShadowName: k.Name},
	}
	for i := range m.Source.Columns {
		m.Columns = append(m.Columns, table.Pair{Source: &m.Source.Columns[i], Shadow: &m.Shadow.Columns[i]})
	}
	for _, c := range key {
		m.Key.Columns = append(m.Key.Columns, table.Pair{Source: m.Source.Column(c), Shadow: m.Shadow.Column(c)})
	}
	if second {
		m.Shadow.Keys = append(m.Shadow.Keys, table.Key{Name: "at", Unique: true, Parts: []table.KeyPart{{Column: "at"}}})
	}
	return m
}
