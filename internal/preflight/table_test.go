package preflight

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

func TestRunRefusesWhatIsNoOrdinaryTable(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id int PRIMARY KEY); CREATE VIEW v AS SELECT * FROM t; CREATE TABLE m (id int PRIMARY KEY) ENGINE = MyISAM")
		for table, want := range map[string]struct{ text, fix string }{
			"none": {"there is no table " + name(s, "none"), "check --database and --table"},
			"v":    {name(s, "v") + " is a view, not a table", "name the table"},
			"m":    {name(s, "m") + " is a table of the engine MyISAM", "ALTER TABLE " + name(s, "m") + " ENGINE = InnoDB"},
		} {
			mustFail(t, mustRun(t, input(t, s.Server, s.Name, table)), "table", want.text, want.fix)
		}
		mustFail(t, mustRun(t, input(t, s.Server, "no such`database", "t")), "table", "there is no database `no such``database`", "check --database")
		r := mustRun(t, input(t, s.Server, "mysql", "user"))
		mustFind(t, r.Failures, "table", "`mysql`.`user` is a table of the server's own", "")
	})
}

func TestRunRefusesTablesOfMariaDB(t *testing.T) {
	sandboxtest.On(t, []sandbox.Engine{sandbox.MariaDB1011, sandbox.MariaDB118}, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id int PRIMARY KEY) WITH SYSTEM VERSIONING; CREATE SEQUENCE seq")
		mustFail(t, mustRun(t, input(t, s.Server, s.Name, "t")), "table", name(s, "t")+" is system-versioned", "the server's own ALTER TABLE")
		mustFail(t, mustRun(t, input(t, s.Server, s.Name, "seq")), "table", name(s, "seq")+" is a sequence, not a table", "check")
	})
}

func TestRunRefusesAReadOnlyDatabase(t *testing.T) {
	sandboxtest.On(t, []sandbox.Engine{sandbox.MySQL97}, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id int PRIMARY KEY); ALTER DATABASE " + s.Name + " READ ONLY = 1")
		in := input(t, s.Server, s.Name, "t")
		r := mustRun(t, in)
		mustFail(t, r, "table", "the database `"+s.Name+"` is read only", "ALTER DATABASE `"+s.Name+"` READ ONLY = 0")
		s.MustExec(r.Failures[0].Fix)
		if r := mustRun(t, in); len(r.Failures) > 0 {
			t.Errorf("after the fix: %s", r)
		}
	})
}

func TestRunExplainsKeys(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		for definition, want := range map[string]string{
			"id int":                                 "the table has no unique key",
			"id int, KEY (id)":                       "the table has no unique key",
			"f float PRIMARY KEY":                    "`PRIMARY`: column `f`: float values cannot be compared exactly",
			"a varchar(9) NOT NULL, UNIQUE k (a(3))": "`k`: column `a`: only its beginning is in the key",
			"a int, b int NOT NULL, UNIQUE n (a), UNIQUE m (b, a)":            "`n`: column `a`: it can be NULL; `m`: column `a`: it can be NULL",
			"f double NOT NULL, id int NOT NULL, UNIQUE d (f), UNIQUE i (id)": "",
			"id int PRIMARY KEY": "",
		} {
			s.MustExec("DROP TABLE IF EXISTS t; CREATE TABLE t (" + definition + ")")
			r := mustRun(t, input(t, s.Server, s.Name, "t"))
			if want != "" {
				mustFail(t, r, "migration key", want, "")
			} else if len(r.Failures) > 0 {
				t.Errorf("%s: got %s", definition, r)
			}
		}
	})
}

func TestRunNamesForeignKeysOfBothSides(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		other := sandboxtest.NewSchema(t, s.Server)
		s.MustExec("CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, p int, CONSTRAINT `to``parent` FOREIGN KEY (p) REFERENCES parent (id))")
		s.MustExec("CREATE TABLE child (id int PRIMARY KEY, t int, CONSTRAINT c1 FOREIGN KEY (t) REFERENCES t (id) ON DELETE CASCADE)")
		other.MustExec("CREATE TABLE child (id int PRIMARY KEY, t int, CONSTRAINT c2 FOREIGN KEY (t) REFERENCES " + name(s, "t") + " (id))")
		in := input(t, s.Server, s.Name, "t")
		r := mustRun(t, in)
		for _, want := range []struct{ text, fix string }{
			{name(s, "t") + " refers to " + name(s, "parent") + " by the foreign key `to``parent`", "ALTER TABLE " + name(s, "t") + " DROP FOREIGN KEY `to``parent`"},
			{name(s, "child") + " refers to " + name(s, "t") + " by the foreign key `c1`", "ALTER TABLE " + name(s, "child") + " DROP FOREIGN KEY `c1`"},
			{name(other, "child") + " refers to " + name(s, "t") + " by the foreign key `c2`", "ALTER TABLE " + name(other, "child") + " DROP FOREIGN KEY `c2`"},
		} {
			mustFind(t, r.Failures, "foreign keys", want.text, want.fix)
		}
		if len(r.Failures) != 3 {
			t.Errorf("want 3 failures, got:\n%s", r)
		}
		for _, f := range r.Failures {
			s.MustExec(strings.TrimPrefix(f.Fix, "to do without it: "))
		}
		if r := mustRun(t, in); len(r.Failures) > 0 {
			t.Errorf("after the fixes: %s", r)
		}
	})
}

func TestRunNamesViews(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE tt (id int PRIMARY KEY); CREATE VIEW v1 AS SELECT * FROM t; CREATE VIEW v2 AS SELECT * FROM tt")
		in := input(t, s.Server, s.Name, "t")
		r := mustRun(t, in)
		mustFind(t, r.Notes, "views", "views read "+name(s, "t")+": "+name(s, "v1")+"; they go on", "")
		if len(r.Failures) > 0 || strings.Contains(r.String(), "v2") {
			t.Errorf("got %s", r)
		}
		s.MustExec("DROP VIEW v1")
		for _, n := range mustRun(t, in).Notes {
			if n.Check == "views" {
				t.Errorf("without views: %s", n)
			}
		}
	})
}

// odd are names that go wrong wherever one is put into a statement unquoted.
var odd = []string{"select", "a b", "back`tick", "it's \"quoted\"", "semi;colon--", "таблица", "表格", "a.b", "100%_x", `back\slash`, strings.Repeat("n", 64), strings.Repeat("ü", 64)}

func TestRunTakesOddNames(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		for _, odd := range odd {
			s.MustExec("CREATE TABLE " + table.Quote(odd) + " (id int PRIMARY KEY)")
			in := input(t, s.Server, s.Name, odd)
			if utf8.RuneCountInString(in.Names.Retired.Table) > 64 {
				t.Fatalf("%s: the retired table's name is too long: %s", odd, in.Names.Retired)
			}
			s.MustExec("CREATE TABLE " + in.Names.Retired.String() + " (id int)")
			r := mustRun(t, in)
			mustFail(t, r, "table names", in.Names.Retired.String()+" stands in the way", "DROP TABLE "+in.Names.Retired.String())
			if r.Source == nil || r.Source.Name.Table != odd {
				t.Errorf("%s: inspected %+v", odd, r.Source)
			}
		}
	})
}

func TestRunTakesAnOddDatabase(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		schema := s.Name[len(s.Name)-10:] + " d`b_%'\\ä"
		s.MustExec("CREATE DATABASE " + table.Quote(schema))
		t.Cleanup(func() { drop(t, s.Server, "DATABASE "+table.Quote(schema)) })
		s.MustExec("CREATE TABLE " + table.Name{Schema: schema, Table: "t"}.String() + " (id int PRIMARY KEY)")
		account, in := restricted(t, s, schema, "")
		r := mustRun(t, in)
		if len(r.Failures) != 3 {
			t.Fatalf("got %s", r)
		}
		mustFind(t, r.Failures, "table", "there is no database "+table.Quote(schema)+", or "+account+" has no right to see it", "check --database")
		mustFind(t, r.Failures, "privileges", account+" lacks SELECT, INSERT,", "GRANT SELECT, INSERT,")
		mustGrant(t, s, in, r.Failures[0].Fix)
		mustGrant(t, s, in, r.Failures[1].Fix)
		if r := mustRun(t, in); len(r.Failures) > 0 {
			t.Errorf("after the fixes: %s", r)
		}
	})
}

func TestRunTellsLeftoversFromStrangers(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE `t x` (id int PRIMARY KEY)")
		in := input(t, s.Server, s.Name, "t x")
		n := in.Names
		mark := " (id int) COMMENT = '" + table.OwnershipMark + "'"
		s.MustExec("CREATE TABLE " + n.Changelog.String() + mark + "; CREATE TABLE " + n.Shadow.String() + " (id int)")
		r := mustRun(t, in)
		mustFail(t, r, "table names", "an earlier migration of "+n.Source.String()+" that did not end left "+n.Changelog.String()+", "+n.Shadow.String(), "DROP TABLE "+n.Changelog.String()+"; DROP TABLE "+n.Shadow.String()+";")

		lock, err := conn.AcquireLock(t.Context(), conn.Config{Host: s.Server.Host, Port: s.Server.Port, User: s.Server.User, Password: s.Server.Password}, conn.LockName(n.Source.String()))
		if err != nil {
			t.Fatal(err)
		}
		mustFail(t, mustRun(t, in), "second run", "another migration of "+n.Source.String()+" is running: session ", "wait for its end")
		if err := lock.Release(); err != nil {
			t.Fatal(err)
		}

		s.MustExec(r.Failures[0].Fix)
		if r := mustRun(t, in); len(r.Failures) > 0 {
			t.Errorf("after the fix: %s", r)
		}

		for _, stranger := range []table.Name{n.Shadow, n.Changelog, n.Checkpoint} {
			kind, as := "TABLE ", " (id int) COMMENT = 'mine'"
			if stranger == n.Shadow {
				kind, as = "VIEW ", " AS SELECT 1"
			}
			s.MustExec("CREATE " + kind + stranger.String() + as)
			r := mustRun(t, in)
			mustFail(t, r, "table names", stranger.String()+" exists and is not Midstream's", "find out whose it is")
			if strings.Contains(r.String(), "DROP") {
				t.Errorf("%s: proposes to drop it:\n%s", stranger, r)
			}
			s.MustExec("DROP " + kind + stranger.String())
		}
	})
}

func TestNameFindings(t *testing.T) {
	n := table.NamesFor(table.Name{Schema: "s", Table: "t"})
	mine, other, view := leftover{exists: true, table: true, marked: true}, leftover{exists: true, table: true}, leftover{exists: true}
	for _, c := range []struct {
		there map[table.Name]leftover
		want  []string // the fixes
	}{
		{nil, nil},
		{map[table.Name]leftover{n.Shadow: other}, []string{"find out"}},
		{map[table.Name]leftover{n.Changelog: mine}, []string{"DROP TABLE `s`.`t__changelog`;"}},
		{map[table.Name]leftover{n.Changelog: mine, n.Checkpoint: mine, n.Shadow: other}, []string{"DROP TABLE `s`.`t__changelog`; DROP TABLE `s`.`t__checkpoint`; DROP TABLE `s`.`t__new`;"}},
		{map[table.Name]leftover{n.Changelog: mine, n.Shadow: view}, []string{"find out", "DROP TABLE `s`.`t__changelog`;"}},
		{map[table.Name]leftover{n.Changelog: other, n.Shadow: other}, []string{"find out", "find out"}},
		{map[table.Name]leftover{n.Retired: other}, []string{"if it is what an earlier migration kept and nobody needs it: DROP TABLE `s`.`t__old`; or use another name with --timestamp-old-table"}},
	} {
		var got []string
		for _, f := range nameFindings(n, func(name table.Name) leftover { return c.there[name] }) {
			got = append(got, f.Fix)
		}
		same := len(got) == len(c.want)
		for i := range min(len(got), len(c.want)) {
			same = same && strings.HasPrefix(got[i], c.want[i])
		}
		if !same {
			t.Errorf("%v: got %q", c.there, got)
		}
	}
}
