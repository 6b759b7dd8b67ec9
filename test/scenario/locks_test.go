package scenario_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestNoLockOnTheSource: an application holds the locks of every other row from before the start until the cut-over, and
// changes the rows between. With refresh everything is copied, applied and compared all the same: nothing asks for a lock on
// a row of the source, so that nothing can ever hold one. Replay, which copies with locking reads, waits for them in vain.
func TestNoLockOnTheSource(t *testing.T) {
	for _, s := range (&spec{name: "locks", way: "--native=off", table: "t", dir: t.TempDir(), options: map[string]string{}}).ways() {
		t.Run(s.applies(), func(t *testing.T) {
			t.Parallel()
			sandboxtest.Each(t, func(t *testing.T, schema *sandboxtest.Schema) {
				schema.MustExec("CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT, KEY a (a)) ENGINE = InnoDB; " + numbers + "; INSERT INTO t SELECT i, i, 0 FROM n")
				application := schema.MustConn()
				for _, statement := range []string{
					"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", "BEGIN", "UPDATE t SET b = b + 1 WHERE id % 2 = 1",
				} {
					if _, err := application.ExecContext(t.Context(), statement); err != nil {
						t.Fatal(err)
					}
				}
				m := newMigration(t, s, schema)
				m.cfg.Alter, m.cfg.PostponeFile = "MODIFY a BIGINT, MODIFY b VARCHAR(20), ADD COLUMN c INT", m.postpone
				if err := os.WriteFile(m.postpone, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				runner := migrate.New(m.cfg)
				ended := make(chan error, 1)
				var summary *migrate.Summary
				go func() {
					var err error
					summary, err = undisturbed(t, func() (*migrate.Summary, error) { return runner.Run(t.Context()) })
					ended <- err
				}()
				want := status.Postponed
				replay := s.applies() == string(migrate.Replay)
				if replay {
					want = status.Copy
				}
				now, deadline, changes := runner.Snapshot(), time.Now().Add(time.Minute), 0
				for ; now.Phase != status.Postponed && (!replay || now.Retries == 0) && time.Now().Before(deadline); now = runner.Snapshot() {
					changes++
					id := 2 * (1 + changes%500)
					for _, statement := range []string{
						"UPDATE t SET a = a + 1 WHERE id = %d", "DELETE FROM t WHERE id = %d", "INSERT INTO t VALUES (%d, 5, 5)",
					} {
						schema.MustExec(fmt.Sprintf(statement, id))
					}
				}
				if now.Phase != want || replay && now.Retries == 0 {
					t.Errorf("with every other row locked, and %d rounds of changes between: phase %s, %d retries", changes, now.Phase, now.Retries)
				}
				if _, err := application.ExecContext(t.Context(), "COMMIT"); err != nil {
					t.Fatal(err)
				}
				if err := os.Remove(m.postpone); err != nil {
					t.Fatal(err)
				}
				if err := <-ended; err != nil {
					t.Fatal(err)
				}
				report, err := proof.Equal(t.Context(), schema.DB, summary.Retired, table.Name{Schema: schema.Name, Table: "t"})
				if err != nil {
					t.Fatal(err)
				}
				t.Log(report)
			})
		})
	}
}
