package table_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/midstreamdb/midstream/internal/table"
)

// TestKeysDecode: what was encoded comes back, and different values have different encodings.
func TestKeysDecode(t *testing.T) {
	value := rapid.Custom(func(t *rapid.T) table.Value {
		kind := rapid.SampledFrom([]table.ValueKind{table.Null, table.Integer, table.Number, table.Float64, table.Bytes, table.Plain}).Draw(t, "kind")
		switch kind {
		case table.Null:
			return table.Value{}
		case table.Bytes, table.Plain:
			return table.Value{Kind: kind, Text: append([]byte{}, rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "text")...)}
		}
		return table.Value{Kind: kind, Num: rapid.Uint64().Draw(t, "number")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SliceOfN(value, 1, 4).Draw(t, "a")
		encoded := table.AppendKey(nil, a)
		if got := table.DecodeKey(encoded); !reflect.DeepEqual(got, a) {
			t.Fatalf("%v came back as %v", a, got)
		}
		b := rapid.SliceOfN(value, 1, 4).Draw(t, "b")
		if (string(table.AppendKey(nil, b)) == string(encoded)) != reflect.DeepEqual(a, b) {
			t.Fatalf("%v and %v have encodings %x and %x", a, b, encoded, table.AppendKey(nil, b))
		}
	})
}
