package table_test

import (
	"bytes"
	"cmp"
	"math"
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

// TestKeysAreOrdered: encodings of keys of the same kinds compare as the keys do, column by column.
func TestKeysAreOrdered(t *testing.T) {
	text := rapid.Custom(func(t *rapid.T) []byte {
		return append([]byte{}, rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 0xfe, 0xff}), 0, 4).Draw(t, "text")...)
	})
	number := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, math.MaxInt64, 1 << 63, math.MaxUint64}))
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.SliceOfN(rapid.SampledFrom([]table.ValueKind{table.Integer, table.Number, table.Bytes, table.Plain}), 1, 3).Draw(t, "kinds")
		want := 0
		var a, b []table.Value
		for _, kind := range kinds {
			v, w := table.Value{Kind: kind}, table.Value{Kind: kind}
			order := 0
			switch kind {
			case table.Integer:
				v.Num, w.Num = number.Draw(t, "v"), number.Draw(t, "w")
				order = cmp.Compare(int64(v.Num), int64(w.Num))
			case table.Number:
				v.Num, w.Num = number.Draw(t, "v"), number.Draw(t, "w")
				order = cmp.Compare(v.Num, w.Num)
			default:
				v.Text, w.Text = text.Draw(t, "v"), text.Draw(t, "w")
				order = bytes.Compare(v.Text, w.Text)
			}
			if rapid.Bool().Draw(t, "equal") {
				w, order = v, 0
			}
			a, b = append(a, v), append(b, w)
			want = cmp.Or(want, order)
		}
		if got := bytes.Compare(table.AppendKey(nil, a), table.AppendKey(nil, b)); got != want {
			t.Fatalf("%v and %v compare as %d, their encodings as %d", a, b, want, got)
		}
	})
}
