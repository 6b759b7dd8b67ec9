package table_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// connect opens a pool with the settings of every session of Midstream.
func connect(t *testing.T, s *sandboxtest.Schema) conn.Querier {
	t.Helper()
	a := s.Server
	db, err := conn.Open(conn.Config{Host: a.Host, Port: a.Port, User: a.User, Password: a.Password}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func inspect(t *testing.T, q table.Querier, schema, name string) *table.Table {
	t.Helper()
	tab, err := table.Inspect(t.Context(), q, table.Name{Schema: schema, Table: name})
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// columnText shows what matters of a column in one line.
func columnText(c *table.Column) string {
	s := fmt.Sprintf("%s kind=%d len=%d prec=%d scale=%d", c.DataType, c.Kind, c.Length, c.Precision, c.Scale)
	for flag, on := range map[string]bool{"unsigned": c.Unsigned, "zerofill": c.ZeroFill, "null": c.Nullable, "auto": c.AutoIncrement,
		"invisible": c.Invisible, "compressed": c.Compressed} {
		if on {
			s += " " + flag
		}
	}
	if c.Charset != "" {
		s += " " + c.Charset
	}
	return s
}

// everyType has the types that all servers know; want is kind, length, precision, scale.
var everyType = []struct {
	definition              string
	kind                    table.Kind
	length, precision, frac int
}{
	{"TINYINT", table.Int, 0, 0, 0},
	{"SMALLINT UNSIGNED", table.Int, 0, 0, 0},
	{"MEDIUMINT", table.Int, 0, 0, 0},
	{"INT(5) ZEROFILL", table.Int, 0, 0, 0},
	{"BIGINT UNSIGNED", table.Int, 0, 0, 0},
	{"BOOL", table.Int, 0, 0, 0},
	{"DECIMAL(30,7) UNSIGNED", table.Decimal, 0, 30, 7},
	{"FLOAT", table.Float, 0, 0, 0},
	{"FLOAT(7,3)", table.Float, 0, 0, 3},
	{"DOUBLE", table.Double, 0, 0, 0},
	{"DOUBLE(10,4)", table.Double, 0, 0, 4},
	{"BIT(9)", table.Bit, 9, 0, 0},
	{"YEAR", table.Year, 0, 0, 0},
	{"DATE", table.Date, 0, 0, 0},
	{"TIME(3)", table.Time, 0, 0, 3},
	{"DATETIME(6)", table.DateTime, 0, 0, 6},
	{"TIMESTAMP(1) NULL", table.Timestamp, 0, 0, 1},
	{"CHAR(7)", table.Char, 7, 0, 0},
	{"VARCHAR(300)", table.VarChar, 300, 0, 0},
	{"TINYTEXT", table.Text, 255, 0, 0},
	{"TEXT", table.Text, 65535, 0, 0},
	{"MEDIUMTEXT", table.Text, 1<<24 - 1, 0, 0},
	{"LONGTEXT", table.Text, 1<<32 - 1, 0, 0},
	{"BINARY(16)", table.Binary, 16, 0, 0},
	{"VARBINARY(99)", table.VarBinary, 99, 0, 0},
	{"BLOB", table.Blob, 65535, 0, 0},
	{"GEOMETRY", table.Geometry, 0, 0, 0},
	{"POINT", table.Geometry, 0, 0, 0},
	{"MULTIPOLYGON", table.Geometry, 0, 0, 0},
	{"GEOMETRYCOLLECTION", table.Geometry, 0, 0, 0},
}

func TestInspectKnowsEveryType(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		types := everyType
		add := func(definition string, kind table.Kind, length int) {
			types = append(types, struct {
				definition              string
				kind                    table.Kind
				length, precision, frac int
			}{definition, kind, length, 0, 0})
		}
		if s.Server.Engine.MariaDB() {
			add("UUID", table.UUID, 0)
			add("INET6", table.Inet6, 0)
			add("INET4", table.Inet4, 0)
			add("JSON", table.Text, 1<<32-1)
			add("TEXT COMPRESSED", table.Text, 65535)
			add("VARBINARY(50) COMPRESSED", table.VarBinary, 50)
		} else {
			add("JSON", table.JSON, 0)
		}
		if s.Server.Engine != sandbox.MariaDB1011 {
			add("VECTOR(5)", table.Vector, 5)
		}
		var definitions []string
		for i, c := range types {
			definitions = append(definitions, fmt.Sprintf("c%d %s", i, c.definition))
		}
		s.MustExec("CREATE TABLE t (" + strings.Join(definitions, ", ") + ")")
		tab := inspect(t, connect(t, s), s.Name, "t")
		for i, want := range types {
			c := &tab.Columns[i]
			if c.Kind != want.kind || c.Length != want.length || c.Precision != want.precision || c.Scale != want.frac || c.Ordinal != i {
				t.Errorf("%s: got %s", want.definition, columnText(c))
			}
			if c.Unsigned != (strings.Contains(want.definition, "UNSIGNED") || strings.Contains(want.definition, "ZEROFILL")) ||
				c.ZeroFill != strings.Contains(want.definition, "ZEROFILL") ||
				c.Compressed != strings.Contains(want.definition, "COMPRESSED") || !c.Nullable {
				t.Errorf("%s: got %s", want.definition, columnText(c))
			}
			if text := c.IsString(); text != (c.Charset == "utf8mb4") || text == (c.Collation == "") {
				t.Errorf("%s: charset %q, collation %q", want.definition, c.Charset, c.Collation)
			}
		}
	})
}

func TestInspectDecodesMembers(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec(`CREATE TABLE t (e ENUM('x''y','b\\c','n\nl','r\rl','q"q','c,d','p)','(','ü','日本','t	b','nul\0l','') CHARACTER SET utf8mb4,
			s SET('ä','ö') CHARACTER SET latin1)`)
		tab := inspect(t, connect(t, s), s.Name, "t")
		want := []string{"x'y", `b\c`, "n\nl", "r\rl", `q"q`, "c,d", "p)", "(", "ü", "日本", "t\tb", "nul\x00l", ""}
		if got := tab.Columns[0].Values; fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
			t.Errorf("enum: got %q, want %q", got, want)
		}
		if got := tab.Columns[1].Values; fmt.Sprintf("%q", got) != `["ä" "ö"]` || tab.Columns[1].Charset != "latin1" {
			t.Errorf("set: got %q in %s", got, tab.Columns[1].Charset)
		}
	})
}

func TestInspectReadsKeysInOrder(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE `we``ird 表` (`a``b` INT NOT NULL, c VARCHAR(20), d TEXT NOT NULL, g GEOMETRY NOT NULL, " +
			"KEY `z k` (c(5), `a``b` DESC), UNIQUE KEY u (c), PRIMARY KEY (`a``b`), FULLTEXT KEY f (d), SPATIAL KEY (g), KEY p (d(7)))")
		hidden := "ALTER TABLE `we``ird 表` ALTER INDEX u "
		if s.Server.Engine.MariaDB() {
			s.MustExec(hidden + "IGNORED")
		} else {
			s.MustExec(hidden + "INVISIBLE; ALTER TABLE `we``ird 表` ADD UNIQUE KEY x ((lower(c)))")
		}
		tab := inspect(t, connect(t, s), s.Name, "we`ird 表")
		var got []string
		for _, k := range tab.Keys {
			got = append(got, fmt.Sprintf("%s unique=%t %s visible=%t %v", k.Name, k.Unique, k.Type, k.Visible, k.Parts))
		}
		want := []string{
			"PRIMARY unique=true BTREE visible=true [{a`b 0 false }]",
			"u unique=true BTREE visible=false [{c 0 false }]",
			"x unique=true BTREE visible=true [{ 0 false lower(`c`)}]",
			"z k unique=false BTREE visible=true [{c 5 false } {a`b 0 true }]",
			"g unique=false SPATIAL visible=true [{g 32 false }]",
			"p unique=false BTREE visible=true [{d 7 false }]",
			"f unique=false FULLTEXT visible=true [{d 0 false }]",
		}
		if s.Server.Engine.MariaDB() {
			want = append(want[:2], want[3:]...)
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if tab.PrimaryKey() == nil || tab.Column("A`B") != &tab.Columns[0] {
			t.Error("the primary key or its column is not found")
		}
	})
}

func TestInspectReadsGeneratedAndInvisibleColumns(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (a INT DEFAULT 7 COMMENT 'VIRTUAL GENERATED', b INT INVISIBLE, v INT AS (a+1) VIRTUAL, p INT AS (a+2) STORED, " +
			"d DATETIME DEFAULT CURRENT_TIMESTAMP)")
		tab := inspect(t, connect(t, s), s.Name, "t")
		want := []table.Generation{table.NotGenerated, table.NotGenerated, table.Virtual, table.Stored, table.NotGenerated}
		for i, g := range want {
			c := &tab.Columns[i]
			if c.Generation != g || (g != table.NotGenerated) != strings.Contains(c.Expression, "`a`") || c.Invisible != (c.Name == "b") {
				t.Errorf("%s: generation %d, expression %q, invisible %t", c.Name, c.Generation, c.Expression, c.Invisible)
			}
		}
		if d := tab.Columns[0].Default; d == nil || *d != "7" || tab.Columns[0].Comment != "VIRTUAL GENERATED" {
			t.Errorf("default %v, comment %q", d, tab.Columns[0].Comment)
		}
	})
}

func TestInspectShowsTheGeneratedInvisiblePrimaryKey(t *testing.T) {
	sandboxtest.On(t, []sandbox.Engine{sandbox.MySQL97}, func(t *testing.T, s *sandboxtest.Schema) {
		c := s.MustConn()
		for _, q := range []string{
			"SET sql_generate_invisible_primary_key = ON, show_gipk_in_create_table_and_information_schema = OFF",
			"CREATE TABLE t (a INT)",
		} {
			if _, err := c.ExecContext(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		tab := inspect(t, c, s.Name, "t")
		if len(tab.Columns) != 2 || tab.Columns[0].Name != "my_row_id" || !tab.Columns[0].Invisible || !tab.Columns[0].AutoIncrement {
			t.Errorf("columns %+v", tab.Columns)
		}
		if pk := tab.PrimaryKey(); pk == nil || !strings.Contains(tab.CreateSQL, "my_row_id") {
			t.Errorf("primary key %v in %s", pk, tab.CreateSQL)
		}
	})
}

func TestInspectReadsAutoIncrementUncached(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY) COMMENT 'our'")
		db := connect(t, s)
		for want := uint64(1); want < 4; want++ {
			tab := inspect(t, db, s.Name, "t")
			if got := max(tab.AutoIncrement, 1); got != want || tab.Comment != "our" || tab.Engine != "InnoDB" {
				t.Errorf("next value %d, want %d; comment %q, engine %s", got, want, tab.Comment, tab.Engine)
			}
			s.MustExec("INSERT INTO t VALUES ()")
		}
	})
}

func TestInspectReadsConstraints(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec(`CREATE TABLE parent (a INT, b INT, PRIMARY KEY (a, b)) PARTITION BY HASH (a) PARTITIONS 2`)
		if !inspect(t, connect(t, s), s.Name, "parent").Partitioned {
			t.Error("partitions are not seen")
		}
		s.MustExec(`ALTER TABLE parent REMOVE PARTITIONING;
			CREATE TABLE child (id INT PRIMARY KEY, x INT, y INT, CONSTRAINT positive CHECK (id > 0),
				CONSTRAINT fk FOREIGN KEY (y, x) REFERENCES parent (a, b) ON DELETE CASCADE ON UPDATE SET NULL);
			CREATE TRIGGER tr BEFORE INSERT ON child FOR EACH ROW SET NEW.x = 1`)
		child, parent := inspect(t, connect(t, s), s.Name, "child"), inspect(t, connect(t, s), s.Name, "parent")
		if len(child.ForeignKeys) != 1 || fmt.Sprint(child.ForeignKeys) != fmt.Sprint(parent.ReferencedBy) {
			t.Fatalf("of the child %v, of the parent %v", child.ForeignKeys, parent.ReferencedBy)
		}
		f := child.ForeignKeys[0]
		if fmt.Sprintf("%v %v %s %s %s %s", f.Columns, f.References, f.OnDelete, f.OnUpdate, f.Parent.Table, f.Child.Table) !=
			"[y x] [a b] CASCADE SET NULL parent child" {
			t.Errorf("foreign key %v", f)
		}
		if len(child.ReferencedBy)+len(parent.ForeignKeys)+len(parent.Triggers)+len(parent.Checks) != 0 || parent.Partitioned {
			t.Error("constraints are attributed to the wrong table")
		}
		if fmt.Sprint(child.Triggers) != "[tr]" || len(child.Checks) != 1 || !child.Checks[0].Enforced {
			t.Errorf("triggers %v, checks %v", child.Triggers, child.Checks)
		}
	})
}

func TestInspectRefusesByName(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (a INT); CREATE VIEW `the view` AS SELECT 1 AS one; CREATE TEMPORARY TABLE passing (a INT)")
		db := connect(t, s)
		refused := func(name string, want error) {
			t.Helper()
			_, err := table.Inspect(t.Context(), db, table.Name{Schema: s.Name, Table: name})
			if !errors.Is(err, want) || !strings.Contains(err.Error(), table.Quote(name)) {
				t.Errorf("%s: got %v, want %v with the name", name, err, want)
			}
		}
		for _, name := range []string{"missing", "T", "t ", "ť", "passing", "", "t%"} {
			refused(name, table.ErrNotFound)
		}
		refused("the view", table.ErrNotBaseTable)
		if s.Server.Engine.MariaDB() {
			s.MustExec("CREATE SEQUENCE seq; CREATE TABLE v (a INT) WITH SYSTEM VERSIONING")
			refused("seq", table.ErrNotBaseTable)
			if !inspect(t, db, s.Name, "v").Versioned {
				t.Error("system versioning is not seen")
			}
		}
		if _, err := table.Inspect(t.Context(), db, table.Name{Schema: "no such schema", Table: "t"}); !errors.Is(err, table.ErrNotFound) {
			t.Errorf("missing schema: %v", err)
		}
	})
}
