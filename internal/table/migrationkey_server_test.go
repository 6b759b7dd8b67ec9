package table_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// keyText shows a migration key: its name, its columns in source and shadow, its name in the shadow.
func keyText(k *table.MigrationKey) string {
	return fmt.Sprintf("%s%v %s%v", k.Name, k.SourceNames(), k.ShadowName, k.ShadowNames())
}

func TestMigrationKey(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		for _, c := range []struct{ columns, alter, key, says, only string }{
			{columns: "id INT PRIMARY KEY, a INT NOT NULL UNIQUE", alter: "ADD x INT", key: "PRIMARY[id] PRIMARY[id]"},
			{columns: "id VARCHAR(20) PRIMARY KEY, a INT NOT NULL UNIQUE", alter: "ADD x INT", key: "PRIMARY[id] PRIMARY[id]"},
			{columns: "a VARCHAR(9) NOT NULL UNIQUE, b INT NOT NULL, c BIGINT NOT NULL, UNIQUE bc (b, c), UNIQUE i (c)", alter: "ADD x INT", key: "i[c] i[c]"},
			{columns: "a VARCHAR(9) NOT NULL, c BINARY(5) NOT NULL, UNIQUE a (a), UNIQUE c (c)", alter: "ADD x INT", key: "c[c] c[c]"},
			{columns: "id INT PRIMARY KEY, a INT NOT NULL UNIQUE", alter: "DROP PRIMARY KEY", key: "a[a] a[a]"},
			{columns: "id INT PRIMARY KEY, a INT NOT NULL", alter: "DROP PRIMARY KEY, ADD UNIQUE u (id), ADD PRIMARY KEY (a)", key: "PRIMARY[id] u[id]"},
			{columns: "id INT PRIMARY KEY", alter: "CHANGE id `Id 2` BIGINT", key: "PRIMARY[id] PRIMARY[Id 2]"},
			{columns: "a INT, b INT, PRIMARY KEY (a, b)", alter: "DROP PRIMARY KEY, ADD PRIMARY KEY (b, a)", key: "PRIMARY[a b] PRIMARY[a b]"},
			{columns: "a INT, b INT, PRIMARY KEY (a, b)", alter: "RENAME COLUMN a TO b, RENAME COLUMN b TO a", key: "PRIMARY[a b] PRIMARY[b a]"},
			{columns: "id INT UNSIGNED PRIMARY KEY", alter: "MODIFY id BIGINT", key: "PRIMARY[id] PRIMARY[id]"},
			{columns: "id VARCHAR(20) PRIMARY KEY", alter: "MODIFY id VARCHAR(30)", key: "PRIMARY[id] PRIMARY[id]"},
			{columns: "id ENUM('a','b') PRIMARY KEY", alter: "MODIFY id ENUM('a','b','c')", key: "PRIMARY[id] PRIMARY[id]"},
			{columns: "id DECIMAL(9,2) PRIMARY KEY", alter: "MODIFY id DECIMAL(12,2)", key: "PRIMARY[id] PRIMARY[id]"},
			{columns: "id TIMESTAMP(3) PRIMARY KEY", alter: "ADD x INT", key: "PRIMARY[id] PRIMARY[id]"},
			{columns: "id UUID PRIMARY KEY", alter: "ADD x INT", key: "PRIMARY[id] PRIMARY[id]", only: "mariadb"},
			{columns: "id INT PRIMARY KEY, a INT NOT NULL UNIQUE", alter: "DROP id", key: "a[a] a[a]"},

			{columns: "a INT", alter: "ADD x INT", says: "no unique key"},
			{columns: "a INT UNIQUE", alter: "ADD x INT", says: "`a`: it can be NULL"},
			{columns: "a INT UNIQUE", alter: "MODIFY a INT NOT NULL", says: "`a`: it can be NULL"},
			{columns: "a INT NOT NULL UNIQUE", alter: "MODIFY a INT NULL", says: "NULL after the ALTER"},
			{columns: "a INT PRIMARY KEY, x INT", alter: "DROP PRIMARY KEY", says: "no unique key of the same whole columns"},
			{columns: "a INT PRIMARY KEY, x INT", alter: "DROP PRIMARY KEY, ADD PRIMARY KEY (a, x)", says: "no unique key of the same whole columns"},
			{columns: "a INT PRIMARY KEY, x INT", alter: "DROP COLUMN a", says: "the ALTER drops it"},
			{columns: "a VARCHAR(50) NOT NULL, UNIQUE u (a(10))", alter: "ADD x INT", says: "only its beginning"},
			{columns: "a VARCHAR(50) PRIMARY KEY", alter: "DROP PRIMARY KEY, ADD PRIMARY KEY (a(10))", says: "no unique key of the same whole columns"},
			{columns: "a FLOAT PRIMARY KEY", alter: "ADD x INT", says: "float"},
			{columns: "a DOUBLE NOT NULL UNIQUE", alter: "ADD x INT", says: "double"},
			{columns: "a INT PRIMARY KEY", alter: "MODIFY a BIGINT UNSIGNED", says: "sign"},
			{columns: "a BIGINT UNSIGNED PRIMARY KEY", alter: "MODIFY a BIGINT", says: "sign"},
			{columns: "a INT PRIMARY KEY", alter: "MODIFY a VARCHAR(20)", says: "its type changes"},
			{columns: "a VARCHAR(20) PRIMARY KEY", alter: "MODIFY a VARCHAR(10)", says: "its type changes"},
			{columns: "a VARCHAR(20) PRIMARY KEY", alter: "MODIFY a CHAR(20)", says: "its type changes"},
			{columns: "a VARCHAR(20) COLLATE utf8mb4_bin PRIMARY KEY", alter: "MODIFY a VARCHAR(20) COLLATE utf8mb4_general_ci", says: "its collation changes"},
			{columns: "a VARCHAR(20) CHARACTER SET latin1 PRIMARY KEY", alter: "CONVERT TO CHARACTER SET utf8mb4", says: "its collation changes"},
			{columns: "a BINARY(8) PRIMARY KEY", alter: "MODIFY a BINARY(9)", says: "its type changes"},
			{columns: "a DATETIME(6) PRIMARY KEY", alter: "MODIFY a DATETIME(3)", says: "its type changes"},
			{columns: "a DATETIME PRIMARY KEY", alter: "MODIFY a TIMESTAMP", says: "its type changes"},
			{columns: "a DECIMAL(9,2) PRIMARY KEY", alter: "MODIFY a DECIMAL(9,1)", says: "its type changes"},
			{columns: "a ENUM('a','b') PRIMARY KEY", alter: "MODIFY a ENUM('b','a')", says: "its type changes"},
			{columns: "a ENUM('a','b?') PRIMARY KEY", alter: "MODIFY a ENUM('a','b?','c')", says: "its type changes"},
			{columns: "a INT, g INT AS (a) STORED NOT NULL UNIQUE", alter: "ADD x INT", says: "it is generated", only: "mysql"},
			{columns: "f DOUBLE PRIMARY KEY, a INT NOT NULL, UNIQUE u (a), x INT", alter: "ALTER INDEX u INVISIBLE", says: "same whole columns", only: "mysql"},
			{columns: "f DOUBLE PRIMARY KEY, a INT NOT NULL, UNIQUE u (a) INVISIBLE, x INT", alter: "ALTER INDEX u VISIBLE", says: "invisible", only: "mysql"},
			{columns: "f DOUBLE PRIMARY KEY, a INT NOT NULL, UNIQUE u (a) IGNORED, x INT", alter: "ALTER INDEX u NOT IGNORED", says: "invisible", only: "mariadb"},
			{columns: "a INT NOT NULL, UNIQUE u ((a + 1))", alter: "ADD x INT", says: "expression", only: "mysql"},
			{columns: "a YEAR(2) PRIMARY KEY", alter: "ADD x INT", says: "two digits", only: "mariadb"},
			{columns: "a TEXT NOT NULL, UNIQUE u (a)", alter: "ADD x INT", says: "HASH", only: "mariadb"},
		} {
			if c.only != "" && (c.only == "mariadb") != s.Server.Engine.MariaDB() {
				continue
			}
			s.MustExec("DROP TABLE IF EXISTS source; CREATE TABLE source (" + c.columns + ")")
			m, err := altered(t, s, c.alter, "+05:30")
			got := ""
			if err == nil {
				got = keyText(&m.Key)
			}
			if got != c.key || c.says == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s; %s: key %s, error %v; want key %s, error %q", c.columns, c.alter, got, err, c.key, c.says)
			}
		}
	})
}

func TestAddedUniqueKeys(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		const columns = "id INT PRIMARY KEY, a INT, b VARCHAR(20), c VARCHAR(50) COLLATE utf8mb4_bin, d DATETIME(6), x INT, g INT AS (a * 2) STORED, "
		for _, c := range []struct{ keys, alter, added, only string }{
			{keys: "KEY (a)", alter: "ADD y INT"},
			{keys: "UNIQUE ua (a)", alter: "ADD y INT"},
			{keys: "UNIQUE ua (a)", alter: "MODIFY a BIGINT, RENAME INDEX ua TO other"},
			{keys: "UNIQUE ua (a)", alter: "RENAME COLUMN x TO y"},
			{keys: "UNIQUE ua (a), UNIQUE uax (a, x)", alter: "DROP INDEX ua, DROP INDEX uax, ADD UNIQUE u (x, b, a)"},
			{keys: "UNIQUE ub (b(5))", alter: "DROP INDEX ub, ADD UNIQUE ub (b(10)), ADD UNIQUE ub2 (b)"},
			{keys: "KEY (a)", alter: "ADD UNIQUE u (x, id)"},
			{keys: "UNIQUE ug (g)", alter: "MODIFY x BIGINT"},

			{keys: "KEY (a)", alter: "ADD UNIQUE u (a)", added: "u"},
			{keys: "UNIQUE uax (a, x)", alter: "ADD UNIQUE u (a)", added: "u"},
			{keys: "UNIQUE ub (b)", alter: "DROP INDEX ub, ADD UNIQUE ub (b(10))", added: "ub"},
			{keys: "UNIQUE ub (b(10))", alter: "DROP INDEX ub, ADD UNIQUE ub (b(5))", added: "ub"},
			{keys: "UNIQUE uc (c)", alter: "MODIFY c VARCHAR(50) COLLATE utf8mb4_general_ci", added: "uc"},
			{keys: "UNIQUE uc (c)", alter: "MODIFY c VARCHAR(40) COLLATE utf8mb4_bin", added: "uc"},
			{keys: "UNIQUE ud (d)", alter: "MODIFY d DATETIME", added: "ud"},
			{keys: "UNIQUE ud (d)", alter: "MODIFY d TIMESTAMP(6) NULL", added: "ud"},
			{keys: "UNIQUE ua (a)", alter: "RENAME COLUMN a TO z, RENAME COLUMN x TO a, DROP INDEX ua, ADD UNIQUE ua (a)", added: "ua", only: "plain"},
			{keys: "UNIQUE ug (g)", alter: "MODIFY g INT AS (a DIV 2) STORED", added: "ug"},
			{keys: "UNIQUE ug (g)", alter: "MODIFY a BIGINT", added: "ug"},
			{keys: "UNIQUE ug (g)", alter: "MODIFY g INT"},
			{keys: "UNIQUE ux (x)", alter: "MODIFY x INT AS (a DIV 2) STORED", added: "ux"},
			{keys: "UNIQUE f ((lower(b)))", alter: "MODIFY x BIGINT", only: "mysql"},
			{keys: "UNIQUE f ((lower(b)))", alter: "ADD UNIQUE f2 (x, (lower(b)))", only: "mysql"},
			{keys: "UNIQUE f ((lower(b)))", alter: "MODIFY b VARCHAR(30)", added: "f", only: "mysql"},
			{keys: "UNIQUE f ((lower(b)))", alter: "ADD UNIQUE f2 ((upper(b)))", added: "f2", only: "mysql"},
		} {
			if c.only == "mysql" && s.Server.Engine.MariaDB() {
				continue
			}
			definition := columns + c.keys
			if c.only == "plain" {
				definition = strings.Replace(definition, "g INT AS (a * 2) STORED, ", "", 1)
			}
			s.MustExec("DROP TABLE IF EXISTS source; CREATE TABLE source (" + definition + ")")
			m, err := altered(t, s, c.alter, "+05:30")
			if err != nil {
				t.Errorf("%s; %s: %v", c.keys, c.alter, err)
				continue
			}
			var added []string
			for _, k := range m.AddedUnique {
				added = append(added, k.Name)
			}
			if got := strings.Join(added, " "); got != c.added {
				t.Errorf("%s; %s: added %q, want %q", c.keys, c.alter, got, c.added)
			}
		}
	})
}

func TestMapRefuses(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		for _, c := range []struct{ columns, alter, says, only string }{
			{"a INT", "RENAME COLUMN a TO b, ADD a INT", "`a`", ""},
			{"a TIME", "MODIFY a DATETIME", "`a`", ""},
			{"a TIME", "MODIFY a DATE", "`a`", ""},
			{"a VARCHAR(20)", "MODIFY a TIMESTAMP NULL", "DATETIME first", ""},
			{"a TIMESTAMP", "MODIFY a BIGINT", "DATETIME first", ""},
			{"a INT", "ADD b DATETIME NOT NULL", "DEFAULT", ""},
			{"a INT", "ADD b GEOMETRY NOT NULL", "DEFAULT", ""},
			{"a TIMESTAMP", "ADD b VARCHAR(30) AS (a) STORED", "`b`", "mysql"},
			{"a TIMESTAMP", "ADD b VARCHAR(30) AS (a) VIRTUAL, ADD c VARCHAR(40) AS (CONCAT(b, 'x')) STORED", "`c`", "mysql"},
			{"a TIMESTAMP", "ADD b VARCHAR(30) AS (a) VIRTUAL, ADD c VARCHAR(40) AS (CONCAT(b, 'x')) VIRTUAL, ADD KEY k (id, c)", "`k`", "mysql"},
			{"a TIMESTAMP", "ADD KEY k ((CAST(a AS DATE)))", "`k`", "mysql"},
			{"a TIMESTAMP", "ADD b VARCHAR(80) AS (CONCAT('it''s', a, 'x')) STORED", "`b`", "mysql"},
			{"`it's` INT, a TIMESTAMP", "ADD b VARCHAR(80) AS (CONCAT(`it's`, a, 'x')) STORED", "`b`", "mysql"},
			{"a INT", "ADD b DATETIME AS (FROM_UNIXTIME(a)) STORED", "`b`", "mysql"},
			{"a TIMESTAMP, v VARCHAR(30) AS (a) VIRTUAL", "ADD b VARCHAR(30) DEFAULT (CONCAT(v, 'x'))", "depends on the time zone", "mysql"},
			{"a INT", "ADD b DATETIME DEFAULT ('2024-01-01' + INTERVAL 1 DAY) ON UPDATE CURRENT_TIMESTAMP", "`b`", ""},
		} {
			if c.only == "mysql" && s.Server.Engine.MariaDB() {
				continue
			}
			s.MustExec("DROP TABLE IF EXISTS source; CREATE TABLE source (id INT PRIMARY KEY, " + c.columns + ")")
			m, err := altered(t, s, c.alter, "+05:30")
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s; %s: got %v, %v; want %q", c.columns, c.alter, m, err, c.says)
			}
		}
		s.MustExec("DROP TABLE IF EXISTS source; CREATE TABLE source (id INT PRIMARY KEY, a TIMESTAMP NULL, `now` INT, KEY (a))")
		if _, err := altered(t, s, "ADD b VARCHAR(30) AS (a) VIRTUAL, ADD c VARCHAR(30) DEFAULT '`a`', ADD d VARCHAR(40) AS (CONCAT(c, `now`, '`a`')) STORED", "+05:30"); err != nil {
			t.Errorf("nothing is kept as computed: %v", err)
		}
		// The text is not trusted alone: a column that nothing names must not vanish.
		s.MustExec("DROP TABLE IF EXISTS source, shadow; CREATE TABLE source (id INT PRIMARY KEY, a INT, b INT); CREATE TABLE shadow (id INT PRIMARY KEY, c INT)")
		db := connect(t, s)
		_, err := table.Map(inspect(t, db, s.Name, "source"), inspect(t, db, s.Name, "shadow"), table.Changes{TimeZone: "UTC"})
		if err == nil || !strings.Contains(err.Error(), "`a`") || !strings.Contains(err.Error(), "`b`") {
			t.Errorf("vanished columns: %v", err)
		}
		_, err = table.Map(inspect(t, db, s.Name, "source"), inspect(t, db, s.Name, "shadow"),
			table.Changes{TimeZone: "UTC", Drops: []string{"B"}, Renames: map[string]string{"A": "z"}})
		if err == nil || !strings.Contains(err.Error(), "`z`") || strings.Contains(err.Error(), "`b`") {
			t.Errorf("renamed to nothing: %v", err)
		}
	})
}
