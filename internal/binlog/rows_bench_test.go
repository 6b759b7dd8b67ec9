package binlog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-mysql-org/go-mysql/replication"

	"github.com/midstreamdb/midstream/internal/table"
)

// benchRows is an update event of ordinary columns, about 200 bytes an image, built as a server does.
func benchRows(images int) (tableMap, body []byte, def *table.Table) {
	def = &table.Table{Name: table.Name{Schema: "s", Table: "t"}, Columns: []table.Column{
		{Name: "id", Kind: table.Int, DataType: "bigint", Unsigned: true},
		{Name: "k", Kind: table.Int, DataType: "int"},
		{Name: "c", Kind: table.Char, Length: 120, Charset: "latin1"},
		{Name: "v", Kind: table.VarChar, Length: 60, Charset: "utf8mb4"},
		{Name: "d", Kind: table.Decimal, Precision: 12, Scale: 2},
		{Name: "t", Kind: table.DateTime, Scale: 6},
		{Name: "f", Kind: table.Double, DataType: "double"},
	}}
	tableMap = append(tableMap, 1, 0, 0, 0, 0, 0, 1, 0, 1, 's', 0, 1, 't', 0, 7, 8, 3, 254, 15, 246, 18, 5, 8, 254, 120, 240, 0, 12, 2, 6, 8, 0x7e)
	body = append(body, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 7, 0xff, 0xff)
	for i := range images {
		body = append(body, 0x80, byte(i), 1, 0, 0, 0, 0, 0, 0, byte(i), 0, 0, 0)
		body = append(append(body, 119), strings.Repeat("c", 119)...)
		body = append(append(body, 40), strings.Repeat("v", 40)...)
		body = append(body, encodeDecimal("0000012345", "67", i%2 == 1)...)
		body = append(body, 0x99, 0xb3, 0x42, 0xc8, 0x5f, 0, 0, byte(i))
		body = append(body, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f)
	}
	return tableMap, body, def
}

func BenchmarkDecode(b *testing.B) {
	const images = 40
	tableMap, body, def := benchRows(images)
	event := rawEvent{typ: updateRowsV2, body: body, tableMap: tableMap}
	decoder, err := event.decoder(def)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		d    *rowDecoder
	}{{"all", decoder}, {"key", decoder.project([]int{0})}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if changes, err := c.d.decode(event.typ, body); err != nil || len(changes) != images/2 {
					b.Fatal(fmt.Errorf("%d changes, %w", len(changes), err))
				}
			}
			b.ReportMetric(images*float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
	b.Run("library", func(b *testing.B) { benchLibrary(b, tableMap, body, images) })
}

// benchLibrary decodes the same event with the transport library, for comparison.
func benchLibrary(b *testing.B, tableMap, body []byte, images int) {
	parser := replication.NewBinlogParser()
	parser.SetFlavor("mysql")
	format := append([]byte{4, 0}, make([]byte, 54)...)
	copy(format[2:], "8.0.0")
	format = append(format, 19)
	sizes := make([]byte, 42)
	sizes[replication.TABLE_MAP_EVENT-1], sizes[replication.UPDATE_ROWS_EVENTv2-1] = 8, 10
	format = append(append(format, sizes...), 0, 0, 0, 0, 0)
	for _, e := range [][]byte{libraryEvent(replication.FORMAT_DESCRIPTION_EVENT, format), libraryEvent(replication.TABLE_MAP_EVENT, tableMap)} {
		if _, err := parser.Parse(e); err != nil {
			b.Fatal(err)
		}
	}
	rows := libraryEvent(replication.UPDATE_ROWS_EVENTv2, body)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		e, err := parser.Parse(rows)
		if err != nil {
			b.Fatal(err)
		}
		if got := len(e.Event.(*replication.RowsEvent).Rows); got != images {
			b.Fatalf("%d images", got)
		}
	}
	b.ReportMetric(float64(images)*float64(b.N)/b.Elapsed().Seconds(), "images/s")
}

func libraryEvent(typ replication.EventType, body []byte) []byte {
	size := replication.EventHeaderSize + len(body)
	header := []byte{0, 0, 0, 0, byte(typ), 1, 0, 0, 0, byte(size), byte(size >> 8), byte(size >> 16), 0, 0, 0, 0, 0, 0, 0}
	return append(header, body...)
}
