package scenario_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
	"github.com/midstreamdb/midstream/internal/verify/verifytest"
)

// manyRows is the table whose comparison takes many chunks.
const manyRows = "CREATE TABLE t (id INT PRIMARY KEY, a INT) ENGINE = InnoDB; " + numbers + "; INSERT INTO t SELECT i, i FROM n; " +
	"INSERT INTO t SELECT id + 1000 * n.i, a FROM t JOIN n ON n.i <= 20; ANALYZE TABLE t"

// eachWay runs a test of a migration of manyRows for each way of applying, on each server. It does not cut over before it is allowed
// to: a test may be slow to stop it.
func eachWay(t *testing.T, test func(t *testing.T, m *migration, schema *sandboxtest.Schema)) {
	for _, s := range (&spec{name: "again", way: "--native=off", table: "t", dir: t.TempDir(), options: map[string]string{"chunk-size": "50", "copy-workers": "2"}}).ways() {
		t.Run(s.applies(), func(t *testing.T) {
			t.Parallel()
			sandboxtest.Each(t, func(t *testing.T, schema *sandboxtest.Schema) {
				schema.MustExec(manyRows)
				m := newMigration(t, s, schema)
				m.cfg.Alter, m.cfg.PostponeFile = "ADD COLUMN b INT", m.postpone
				if err := os.WriteFile(m.postpone, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				test(t, m, schema)
			})
		})
	}
}

// start runs the migration; what it logs is in the buffer.
func (m *migration) start(ctx context.Context, t *testing.T) (*migrate.Runner, <-chan error, *buffer) {
	t.Helper()
	log := &buffer{}
	m.cfg.Log = slog.New(slog.NewTextHandler(log, nil))
	runner, ended := migrate.New(m.cfg), make(chan error, 1)
	go func() {
		_, err := undisturbed(t, func() (*migrate.Summary, error) { return runner.Run(ctx) })
		ended <- err
	}()
	return runner, ended, log
}

// stopWhen stops the migration when its state is as wanted.
func (m *migration) stopWhen(t *testing.T, wanted func(s status.Snapshot) bool) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	runner, ended, log := m.start(ctx, t)
	for !wanted(runner.Snapshot()) {
		select {
		case err := <-ended:
			t.Fatalf("the migration ended: %v\n%s", err, log)
		case <-time.After(time.Millisecond):
		}
	}
	stop()
	var failure *migrate.Failure
	if err := <-ended; !errors.As(err, &failure) || !strings.Contains(err.Error(), "stopped") {
		t.Fatalf("the migration ended: %v\n%s", err, log)
	}
}

func amidComparing(s status.Snapshot) bool { return s.Verified > 5000 }

// allow lets the next run cut over.
func (m *migration) allow(t *testing.T) {
	t.Helper()
	if err := os.Remove(m.postpone); err != nil {
		t.Fatal(err)
	}
}

var resumes = regexp.MustCompile(`msg=resuming copied="100 %" verified="(\d+) %"`)

// TestVerificationGoesOn: the migration is stopped while it compares, and when it has compared all; it goes on from there, and
// says so.
func TestVerificationGoesOn(t *testing.T) {
	eachWay(t, func(t *testing.T, m *migration, schema *sandboxtest.Schema) {
		m.stopWhen(t, amidComparing)
		text, err := migrate.Checkpoint(t.Context(), m.cfg.Conn, table.Name{Schema: schema.Name, Table: "t"})
		if err != nil || !regexp.MustCompile(`verified +[\d,]+ rows, `).MatchString(text) {
			t.Errorf("midstream status says %v\n%s", err, text)
		}
		schema.MustExec("UPDATE t SET a = a + 1 WHERE id < 100; DELETE FROM t WHERE id = 101; INSERT INTO t VALUES (-1, 1)")
		m.stopWhen(t, func(s status.Snapshot) bool { return s.Phase == status.Postponed })
		schema.MustExec("UPDATE t SET a = a + 1 WHERE id < 50")
		m.allow(t)
		runner, ended, log := m.start(t.Context(), t)
		if err := <-ended; err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
		if !strings.Contains(log.String(), `msg=resuming copied="100 %" verified="100 %"`) {
			t.Errorf("the log does not tell that all was verified:\n%s", log)
		}
		if s := runner.Snapshot(); s.Verified < 21_000 || s.Verified > 21_500 {
			t.Errorf("%d rows were compared", s.Verified)
		}
		report, err := proof.Equal(t.Context(), schema.DB, table.Name{Schema: schema.Name, Table: "t__old"}, table.Name{Schema: schema.Name, Table: "t"})
		if err != nil || report == nil {
			t.Errorf("%v: %v", report, err)
		}
	})
}

// TestVerificationOfAnotherServer: what was compared on another server is compared again here.
func TestVerificationOfAnotherServer(t *testing.T) {
	eachWay(t, func(t *testing.T, m *migration, schema *sandboxtest.Schema) {
		m.stopWhen(t, amidComparing)
		schema.MustExec("UPDATE t__checkpoint SET record = REPLACE(record, '\"Server\":{\"UUID\":\"', '\"Server\":{\"UUID\":\"other')")
		m.allow(t)
		_, ended, log := m.start(t.Context(), t)
		if err := <-ended; err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
		if text := log.String(); !strings.Contains(text, `msg=resuming copied="100 %"`) || strings.Contains(text, "verified=") {
			t.Errorf("what another server has compared counts:\n%s", text)
		}
	})
}

// TestDefectStays: a run that goes on from where a row was found to differ finds it again, before the swap; one that begins anew
// does not have it.
func TestDefectStays(t *testing.T) {
	eachWay(t, func(t *testing.T, m *migration, schema *sandboxtest.Schema) {
		m.stopWhen(t, func(s status.Snapshot) bool { return s.Copied > 100 })
		row := schema.MustQueryInt("SELECT MIN(id) FROM t__new") // of a chunk that was committed
		verifytest.Bend(t, schema, fmt.Sprintf("UPDATE t__new SET a = a + 1 WHERE id = %d", row))
		for _, resumed := range []bool{false, true} {
			_, ended, log := m.start(t.Context(), t)
			err := <-ended
			var failure *migrate.Failure
			if want := fmt.Sprintf("where `id` = %d has in column `a` %d instead of %[1]d", row, row+1); !errors.As(err, &failure) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--restart copies all rows again") {
				t.Fatalf("%v: want a failure that says %q", err, want)
			}
			if told := resumes.MatchString(log.String()); told != resumed {
				t.Errorf("the comparison went on: %t, want %t\n%s", told, resumed, log)
			}
		}
		m.cfg.Restart = true
		m.allow(t)
		_, ended, log := m.start(t.Context(), t)
		if err := <-ended; err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
	})
}
