package binlog

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"
)

// deflated returns text in MariaDB's form: head with the length's size, the length, a zlib stream.
func deflated(t *testing.T, head byte, length uint32, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteByte(head | 4)
	b.Write(binary.BigEndian.AppendUint32(nil, length))
	w := zlib.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestInflate(t *testing.T) {
	if got, err := inflateColumn(deflated(t, 0x80, 5, "hello")); err != nil || string(got) != "hello" {
		t.Errorf("column: %q, %v", got, err)
	}
	if got, err := inflateRows(deflated(t, 0x80, 5, "hello")); err != nil || string(got) != "hello" {
		t.Errorf("rows: %q, %v", got, err)
	}
	if got, err := inflateColumn([]byte("\x00plain")); err != nil || string(got) != "plain" {
		t.Errorf("plain: %q, %v", got, err)
	}
	for name, data := range map[string][]byte{
		"shorter than said": deflated(t, 0x80, 6, "hello"),
		"longer than said":  deflated(t, 0x80, 4, "hello"),
		"no stream":         {0x81, 5},
		"no length":         {0x80},
		"cut length":        {0x84, 0},
		"unknown method":    deflated(t, 0x90, 5, "hello"),
	} {
		if got, err := inflateColumn(data); err == nil {
			t.Errorf("column, %s: %q, want an error", name, got)
		}
		if got, err := inflateRows(data); err == nil {
			t.Errorf("rows, %s: %q, want an error", name, got)
		}
	}
}

// A length that no stream of that size can have is refused before memory is taken for it.
func TestInflateTakesNoMemoryForALie(t *testing.T) {
	lie := deflated(t, 0x80, 1<<32-1, "hello")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := inflateRows(lie)
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, errInflate) || taken > 1<<24 {
		t.Errorf("%d bytes were taken, error %v", taken, err)
	}
}
