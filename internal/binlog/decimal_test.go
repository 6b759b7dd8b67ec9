package binlog

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// encodeDecimal writes digits as a server does: the reference for appendDecimal.
func encodeDecimal(whole, fraction string, negative bool) []byte {
	var bin []byte
	group := func(digits string) {
		n, _ := strconv.ParseUint("0"+digits, 10, 64)
		b := binary.BigEndian.AppendUint32(nil, uint32(n))
		bin = append(bin, b[4-[]int{0, 1, 1, 2, 2, 3, 3, 4, 4, 4}[len(digits)]:]...)
	}
	group(whole[:len(whole)%9])
	for i := len(whole) % 9; i < len(whole); i += 9 {
		group(whole[i : i+9])
	}
	for i := 0; i < len(fraction); i += 9 {
		group(fraction[i:min(i+9, len(fraction))])
	}
	if negative {
		for i := range bin {
			bin[i] = ^bin[i]
		}
	}
	bin[0] ^= 0x80
	return bin
}

func TestDecimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		precision := rapid.IntRange(1, 81).Draw(t, "precision")
		scale := rapid.IntRange(0, min(precision, 38)).Draw(t, "scale")
		digits := rapid.StringOfN(rapid.RuneFrom([]rune("0000123456789")), precision, precision, -1).Draw(t, "digits")
		negative := rapid.Bool().Draw(t, "negative") && strings.Trim(digits, "0") != ""
		whole, fraction := digits[:precision-scale], digits[precision-scale:]
		got, err := appendDecimal([]byte("before "), encodeDecimal(whole, fraction, negative), precision, scale)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.TrimLeft(whole, "0")
		if want == "" {
			want = "0"
		}
		if negative {
			want = "-" + want
		}
		if scale > 0 {
			want += "." + fraction
		}
		if string(got) != "before "+want {
			t.Fatalf("got %s, want %s", got, want)
		}
	})
}

func FuzzDecimal(f *testing.F) {
	f.Add([]byte{0x80, 0x01, 0x32}, 5, 2)
	f.Add(encodeDecimal(strings.Repeat("9", 35), strings.Repeat("9", 30), true), 65, 30)
	f.Fuzz(func(t *testing.T, cell []byte, precision, scale int) {
		before := bytes.Clone(cell)
		text, err := appendDecimal(nil, cell, precision, scale)
		if !bytes.Equal(cell, before) {
			t.Fatal("the event was changed")
		}
		if err != nil {
			return
		}
		whole, fraction, _ := strings.Cut(strings.TrimPrefix(string(text), "-"), ".")
		if len(fraction) != scale || len(whole) > max(precision-scale, 1) {
			t.Fatalf("%s is not a DECIMAL(%d,%d)", text, precision, scale)
		}
	})
}
