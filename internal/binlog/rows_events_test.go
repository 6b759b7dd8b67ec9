package binlog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// describe renders changes as "before → after" with literals, for comparison with what is expected.
func describe(def *table.Table, changes []RowChange) string {
	image := func(row table.Row) string {
		if row == nil {
			return "-"
		}
		var literals []string
		for i, v := range row {
			literals = append(literals, string(sqlgen.AppendLiteral(nil, &def.Columns[i], v)))
		}
		return strings.Join(literals, ",")
	}
	var lines []string
	for _, c := range changes {
		lines = append(lines, image(c.Before)+" → "+image(c.After))
	}
	return strings.Join(lines, "\n")
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

const threeChanges = `- → 1,_utf8mb4'a',5
- → 2,NULL,NULL
1,_utf8mb4'a',5 → 1,_utf8mb4'b',5
2,NULL,NULL → 2,_utf8mb4'b',NULL
2,_utf8mb4'b',NULL → 3,_utf8mb4'b',NULL
1,_utf8mb4'b',5 → -
3,_utf8mb4'b',NULL → -`

var threeStatements = []string{
	"INSERT INTO t VALUES (1, 'a', 5), (2, NULL, NULL)",
	"UPDATE t SET b = 'b'",
	"UPDATE t SET a = 3 WHERE a = 2",
	"DELETE FROM t",
}

func TestInsertsUpdatesAndDeletes(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (a INT PRIMARY KEY, b TEXT, c SMALLINT)")
		c := newCapture(t, s)
		for _, q := range threeStatements {
			s.MustExec(q)
		}
		def := mustInspect(t, s, "t")
		events := c.read()["t"]
		expect(t, describe(def, mustDecode(t, events, def)), threeChanges)

		d, err := events[0].decoder(def)
		if err != nil {
			t.Fatal(err)
		}
		keys := d.project([]int{2, 0})
		var changes []RowChange
		for _, e := range events {
			some, err := keys.decode(e.typ, e.body)
			if err != nil {
				t.Fatal(err)
			}
			changes = append(changes, some...)
		}
		projected := &table.Table{Columns: []table.Column{def.Columns[2], def.Columns[0]}}
		expect(t, describe(projected, changes), "- → 5,1\n- → NULL,2\n5,1 → 5,1\nNULL,2 → NULL,2\nNULL,2 → NULL,3\n5,1 → -\nNULL,3 → -")
	})
}

func TestCompressedRowsEvents(t *testing.T) {
	for _, e := range []sandbox.Engine{sandbox.MariaDB1011, sandbox.MariaDB118} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			server := sandboxtest.Private(t, e, sandbox.Options{Args: []string{"--log-bin-compress=ON", "--log-bin-compress-min-len=10"}})
			s := sandboxtest.NewSchema(t, server.Address())
			s.MustExec("CREATE TABLE t (a INT PRIMARY KEY, b TEXT, c SMALLINT)")
			c := newCapture(t, s)
			long := strings.Repeat("long ", 1000)
			s.MustExec("INSERT INTO t VALUES (1, '" + long + "', 7)")
			s.MustExec("UPDATE t SET c = 8")
			s.MustExec("DELETE FROM t")
			events := c.read()["t"]
			for i, e := range events {
				if e.typ != byte(compressedRowsV1+i) || len(e.body) > 1000 {
					t.Errorf("event %d has the type %d and %d bytes", i, e.typ, len(e.body))
				}
			}
			def := mustInspect(t, s, "t")
			want := strings.ReplaceAll("- → 1,L,7\n1,L,7 → 1,L,8\n1,L,8 → -", "L", "_utf8mb4'"+long+"'")
			expect(t, describe(def, mustDecode(t, events, def)), want)
		})
	}
}

// decodeError returns the error of the first event that cannot be decoded.
func decodeError(t *testing.T, events []rawEvent, def *table.Table) string {
	t.Helper()
	for _, e := range events {
		d, err := e.decoder(def)
		if err != nil {
			return err.Error()
		}
		if _, err := d.decode(e.typ, e.body); err != nil {
			return err.Error()
		}
	}
	return ""
}

func TestImagesThatLeaveColumnsOutAreRefused(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		for name, c := range map[string]struct{ image, statement, column string }{
			"insert": {"MINIMAL", "INSERT INTO insert_ (a) VALUES (2)", "`b`"},
			"update": {"MINIMAL", "UPDATE update_ SET c = 2", "`b`"},
			"delete": {"MINIMAL", "DELETE FROM delete_", "`b`"},
			"noblob": {"NOBLOB", "UPDATE noblob_ SET c = 2", "`b`"},
		} {
			s.MustExec(fmt.Sprintf("CREATE TABLE %s_ (a INT PRIMARY KEY, b TEXT, c INT); INSERT INTO %s_ VALUES (1, 'b', 1)", name, name))
			session := s.MustConn()
			mustExec(t, session, "SET SESSION binlog_row_image = "+c.image)
			capture := newCapture(t, s)
			mustExec(t, session, c.statement)
			mustExec(t, session, "SET SESSION binlog_row_image = DEFAULT")
			got := decodeError(t, capture.read()[name+"_"], mustInspect(t, s, name+"_"))
			if !strings.Contains(got, c.column) || !strings.Contains(got, "binlog_row_image") || !strings.Contains(got, name+"_`") {
				t.Errorf("%s: error %q, want table, column and setting named", name, got)
			}
		}
	})
}

// MariaDB leaves generated columns out of updates and deletes from some version on.
func TestGeneratedColumnsMayBeLeftOut(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (v INT AS (b + 1) VIRTUAL, a INT PRIMARY KEY, s INT AS (b + 2) STORED, b INT, c SMALLINT)")
		c := newCapture(t, s)
		s.MustExec("INSERT INTO t (a, b, c) VALUES (1, 10, 5), (2, 20, NULL)")
		s.MustExec("UPDATE t SET b = b + 1, c = 6")
		s.MustExec("UPDATE t SET a = 3 WHERE a = 2")
		s.MustExec("DELETE FROM t WHERE a = 3")
		def := mustInspect(t, s, "t")
		var changes []RowChange
		for _, e := range c.read()["t"] {
			d, err := e.decoder(def)
			if err != nil {
				t.Fatal(err)
			}
			some, err := d.project([]int{1, 3, 4}).decode(e.typ, e.body)
			if err != nil {
				t.Fatal(err)
			}
			changes = append(changes, some...)
		}
		projected := &table.Table{Columns: []table.Column{def.Columns[1], def.Columns[3], def.Columns[4]}}
		expect(t, describe(projected, changes), "- → 1,10,5\n- → 2,20,NULL\n1,10,5 → 1,11,6\n2,20,NULL → 2,21,6\n2,21,6 → 3,21,6\n3,21,6 → -")
	})
}

func TestFullNoDup(t *testing.T) {
	sandboxtest.On(t, []sandbox.Engine{sandbox.MariaDB118}, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (a INT PRIMARY KEY, b TEXT, c SMALLINT)")
		session := s.MustConn()
		mustExec(t, session, "SET SESSION binlog_row_image = FULL_NODUP")
		c := newCapture(t, s)
		for _, q := range threeStatements {
			mustExec(t, session, q)
		}
		def := mustInspect(t, s, "t")
		events := c.read()["t"]
		expect(t, describe(def, mustDecode(t, events, def)), threeChanges)
	})
}

func TestPartialJSONIsRefused(t *testing.T) {
	sandboxtest.On(t, []sandbox.Engine{sandbox.MySQL97}, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec(`CREATE TABLE t (a INT PRIMARY KEY, j JSON); INSERT INTO t VALUES (1, '{"a": 1, "b": "some text that makes a diff worth while"}')`)
		session := s.MustConn()
		mustExec(t, session, "SET SESSION binlog_row_value_options = 'PARTIAL_JSON'")
		c := newCapture(t, s)
		mustExec(t, session, "UPDATE t SET j = JSON_SET(j, '$.a', 2)")
		if got := decodeError(t, c.read()["t"], mustInspect(t, s, "t")); !strings.Contains(got, "binlog_row_value_options") {
			t.Errorf("error %q, want the setting named", got)
		}
	})
}

// A column of the log that does not fit the inspected one is named, in every direction.
func TestChangedDefinitionIsNoticed(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		types := []string{
			"TINYINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL(10,2)", "DECIMAL(10,3)", "DECIMAL(11,2)", "BIT(8)", "BIT(9)", "YEAR", "DATE", "TIME", "TIME(1)",
			"DATETIME", "DATETIME(6)", "TIMESTAMP NULL", "TIMESTAMP(3) NULL", "CHAR(10) CHARACTER SET latin1", "CHAR(11) CHARACTER SET latin1", "CHAR(10) CHARACTER SET utf8mb4", "VARCHAR(10) CHARACTER SET latin1",
			"VARCHAR(300) CHARACTER SET latin1", "BINARY(12)", "VARBINARY(20)", "TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT", "SET('a')", "GEOMETRY",
		}
		first := newCapture(t, s)
		for i, typ := range types {
			s.MustExec(fmt.Sprintf("CREATE TABLE t%d (id INT, c %s); INSERT INTO t%d VALUES (1, NULL)", i, typ, i))
		}
		events := first.read()
		for i := range types {
			def := mustInspect(t, s, fmt.Sprintf("t%d", i))
			for j := range types {
				got := decodeError(t, events[fmt.Sprintf("t%d", j)], def)
				switch {
				case i == j && got != "":
					t.Errorf("%s: %s", types[i], got)
				case i != j && !(strings.Contains(got, fmt.Sprintf("column `c` of table %s", def.Name)) && strings.Contains(got, "definition changed")):
					t.Errorf("%s in the log, %s inspected: error %q", types[j], types[i], got)
				}
			}
		}
		def := mustInspect(t, s, "t0")
		def.Columns = def.Columns[:1]
		if got := decodeError(t, events["t0"], def); !strings.Contains(got, "definition changed") || !strings.Contains(got, "2 columns") {
			t.Errorf("a column more in the log: error %q", got)
		}
	})
}

// Members are numbers in the log: one that the inspected list does not have shows that the list grew.
func TestMemberBeyondTheListIsNoticed(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		for name, column := range map[string]string{"e": "ENUM('a','b','c')", "s": "SET('a','b','c')"} {
			c := newCapture(t, s)
			s.MustExec(fmt.Sprintf("CREATE TABLE %s (id INT, c %s); INSERT INTO %s VALUES (1, 'c')", name, column, name))
			events, def := c.read()[name], mustInspect(t, s, name)
			if got := decodeError(t, events, def); got != "" {
				t.Errorf("%s: %s", column, got)
			}
			def.Columns[1].Values = def.Columns[1].Values[:2]
			if got := decodeError(t, events, def); !strings.Contains(got, "column `c`") || !strings.Contains(got, "definition changed") {
				t.Errorf("%s without 'c': error %q", column, got)
			}
		}
	})
}

func TestRowsOfAnotherTableMapAreRefused(t *testing.T) {
	tableMap, body, def := benchRows(2)
	event := rawEvent{typ: updateRowsV2, body: body, tableMap: tableMap}
	if got := decodeError(t, []rawEvent{event}, def); got != "" {
		t.Fatal(got)
	}
	tableMap[0]++
	if got := decodeError(t, []rawEvent{event}, def); !strings.Contains(got, "table id 1, not 2") {
		t.Errorf("error %q", got)
	}
}

// Columns that the servers add by themselves must not upset the count.
func TestHiddenColumns(t *testing.T) {
	tables := map[string]string{
		"invisible": "CREATE TABLE invisible (a INT PRIMARY KEY, b INT INVISIBLE DEFAULT 5, c INT)",
		"computed":  "CREATE TABLE computed (a INT PRIMARY KEY, b INT AS (a + 1) VIRTUAL, d INT AS (a * 2) STORED, c INT, KEY (b))",
	}
	wants := map[string]string{"invisible": "- → 1,5,7", "computed": "- → 1,2,2,7"}
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		tables, wants := copied(tables), copied(wants)
		if s.Server.Engine.MariaDB() {
			// What is hidden is left out of updates and deletes, as generated columns are (11.8.9).
			tables["long_unique"] = "CREATE TABLE long_unique (a INT PRIMARY KEY, b LONGTEXT UNIQUE, d LONGBLOB UNIQUE); ALTER TABLE long_unique ADD c INT"
			wants["long_unique"] = "- → 1,NULL,NULL,7"
		} else {
			tables["functional"] = "CREATE TABLE functional (a INT PRIMARY KEY, c INT, KEY ((c + 1)), KEY ((ABS(c))))"
			wants["functional"] = "- → 1,7"
			tables["multi"] = "CREATE TABLE multi (a INT PRIMARY KEY, j JSON, c INT, KEY ((CAST(j AS UNSIGNED ARRAY))))"
			wants["multi"] = "- → 1,NULL,7"
		}
		for name, create := range tables {
			s.MustExec(create)
			c := newCapture(t, s)
			s.MustExec("INSERT INTO " + name + " (a, c) VALUES (1, 7)")
			def := mustInspect(t, s, name)
			expect(t, describe(def, mustDecode(t, c.read()[name], def)), wants[name])
			c = newCapture(t, s)
			s.MustExec("UPDATE " + name + " SET c = 8; DELETE FROM " + name)
			if changes := mustDecode(t, c.read()[name], def); len(changes) != 2 || changes[0].Before == nil || changes[0].After == nil || changes[1].After != nil {
				t.Errorf("%s: after an update and a delete the log has %s", name, describe(def, changes))
			}
		}
	})
}

func copied(m map[string]string) map[string]string {
	c := make(map[string]string)
	for k, v := range m {
		c[k] = v
	}
	return c
}

// The empty value of an ENUM, which a write without strict mode leaves, can be compared everywhere and written where the
// server has a way; elsewhere it is refused and not changed.
func TestEmptyEnum(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (a INT PRIMARY KEY, e ENUM('x','0','')); CREATE TABLE copy LIKE t")
		session := s.MustConn()
		mustExec(t, session, "SET sql_mode = ''")
		c := newCapture(t, s)
		mustExec(t, session, "INSERT INTO t VALUES (1, 'no member')")
		def := mustInspect(t, s, "t")
		v := mustDecode(t, c.read()["t"], def)[0].After[1]
		if v.Kind != table.Number || v.Num != 0 {
			t.Fatalf("decoded as %+v", v)
		}
		db := mustOpen(t, s)
		var n int
		query := fmt.Sprintf("SELECT COUNT(*) FROM %s.t WHERE e = %s", s.Name, sqlgen.AppendLiteral(nil, &def.Columns[1], v))
		if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil || n != 1 {
			t.Errorf("%s: %d, %v", query, n, err)
		}
		_, err := db.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO %s.copy VALUES (1, %s)", s.Name, sqlgen.AppendStored(nil, &def.Columns[1], v)))
		if err != nil {
			// MariaDB refuses it in 10.11 and since 11.8.9.
			if !s.Server.Engine.MariaDB() || !strings.Contains(err.Error(), "'e'") {
				t.Errorf("error %v, want none, or on MariaDB a refusal that names the column", err)
			}
			return
		}
		expect(t, s.MustQueryString("SELECT e + 0 FROM copy"), "0")
	})
}
