package scenario_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
	"github.com/midstreamdb/midstream/internal/verify/verifytest"
)

// TestVerificationStops: a mistake of ours changes, removes or adds a row of the new table while rows are copied; where the ALTER
// converts nothing, and where it does.
func TestVerificationStops(t *testing.T) {
	for name, c := range map[string]struct{ alter, harm, want string }{
		"value":     {"ADD COLUMN b INT", "UPDATE t__new SET a = a + 1 WHERE id = 2", "where `id` = 2 has in column `a` 3 instead of 2"},
		"converted": {"MODIFY a VARCHAR(20)", "UPDATE t__new SET a = CONCAT(a, ' ') WHERE id = 2", "where `id` = 2 has in column `a` '2 ' (0x3220) instead of '2' (0x32)"},
		"missing":   {"ADD COLUMN b INT", "DELETE FROM t__new WHERE id = 2", "where `id` = 2 is missing in "},
		"more":      {"ADD COLUMN b INT", "INSERT INTO t__new (id, a) VALUES (-5, 1)", "where `id` = -5 is missing in "},
	} {
		for _, s := range (&spec{name: name, way: "--native=off", table: "t", dir: t.TempDir(), options: map[string]string{"chunk-size": "50", "copy-workers": "1"}}).ways() {
			t.Run(name+"/"+s.applies(), func(t *testing.T) {
				t.Parallel()
				sandboxtest.Each(t, func(t *testing.T, schema *sandboxtest.Schema) {
					schema.MustExec("CREATE TABLE t (id INT PRIMARY KEY, a INT) ENGINE = InnoDB; " + numbers + "; INSERT INTO t SELECT i, i FROM n; " +
						"INSERT INTO t SELECT id + 1000 * n.i, a FROM t JOIN n ON n.i <= 20")
					m := newMigration(t, s, schema)
					m.cfg.Alter = c.alter
					runner := migrate.New(m.cfg)
					ended := make(chan error, 1)
					go func() {
						_, err := undisturbed(t, func() (*migrate.Summary, error) { return runner.Run(t.Context()) })
						ended <- err
					}()
					for runner.Snapshot().Copied < 100 {
						time.Sleep(time.Millisecond)
					}
					verifytest.Bend(t, schema, c.harm)
					err := <-ended
					var failure *migrate.Failure
					if !errors.As(err, &failure) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "Both tables stay as they are") {
						t.Fatalf("%v: want a failure that says %q", err, c.want)
					}
					if rows := schema.MustQueryInt("SELECT COUNT(*) FROM t"); rows != 21_000 {
						t.Errorf("the source has %d rows", rows)
					}
					if tables := fmt.Sprint(schema.MustQueryRows("SHOW TABLES")); strings.Contains(tables, "t__old") || !strings.Contains(tables, "t__new") {
						t.Errorf("tables at the end: %s", tables)
					}
				})
			})
		}
	}
}

// TestReplayedRowsAreComparedUntilTheSwap: after everything was compared, a trigger begins to bend what replay writes.
func TestReplayedRowsAreComparedUntilTheSwap(t *testing.T) {
	t.Parallel()
	sandboxtest.Each(t, func(t *testing.T, schema *sandboxtest.Schema) {
		schema.MustExec("CREATE TABLE t (id INT PRIMARY KEY, a INT) ENGINE = InnoDB; " + numbers + "; INSERT INTO t SELECT i, i FROM n")
		s := &spec{name: "later", way: "--native=off --apply=replay", table: "t", dir: t.TempDir(), options: map[string]string{}}
		m := newMigration(t, s, schema)
		m.cfg.Alter, m.cfg.PostponeFile = "ADD COLUMN b INT", m.postpone
		if err := os.WriteFile(m.postpone, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		runner := migrate.New(m.cfg)
		ended := make(chan error, 1)
		go func() {
			_, err := undisturbed(t, func() (*migrate.Summary, error) { return runner.Run(t.Context()) })
			ended <- err
		}()
		for runner.Snapshot().Phase != status.Postponed {
			select {
			case err := <-ended:
				t.Fatalf("the migration ended: %v", err)
			case <-time.After(time.Millisecond):
			}
		}
		somebody := schema.MustConn()
		for _, statement := range []string{
			"SET SESSION sql_log_bin = 0", // else it is noticed at once
			"CREATE TRIGGER inserted BEFORE INSERT ON t__new FOR EACH ROW SET NEW.a = 99",
			"CREATE TRIGGER updated BEFORE UPDATE ON t__new FOR EACH ROW SET NEW.a = 99",
			"SET SESSION sql_log_bin = 1",
			"UPDATE t SET a = 70 WHERE id = 7",
		} {
			if _, err := somebody.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		err := <-ended
		var failure *migrate.Failure
		if want := "where `id` = 7 has in column `a` 99 instead of 70. Both tables stay"; !errors.As(err, &failure) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want a failure that says %q", err, want)
		}
	})
}

// TestReplayIsChosenByItself: where commits may become visible in another order than they are logged, refresh would lose rows.
func TestReplayIsChosenByItself(t *testing.T) {
	t.Parallel()
	server := sandboxtest.Private(t, sandbox.MySQL97, sandbox.Options{Args: []string{"--binlog-order-commits=OFF"}})
	schema := sandboxtest.NewSchema(t, server.Address())
	schema.MustExec("CREATE TABLE t (id INT PRIMARY KEY, a INT) ENGINE = InnoDB; " + numbers + "; INSERT INTO t SELECT i, i FROM n")
	s := &spec{name: "unordered", way: "--native=off --apply=refresh", table: "t", dir: t.TempDir(), options: map[string]string{}}
	m := newMigration(t, s, schema)
	m.cfg.Alter = "MODIFY a BIGINT"
	summary, err := migrate.New(m.cfg).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := "shadow table, --native=off, --apply=replay"; summary.Way != want {
		t.Errorf("the migration took the way %q, want %q", summary.Way, want)
	}
	report, err := proof.Equal(t.Context(), schema.DB, summary.Retired, table.Name{Schema: schema.Name, Table: "t"})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(report)
}
