package binlog

import (
	"bufio"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// recorded holds events of the three servers, one a line: name, type, table map, body. TestRecordEvents writes it.
const recorded = "testdata/rows.txt"

var record = flag.Bool("record", false, "write "+recorded+" anew from the servers")

type recordedEvent struct {
	name string
	rawEvent
}

func recordedEvents(tb testing.TB) []recordedEvent {
	tb.Helper()
	f, err := os.Open(recorded)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	var events []recordedEvent
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e recordedEvent
		var tableMap, body string
		if _, err := fmt.Sscan(lines.Text(), &e.name, &e.typ, &tableMap, &body); err != nil {
			tb.Fatal(err)
		}
		var err error
		if e.tableMap, err = hex.DecodeString(tableMap); err != nil {
			tb.Fatal(err)
		}
		if e.body, err = hex.DecodeString(body); err != nil {
			tb.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

func TestRecordEvents(t *testing.T) {
	if !*record {
		t.Skip("only with -record")
	}
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	results := make(chan []string, 3)
	t.Run("servers", func(t *testing.T) {
		sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) { results <- recordOn(t, s) })
	})
	close(results)
	var lines []string
	for r := range results {
		lines = append(lines, r...)
	}
	slices.Sort(lines)
	if err := os.WriteFile(recorded, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// recordOn returns an event for each type, of those that are short enough to keep.
func recordOn(t *testing.T, s *sandboxtest.Schema) []string {
	t.Helper()
	c := newCapture(t, s)
	for _, typ := range typeCases() {
		if typ.on == nil || typ.on(s.Server.Engine) {
			fill(t, s, typ)
		}
	}
	var lines []string
	seen := make(map[string]bool) // column types
	events := c.read()
	for _, typ := range typeCases() {
		for _, e := range events["a_"+typ.name] {
			m, err := parseTableMap(e.tableMap)
			if err != nil {
				t.Fatal(err)
			}
			key := fmt.Sprint(m.columns)
			if strings.HasPrefix(typ.name, "json") {
				key += fmt.Sprint(len(e.body)) // their bytes differ more than their types
			}
			if len(e.body) > 20 && len(e.body) < 300 && !seen[key] {
				seen[key] = true
				lines = append(lines, fmt.Sprintf("%s/%s %d %x %x", s.Server.Engine, typ.name, e.typ, e.tableMap, e.body))
			}
		}
	}
	return lines
}

// guess returns a definition that the table map fits, where there is one; variant chooses among several.
func guess(m *tableMap, variant byte) *table.Table {
	t := &table.Table{Name: m.name, Columns: make([]table.Column, len(m.columns))}
	for i, w := range m.columns {
		c := &t.Columns[i]
		c.Kind, c.DataType = guessKind(w.typ)
		c.Ordinal, c.Length, c.Precision, c.Scale, c.Unsigned = i, w.meta, w.meta, w.scale, variant&1 == 1
		switch w.typ {
		case wireTime2, wireDateTime2, wireTimestamp2:
			c.Scale = w.meta
		case wireTime, wireDateTime, wireTimestamp:
			c.Scale = int(variant) % 7
		case wireEnum, wireSet:
			c.Values = make([]string, 1+int(variant)%64)
		case wireString:
			switch variant % 5 {
			case 1:
				c.Kind = table.Binary
			case 2:
				c.Kind = table.UUID
			case 3:
				c.Kind = table.Inet6
			case 4:
				c.Kind = table.Inet4
			}
		case wireBlobCompressed, wireVarCharCompressed:
			c.Compressed = true
		}
		for name, size := range blobLengthBytes {
			if (w.typ == wireBlob || w.typ == wireBlobCompressed) && w.meta == size {
				c.DataType = name
			}
		}
	}
	return t
}

func guessKind(typ wireType) (table.Kind, string) {
	for name, t := range integers {
		if t.typ == typ {
			return table.Int, name
		}
	}
	kinds := map[wireType]table.Kind{
		wireFloat: table.Float, wireDouble: table.Double, wireDecimal: table.Decimal, wireBit: table.Bit, wireYear: table.Year,
		wireDate: table.Date, wireNewDate: table.Date, wireTime: table.Time, wireTime2: table.Time, wireDateTime: table.DateTime,
		wireDateTime2: table.DateTime, wireTimestamp: table.Timestamp, wireTimestamp2: table.Timestamp, wireVarChar: table.VarBinary,
		wireVarString: table.VarBinary, wireVarCharCompressed: table.VarBinary, wireBlob: table.Blob, wireBlobCompressed: table.Blob,
		wireEnum: table.Enum, wireSet: table.Set, wireString: table.Char, wireJSON: table.JSON, wireGeometry: table.Geometry, wireVector: table.Vector,
	}
	return kinds[typ], ""
}

func FuzzDecode(f *testing.F) {
	for _, e := range recordedEvents(f) {
		f.Add(e.typ, e.tableMap, e.body, byte(0))
		f.Add(byte(compressedRowsV1), e.tableMap, e.body, byte(1))
	}
	f.Fuzz(func(t *testing.T, typ byte, tableMap, body []byte, variant byte) {
		m, err := parseTableMap(tableMap)
		if err != nil {
			return
		}
		d, err := newRowDecoder(m, guess(m, variant))
		if err != nil {
			return
		}
		changes, err := d.decode(typ, body)
		if err != nil {
			return
		}
		for _, c := range changes {
			if c.Before == nil && c.After == nil || c.Before != nil && len(c.Before) != d.width || c.After != nil && len(c.After) != d.width {
				t.Fatalf("a change of %d columns: %+v", d.width, c)
			}
		}
	})
}

// Every recorded event decodes, and every event that is cut short is an error or ends at a row's end, never a panic.
func TestRecordedEvents(t *testing.T) {
	decoded := 0
	for _, e := range recordedEvents(t) {
		m, err := parseTableMap(e.tableMap)
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		for variant := range byte(64) {
			d, err := newRowDecoder(m, guess(m, variant))
			if err != nil {
				continue
			}
			if _, err := d.decode(e.typ, e.body); err == nil {
				decoded++
			}
			for n := range e.body {
				if changes, err := d.decode(e.typ, e.body[:n]); err == nil && len(changes) > 0 {
					t.Errorf("%s: %d of %d bytes decode to %+v", e.name, n, len(e.body), changes)
				}
			}
		}
		for n := range e.tableMap {
			if m, err := parseTableMap(e.tableMap[:n]); err == nil && len(m.columns) == 0 {
				t.Errorf("%s: %d bytes of the table map have no columns", e.name, n)
			}
		}
	}
	if decoded < 100 {
		t.Errorf("%d events were decoded", decoded)
	}
}
