package table_test

import (
	"database/sql"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// samples are types with values that are hard to convert, as SQL.
var samples = []struct {
	definition string
	values     string // separated by |
	only       string
}{
	{"TINYINT", "-128|0|127", ""},
	{"INT", "-2147483648|0|7|2147483647|16777217", ""},
	{"INT UNSIGNED", "0|4294967295", ""},
	{"INT(7) ZEROFILL", "42", ""},
	{"BIGINT", "-9223372036854775808|9007199254740993|9223372036854775807", ""},
	{"BIGINT UNSIGNED", "18446744073709551615|9223372036854775809", ""},
	{"DECIMAL(10,2)", "0.00|-0.05|1.50|99999999.99|2.345|2.5|-2.5|0.10", ""},
	{"DECIMAL(30,15)", "0.1|-123456789012345.123456789012345|0.000000000000001|0.5|1.5", ""},
	{"FLOAT", "0.1|-1e30|16777216|3.40282e38|1.17549e-38|0", ""},
	{"FLOAT(7,3)", "0.1|1234.567|0.001", ""},
	{"DOUBLE", "0.1|-1.7976931348623157e308|5e-324|123456.789|0|1e15", ""},
	{"DOUBLE(10,4)", "0.1|12345.6789", ""},
	{"BIT(1)", "0|1", ""},
	{"BIT(64)", "0|18446744073709551615|65", ""},
	{"YEAR", "1901|2155|2024|0", ""},
	{"DATE", "'0000-00-00'|'2024-02-29'|'9999-12-31'|'1000-01-01'|'2024-00-00'|'1975-06-01'", ""},
	{"TIME", "'-838:59:59'|'00:00:00'|'838:59:59'|'12:34:56'", ""},
	{"TIME(6)", "'-00:00:00.000001'|'12:34:56.999999'|'23:59:59.5'", ""},
	{"DATETIME", "'0000-00-00 00:00:00'|'2024-02-29 23:59:59'|'9999-12-31 23:59:59'|'1975-01-01 00:00:01'", ""},
	{"DATETIME(6)", "'2024-02-29 23:59:59.999999'|'2024-02-29 12:00:00.5'|'2024-02-29 12:00:00.123456'", ""},
	{"TIMESTAMP NULL", "'0000-00-00 00:00:00'|'2024-02-29 23:59:59'|'1970-01-01 00:00:01'", ""},
	{"TIMESTAMP(6) NULL", "'2024-02-29 23:59:59.999999'|'2024-02-29 12:00:00.5'", ""},
	{"CHAR(20)", "'x'|' x '|''|'12'|'-7.5'|'日本'|'2024-02-29'|'a''b\\\\c'", ""},
	{"VARCHAR(60)", "'x  '|''|'007'|'1e3'|' 12'|'12 '|'é😀'|'2024-02-29 12:00:00.123456'|'12:34:56'|'a,b'|'b'|'a'|'99999999999999999999'|'0.1'|'x\\0y'", ""},
	{"VARCHAR(60) CHARACTER SET latin1", "'é'|'x'|'ÿ'|'12'|'€'", ""},
	{"VARCHAR(60) CHARACTER SET utf16", "'é😀'|'x'|'12'", ""},
	{"VARCHAR(60) CHARACTER SET sjis", "'日本'|'ソ'|'x'", ""},
	{"TEXT", "'x'|'é😀 \\n'|''|'3'", ""},
	{"TINYTEXT CHARACTER SET utf8mb3", "'é'|'日本'", ""},
	{"BINARY(6)", "'x'|''|x'00FF00FF'|x'E697A5'", ""},
	{"VARBINARY(40)", "'x'|''|x'00FF00'|x'F09F9880'|'abc  '", ""},
	{"BLOB", "'x'|x'FF'|''", ""},
	{"ENUM('a','b','ü')", "'a'|'b'|'ü'", ""},
	{"ENUM('x','b','a','ü','')", "'a'|'b'|'ü'|''", ""},
	{"SET('a','b','ü')", "'a'|'a,b'|'ü'|''|'a,b,ü'", ""},
	{"SET('ü','x','b','a') CHARACTER SET latin1", "'a'|'a,b'|'ü'|''", ""},
	{"UUID", "'00112233-4455-6677-8899-aabbccddeeff'", "mariadb"},
	{"INET6", "'::1'|'2001:db8::ff'", "mariadb"},
	{"INET4", "'1.2.3.4'", "mariadb"},
}

// TestReplayableConversionsAreExact writes each value once inside the server and once from the literal that replay makes of
// it, for every pair of types that replay does not refuse: both fail, or both give the same value.
func TestReplayableConversionsAreExact(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := connect(t, s)
		server, err := conn.Inspect(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		var sources []*table.Table
		for i, sample := range samples {
			if sample.only == "mariadb" && !s.Server.Engine.MariaDB() {
				continue
			}
			name := fmt.Sprintf("%s.t%d", s.Name, i)
			mustExec(t, db, "CREATE TABLE "+name+" (id INT PRIMARY KEY, v "+sample.definition+")")
			mustExec(t, db, "CREATE TABLE "+name+"s LIKE "+name)
			for n, value := range append(strings.Split(sample.values, "|"), "NULL") {
				mustExec(t, db, fmt.Sprintf("INSERT INTO %s VALUES (%d, %s)", name, n, strings.ReplaceAll(value, `\\`, `\`)))
			}
			sources = append(sources, inspect(t, db, s.Name, fmt.Sprintf("t%d", i)))
		}
		session := mustSession(t, s)
		exact := 0
		for _, source := range sources {
			images := readImages(t, s, source)
			for _, target := range sources {
				shadow := *target
				shadow.Name.Table += "s"
				m, err := table.Map(source, &shadow, table.Changes{TimeZone: "+05:30"})
				if err != nil || len(table.ReplayRefusals(m)) > 0 {
					continue
				}
				exact++
				compareWrites(t, session, images, sqlgen.NewCopy(m, server), sqlgen.NewReplay(m, server), m)
			}
		}
		if exact < 200 {
			t.Errorf("only %d conversions can be replayed", exact)
		}
	})
}

func compareWrites(t *testing.T, c *sql.Conn, images []table.Row, copying *sqlgen.Copy, replay *sqlgen.Replay, m *table.Mapping) {
	t.Helper()
	var copies, replays [][]string
	for id, image := range images {
		copies = append(copies, []string{copying.Row([]table.Value{table.IntValue(int64(id))})})
		replays = append(replays, replay.Writes([]table.Row{image}, 1<<20))
	}
	inside, replayed := written(t, c, m, copies), written(t, c, m, replays)
	for id := range images {
		if inside[id] != replayed[id] {
			to := &m.Columns[1]
			t.Errorf("%s to %s: inside the server %s, replayed %s\n%s", to.Source.ColumnType, to.Shadow.ColumnType, inside[id], replayed[id], replays[id])
		}
	}
}

// written runs for each row, counted from 0, the statements that insert it, and returns what they made, or that one failed. All of
// it is rolled back.
func written(t *testing.T, c *sql.Conn, m *table.Mapping, inserts [][]string) []string {
	t.Helper()
	tx, err := c.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing of it is to stay
	made, failed := make([]string, len(inserts)), make([]bool, len(inserts))
	for id, statements := range inserts {
		for _, statement := range statements {
			if _, err := tx.ExecContext(t.Context(), statement); err != nil {
				made[id], failed[id] = "an error", true
				break
			}
		}
	}
	read := "SELECT id, HEX(v), v FROM "
	if k := m.Columns[1].Shadow.Kind; k == table.Float || k == table.Double {
		read = "SELECT id, NULL, CAST(v AS DOUBLE) FROM "
	}
	rows, err := tx.QueryContext(t.Context(), read+m.Shadow.Name.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // Err tells
	for rows.Next() {
		var id int
		var bytes, text sql.NullString
		if err := rows.Scan(&id, &bytes, &text); err != nil {
			t.Fatal(err)
		}
		if !failed[id] {
			made[id] = fmt.Sprint(bytes, text)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return made
}

// readImages returns the rows of a table (id, v) as the log would give them.
func readImages(t *testing.T, s *sandboxtest.Schema, source *table.Table) []table.Row {
	t.Helper()
	c := &source.Columns[1]
	expression := "CONCAT(v)"
	switch c.Kind {
	case table.Bit, table.Year, table.Enum, table.Set:
		expression = "v + 0"
	case table.Float, table.Double:
		expression = "CAST(v AS DOUBLE)"
	case table.Char, table.VarChar, table.Text, table.Binary, table.VarBinary, table.Blob:
		expression = "HEX(v)"
	}
	s.MustExec("SET SESSION time_zone = '+00:00'")
	var images []table.Row
	for id, text := range s.MustQueryRows("SELECT " + expression + " FROM " + source.Name.String() + " ORDER BY id") {
		images = append(images, table.Row{table.IntValue(int64(id)), valueOf(t, c, text)})
	}
	return images
}

func valueOf(t *testing.T, c *table.Column, text string) table.Value {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if text == "NULL" {
		return table.Value{}
	}
	switch c.Kind {
	case table.Int:
		if c.Unsigned {
			n, err := strconv.ParseUint(text, 10, 64)
			must(err)
			return table.UintValue(n)
		}
		n, err := strconv.ParseInt(text, 10, 64)
		must(err)
		return table.IntValue(n)
	case table.Bit, table.Year, table.Enum, table.Set:
		n, err := strconv.ParseUint(text, 10, 64)
		must(err)
		return table.UintValue(n)
	case table.Float:
		f, err := strconv.ParseFloat(text, 64)
		must(err)
		return table.Float32Value(float32(f))
	case table.Double:
		f, err := strconv.ParseFloat(text, 64)
		must(err)
		return table.Float64Value(f)
	case table.Char, table.VarChar, table.Text, table.Binary, table.VarBinary, table.Blob:
		b, err := hex.DecodeString(text)
		must(err)
		return table.Value{Kind: table.Bytes, Text: b}
	}
	return table.Value{Kind: table.Plain, Text: []byte(text)}
}
