package binlog

import (
	"slices"
	"strings"
	"testing"
)

// TestDamagedStream: what cannot be is an error that names the place, never something to pass over.
func TestDamagedStream(t *testing.T) {
	for name, c := range map[string]struct {
		write func(s *script)
		want  string
	}{
		"unknown event":      {func(s *script) { s.add(99, nil) }, "type 99"},
		"incident":           {func(s *script) { s.add(incidentEvent, make([]byte, 3)) }, "incident"},
		"rows without map":   {func(s *script) { s.open(); s.add(writeRowsV2, insertBody(5, 1, 4)) }, "table id 5"},
		"rows outside":       {func(s *script) { s.insert(1) }, "none is open"},
		"commit outside":     {func(s *script) { s.commit() }, "none is open"},
		"transaction inside": {func(s *script) { s.open(); s.open() }, "inside another"},
		"no GTID":            {func(s *script) { s.opening(anonymousGTIDEvent, 0) }, "GTIDs were switched"},
		"other columns":      {func(s *script) { s.open(); s.add(tableMapEvent, tableMapBody(1, sourceTable.Name, 8)) }, "id"},
		"old file's map": {func(s *script) {
			s.open()
			s.insert(1)
			s.commit()
			s.rotate()
			s.open()
			s.add(writeRowsV2, insertBody(sourceID, 1, 4))
		}, "table id"},
		"unknown savepoint":     {func(s *script) { s.open(); s.query("ROLLBACK TO `a`") }, "savepoint"},
		"xa without prepare":    {func(s *script) { s.decide("COMMIT", 1) }, "XA transaction X'01','',1"},
		"xa prepared twice":     {func(s *script) { s.xa(1, 1); s.xa(1, 2) }, "twice"},
		"ddl on source":         {func(s *script) { s.statement("ALTER TABLE t ADD x INT") }, "somebody changed table `d`.`t`"},
		"statement format":      {func(s *script) { s.open(); s.query("UPDATE t SET k = 1") }, "binlog_format"},
		"load data":             {func(s *script) { s.open(); s.add(executeLoadQueryEvent, loadBody("LOAD DATA INFILE 'x' INTO TABLE t")) }, "binlog_format"},
		"payload outside":       {func(s *script) { s.add(transactionPayload, payloadBody(nil, 0)) }, "none is open"},
		"payload too short":     {func(s *script) { s.opening(gtidEvent, 0); s.add(transactionPayload, payloadBody(nil, 100)) }, "100 bytes"},
		"no format":             {func(s *script) { s.log = s.log[:1]; s.open() }, "format"},
		"empty event":           {func(s *script) { s.log = append(s.log, nil) }, "header"},
		"damaged":               {func(s *script) { s.open(); s.log[len(s.log)-1][headerSize+3]++ }, "checksum"},
		"offset does not match": {func(s *script) { s.offset += 10; s.open() }, "offset"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(false)
			start := startOf(s)
			if name == "offset does not match" {
				start = FilePosition(s.fileName(), 4)
			}
			c.write(s)
			err := newCollector(t, start).feedAll(s.log)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "binlog.00000") {
				t.Errorf("the error is: %v", err)
			}
		})
	}
}

func loadBody(text string) []byte {
	body := queryBody("d", text)
	return slices.Insert(body, 13, make([]byte, 13)...)
}

// TestHarmlessEvents accompany transactions and change nothing.
func TestHarmlessEvents(t *testing.T) {
	s := newScript(false)
	s.add(binlogCheckpointEvent, []byte("x"))
	s.open()
	for _, kind := range []byte{rowsQueryEvent, annotateRowsEvent, intVarEvent, randEvent, userVarEvent, ignorableEvent, transactionContext} {
		s.add(kind, make([]byte, 16))
	}
	s.log = append(s.log, s.encode(heartbeatEvent, 0, false, nil), s.encode(heartbeatV2Event, 0, false, nil))
	s.log = append(s.log, s.encode(200, flagIgnorable, true, nil)) // unknown, and says that it may be
	s.insert(1)
	s.add(writeRowsV2, insertBody(dummyTableID, 1, 4))
	s.commit()
	s.add(stopEvent, nil)
	c := newCollector(t, startOf(s))
	c.mustFeed(t, s.log)
	if got := outcomes(c.items); !slices.Equal(got, []string{"+1|1 "}) {
		t.Errorf("got %q", got)
	}
}
