package table_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/alter"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// moment is that of all ALTERs here: shortly before Berlin's next day begins.
var moment = time.Date(2024, 7, 1, 21, 59, 58, 765432000, time.UTC)

// altered makes `shadow` out of `source` with the ALTER and maps the one onto the other.
func altered(t *testing.T, s *sandboxtest.Schema, text, zone string) (*table.Mapping, error) {
	t.Helper()
	a, err := alter.Parse(text, table.Name{Schema: s.Name, Table: "source"}, alter.Dialect{})
	if err != nil {
		t.Fatal(err)
	}
	s.MustExec("SET SESSION time_zone = '" + zone + "'; DROP TABLE IF EXISTS shadow; CREATE TABLE shadow LIKE source; " +
		a.For(table.Name{Schema: s.Name, Table: "shadow"}) + "; SET SESSION time_zone = DEFAULT")
	db := connect(t, s)
	return table.Map(inspect(t, db, s.Name, "source"), inspect(t, db, s.Name, "shadow"),
		table.Changes{Renames: a.Renames, Drops: a.Drops, TimeZone: zone, Moment: moment, MariaDB: s.Server.Engine.MariaDB()})
}

// copyRows fills the shadow as the mapping says, in a session of Midstream.
func copyRows(t *testing.T, s *sandboxtest.Schema, m *table.Mapping) error {
	t.Helper()
	var into, from []string
	for _, p := range m.Columns {
		into = append(into, table.Quote(p.Shadow.Name))
		from = append(from, p.Wrap.Around(table.Quote(p.Source.Name)))
	}
	_, err := connect(t, s).ExecContext(t.Context(), fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s",
		m.Shadow.Name, strings.Join(into, ", "), strings.Join(from, ", "), m.Source.Name))
	return err
}

// native alters a copy of the source by the server's own means, in a session with that time zone.
func native(t *testing.T, s *sandboxtest.Schema, text, zone string) error {
	t.Helper()
	c := s.MustConn()
	var plain []string
	for _, col := range inspect(t, s.DB, s.Name, "source").Columns {
		if col.Generation == table.NotGenerated {
			plain = append(plain, table.Quote(col.Name))
		}
	}
	columns := strings.Join(plain, ", ")
	for _, q := range []string{
		"SET sql_mode = 'STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'", "SET time_zone = '+00:00'",
		"DROP TABLE IF EXISTS native", "CREATE TABLE native LIKE source",
		"INSERT INTO native (" + columns + ") SELECT " + columns + " FROM source",
	} {
		mustExec(t, c, q)
	}
	mustExec(t, c, "SET time_zone = '"+zone+"', timestamp = "+fmt.Sprintf("%d.%06d", moment.Unix(), moment.Nanosecond()/1000))
	_, err := c.ExecContext(t.Context(), "ALTER TABLE native "+text)
	return err
}

func mustExec(t *testing.T, c interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, q string) {
	t.Helper()
	if _, err := c.ExecContext(t.Context(), q); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
}

// rows returns the rows of a table with all columns, also invisible ones, in the order of id.
func rows(t *testing.T, s *sandboxtest.Schema, name string) []string {
	t.Helper()
	var columns []string
	for _, c := range inspect(t, s.DB, s.Name, name).Columns {
		columns = append(columns, "HEX("+table.Quote(c.Name)+")", table.Quote(c.Name))
	}
	return s.MustQueryRows("SELECT " + strings.Join(columns, ", ") + " FROM " + name + " ORDER BY id")
}

// TestMappingCarriesDataAsTheServerDoes compares the copy that a mapping makes with a native ALTER of the same data.
func TestMappingCarriesDataAsTheServerDoes(t *testing.T) {
	const plain = "CREATE TABLE source (id INT PRIMARY KEY, a INT, b VARCHAR(20), c INT NOT NULL DEFAULT 5); " +
		"INSERT INTO source VALUES (1, 10, 'x', 100), (2, NULL, 'y', 200)"
	cases := []struct{ create, alter, only string }{
		{plain, "ADD d INT, ADD e INT NOT NULL, ADD f VARCHAR(9) NOT NULL FIRST, ADD g DATETIME NULL", ""},
		{plain, "ADD t TEXT NOT NULL, ADD e ENUM('p','q') NOT NULL, ADD s SET('p','q') NOT NULL, ADD b9 BIT(9) NOT NULL, ADD y YEAR NOT NULL", ""},
		{plain, "ADD bi BINARY(3) NOT NULL, ADD vb VARBINARY(3) NOT NULL, ADD bl BLOB NOT NULL, ADD ti TIME(3) NOT NULL, ADD de DECIMAL(5,2) NOT NULL", ""},
		{plain, "ADD fl FLOAT NOT NULL, ADD do DOUBLE NOT NULL, ADD ch CHAR(3) NOT NULL DEFAULT 'n'", ""},
		{plain, "ADD j JSON NOT NULL", "mysql"},
		{plain, "ADD u UUID NOT NULL, ADD i6 INET6 NOT NULL, ADD i4 INET4 NOT NULL", "mariadb"},
		{plain, "RENAME COLUMN a TO c, RENAME COLUMN c TO a", ""},
		{plain, "CHANGE a A BIGINT, CHANGE b `B b` TEXT", ""},
		{plain, "DROP a, RENAME COLUMN c TO a", ""},
		{plain, "DROP a, ADD a INT NOT NULL DEFAULT 3", ""},
		{plain, "CHANGE COLUMN a c2 INT AFTER c, MODIFY b VARCHAR(30) FIRST", ""},
		{plain, "MODIFY a INT INVISIBLE, ADD h INT INVISIBLE DEFAULT 4", ""},
		{plain, "CHANGE COLUMN IF EXISTS nothing something INT, DROP COLUMN IF EXISTS nothing, ADD z INT", "mariadb"},
		{plain, "CONVERT TO CHARACTER SET latin1", ""},
		{"CREATE TABLE source (id INT PRIMARY KEY, a INT, v INT AS (a + 1) VIRTUAL, p INT AS (a + 2) STORED, h INT INVISIBLE); " +
			"INSERT INTO source (id, a, h) VALUES (1, 10, 7), (2, NULL, NULL)", "MODIFY p INT, CHANGE h h2 INT, ADD w INT AS (a * 2) STORED", ""},
		{"CREATE TABLE source (id INT PRIMARY KEY, a INT, s INT); INSERT INTO source VALUES (1, 10, 4)", "MODIFY s INT AS (a * 2) STORED", ""},
	}
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		for _, c := range cases {
			if c.only != "" && (c.only == "mariadb") != s.Server.Engine.MariaDB() {
				continue
			}
			s.MustExec("DROP TABLE IF EXISTS source; " + c.create)
			compareWithNative(t, s, c.alter, "+00:00")
		}
	})
}

func compareWithNative(t *testing.T, s *sandboxtest.Schema, text, zone string) {
	t.Helper()
	m, err := altered(t, s, text, zone)
	if err != nil {
		t.Errorf("%s: %v", text, err)
		return
	}
	if err := native(t, s, text, zone); err != nil {
		t.Errorf("%s natively: %v", text, err)
		return
	}
	if err := copyRows(t, s, m); err != nil {
		t.Errorf("%s: %v", text, err)
		return
	}
	if got, want := rows(t, s, "shadow"), rows(t, s, "native"); !slices.Equal(got, want) {
		t.Errorf("%s in %s: got\n%s\nnatively\n%s", text, zone, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

var zones = []string{"+00:00", "-11:00", "Europe/Berlin", "SYSTEM"}

func TestTimestampsConvertAsInANativeAlter(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec(`SET SESSION sql_mode='ALLOW_INVALID_DATES', SESSION time_zone='+00:00';
			CREATE TABLE source (id INT PRIMARY KEY, a TIMESTAMP(6) NULL, b TIMESTAMP NULL, c DATETIME(6), d DATETIME, e DATE);
			INSERT INTO source VALUES
				(1, '2024-07-01 12:00:00.123456', '2024-01-01 00:00:00', '2024-07-01 12:00:00.123456', '2024-01-01 00:00:00', '2024-02-29'),
				(2, NULL, NULL, NULL, NULL, NULL),
				(3, '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00'),
				(4, '2024-10-27 00:30:00.5', '2024-10-27 01:30:00', '2024-10-27 02:30:00.999999', '2024-11-03 01:30:00', '1999-12-31'),
				(5, '2024-03-31 00:59:59.999999', '2024-03-31 01:00:00', '2024-03-31 01:59:59.9', '2024-03-31 03:00:00', '2024-03-31'),
				(6, '1970-01-01 00:00:01', '2038-01-19 03:14:07', '1970-01-02 12:00:00', '2038-01-18 00:00:00', '1970-01-02'),
				(7, '2024-06-30 23:59:59.999999', '2024-06-30 23:59:59', '2024-06-30 23:59:59.999999', '2024-06-30 23:59:59', '2024-06-30')`)
		for _, zone := range zones {
			for _, text := range []string{
				"MODIFY a DATETIME(6), MODIFY b DATETIME, MODIFY c TIMESTAMP(6) NULL, MODIFY d TIMESTAMP NULL",
				"MODIFY a DATETIME(3), MODIFY b DATETIME(2), MODIFY c TIMESTAMP(1) NULL, MODIFY d TIMESTAMP(4) NULL, MODIFY e TIMESTAMP NULL",
				"MODIFY a DATE, MODIFY b TIME, MODIFY c VARCHAR(40), MODIFY d DATE, MODIFY e DATETIME",
				"MODIFY a VARCHAR(40), MODIFY b TEXT, MODIFY c TIME(6), MODIFY d BIGINT, MODIFY e VARCHAR(20)",
			} {
				compareWithNative(t, s, text, zone)
			}
		}
	})
}

// TestImpossibleTimesAreErrors: what a strict native ALTER refuses, the copy refuses, and names the column.
func TestImpossibleTimesAreErrors(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		for _, c := range []struct{ value, zone string }{
			{"2024-03-31 02:30:00", "Europe/Berlin"}, // skipped
			{"2024-03-10 02:00:00", "America/New_York"},
			{"1970-01-01 01:00:00", "+02:00"}, // before the first
			{"1970-01-01 00:00:00", "+00:00"}, // the first is one second later
			{"9999-01-01 00:00:00", "-05:00"}, // after the last
			{"2106-02-07 05:00:00", "-05:00"}, // after the last, of any server
			{"1969-06-01 00:00:00", "SYSTEM"},
			{"2024-00-10 00:00:00", "+05:30"}, // no date
		} {
			s.MustExec("DROP TABLE IF EXISTS source; CREATE TABLE source (id INT PRIMARY KEY, c DATETIME); " +
				"SET SESSION sql_mode=''; INSERT INTO source VALUES (1, '" + c.value + "')")
			const text = "MODIFY c TIMESTAMP NULL"
			m, err := altered(t, s, text, c.zone)
			if err != nil {
				t.Fatal(err)
			}
			if err := native(t, s, text, c.zone); err == nil {
				t.Errorf("%s in %s: a native ALTER makes it %s", c.value, c.zone, rows(t, s, "native"))
			}
			if err := copyRows(t, s, m); err == nil {
				t.Errorf("%s in %s: the copy makes it %s", c.value, c.zone, rows(t, s, "shadow"))
			} else if !strings.Contains(err.Error(), "'c'") && !strings.Contains(err.Error(), "`c`") {
				t.Errorf("%s in %s: %v does not name the column", c.value, c.zone, err)
			}
		}
	})
}

// MariaDB 11.8 has 32-bit unsigned instants.
func TestLateTimestampsConvert(t *testing.T) {
	sandboxtest.On(t, []sandbox.Engine{sandbox.MariaDB118}, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("SET SESSION time_zone='+00:00'; CREATE TABLE source (id INT PRIMARY KEY, a TIMESTAMP NULL, b DATETIME); " +
			"INSERT INTO source VALUES (1, '2106-02-07 06:28:15', '2100-07-01 12:00:00'), (2, '2039-07-01 12:00:00', '2039-07-01 12:00:00')")
		for _, zone := range zones {
			compareWithNative(t, s, "MODIFY a DATETIME, MODIFY b TIMESTAMP NULL", zone)
		}
	})
}

func TestTextsWithAnOffsetAreRefused(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE source (id INT PRIMARY KEY, c VARCHAR(40)); INSERT INTO source VALUES (1, '2024-07-01 12:00:00'), (2, NULL)")
		compareWithNative(t, s, "MODIFY c DATETIME", "+05:30")
		s.MustExec("INSERT INTO source VALUES (3, '2024-07-01 12:00:00+02:00')")
		m, err := altered(t, s, "MODIFY c DATETIME", "+05:30")
		if err != nil {
			t.Fatal(err)
		}
		if err := copyRows(t, s, m); err == nil {
			t.Errorf("the copy makes it %s", rows(t, s, "shadow"))
		}
	})
}

func TestGlobalTimeZone(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		zone, err := table.GlobalTimeZone(t.Context(), connect(t, s))
		if err != nil || zone != s.MustQueryString("SELECT IF(@@global.time_zone = 'SYSTEM' AND @@system_time_zone = 'UTC', 'UTC', @@global.time_zone)") {
			t.Errorf("got %q, %v", zone, err)
		}
	})
}

// TestNumbersAreConvertedAsByAnALTER: where the copy of a number into a column of another type comes to an end at all, it
// is what a native ALTER of the same row gives.
func TestNumbersAreConvertedAsByAnALTER(t *testing.T) {
	values := []string{"0", "101", "0.1", "-1e10"}
	from := []string{"BIGINT", "INT(8) ZEROFILL", "DECIMAL(20,3)", "FLOAT", "DOUBLE", "YEAR"}
	to := []string{
		"CHAR(10)", "VARCHAR(40) CHARACTER SET utf16", "BINARY(20)", "BLOB", "DATE", "DATETIME(3)", "TIMESTAMP NULL", "TIME",
		"ENUM('a','0.1','2.5')", "SET('x','y')", "BIT(64)", "JSON",
	}
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		converted, refused := 0, 0
		for _, old := range from {
			for _, value := range values {
				s.MustExec("DROP TABLE IF EXISTS source; CREATE TABLE source (id INT PRIMARY KEY, v " + old + ")")
				if _, err := s.DB.ExecContext(t.Context(), "INSERT INTO source VALUES (1, "+value+")"); err != nil {
					continue // the column does not hold it
				}
				for _, fresh := range to {
					t.Run(value+" in "+old+" to "+fresh, func(t *testing.T) {
						text := "MODIFY v " + fresh
						m, err := altered(t, s, text, "+00:00")
						if err == nil {
							err = copyRows(t, s, m)
						}
						if err != nil {
							refused++
							return
						}
						converted++
						if err := native(t, s, text, "+00:00"); err != nil {
							t.Errorf("the copy is %v, and a native ALTER gives: %v", rows(t, s, "shadow"), err)
						} else if got, want := rows(t, s, "shadow"), rows(t, s, "native"); !slices.Equal(got, want) {
							t.Errorf("the copy is %v, and a native ALTER gives %v", got, want)
						}
					})
				}
			}
		}
		t.Logf("%d converted, %d refused", converted, refused)
		if converted < 100 {
			t.Error("most were refused")
		}
	})
}

// TestAddedMomentIsThatOfTheALTER: a column whose default is the current time gets the ALTER's, as the server's zone shows it.
func TestAddedMomentIsThatOfTheALTER(t *testing.T) {
	const text = "ADD a DATETIME DEFAULT CURRENT_TIMESTAMP, ADD b DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), " +
		"ADD c TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), ADD d DATETIME NULL ON UPDATE CURRENT_TIMESTAMP, " +
		"ADD e DATETIME(2) NOT NULL DEFAULT '2024-07-01 12:00:00.25' ON UPDATE CURRENT_TIMESTAMP(2), ADD f TIMESTAMP NOT NULL DEFAULT '2024-07-01 12:00:00' ON UPDATE CURRENT_TIMESTAMP"
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE source (id INT PRIMARY KEY); INSERT INTO source VALUES (1), (2)")
		for _, zone := range []string{"+00:00", "Europe/Berlin"} {
			m, err := altered(t, s, text, zone)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Columns) != 7 {
				t.Errorf("%d columns are written", len(m.Columns))
			}
			if err := copyRows(t, s, m); err != nil {
				t.Fatal(err)
			}
			if err := native(t, s, text, zone); err != nil {
				t.Fatal(err)
			}
			if got, want := rows(t, s, "shadow"), rows(t, s, "native"); !slices.Equal(got, want) {
				t.Errorf("%s: the copy is %v, and a native ALTER gives %v", zone, got, want)
			}
		}
		if _, err := altered(t, s, "ADD a VARCHAR(20) DEFAULT 'right now, it''s'", "Europe/Berlin"); err != nil {
			t.Error(err)
		}
		varying := []string{
			"DATE DEFAULT (CURRENT_DATE)", "VARCHAR(40) DEFAULT (CONCAT(NOW(), ''))", "VARCHAR(40) DEFAULT (NOW())", "TIME DEFAULT (CURRENT_TIME)",
			"DATETIME DEFAULT (NOW() + INTERVAL 30 DAY)", "DATETIME DEFAULT (UTC_TIMESTAMP())", "INT DEFAULT (UNIX_TIMESTAMP())",
		}
		if s.Server.Engine.MariaDB() { // MySQL refuses them by itself while it writes a binary log
			varying = append(varying, "DATETIME(6) DEFAULT (SYSDATE(6))", "DOUBLE DEFAULT (RAND())", "CHAR(36) DEFAULT (UUID())",
				"BIGINT UNSIGNED DEFAULT (UUID_SHORT())", "BIGINT DEFAULT (CONNECTION_ID())")
		}
		for _, refused := range varying {
			for _, zone := range []string{"+00:00", "Europe/Berlin"} {
				if m, err := altered(t, s, "ADD a "+refused, zone); err == nil || !strings.Contains(err.Error(), "`a`: its default depends on the moment") {
					t.Errorf("%s in %s: %v, %v", refused, zone, m, err)
				}
			}
		}
		for text, zones := range map[string][]string{
			"ADD a VARCHAR(40) DEFAULT (CONCAT('now(), ', id)), ADD `rand` INT DEFAULT 3, ADD b INT DEFAULT (`rand` + 1)": {"+00:00", "Europe/Berlin"},
			"ADD a DATETIME DEFAULT CURRENT_TIMESTAMP, ADD b DATETIME DEFAULT (a + INTERVAL 30 DAY)":                      {"+00:00", "Europe/Berlin"},
			"ADD a INT DEFAULT (UNIX_TIMESTAMP('2024-07-01 12:00:00'))":                                                   {"+00:00"},
		} {
			for _, zone := range zones {
				compareWithNative(t, s, text, zone)
			}
		}
	})
}
