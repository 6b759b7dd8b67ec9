package alter

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/midstreamdb/midstream/internal/table"
)

var source = table.Name{Schema: "shop", Table: "t"}

// TestNameInAnotherCase is the table's where the server folds names.
func TestNameInAnotherCase(t *testing.T) {
	for _, folds := range []bool{false, true} {
		if _, err := Parse("ALTER TABLE Shop.T ADD x INT", source, Dialect{FoldsNames: folds}); (err == nil) != folds {
			t.Errorf("names fold: %t; %v", folds, err)
		}
	}
}

// TestSetsAutoIncrement: only a table option sets the next value, and a comment that the server may pass over does not count.
func TestSetsAutoIncrement(t *testing.T) {
	for sql, sets := range map[string]bool{
		"AUTO_INCREMENT = 5": true, "ADD x INT, AUTO_INCREMENT 7": true, "COMMENT 'c' auto_increment=1 ROW_FORMAT=DYNAMIC": true,
		"MODIFY id BIGINT NOT NULL AUTO_INCREMENT": false, "ADD id INT AUTO_INCREMENT PRIMARY KEY": false, "COMMENT 'AUTO_INCREMENT = 5'": false,
		"COMMENT = 'c' /*!50000 AUTO_INCREMENT = 5 */": false,
	} {
		a, err := Parse(sql, source, Dialect{})
		if err != nil || a.SetsAutoIncrement != sets {
			t.Errorf("%s: %v; sets the value: want %t", sql, err, sets)
		}
	}
}

// accepted are statements that Midstream carries over. only is "" for both engines, else "mysql" or "mariadb".
var accepted = []struct {
	sql     string
	clauses string // "" where they are the whole text
	renames string
	drops   string
	only    string
}{
	{sql: "ADD COLUMN x INT"},
	{sql: "add x int not null default 7 comment 'a, b; (c'"},
	{sql: "ADD (x INT, y DECIMAL(10,2))"},
	{sql: "ADD INDEX (a), ADD UNIQUE KEY u (b, a)"},
	{sql: "ALTER TABLE t ADD x INT", clauses: "ADD x INT"},
	{sql: "ALTER TABLE shop.t ADD x INT;", clauses: "ADD x INT"},
	{sql: " /* why */ alter table `shop` . `t`\n\tADD x INT ;; -- done", clauses: "ADD x INT"},
	{sql: "ALTER ONLINE TABLE t ADD x INT", clauses: "ADD x INT", only: "mariadb"},
	{sql: "ALTER TABLE IF EXISTS t ADD x INT", clauses: "ADD x INT", only: "mariadb"},
	{sql: "ADD x INT -- the new one", clauses: "ADD x INT"},
	{sql: "ADD x INT, -- the new one, (\n ADD y INT # and ' another", clauses: "ADD x INT, -- the new one, (\n ADD y INT"},
	{sql: "ALTER COLUMN a SET DEFAULT 3"},
	{sql: "ALTER a DROP DEFAULT"},
	{sql: "ALTER INDEX ka INVISIBLE", only: "mysql"},
	{sql: "ALTER INDEX ka IGNORED", only: "mariadb"},
	{sql: "MODIFY a BIGINT UNSIGNED NOT NULL FIRST"},
	{sql: "MODIFY COLUMN IF EXISTS a BIGINT", only: "mariadb"},
	{sql: "RENAME COLUMN a TO z", renames: "a>z"},
	{sql: "rename column `a` to `z``z`", renames: "a>z`z"},
	{sql: "RENAME COLUMN IF EXISTS a TO z", renames: "a>z", only: "mariadb"},
	{sql: "RENAME COLUMN a TO A", renames: "a>A"},
	{sql: "RENAME COLUMN a TO b, RENAME COLUMN b TO a", renames: "a>b b>a"},
	{sql: "CHANGE a z BIGINT", renames: "a>z"},
	{sql: "CHANGE COLUMN a A BIGINT", renames: "a>A"},
	{sql: "CHANGE a a BIGINT"},
	{sql: "CHANGE COLUMN IF EXISTS a z BIGINT", renames: "a>z", only: "mariadb"},
	{sql: "CHANGE /* from */ `a` -- to\n `z` INT", renames: "a>z"},
	{sql: "CHANGE a `to` INT, CHANGE b `from` INT", renames: "a>to b>from"},
	{sql: "DROP COLUMN a", drops: "a"},
	{sql: "DROP a, DROP `b`", drops: "a b"},
	{sql: "DROP COLUMN IF EXISTS a", drops: "a", only: "mariadb"},
	{sql: "DROP b, RENAME COLUMN a TO b", renames: "a>b", drops: "b"},
	{sql: "DROP INDEX ka"},
	{sql: "DROP KEY `ka`, ADD KEY ka (b)"},
	{sql: "DROP PRIMARY KEY, ADD PRIMARY KEY (id, a)"},
	{sql: "DROP CONSTRAINT positive"},
	{sql: "DROP CHECK positive", only: "mysql"},
	{sql: "RENAME INDEX ka TO kb"},
	{sql: "RENAME KEY ka TO kb"},
	{sql: "ENGINE=InnoDB"},
	{sql: "engine innodb row_format=dynamic, comment 'engine=myisam'"},
	{sql: "CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"},
	{sql: "DEFAULT CHARSET=latin1, AUTO_INCREMENT=77"},
	{sql: "PARTITION BY HASH (id) PARTITIONS 4"},
	{sql: "ADD x INT PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)"},
	{sql: "FORCE"},
	{sql: "ADD `order` INT, ADD `;` INT"},
	{sql: "ADD engine INT, ADD algorithm INT, ADD `rename` INT"},
	{sql: "ADD x INT /*!80023 INVISIBLE */"},
	{sql: "ADD x INT /*!80023 INVISIBLE */ /* end */;", clauses: "ADD x INT /*!80023 INVISIBLE */"},
	{sql: "ADD x INT /*!80023 INVISIBLE /* not seen */ */"},
	{sql: "ADD x INT /*M!100303 INVISIBLE */", only: "mariadb"},
	{sql: `ADD x VARCHAR(20) DEFAULT 'it\'s', DROP a`, drops: "a"},
	{sql: `ADD x VARCHAR(20) DEFAULT "a ""b"" '", DROP a`, drops: "a"},
	{sql: "ADD x VARCHAR(20) DEFAULT 'it''s, DROP b', DROP a", drops: "a"},
	{sql: "ADD `100%s` INT, ADD `%d%%` INT"},
	{sql: "ADD 1a INT, ADD ünï INT, ADD `日 本` INT"},
	{sql: "ADD x INT GENERATED ALWAYS AS (a + (b * 2)) STORED, ADD CHECK (a > 0)"},
	{sql: "ADD FULLTEXT KEY f (c)"},
}

func TestParseAccepts(t *testing.T) {
	for _, c := range accepted {
		a, err := Parse(c.sql, source, Dialect{})
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		want := c.clauses
		if want == "" {
			want = c.sql
		}
		if got := a.For(table.Name{Schema: "shop", Table: "t__new"}); got != "ALTER TABLE `shop`.`t__new` "+want {
			t.Errorf("%s: retargeted as %s", c.sql, got)
		}
		var renames []string
		for _, old := range slices.Sorted(maps.Keys(a.Renames)) {
			renames = append(renames, old+">"+a.Renames[old])
		}
		if got := strings.Join(renames, " "); got != c.renames {
			t.Errorf("%s: renames %q, want %q", c.sql, got, c.renames)
		}
		if got := strings.Join(a.Drops, " "); got != c.drops {
			t.Errorf("%s: drops %q, want %q", c.sql, got, c.drops)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ sql, says string }{
		{"", "changes nothing"},
		{" ; -- nothing", "changes nothing"},
		{"ALTER TABLE t", "changes nothing"},
		{"ALTER TABLE other ADD x INT", "`other`"},
		{"ALTER TABLE T ADD x INT", "`T`"},
		{"ALTER TABLE db2.t ADD x INT", "`db2`.`t`"},
		{"ALTER TABLE a.b.t ADD x INT", "no table name"},
		{"ALTER TABLE t ADD x INT; DROP TABLE t", "several statements"},
		{"ADD x INT; ADD y INT", "several statements"},
		{"ALTER IGNORE TABLE t ADD UNIQUE (a)", "IGNORE"},
		{"ALTER TABLE t WAIT 5 ADD x INT", "WAIT"},
		{"ALTER TABLE t NOWAIT ADD x INT", "NOWAIT"},
		{"RENAME TO u", "RENAME TABLE"},
		{"RENAME AS u", "RENAME TABLE"},
		{"RENAME = u", "RENAME TABLE"},
		{"RENAME u", "RENAME TABLE"},
		{"ADD x INT, RENAME `u`", "RENAME TABLE"},
		{"ALGORITHM=INPLACE, ADD x INT", "ALGORITHM"},
		{"ADD x INT, ALGORITHM INSTANT", "ALGORITHM"},
		{"ADD x INT, LOCK=NONE", "LOCK"},
		{"ADD CONSTRAINT fk FOREIGN KEY (a) REFERENCES p (id)", "foreign key"},
		{"ADD FOREIGN KEY (a) REFERENCES p (id)", "foreign key"},
		{"ADD x INT REFERENCES p (id)", "foreign key"},
		{"DROP FOREIGN KEY fk", "foreign key"},
		{"DROP PARTITION p0, p1", "partitions"},
		{"ADD PARTITION (PARTITION p9 VALUES LESS THAN (9))", "partitions"},
		{"TRUNCATE PARTITION p0", "partitions"},
		{"EXCHANGE PARTITION p0 WITH TABLE u", "partitions"},
		{"REORGANIZE PARTITION p0 INTO (PARTITION p1 VALUES LESS THAN (1))", "partitions"},
		{"COALESCE PARTITION 2", "partitions"},
		{"CONVERT PARTITION p0 TO TABLE u", "partitions"},
		{"CONVERT TABLE u TO PARTITION p0 VALUES LESS THAN (5)", "partitions"},
		{"REBUILD PARTITION ALL", "partitions"},
		{"ENGINE=MyISAM", "InnoDB"},
		{"COMMENT 'x' ENGINE MyISAM", "InnoDB"},
		{"IMPORT TABLESPACE", "tablespace"},
		{"DISCARD TABLESPACE", "tablespace"},
		{"DISCARD PARTITION p0 TABLESPACE", "tablespace"},
		{"ORDER BY a, b", "ORDER BY"},
		{"ADD SYSTEM VERSIONING", "system versioning"},
		{"DROP SYSTEM VERSIONING", "system versioning"},
		{"SECONDARY_LOAD", "secondary"},
		{"ADD x INT,, ADD y INT", "comma too many"},
		{"ADD x INT,", "comma too many"},
		{"ADD (x INT", "no closing one"},
		{"ADD x INT)", "no opening one"},
		{"ADD x INT COMMENT 'open", "no end"},
		{"ADD `open INT", "no end"},
		{"ADD x INT /* open", "no end"},
		{"ADD x INT /*!80000 open", "no end"},
		{"/*!80000 DROP a */", "executable comment"},
		{"ADD x INT /*!80000 , DROP a */", "executable comment"},
		{"DROP /*!80000 a */", "executable comment"},
		{"CHANGE a /*!80000 b */ INT", "executable comment"},
		{"/*!80000 ALTER TABLE */ t ADD x INT", "executable comment"},
		{"DROP", "no column"},
		{"CHANGE", "no column"},
		{"CHANGE a", "no column"},
		{"RENAME COLUMN a", "no column"},
		{"RENAME COLUMN a TO", "no column"},
	} {
		a, err := Parse(c.sql, source, Dialect{})
		if err == nil {
			t.Errorf("%s: accepted as %+v", c.sql, a)
		} else if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: says %q, want %q in it", c.sql, err, c.says)
		}
	}
}

func TestParseReportsAllRefusals(t *testing.T) {
	_, err := Parse("ENGINE=MyISAM, ADD x INT, RENAME u, LOCK=NONE", source, Dialect{})
	for _, want := range []string{"ENGINE=MyISAM", "RENAME u", "LOCK=NONE"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func TestParseFollowsTheSQLMode(t *testing.T) {
	const sql = `CHANGE "a" "b""c" INT COMMENT 'x\', DROP d`
	a, err := Parse(sql, source, DialectOf("STRICT_ALL_TABLES,ANSI_QUOTES,NO_BACKSLASH_ESCAPES"))
	if err != nil {
		t.Fatal(err)
	}
	if a.Renames["a"] != `b"c` || fmt.Sprint(a.Drops) != "[d]" {
		t.Errorf("renames %v, drops %v", a.Renames, a.Drops)
	}
	if a, err := Parse(sql, source, DialectOf("STRICT_ALL_TABLES")); err == nil {
		t.Errorf("read with backslash escapes as %+v", a)
	}
}

func TestNamesWithQuotesFindTheirTable(t *testing.T) {
	odd := table.Name{Schema: "my shop", Table: "we`ird.表"}
	a, err := Parse("ALTER TABLE `my shop`.`we``ird.表` ADD x INT", odd, Dialect{})
	if err != nil || a.Clauses != "ADD x INT" {
		t.Errorf("got %+v, %v", a, err)
	}
}

// pieces are what random statements are made of.
var pieces = []string{"ALTER", "TABLE", "t", " ", "\n", ",", "(", ")", ";", "'", `"`, "`", `\`, "/*", "/*!", "/*!50000", "/*M!", "*/", "--", "-- ", "#",
	"DROP", "COLUMN", "CHANGE", "RENAME", "TO", "a", "0x1f", "1e5", "1a", ".", "=", "é", "\x00", "\xff", "@"}

func TestTokensAreTheInput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sql := strings.Join(rapid.SliceOf(rapid.SampledFrom(pieces)).Draw(t, "pieces"), "")
		checkTokens(t, sql)
	})
}

func FuzzTokenize(f *testing.F) {
	for _, c := range accepted {
		f.Add(c.sql)
	}
	f.Add(strings.Join(pieces, ""))
	f.Fuzz(func(t *testing.T, sql string) { checkTokens(t, sql) })
}

type reporter interface {
	Errorf(format string, args ...any)
}

// checkTokens: tokens are the input, none is empty, and no input makes the readers panic.
func checkTokens(t reporter, sql string) {
	for _, d := range []Dialect{{}, {PlainBackslash: true}, {ANSIQuotes: true}} {
		var b strings.Builder
		for _, token := range tokenize(sql, d) {
			if token.text == "" || token.offset != b.Len() {
				t.Errorf("%q: token %q at %d", sql, token.text, token.offset)
			}
			b.WriteString(token.text)
		}
		if b.String() != sql {
			t.Errorf("%q: tokens give %q", sql, b.String())
		}
		if a, err := Parse(sql, source, d); err == nil && !strings.Contains(sql, a.Clauses) {
			t.Errorf("%q: clauses %q are not in it", sql, a.Clauses)
		}
	}
	Scan(sql)
}
