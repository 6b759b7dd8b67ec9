package binlog

import (
	"encoding/hex"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A double goes into text only where any reader gets it right: two exact doubles and one operation.
func TestDoublesInText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.OneOf(rapid.Float64(), rapid.Map(rapid.Int64Range(-1e16, 1e16), func(n int64) float64 { return float64(n) / 1e4 })).Draw(t, "f")
		significand, exponent, exact := splitDouble(f)
		value := new(big.Rat).SetInt(new(big.Int).SetUint64(significand))
		power := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exponent, -exponent))), nil))
		if exponent < 0 {
			power.Inv(power)
		}
		if nearest, _ := value.Mul(value, power).Float64(); nearest != math.Abs(f) {
			t.Fatalf("%v was split into %de%d", f, significand, exponent)
		}
		if !exact {
			return
		}
		result := float64(significand) * math.Pow10(max(exponent, 0)) / math.Pow10(max(-exponent, 0))
		if significand >= 1<<53 || max(exponent, -exponent) > 22 || result != math.Abs(f) {
			t.Fatalf("%v is not sure to be read exactly from %de%d", f, significand, exponent)
		}
	})
}

func TestJSONExpressions(t *testing.T) {
	for _, c := range []struct{ name, doc, want string }{
		{"nothing", "", "CAST(_utf8mb4'null' AS JSON)"},
		{"true", "0401", "CAST(_utf8mb4'true' AS JSON)"},
		{"int", "05ffff", "CAST(_utf8mb4'-1' AS JSON)"},
		{"unsigned", "06ffff", "JSON_EXTRACT(JSON_ARRAY(CAST(65535 AS UNSIGNED)), '$[0]')"},
		{"unsigned 64", "0affffffffffffffff", "CAST(_utf8mb4'18446744073709551615' AS JSON)"},
		{"int 64", "09ffffffffffffff7f", "JSON_EXTRACT(JSON_ARRAY(9223372036854775807), '$[0]')"},
		{"double", "0b000000000000f83f", "CAST(_utf8mb4'15e-1' AS JSON)"},
		{"0.1+0.2", "0b343333333333d33f", "JSON_EXTRACT(JSON_ARRAY(3.0000000000000004e-01), '$[0]')"},
		{"string", "0c03612762", `CAST(_utf8mb4'"a''b"' AS JSON)`},
		{"string with a tab", "0c0109", `CAST(_utf8mb4 x'225c753030303922' AS JSON)`},
		{"decimal", "0ff60402018105", "JSON_EXTRACT(JSON_ARRAY(1.5), '$[0]')"},
		{"date", "0f0a08000000000042b319", "JSON_EXTRACT(JSON_ARRAY(CAST(_utf8mb4'2024-05-01' AS DATE)), '$[0]')"},
		{"object", "0001000c000b0001000501" + "0061", `CAST(_utf8mb4'{"a":1}' AS JSON)`},
	} {
		doc, err := hex.DecodeString(c.doc)
		if err != nil {
			t.Fatal(err)
		}
		got, err := appendJSON(nil, doc)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, %v, want %s", c.name, got, err, c.want)
		}
	}
}

func TestDamagedJSON(t *testing.T) {
	for name, doc := range map[string]string{
		"unknown type":           "0d",
		"int cut":                "0500",
		"string cut":             "0c05616263",
		"length without end":     "0cffffffffffff",
		"literal unknown":        "0403",
		"array cut":              "020100",
		"size beyond the end":    "020000ff00",
		"more entries than size": "02ff000400",
		"place beyond the end":   "020100070009ff00",
		"itself inside":          "02010007000200" + "00",
		"opaque unknown":         "0f640161",
		"opaque decimal cut":     "0ff60105",
		"negative date":          "0f0a08ffffffffffffffff",
		"NaN":                    "0b000000000000f87f",
	} {
		b, err := hex.DecodeString(doc)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := appendJSON(nil, b); err == nil {
			t.Errorf("%s: got %s, want an error", name, got)
		}
	}
}

func TestJSONDepth(t *testing.T) {
	doc := []byte{0, 0, 4, 0}
	for range maxJSONDepth - 1 {
		size := len(doc) + 7
		doc = append([]byte{1, 0, byte(size), byte(size >> 8), jsonArray, 7, 0}, doc...)
	}
	if _, err := appendJSON(nil, append([]byte{jsonArray}, doc...)); err != nil {
		t.Errorf("%d levels: %v", maxJSONDepth, err)
	}
	size := len(doc) + 7
	doc = append([]byte{1, 0, byte(size), byte(size >> 8), jsonArray, 7, 0}, doc...)
	if _, err := appendJSON(nil, append([]byte{jsonArray}, doc...)); err == nil {
		t.Errorf("%d levels are accepted", maxJSONDepth+1)
	}
}

// A document that points to the same place again and again would grow without bound.
func TestJSONThatSharesItsValues(t *testing.T) {
	inner := []byte{2, 0, 10, 0, 4, 0, 0, 4, 0, 0}
	doc := append([]byte{jsonArray}, nest(inner, 40)...)
	if got, err := appendJSON(nil, doc); err == nil {
		t.Errorf("%d bytes became %d, want an error", len(doc), len(got))
	}
}

// nest wraps a container into arrays of two elements that are both the same place.
func nest(inner []byte, levels int) []byte {
	for range levels {
		size := len(inner) + 10
		outer := []byte{2, 0, byte(size), byte(size >> 8), jsonArray, 10, 0, jsonArray, 10, 0}
		inner = append(outer, inner...)
	}
	return inner
}

func FuzzJSON(f *testing.F) {
	for _, e := range recordedEvents(f) {
		if i := strings.Index(e.name, "json"); i >= 0 {
			f.Add(e.body)
			f.Add(e.body[min(len(e.body), 20):])
		}
	}
	f.Add(append([]byte{jsonArray}, nest([]byte{2, 0, 10, 0, 4, 0, 0, 4, 0, 0}, 10)...))
	f.Fuzz(func(t *testing.T, doc []byte) {
		text, err := appendJSON(nil, doc)
		if err == nil && len(text) > 200*len(doc)+200 {
			t.Fatalf("%d bytes became %d", len(doc), len(text))
		}
	})
}
