package loss_test

import (
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestEveryWriteIsGuarded: whatever writes rows asks the same question of a value; what writes none, or a loss that is
// accepted, does not.
func TestEveryWriteIsGuarded(t *testing.T) {
	m := decimals(t, nil)
	accepted := decimals(t, []string{"c"})
	key := []table.Value{table.IntValue(1)}
	row := table.Row{key[0], {Kind: table.Plain, Text: []byte("1.25")}}
	server := &conn.Server{}
	for name, write := range map[string]func(*table.Mapping) string{
		"copy": func(m *table.Mapping) string {
			return sqlgen.NewCopy(m, server).Statement(sqlgen.Range{}, sqlgen.Plain)
		},
		"copied row": func(m *table.Mapping) string { return sqlgen.NewCopy(m, server).Row(key) },
		"refresh":    func(m *table.Mapping) string { return sqlgen.NewRefresh(m, server).Write([][]table.Value{key}) },
		"collision": func(m *table.Mapping) string {
			return strings.Join(sqlgen.NewCollision(m, server).Try([][]table.Value{key}), ";")
		},
		"replay": func(m *table.Mapping) string {
			return strings.Join(sqlgen.NewReplay(m, server).Writes([]table.Row{row}, 1<<20), ";")
		},
	} {
		value := "`c`"
		if name == "replay" {
			value = "1.25"
		}
		if question := value + " = TRUNCATE(" + value + ", 1)"; !strings.Contains(write(m), question) {
			t.Errorf("%s does not ask whether %s:\n%s", name, question, write(m))
		}
		if strings.Contains(write(accepted), "TRUNCATE") {
			t.Errorf("%s asks though losses are accepted:\n%s", name, write(accepted))
		}
	}
}

// decimals maps a DECIMAL(10,2) to a DECIMAL(10,1).
func decimals(t *testing.T, allow []string) *table.Mapping {
	t.Helper()
	of := func(name string, scale int) *table.Table {
		return &table.Table{
			Name: table.Name{Schema: "s", Table: name},
			Columns: []table.Column{
				{Name: "id", Kind: table.Int, DataType: "int", ColumnType: "int"},
				{Name: "c", Ordinal: 1, Kind: table.Decimal, DataType: "decimal", ColumnType: name, Precision: 10, Scale: scale, Nullable: true},
			},
			Keys: []table.Key{{Name: "PRIMARY", Unique: true, Visible: true, Type: "BTREE", Parts: []table.KeyPart{{Column: "id"}}}},
		}
	}
	m, err := table.Map(of("t", 2), of("t__new", 1), table.Changes{TimeZone: "+00:00", AllowLossy: allow})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
