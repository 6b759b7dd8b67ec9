package scenario_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// byServer is a migration of t that the server may do itself.
func byServer(t *testing.T, schema *sandboxtest.Schema, native migrate.Native, alter string) *migration {
	t.Helper()
	s := &spec{name: "native", way: "--native=" + string(native) + " --apply=refresh", table: "t", dir: t.TempDir(), options: map[string]string{}}
	m := newMigration(t, s, schema)
	m.cfg.Alter, m.cfg.LockTimeout = alter, time.Second
	return m
}

const nativeTable = "(id INT PRIMARY KEY, a VARCHAR(20), b INT, c INT NOT NULL, KEY a (a), KEY b (b)) ENGINE = InnoDB"

// TestNative: what the server can do without copying or building anything it does, and nothing is left but the altered table;
// the rest is copied.
func TestNative(t *testing.T) {
	t.Parallel()
	const instant, inPlace, copied = "ALGORITHM=INSTANT", "ALGORITHM=INPLACE, LOCK=NONE", ""
	for _, c := range []struct{ alter, mysql, mariadb string }{
		{"ADD COLUMN d INT NOT NULL DEFAULT 5 AFTER a", instant, instant},
		{"ALTER TABLE t DROP COLUMN c, RENAME COLUMN b TO bb", instant, instant},
		{"MODIFY a VARCHAR(40)", inPlace, instant},
		{"DROP INDEX b", inPlace, inPlace},
		{"DROP INDEX b, ADD COLUMN d INT", copied, inPlace},
		{"ADD KEY more (c)", copied, copied},
		{"MODIFY c INT NULL", copied, copied},
		{"MODIFY b BIGINT", copied, copied},
		{"PARTITION BY HASH (id) PARTITIONS 3", copied, copied},
	} {
		t.Run(c.alter, func(t *testing.T) {
			t.Parallel()
			sandboxtest.Each(t, func(t *testing.T, schema *sandboxtest.Schema) {
				want := c.mysql
				if schema.Server.Engine.MariaDB() {
					want = c.mariadb
				}
				schema.MustExec("CREATE TABLE t " + nativeTable + "; " + numbers + "; INSERT INTO t SELECT i, i, i, i FROM n; CREATE TABLE twin LIKE t; INSERT INTO twin SELECT * FROM t")
				m := byServer(t, schema, migrate.NativeAuto, c.alter)
				plan, err := dryRun(t, schema, readState(t, schema), m.cfg)
				if err != nil {
					t.Fatal(err)
				}
				planned := "shadow table (--native=auto), changes by --apply=refresh, all rows compared before the swap\n               since the server cannot do it by itself: "
				if want != copied {
					planned = "the server's own DDL, " + want + " (--native=auto), which it accepts for an empty table like this\n"
				}
				if !strings.Contains(plan, "\nWay            "+planned) || !strings.Contains(plan, "\nKey            `PRIMARY`") || strings.Contains(plan, "Not checked") {
					t.Errorf("want the plan to say %s:\n%s", planned, plan)
				}
				summary, err := undisturbed(t, func() (*migrate.Summary, error) { return migrate.New(m.cfg).Run(t.Context()) })
				if err != nil {
					t.Fatal(err)
				}
				if summary.Why != "" && !strings.Contains(plan, planned+summary.Why+"\n") {
					t.Errorf("the run says %q, and the plan\n%s", summary.Why, plan)
				}
				if (summary.Why == "") != (want != copied) || !strings.Contains(summary.String(), summary.Why) {
					t.Errorf("rows were copied since %q:\n%s", summary.Why, summary)
				}
				way, tables := "shadow table, --native=auto, --apply=refresh", "[n t t__old twin]"
				if want != copied {
					way, tables = "the server's own DDL, "+want+" (--native=auto)", "[n t twin]"
				}
				if summary.Way != way || summary.Native != (want != copied) || !strings.Contains(summary.String(), way) {
					t.Errorf("the migration took the way %q, want %q:\n%s", summary.Way, way, summary)
				}
				if found := fmt.Sprint(schema.MustQueryRows("SHOW TABLES")); found != tables {
					t.Errorf("tables at the end: %s, want %s", found, tables)
				}
				compareWithNative(t, schema, m.spec, strings.TrimPrefix(c.alter, "ALTER TABLE t "), table.Name{Schema: schema.Name, Table: "twin"}, table.Name{Schema: schema.Name, Table: "t"})
			})
		})
	}
}

// TestNativeMoment: a default that depends on the moment stands against a copy, and not against what the server does itself.
func TestNativeMoment(t *testing.T) {
	t.Parallel()
	sandboxtest.Each(t, func(t *testing.T, schema *sandboxtest.Schema) {
		schema.MustExec("CREATE TABLE t " + nativeTable + "; INSERT INTO t VALUES (1, 'a', 1, 1), (2, 'b', 2, 2)")
		m := byServer(t, schema, migrate.NativeAuto, "ADD COLUMN d DATETIME DEFAULT (NOW() + INTERVAL 30 DAY)")
		summary, err := undisturbed(t, func() (*migrate.Summary, error) { return migrate.New(m.cfg).Run(t.Context()) })
		if schema.Server.Engine.MariaDB() {
			if err != nil || !summary.Native {
				t.Errorf("%v, %v: the server adds the column at once", summary, err)
			}
			return
		}
		var refusal *migrate.Refusal
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), "depends on the moment") || fmt.Sprint(schema.MustQueryRows("SHOW TABLES")) != "[t]" {
			t.Errorf("%v, %v: want a refusal, and nothing left", summary, err)
		}
	})
}

// dryRun returns the plan of a dry run, which leaves everything as it was before.
func dryRun(t *testing.T, schema *sandboxtest.Schema, before state, cfg migrate.Config) (plan string, err error) {
	t.Helper()
	var text bytes.Buffer
	cfg.DryRun, cfg.Plan = true, &text
	_, err = undisturbed(t, func() (*migrate.Summary, error) { text.Reset(); return migrate.New(cfg).Run(t.Context()) })
	for _, line := range before.differences(readState(t, schema)) {
		t.Errorf("after the dry run %s", line)
	}
	return text.String(), err
}

// TestDryRunAsksTheServer: where no temporary table can tell what the ALTER does the shadow does, and what a run would refuse, a dry
// run refuses; only with --native=off it makes no table, and says what it could not check.
func TestDryRunAsksTheServer(t *testing.T) {
	t.Parallel()
	sandboxtest.Each(t, func(t *testing.T, schema *sandboxtest.Schema) {
		schema.MustExec("CREATE TABLE t " + nativeTable)
		before := readState(t, schema)
		const fulltext = "ADD FULLTEXT KEY ft (a), MODIFY b BIGINT"
		plan, err := dryRun(t, schema, before, byServer(t, schema, migrate.NativeAuto, fulltext).cfg)
		if err != nil || strings.Contains(plan, "Not checked") || !strings.Contains(plan, "`b` converted from int") || !strings.Contains(plan, "\nCREATE TABLE `t` (\n  `id` ") ||
			!strings.Contains(plan, "  FULLTEXT KEY `ft` (`a`)") {
			t.Errorf("%v; the plan of a full-text index:\n%s", err, plan)
		}
		plan, err = dryRun(t, schema, before, byServer(t, schema, migrate.NativeOff, fulltext).cfg)
		if err != nil || !strings.Contains(plan, "\nNot checked    the key") {
			t.Errorf("%v; the plan with --native=off:\n%s", err, plan)
		}
		var refusal *migrate.Refusal
		if plan, err = dryRun(t, schema, before, byServer(t, schema, migrate.NativeAuto, "ADD FULLTEXT KEY ft (a), MODIFY id VARCHAR(9)").cfg); !errors.As(err, &refusal) || plan != "" {
			t.Errorf("the key is changed to a text: %v\n%s", err, plan)
		}
	})
}

// TestNativeWhereRowsCannotBeCopied: what stands against a copy does not stand against what the server can do by itself.
func TestNativeWhereRowsCannotBeCopied(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ create, reason string }{
		"a child":   {"CREATE TABLE p (id INT PRIMARY KEY); CREATE TABLE t (id INT PRIMARY KEY, b INT, CONSTRAINT c FOREIGN KEY (b) REFERENCES p (id))", "refers to .*`p` by the foreign key `c`"},
		"a parent":  {"CREATE TABLE t (id INT PRIMARY KEY, b INT); CREATE TABLE c (id INT PRIMARY KEY, b INT, CONSTRAINT c FOREIGN KEY (b) REFERENCES t (id))", "`c` refers to .*`t` by the foreign key"},
		"a trigger": {"CREATE TABLE t (id INT PRIMARY KEY, b INT); CREATE TRIGGER before_t BEFORE INSERT ON t FOR EACH ROW SET NEW.b = 1", "has the trigger `before_t`"},
		"no key":    {"CREATE TABLE t (id INT, b INT)", "cannot be migrated: .*key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sandboxtest.Each(t, func(t *testing.T, schema *sandboxtest.Schema) {
				schema.MustExec(c.create)
				before := readState(t, schema)
				cfg := byServer(t, schema, migrate.NativeAuto, "MODIFY b DECIMAL(9, 2)").cfg
				_, planned := dryRun(t, schema, before, cfg)
				_, err := undisturbed(t, func() (*migrate.Summary, error) { return migrate.New(cfg).Run(t.Context()) })
				var refusal *migrate.Refusal
				if says := regexp.MustCompile("(?s)cannot alter the table by itself.*" + c.reason + ".*What the server says: "); !errors.As(err, &refusal) || !says.MatchString(err.Error()) ||
					planned == nil || planned.Error() != err.Error() {
					t.Errorf("the run ends with %v, the dry run with %v: want %s", err, planned, says)
				}
				for _, line := range before.differences(readState(t, schema)) {
					t.Errorf("after the refusal %s", line)
				}
				cfg.Alter = "ADD COLUMN d INT"
				plan, err := dryRun(t, schema, before, cfg)
				if err != nil || !strings.Contains(plan, "\nWay            the server's own DDL, ALGORITHM=INSTANT (--native=auto)") || !regexp.MustCompile("refused, unless the server can.*\n.*"+c.reason).MatchString(plan) {
					t.Errorf("%v; the plan:\n%s", err, plan)
				}
				summary, err := undisturbed(t, func() (*migrate.Summary, error) { return migrate.New(cfg).Run(t.Context()) })
				if err != nil || !summary.Native {
					t.Fatalf("%+v: %v", summary, err)
				}
				schema.MustExec("ALTER TABLE t DROP COLUMN d")
				for _, line := range before.differences(readState(t, schema)) {
					t.Errorf("after the column was added and dropped %s", line)
				}
			})
		})
	}
}

// TestNativeOnly: where the server cannot, nothing is done, and the reason is the server's; a dry run says the same.
func TestNativeOnly(t *testing.T) {
	t.Parallel()
	sandboxtest.Each(t, func(t *testing.T, schema *sandboxtest.Schema) {
		schema.MustExec("CREATE TABLE t " + nativeTable)
		before := readState(t, schema)
		for alter, reason := range map[string]string{
			"MODIFY b BIGINT": "Cannot change column type", "ADD KEY more (c)": "it would rebuild the table or build an index",
		} {
			_, err := undisturbed(t, func() (*migrate.Summary, error) {
				return migrate.New(byServer(t, schema, migrate.NativeOnly, alter).cfg).Run(t.Context())
			})
			var refusal *migrate.Refusal
			if !errors.As(err, &refusal) || !strings.Contains(err.Error(), reason) {
				t.Errorf("%s: %v: want a refusal that says %q", alter, err, reason)
			}
			if plan, planned := dryRun(t, schema, before, byServer(t, schema, migrate.NativeOnly, alter).cfg); planned == nil || planned.Error() != err.Error() {
				t.Errorf("%s: the dry run says %v, the run %v\n%s", alter, planned, err, plan)
			}
		}
	})
}

// TestNativeGivesWay: while a transaction uses the table the ALTER waits shortly, lets others through, and tries again; also
// when its connection is cut while it waits. It comes only when the flag files are gone.
func TestNativeGivesWay(t *testing.T) {
	t.Parallel()
	sandboxtest.Each(t, func(t *testing.T, schema *sandboxtest.Schema) {
		schema.MustExec("CREATE TABLE t " + nativeTable + "; INSERT INTO t VALUES (1, 'a', 1, 1)")
		m := byServer(t, schema, migrate.NativeOnly, "ADD COLUMN d INT")
		m.cfg.PostponeFile, m.cfg.ThrottleFile = m.postpone, m.postpone+"-throttle"
		mustWrite(t, m.cfg.PostponeFile, "")
		mustWrite(t, m.cfg.ThrottleFile, "")
		proxy, server := sandboxtest.Proxy(t, schema.Server)
		m.cfg.Conn.Port = server.Port
		runner := migrate.New(m.cfg)
		ended := make(chan error, 1)
		var summary *migrate.Summary
		go func() {
			var err error
			summary, err = undisturbed(t, func() (*migrate.Summary, error) { return runner.Run(t.Context()) })
			ended <- err
		}()
		for runner.Snapshot().Phase != status.Postponed {
			select {
			case err := <-ended:
				t.Fatalf("the migration ended: %v", err)
			case <-time.After(time.Millisecond):
			}
		}
		reader := schema.MustConn()
		for _, statement := range []string{"BEGIN", "SELECT * FROM t"} {
			if _, err := reader.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		mustRemove(t, m.cfg.PostponeFile)
		for runner.Snapshot().Waits != "the removal of flag file "+m.cfg.ThrottleFile {
			select {
			case err := <-ended:
				t.Fatalf("the migration ended: %v", err)
			case <-time.After(time.Millisecond):
			}
		}
		mustRemove(t, m.cfg.ThrottleFile)
		for writes := 0; writes < 10; { // when it has given way
			if strings.Contains(m.said.String(), "ALTER gave way to others") {
				writes++
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if _, err := schema.DB.ExecContext(ctx, "UPDATE t SET b = b + 1"); err != nil {
				t.Fatalf("the application's write: %v", err)
			}
			cancel()
			select {
			case err := <-ended:
				t.Fatalf("the migration ended: %v", err)
			default:
			}
		}
		waiting := "SELECT 1 FROM information_schema.processlist WHERE state LIKE '%metadata lock%' AND info LIKE 'ALTER TABLE `" + schema.Name + "`%'"
		for len(schema.MustQueryRows(waiting)) == 0 {
			time.Sleep(time.Millisecond)
		}
		cuts := proxy.CutAll()
		if columns := len(schema.MustQueryRows("SHOW COLUMNS FROM t")); columns != 4 {
			t.Errorf("%d columns while a transaction used the table", columns)
		}
		if _, err := reader.ExecContext(t.Context(), "COMMIT"); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if columns := len(schema.MustQueryRows("SHOW COLUMNS FROM t")); columns != 5 || summary.Attempts < 2 {
			t.Errorf("%d columns after %d attempts", columns, summary.Attempts)
		}
		if cuts == 0 {
			t.Error("no connection was cut")
		}
	})
}

// TestNativeRowVersions: when the table has as many row versions as it can, rows are copied, which makes it new.
func TestNativeRowVersions(t *testing.T) {
	t.Parallel()
	// MariaDB counts no row versions.
	sandboxtest.On(t, []sandbox.Engine{sandbox.MySQL97}, func(t *testing.T, schema *sandboxtest.Schema) {
		schema.MustExec("CREATE TABLE t " + nativeTable + "; INSERT INTO t VALUES (1, 'a', 1, 1)")
		var refused error
		for i := 0; refused == nil; i++ {
			_, refused = schema.DB.ExecContext(t.Context(), fmt.Sprintf("ALTER TABLE t ALGORITHM=INSTANT, ADD COLUMN x%d INT", i))
		}
		if !strings.Contains(refused.Error(), "row versions") {
			t.Fatal(refused)
		}
		alter := "ADD COLUMN d INT DEFAULT 7"
		_, err := undisturbed(t, func() (*migrate.Summary, error) {
			return migrate.New(byServer(t, schema, migrate.NativeOnly, alter).cfg).Run(t.Context())
		})
		if err == nil || !strings.Contains(err.Error(), "row versions") {
			t.Errorf("%v: want a refusal that speaks of row versions", err)
		}
		summary, err := undisturbed(t, func() (*migrate.Summary, error) {
			return migrate.New(byServer(t, schema, migrate.NativeAuto, alter).cfg).Run(t.Context())
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := "shadow table, --native=auto, --apply=refresh"; summary.Way != want {
			t.Errorf("the migration took the way %q, want %q", summary.Way, want)
		}
		if d := schema.MustQueryString("SELECT d FROM t"); d != "7" {
			t.Errorf("d is %s", d)
		}
	})
}
