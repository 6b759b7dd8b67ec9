package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// restricted returns the input of a new user with all privileges that are needed on the schema but one; with "" it has none.
func restricted(t *testing.T, s *sandboxtest.Schema, schema, without string) (account string, in Input) {
	t.Helper()
	server, err := conn.Inspect(t.Context(), s.DB)
	if err != nil {
		t.Fatal(err)
	}
	account = "`u_" + s.Name[len(s.Name)-10:] + "_" + strings.ToLower(strings.ReplaceAll(without[:min(len(without), 14)], " ", "_")) + "`@`%`"
	s.MustExec("CREATE USER " + account + " IDENTIFIED BY 'pass'")
	t.Cleanup(func() { drop(t, s.Server, "USER "+account) })
	if without != "" {
		but := func(all []string) string {
			return strings.Join(slices.DeleteFunc(slices.Clone(all), func(p string) bool { return p == without }), ", ")
		}
		s.MustExec(fmt.Sprintf("GRANT %s ON %s.* TO %s", but(append(slices.Clone(onTables), "LOCK TABLES", "CREATE TEMPORARY TABLES")), table.Quote(grants{}.pattern(schema)), account))
		s.MustExec(fmt.Sprintf("GRANT %s ON *.* TO %s", but(missingEverywhere(grants{}, server)), account))
	}
	a := s.Server
	a.User, a.Password = strings.Split(account, "`")[1], "pass"
	return account, input(t, a, schema, "t")
}

func drop(t *testing.T, a sandbox.Address, what string) {
	t.Helper()
	db := a.Open("")
	defer func() { _ = db.Close() }() // its one statement has been answered
	if _, err := db.ExecContext(context.Background(), "DROP "+what); err != nil {
		t.Errorf("drop %s: %v", what, err)
	}
}

// mustGrant runs a proposed GRANT as the administrator, in a session as the mysql client's, and lets the user's pool begin anew.
func mustGrant(t *testing.T, s *sandboxtest.Schema, in Input, statement string) {
	t.Helper()
	if !strings.HasPrefix(statement, "GRANT ") {
		t.Fatalf("not a GRANT: %s", statement)
	}
	s.MustExec(statement)
	in.DB.SetMaxIdleConns(0)
	in.DB.SetMaxIdleConns(2)
}

func TestRunNamesEachMissingPrivilege(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id int PRIMARY KEY)")
		server, err := conn.Inspect(t.Context(), s.DB)
		if err != nil {
			t.Fatal(err)
		}
		schema := append(slices.Clone(onTables), "LOCK TABLES", "CREATE TEMPORARY TABLES")
		quoted := table.Quote(grants{}.pattern(s.Name))
		for _, missing := range append(slices.Clone(schema), missingEverywhere(grants{}, server)...) {
			account, in := restricted(t, s, s.Name, missing)
			in.Verify = true
			text, fix := account+" lacks "+missing, "GRANT "+missing+" ON *.* TO "+account
			if slices.Contains(schema, missing) {
				text += " on the database `" + s.Name + "`"
				fix = "GRANT " + missing + " ON " + quoted + ".* TO " + account
			}
			r := mustRun(t, in)
			mustFail(t, r, "privileges", text, fix)
			if len(r.Failures) == 0 {
				continue
			}
			mustGrant(t, s, in, r.Failures[0].Fix)
			if r := mustRun(t, in); len(r.Failures) > 0 {
				t.Errorf("%s: after the fix: %s", missing, r)
			}
		}
	})
}

// TestFixKeepsWhatAWiderPatternGave: a grant on a schema's own name puts one by a pattern out of force, on every server.
func TestFixKeepsWhatAWiderPatternGave(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id int PRIMARY KEY)")
		account, in := restricted(t, s, s.Name, "INDEX")
		s.MustExec("REVOKE ALL PRIVILEGES ON " + table.Quote(grants{}.pattern(s.Name)) + ".* FROM " + account)
		s.MustExec("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, TRIGGER, EXECUTE ON `" + s.Name + "`.* TO " + account) // each _ is a wildcard here
		mustGrant(t, s, in, "GRANT ALTER, INDEX, LOCK TABLES ON `%"+s.Name[len(s.Name)-10:]+"`.* TO "+account)                 // wider: it does not count
		r := mustRun(t, in)
		mustFail(t, r, "privileges", account+" lacks ALTER, INDEX, LOCK TABLES on the database",
			"GRANT ALTER, INDEX, LOCK TABLES, CREATE, DELETE, DROP, EXECUTE, INSERT, SELECT, TRIGGER, UPDATE ON "+table.Quote(grants{}.pattern(s.Name))+".* TO "+account)
		mustGrant(t, s, in, r.Failures[0].Fix)
		if r := mustRun(t, in); len(r.Failures) > 0 {
			t.Errorf("after the fix: %s", r)
		}
	})
}

func TestRunCountsRolesAndTableGrants(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id int PRIMARY KEY)")
		account, in := restricted(t, s, s.Name, "DELETE")
		role := "`r_" + s.Name[len(s.Name)-10:] + "`"
		s.MustExec("CREATE ROLE " + role)
		t.Cleanup(func() { drop(t, s.Server, "ROLE "+role) })
		s.MustExec("GRANT DELETE ON " + table.Quote(grants{}.pattern(s.Name)) + ".* TO " + role)
		s.MustExec("GRANT " + role + " TO " + account)
		mustFail(t, mustRun(t, in), "privileges", account+" lacks DELETE on the database", "GRANT DELETE ON ")

		if in.Server.IsMariaDB() {
			s.MustExec("SET DEFAULT ROLE " + role + " FOR " + account)
		} else {
			s.MustExec("SET DEFAULT ROLE " + role + " TO " + account)
		}
		mustGrant(t, s, in, "GRANT USAGE ON *.* TO "+account)
		if r := mustRun(t, in); len(r.Failures) > 0 {
			t.Errorf("with the role active: %s", r)
		}

		s.MustExec("REVOKE DELETE ON " + table.Quote(grants{}.pattern(s.Name)) + ".* FROM " + role)
		for _, n := range []table.Name{in.Names.Source, in.Names.Shadow, in.Names.Retired, in.Names.Changelog, in.Names.Checkpoint} {
			mustGrant(t, s, in, "GRANT DELETE, CREATE ON "+n.String()+" TO "+account)
			r := mustRun(t, in)
			if n != in.Names.Checkpoint {
				mustFail(t, r, "privileges", account+" lacks DELETE on the database", "GRANT DELETE ON ")
			} else if len(r.Failures) > 0 {
				t.Errorf("with the right on each table: %s", r)
			}
		}
	})
}

func TestRunSaysWhatCannotBeSeen(t *testing.T) {
	sandboxtest.On(t, []sandbox.Engine{sandbox.MySQL97}, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id int PRIMARY KEY)")
		account, in := restricted(t, s, s.Name, "none")
		r := mustRun(t, in)
		if len(r.Failures) > 0 {
			t.Errorf("got %s", r)
		}
		mustFind(t, r.Notes, "locks seen", "cannot be named", "GRANT SELECT ON performance_schema.* TO "+account)
		mustFind(t, r.Notes, "other sessions", "settings of other sessions", "GRANT SELECT ON performance_schema.* TO "+account)
		s.MustExec("GRANT SELECT ON performance_schema.* TO " + account)
		if r := mustRun(t, in); strings.Contains(r.String(), "performance_schema") {
			t.Errorf("after the fix: %s", r)
		}
	})
}

func TestKillFindingsOfForeignSessions(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id int PRIMARY KEY)")
		_, in := restricted(t, s, s.Name, "none")
		killer, own, err := conn.Session(t.Context(), in.DB)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = killer.Close() }() // only goes back to the pool
		other, id, err := conn.Session(t.Context(), open(t, s.Server, nil))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = other.Close() }() // only goes back to the pool
		found, err := killFindings(t.Context(), killer, other, id)
		if err != nil || len(found) != 1 || !strings.Contains(found[0].Text, "a session of our own cannot be ended (the server says: You are not owner") {
			t.Errorf("got %v, %v", found, err)
		}
		second, _, err := conn.Session(t.Context(), in.DB)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = second.Close() }() // only goes back to the pool
		third, ended, err := conn.Session(t.Context(), in.DB)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = third.Close() }() // it is to be broken
		if ended == own {
			t.Fatal("one session twice")
		}
		found, err = killFindings(t.Context(), killer, second, ended) // as behind a proxy: the id is another session's
		if err != nil || len(found) != 1 || !strings.Contains(found[0].Text, "goes on after it was ended") {
			t.Errorf("got %v, %v", found, err)
		}
	})
}

func TestParseGrant(t *testing.T) {
	for line, want := range map[string]string{
		"GRANT USAGE ON *.* TO `u`@`%`":                                                        "",
		"GRANT SELECT, REPLICATION CLIENT ON *.* TO `u`@`%` WITH GRANT OPTION":                 "*: REPLICATION CLIENT,SELECT",
		"GRANT BACKUP_ADMIN,XA_RECOVER_ADMIN ON *.* TO `u`@`%`":                                "*: BACKUP_ADMIN,XA_RECOVER_ADMIN",
		"GRANT ALL PRIVILEGES ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*A' WITH GRANT OPTION": "*: ALL PRIVILEGES",
		"GRANT ALL PRIVILEGES ON `a\\_b%`.* TO `u`@`%`":                                        "a\\_b%.*: ALL PRIVILEGES",
		"GRANT SELECT (`a`, `b`), INSERT, UPDATE (`x ON y`) ON `s`.`t` TO `u`@`%`":             "s.t: INSERT",
		"GRANT SELECT (`a`) ON `s`.`t` TO `u`@`%`":                                             "",
		"GRANT SELECT ON `a``.``b`.`c.d` TO `u`@`%`":                                           "a`.`b.c.d: SELECT",
		"GRANT `r`@`%` TO `u`@`%`":                                                             "",
		"GRANT `r ON x` TO `u`@`%`":                                                            "",
		"GRANT PROXY ON ``@`` TO `u`@`%` WITH GRANT OPTION":                                    "",
		"GRANT EXECUTE ON PROCEDURE `s`.`p` TO `u`@`%`":                                        "",
		"REVOKE INSERT, UPDATE ON `s`.* FROM `u`@`%`":                                          "-s.*: INSERT,UPDATE",
		"SET DEFAULT ROLE `r` FOR `u`@`%`":                                                     "",
		"GRANT SELECT ON `zzz`.* TO PUBLIC":                                                    "zzz.*: SELECT",
	} {
		g, ok, err := parseGrant(line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		got := ""
		if ok {
			var given []string
			for p := range g.given {
				given = append(given, p)
			}
			slices.Sort(given)
			where := "*"
			if g.schema != "" {
				where = g.schema + "." + strings.ReplaceAll("*"+g.table, "*"+g.table, map[bool]string{true: "*", false: g.table}[g.table == ""])
			}
			got = map[bool]string{true: "-"}[g.revoked] + where + ": " + strings.Join(given, ",")
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
	for _, line := range []string{"GRANT SELECT ON `s", "GRANT SELECT ON `s`.`t", "GRANT SELECT ON *.* TO `u", "GRANT SELECT ON *.* TO `u`@`h"} {
		if _, _, err := parseGrant(line); err == nil {
			t.Errorf("%q: no error", line)
		}
	}
}

func TestGrantsMatch(t *testing.T) {
	given := func(lines ...string) grants {
		var g grants
		for _, line := range lines {
			one, ok, err := parseGrant(line)
			if err != nil || !ok {
				t.Fatalf("%s: %v, %v", line, ok, err)
			}
			g.list = append(g.list, one)
		}
		return g
	}
	caseless := given("GRANT SELECT ON `App`.* TO u", "GRANT INSERT ON `App`.`T` TO u")
	caseless.caseless = true
	literal := given("GRANT SELECT ON `a_p`.* TO u")
	literal.literal = true
	partial := given("GRANT SELECT, INSERT ON *.* TO u", "REVOKE SELECT ON `app`.* FROM u")
	for i, test := range []struct {
		g         grants
		privilege string
		on        table.Name
		want      bool
	}{
		{given("GRANT SELECT ON `app`.* TO u"), "SELECT", table.Name{Schema: "app", Table: "t"}, true},
		{given("GRANT SELECT ON `app`.* TO u"), "INSERT", table.Name{Schema: "app", Table: "t"}, false},
		{given("GRANT SELECT ON `app`.* TO u"), "SELECT", table.Name{Schema: "App", Table: "t"}, false},
		{given("GRANT SELECT ON `app`.* TO u"), "SELECT", table.Name{Schema: "apple", Table: "t"}, false},
		{given("GRANT SELECT ON `a_p`.* TO u"), "SELECT", table.Name{Schema: "app", Table: "t"}, true},
		{given("GRANT SELECT ON `a\\_p`.* TO u"), "SELECT", table.Name{Schema: "app", Table: "t"}, false},
		{given("GRANT SELECT ON `a\\_p`.* TO u"), "SELECT", table.Name{Schema: "a_p", Table: "t"}, true},
		{given("GRANT SELECT ON `a%`.* TO u"), "SELECT", table.Name{Schema: "a", Table: "t"}, true},
		{given("GRANT SELECT ON `%b%d`.* TO u"), "SELECT", table.Name{Schema: "abcd", Table: "t"}, true},
		{given("GRANT SELECT ON `_`.* TO u"), "SELECT", table.Name{Schema: "表", Table: "t"}, true},
		{given("GRANT SELECT ON `app`.`t` TO u"), "SELECT", table.Name{Schema: "app", Table: "t"}, true},
		{given("GRANT SELECT ON `a%`.`t` TO u"), "SELECT", table.Name{Schema: "app", Table: "t"}, false},
		{given("GRANT SELECT ON `app`.`t` TO u"), "SELECT", table.Name{Schema: "app"}, false},
		{given("GRANT ALL PRIVILEGES ON `app`.* TO u"), "LOCK TABLES", table.Name{Schema: "app"}, true},
		{given("GRANT ALL PRIVILEGES ON *.* TO u"), "LOCK TABLES", table.Name{Schema: "app"}, true},
		{caseless, "SELECT", table.Name{Schema: "aPP", Table: "t"}, true},
		{caseless, "INSERT", table.Name{Schema: "app", Table: "t"}, true},
		{literal, "SELECT", table.Name{Schema: "app", Table: "t"}, false},
		{literal, "SELECT", table.Name{Schema: "a_p", Table: "t"}, true},
		{partial, "SELECT", table.Name{Schema: "app", Table: "t"}, false},
		{partial, "INSERT", table.Name{Schema: "app", Table: "t"}, true},
		{partial, "SELECT", table.Name{Schema: "other", Table: "t"}, true},
	} {
		if got := test.g.on(test.privilege, test.on); got != test.want {
			t.Errorf("%d: %s on %s: got %v", i, test.privilege, test.on, got)
		}
	}
	if given("GRANT ALL PRIVILEGES ON `app`.* TO u").everywhere("PROCESS") {
		t.Error("a right on a database counts as a global one")
	}
}
