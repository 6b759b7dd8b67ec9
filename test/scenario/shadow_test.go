package scenario_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/proxy"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/status"
)

// What others write to the shadow while the migration runs ends it before the swap, whenever they do.

const foreignWrite = "somebody else changed rows of the shadow table"

// TestShadowWrittenByOthers: in each phase.
func TestShadowWrittenByOthers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harm string
		now  func(*status.Snapshot) bool
	}{
		"copying":   {"INSERT INTO t__new (id, a) VALUES (-5, 1)", func(s *status.Snapshot) bool { return s.Copied > 100 }},
		"verifying": {"DELETE FROM t__new WHERE id = 2", func(s *status.Snapshot) bool { return s.Verified > 100 }},
		"postponed": {"UPDATE t__new SET a = a + 1 WHERE id = 2", func(s *status.Snapshot) bool { return s.Phase == status.Postponed }},
	} {
		for _, s := range (&spec{name: name, way: "--native=off", table: "t", dir: t.TempDir(), options: map[string]string{"chunk-size": "50", "copy-workers": "1"}}).ways() {
			t.Run(name+"/"+s.applies(), func(t *testing.T) {
				t.Parallel()
				eachUsual(t, func(t *testing.T, schema *sandboxtest.Schema) {
					createLong(schema)
					m := newMigration(t, s, schema)
					m.cfg.Alter, m.cfg.PostponeFile = alterA, m.postpone
					mustWrite(t, m.postpone, "")
					mustNotice(t, m.harmed(t, schema, c.now, c.harm), schema)
					mustRemove(t, m.postpone)
					_, err := undisturbed(t, func() (*migrate.Summary, error) { return migrate.New(m.cfg).Run(t.Context()) })
					mustNotice(t, err, schema) // it is still there
					m.cfg.Restart = true
					if _, err := undisturbed(t, func() (*migrate.Summary, error) { return migrate.New(m.cfg).Run(t.Context()) }); err != nil || !isAltered(schema) {
						t.Errorf("begun anew: %v", err)
					}
				})
			})
		}
	}
}

// createLong creates t with 5000 rows.
func createLong(s *sandboxtest.Schema) {
	createT(s)
	s.MustExec("INSERT INTO t (a, b) SELECT a, b FROM t JOIN (SELECT i FROM n WHERE i < 16) more")
}

// harmed runs the migration and executes the statement when it is time.
func (m *migration) harmed(t *testing.T, schema *sandboxtest.Schema, now func(*status.Snapshot) bool, harm string) error {
	t.Helper()
	runner := migrate.New(m.cfg)
	ended := make(chan error, 1)
	go func() {
		_, err := undisturbed(t, func() (*migrate.Summary, error) { return runner.Run(t.Context()) })
		ended <- err
	}()
	for {
		if s := runner.Snapshot(); now(&s) {
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("the migration ended: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	schema.MustExec(harm)
	return <-ended
}

// mustNotice asserts that the migration has failed because others wrote to the shadow, and has left the tables.
func mustNotice(t *testing.T, err error, schema *sandboxtest.Schema) {
	t.Helper()
	mustExitWith(t, migrate.ExitFailed, err)
	for _, want := range []string{foreignWrite, "`t__new`", "read event at ", "begin anew with --restart", "The source table serves, unchanged"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if schema.Server.Engine != sandbox.MariaDB1011 && !strings.Contains(err.Error(), "The thread is a session of root from ") {
		t.Errorf("%v does not name the thread and its user", err)
	}
	if isAltered(schema) || !exists(schema, "t__new") || exists(schema, "t__old") {
		t.Errorf("the tables are %v", schema.MustQueryRows("SHOW TABLES"))
	}
}

// TestShadowWrittenBeforeTheLock: in the last moment before the source is locked.
func TestShadowWrittenBeforeTheLock(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		i := &incident{at: "LOCK TABLES `" + s.Name + "`.`t` ", verdict: proxy.Forward}
		i.happens = func() {
			if _, err := s.DB.Exec("UPDATE t__new SET a = a + 1 WHERE id = 7"); err != nil {
				t.Error(err)
			}
		}
		mustNotice(t, troubled(t, s, i, nil), s)
	})
}

// TestShadowThatIsNotWatched: where the log does not tell who writes, and the user may not have that changed, the plan says so.
// A user who may is not in need of the setting.
func TestShadowThatIsNotWatched(t *testing.T) {
	t.Parallel()
	server := sandboxtest.Private(t, sandbox.MariaDB1011, sandbox.Options{Args: []string{"--binlog-annotate-row-events=OFF"}})
	for _, able := range []bool{false, true} {
		t.Run(fmt.Sprint(able), func(t *testing.T) {
			s := sandboxtest.NewSchema(t, server.Address())
			createLong(s)
			m := newMigration(t, &spec{table: "t", way: "--native=off --apply=refresh", dir: t.TempDir(), options: map[string]string{"chunk-size": "50"}}, s)
			m.cfg.Alter = alterA
			if !able {
				s.MustExec("CREATE USER mover@'%' IDENTIFIED BY '" + sandbox.Password + "'; GRANT ALL ON `" + s.Name + "`.* TO mover@'%'; " +
					"GRANT PROCESS, REPLICATION SLAVE, BINLOG MONITOR, REPLICA MONITOR ON *.* TO mover@'%'")
				m.cfg.Conn.User, m.cfg.Conn.Password = "mover", sandbox.Password
			}
			plan, err := dryRun(t, s, readState(t, s), m.cfg)
			if err != nil {
				t.Fatal(err)
			}
			if warns := strings.Contains(plan, "are not noticed as such: binlog_annotate_row_events is OFF"); warns == able {
				t.Errorf("the plan warns: %t:\n%s", warns, plan)
			}
			m.cfg.PostponeFile = m.postpone
			mustWrite(t, m.postpone, "")
			if able {
				mustNotice(t, m.harmed(t, s, func(s *status.Snapshot) bool { return s.Phase == status.Postponed }, "DELETE FROM t__new WHERE id = 1"), s)
				return
			}
			mustRemove(t, m.postpone)
			if _, err := migrate.New(m.cfg).Run(t.Context()); err != nil || !isAltered(s) {
				t.Errorf("not watched: %v", err)
			}
		})
	}
}
