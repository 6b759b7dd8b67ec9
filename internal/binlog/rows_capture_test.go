package binlog

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-mysql-org/go-mysql/replication"

	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// rawEvent is a rows event as the server wrote it, with the table map it stands under.
type rawEvent struct {
	typ      byte
	body     []byte
	tableMap []byte
}

// capture reads the events of a schema's tables from the moment it was made.
type capture struct {
	t     *testing.T
	s     *sandboxtest.Schema
	start mysql.Position
}

func newCapture(t *testing.T, s *sandboxtest.Schema) *capture {
	t.Helper()
	ask := "SHOW BINARY LOG STATUS"
	if s.Server.Engine.MariaDB() {
		ask = "SHOW MASTER STATUS"
	}
	c := &capture{t: t, s: s}
	rows := s.MustQueryRows(ask)
	if _, err := fmt.Sscan(rows[0], &c.start.Name, &c.start.Pos); err != nil {
		t.Fatal(err)
	}
	return c
}

// read returns the rows events since the capture was made, by table, in order.
func (c *capture) read() map[string][]rawEvent {
	c.t.Helper()
	c.s.MustExec("CREATE TABLE IF NOT EXISTS capture_end (id INT)")
	c.s.MustExec("INSERT INTO capture_end VALUES (1)")
	flavor := mysql.MySQLFlavor
	if c.s.Server.Engine.MariaDB() {
		flavor = mysql.MariaDBFlavor
	}
	syncer := replication.NewBinlogSyncer(replication.BinlogSyncerConfig{
		ServerID: 1<<30 + rand.Uint32N(1<<30), Flavor: flavor, Host: c.s.Server.Host, Port: uint16(c.s.Server.Port),
		User: c.s.Server.User, Password: c.s.Server.Password, RawModeEnabled: true, DisableRetrySync: true,
		Logger: slog.New(slog.DiscardHandler),
	})
	defer syncer.Close()
	streamer, err := syncer.StartSync(c.start)
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	events := make(map[string][]rawEvent)
	var name string
	var tableMap []byte
	for {
		e, err := streamer.GetEvent(ctx)
		if err != nil {
			c.t.Fatal(err)
		}
		raw := e.RawData
		if end := len(raw) - 4; crc32.ChecksumIEEE(raw[:end]) == binary.LittleEndian.Uint32(raw[end:]) {
			raw = raw[:end]
		}
		body := raw[replication.EventHeaderSize:]
		switch typ := byte(e.Header.EventType); {
		case e.Header.EventType == replication.TABLE_MAP_EVENT:
			m, err := parseTableMap(body)
			if err != nil {
				c.t.Fatal(err)
			}
			name, tableMap = "", bytes.Clone(body)
			if m.name.Schema == c.s.Name {
				name = m.name.Table
			}
		case name == "" || !isRowsEvent(typ):
		case name == "capture_end":
			return events
		default:
			events[name] = append(events[name], rawEvent{typ: typ, body: bytes.Clone(body), tableMap: tableMap})
		}
	}
}

func isRowsEvent(typ byte) bool {
	return typ >= writeRowsV1 && typ <= deleteRowsV1 || typ >= writeRowsV2 && typ <= deleteRowsV2 ||
		typ == partialUpdateRows || typ >= compressedRowsV1 && typ < compressedRowsV2+3
}

// decoder returns the decoder for the event.
func (e *rawEvent) decoder(t *table.Table) (*rowDecoder, error) {
	m, err := parseTableMap(e.tableMap)
	if err != nil {
		return nil, err
	}
	return newRowDecoder(m, t)
}

// mustDecode returns the row changes of the events.
func mustDecode(t *testing.T, events []rawEvent, def *table.Table) []RowChange {
	t.Helper()
	var changes []RowChange
	for _, e := range events {
		d, err := e.decoder(def)
		if err != nil {
			t.Fatal(err)
		}
		c, err := d.decode(e.typ, e.body)
		if err != nil {
			t.Fatalf("%v\ntype %d body %x\ntable map %x", err, e.typ, e.body, e.tableMap)
		}
		changes = append(changes, c...)
	}
	return changes
}

// images returns the images of the event as the server wrote them.
func (e *rawEvent) images(def *table.Table) ([]byte, error) {
	d, err := e.decoder(def)
	if err != nil {
		return nil, err
	}
	r, err := d.parseRowsEvent(e.typ, e.body)
	if err != nil {
		return nil, err
	}
	return r.rows, nil
}
