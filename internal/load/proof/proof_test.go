package proof_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// corruption is a column with two values that are as near to each other as its type allows.
type corruption struct {
	definition string
	value      string
	other      string
	only       string // "mysql", "mariadb", or "" for both
}

var corruptions = map[string]corruption{
	"unsigned":       {definition: "BIGINT UNSIGNED", value: "18446744073709551615", other: "18446744073709551614"},
	"decimal":        {definition: "DECIMAL(65,30)", value: "1.000000000000000000000000000001", other: "1.000000000000000000000000000002"},
	"float":          {definition: "FLOAT", value: "16777215", other: "16777214"},
	"float of zero":  {definition: "FLOAT", value: "0e0", other: "-0e0"},
	"double":         {definition: "DOUBLE", value: "0.1e0", other: "0.10000000000000002e0"},
	"double rounded": {definition: "DOUBLE(20,2)", value: "4503599627370497.50", other: "4503599627370497.00"},
	"bit":            {definition: "BIT(64)", value: "18446744073709551615", other: "9223372036854775807"},
	"time":           {definition: "TIME(6)", value: "'-10:00:00.000001'", other: "'-10:00:00.000002'"},
	"datetime":       {definition: "DATETIME(6)", value: "'2026-10-25 02:30:00.000001'", other: "'2026-10-25 02:30:00.000002'"},
	"timestamp":      {definition: "TIMESTAMP(6) NULL", value: "'2026-10-25 02:30:00.000001'", other: "'2026-10-25 02:30:00.000002'"},
	"zero date":      {definition: "DATE", value: "'0000-00-00'", other: "NULL"},
	"year":           {definition: "YEAR", value: "2000", other: "0"},
	"case":           {definition: "VARCHAR(10)", value: "'a'", other: "'A'"},
	"space":          {definition: "VARCHAR(10)", value: "'a'", other: "'a '"},
	"empty":          {definition: "VARCHAR(10)", value: "''", other: "NULL"},
	"latin1":         {definition: "VARCHAR(10) CHARACTER SET latin1", value: "x'E9'", other: "x'E8'"},
	"binary":         {definition: "BINARY(4)", value: "x'41'", other: "x'4120'"},
	"zero byte":      {definition: "VARBINARY(4)", value: "x'41'", other: "x'4100'"},
	"blob":           {definition: "BLOB", value: "x'FF00'", other: "x'FF01'"},
	"enum":           {definition: "ENUM('', 'a')", value: "1", other: "0"},
	"set":            {definition: "SET('a', 'b')", value: "'a'", other: "'a,b'"},
	"geometry":       {definition: "GEOMETRY", value: "ST_GeomFromText('POINT(1 2)')", other: "ST_GeomFromText('POINT(1 2.0000000000000004)')"},
	"srid":           {definition: "GEOMETRY", value: "ST_GeomFromText('POINT(1 2)')", other: "ST_GeomFromText('POINT(1 2)', 4326)"},
	"json text":      {definition: "JSON", value: `'{"a": 1}'`, other: `'{"a": 2}'`},
	"json number":    {definition: "JSON", value: "JSON_OBJECT('a', 1.5e0)", other: "JSON_OBJECT('a', 1.5)", only: "mysql"},
	"json date":      {definition: "JSON", value: "JSON_ARRAY(DATE '2026-01-01')", other: "JSON_ARRAY('2026-01-01')", only: "mysql"},
	"json null":      {definition: "JSON", value: "'null'", other: "NULL"},
	"vector":         {definition: "VECTOR(2)", value: "x'0000803F0000803F'", other: "x'0000803F0100803F'", only: "mysql"},
	"uuid":           {definition: "UUID", value: "'00000000-0000-0000-0000-000000000001'", other: "'00000000-0000-0000-0000-000000000002'", only: "mariadb"},
	"inet6":          {definition: "INET6", value: "'2001:db8::'", other: "'2001:db8::1'", only: "mariadb"},
	"generated":      {definition: "INT AS (id + 1) STORED", value: "", other: ""},
	"invisible":      {definition: "INT INVISIBLE", value: "1", other: "2"},
}

// One table has all columns, and is inspected once: that is what takes the time of a comparison of so few rows.
func TestEqualFindsEachCorruption(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		names := createTyped(t, s)
		a, b := table.Name{Schema: s.Name, Table: "a"}, table.Name{Schema: s.Name, Table: "b"}
		report, err := proof.Equal(t.Context(), s.DB, a, b)
		if err != nil {
			t.Fatalf("equal tables: %v", err)
		}
		if report.Rows != 3 || !strings.HasSuffix(report.Checksum, "for both") {
			t.Errorf("report of equal tables: %v", report)
		}
		again, err := proof.Rows(t.Context(), s.DB, a, b)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			c := corruptions[name]
			if c.value == "" || name == "float of zero" && s.Server.Engine.MariaDB() {
				continue // a generated column; servers that store -0 as 0, as MariaDB does since 11.8.9
			}
			column := table.Quote(name)
			// By way of NULL: MySQL writes nothing when a document's new value compares equal to its old one.
			s.MustExec(lax + "UPDATE b SET " + column + " = NULL WHERE id = 2; UPDATE b SET " + column + " = " + c.other + " WHERE id = 2")
			_, err := again(t.Context())
			var d *proof.Difference
			if !errors.As(err, &d) {
				t.Errorf("%s: %s instead of %s: error %v, want a difference", name, c.other, c.value, err)
			} else if d.Key != "id = 2" || len(d.Columns) == 0 || !strings.HasPrefix(d.Columns[0].Name, name) {
				t.Errorf("%s: difference %v, want one of row id = 2 in that column", name, d)
			}
			s.MustExec(lax + "UPDATE b SET " + column + " = NULL WHERE id = 2; UPDATE b SET " + column + " = " + c.value + " WHERE id = 2")
		}
		if _, err := again(t.Context()); err != nil {
			t.Errorf("after all was undone: %v", err)
		}
	})
}

const lax = "SET SESSION sql_mode = ''; "

// createTyped creates two equal tables with a column of each kind that the server has, and returns their names in order.
func createTyped(t *testing.T, s *sandboxtest.Schema) []string {
	t.Helper()
	kind := "mysql"
	if s.Server.Engine.MariaDB() {
		kind = "mariadb"
	}
	var names, definitions, columns, values []string
	for _, name := range slices.Sorted(maps.Keys(corruptions)) {
		c := corruptions[name]
		if c.only != "" && c.only != kind {
			continue
		}
		names = append(names, name)
		definitions = append(definitions, table.Quote(name)+" "+c.definition)
		if c.value != "" {
			columns = append(columns, table.Quote(name))
			values = append(values, c.value)
		}
	}
	list, row := strings.Join(columns, ", "), strings.Join(values, ", ")
	s.MustExec(lax + "CREATE TABLE a (id INT PRIMARY KEY, " + strings.Join(definitions, ", ") + ")")
	s.MustExec(lax + "INSERT INTO a (id, " + list + ") VALUES (1, " + row + "), (2, " + row + ")")
	s.MustExec(lax + "INSERT INTO a (id) VALUES (3)")
	s.MustExec(lax + "CREATE TABLE b LIKE a; INSERT INTO b (id, " + list + ") SELECT id, " + list + " FROM a")
	return names
}

func TestEqualFindsRows(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		a, b := table.Name{Schema: s.Name, Table: "a"}, table.Name{Schema: s.Name, Table: "b"}
		s.MustExec(`CREATE TABLE a (x VARCHAR(5), y INT, v INT, PRIMARY KEY (x, y))`)
		s.MustExec(`INSERT INTO a VALUES ('A', 1, 1), ('a', 2, 2), ('b', 1, 3), ('é', 1, 4), ('z', 1, 5)`)
		s.MustExec("CREATE TABLE b LIKE a")
		compare, err := proof.Rows(t.Context(), s.DB, a, b)
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct{ change, key, missing string }{
			"first missing": {"DELETE FROM b WHERE v = 1", `x = "A", y = 1`, b.String()},
			"last missing":  {"DELETE FROM b WHERE v = 5", `x = "z", y = 1`, b.String()},
			"two missing":   {"DELETE FROM b WHERE v IN (2, 3)", `x = "a", y = 2`, b.String()},
			"all missing":   {"DELETE FROM b", `x = "A", y = 1`, b.String()},
			"one more":      {"INSERT INTO b VALUES ('c', 1, 6)", `x = "c", y = 1`, a.String()},
			"one more last": {"INSERT INTO b VALUES ('zz', 1, 6)", `x = "zz", y = 1`, a.String()},
			"other key":     {"UPDATE b SET y = 7 WHERE v = 3", `x = "b", y = 1`, b.String()},
			"key's case":    {"UPDATE b SET x = 'B' WHERE v = 3", `x = "b", y = 1`, b.String()},
		} {
			s.MustExec("DELETE FROM b; INSERT INTO b SELECT * FROM a; " + c.change)
			_, err := compare(t.Context())
			var d *proof.Difference
			if !errors.As(err, &d) || d.Key != c.key || d.Missing != c.missing {
				t.Errorf("%s: error %v, want row %s missing in %s", name, err, c.key, c.missing)
			}
		}
		s.MustExec("DELETE FROM b; INSERT INTO b SELECT * FROM a; UPDATE b SET v = 3 - v WHERE v IN (1, 2)")
		if _, err := compare(t.Context()); err == nil {
			t.Error("two swapped values: not found")
		}
		s.MustExec("DROP TABLE b; CREATE TABLE b (x VARCHAR(5), y BIGINT, PRIMARY KEY (x, y))")
		if _, err := proof.Equal(t.Context(), s.DB, a, b); err == nil || !strings.Contains(err.Error(), "column `v` is missing") {
			t.Errorf("column missing: error %v", err)
		}
	})
}

// Documents that were updated in place are stored otherwise than fresh ones, and are equal.
func TestEqualKnowsPartialUpdates(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec(`CREATE TABLE a (id INT PRIMARY KEY, v JSON)`)
		s.MustExec(`INSERT INTO a VALUES (1, '{"x": "a long string to be shortened", "y": [1, 2, 3]}')`)
		s.MustExec(`UPDATE a SET v = JSON_REMOVE(JSON_SET(v, '$.x', 'a'), '$.y')`)
		s.MustExec(`CREATE TABLE b (id INT PRIMARY KEY, v JSON, added INT); INSERT INTO b (id, v) VALUES (1, '{"x": "a"}')`)
		if s.Server.Engine.MariaDB() {
			s.MustExec(`UPDATE b JOIN a USING (id) SET b.v = a.v`) // a text, spaces and all
		}
		report, err := proof.Equal(t.Context(), s.DB, table.Name{Schema: s.Name, Table: "a"}, table.Name{Schema: s.Name, Table: "b"})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(report.Checksum, "not compared") {
			t.Errorf("checksums of different definitions: %s", report.Checksum)
		}
	})
}

func TestModelFindsCorruption(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		c := load.Table{Name: table.Name{Schema: s.Name, Table: "t"}, Rows: 50, Unique: true}
		if err := c.Create(t.Context(), s.DB); err != nil {
			t.Fatal(err)
		}
		g := load.New(load.Config{DB: s.DB, Tables: []load.Table{c}})
		for name, c := range map[string]struct{ change, undo, want string }{
			"nothing":  {"DO 0", "DO 0", ""},
			"k":        {"UPDATE t SET k = k + 1 WHERE id = 7", "UPDATE t SET k = k - 1 WHERE id = 7", "row with id = 7 differs: k is"},
			"c":        {"UPDATE t SET c = CONCAT('x', c) WHERE id = 50", "UPDATE t SET c = SUBSTR(c, 2) WHERE id = 50", "id = 50 differs: c is"},
			"u's case": {"UPDATE t SET u = UPPER(u) WHERE id = 1", "UPDATE t SET u = LOWER(u) WHERE id = 1", "id = 1 differs: u is"},
			"row more": {"INSERT INTO t (id) VALUES (-1)", "DELETE FROM t WHERE id = -1", "id = -1 is missing in the model"},
			"row last": {"INSERT INTO t (id) VALUES (51)", "DELETE FROM t WHERE id = 51", "id = 51 is missing in the model"},
			"row less": {"UPDATE t SET id = 52 WHERE id = 9", "UPDATE t SET id = 9 WHERE id = 52", "id = 9 is missing in " + c.Name.String()},
			"end less": {"UPDATE t SET id = 0 WHERE id = 50", "UPDATE t SET id = 50 WHERE id = 0", "id = 0 is missing in the model"},
		} {
			s.MustExec(c.change)
			report, err := proof.Model(t.Context(), s.DB, table.Name{Schema: s.Name, Table: "t"}, g.Model(0))
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want == "" && report.Rows != 50:
				t.Errorf("report of %d rows: %v", report.Rows, report)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%s: error %v, want one with %q", name, err, c.want)
			}
			s.MustExec(c.undo)
		}
	})
}
