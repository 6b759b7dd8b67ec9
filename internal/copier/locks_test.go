package copier_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/chunk/chunktest"
	"github.com/midstreamdb/midstream/internal/copier"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

func mustOn(t *testing.T, c *sql.Conn, statement string) {
	t.Helper()
	if _, err := c.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%v\n%s", err, statement)
	}
}

// TestLockedRowIsCopiedAsCommitted has an application transaction hold a changed row: the copy takes the new value, and
// while it tries, the application is not kept from other rows of the chunk.
func TestLockedRowIsCopiedAsCommitted(t *testing.T) {
	for name, hold := range map[string]time.Duration{"for a moment": 300 * time.Millisecond, "for long": 2500 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
				r := mustRig(t, s, chunktest.Find(chunktest.Dense).Create(t, s, "t", 300), 1000)
				holder, other := s.MustConn(), s.MustConn()
				mustOn(t, other, "SET SESSION innodb_lock_wait_timeout = 1")
				mustOn(t, holder, "BEGIN")
				mustOn(t, holder, "UPDATE t SET v = -7 ORDER BY c0 DESC LIMIT 1")
				done := make(chan error, 1)
				go func() { _, err := r.run(t.Context()); done <- err }()
				for end := time.Now().Add(hold); time.Now().Before(end); {
					begun := time.Now()
					mustOn(t, other, "UPDATE t SET v = v + 1 ORDER BY c0 LIMIT 1")
					if took := time.Since(begun); took > 300*time.Millisecond {
						t.Errorf("a write to another row waited %v", took)
					}
					time.Sleep(20 * time.Millisecond)
				}
				mustOn(t, holder, "COMMIT")
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				if v := s.MustQueryInt("SELECT v FROM t__new ORDER BY c0 DESC LIMIT 1"); v != -7 {
					t.Errorf("v = %d was copied, want the committed -7", v)
				}
			})
		})
	}
}

// TestDeadlockIsTriedAgain makes the copy the victim of a deadlock on the shadow.
func TestDeadlockIsTriedAgain(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id INT PRIMARY KEY, v INT); CREATE TABLE t__new LIKE t; CREATE TABLE heavy (id INT AUTO_INCREMENT PRIMARY KEY)")
		s.MustExec("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3), (4, 4)")
		rival := s.MustConn()
		mustOn(t, rival, "BEGIN")
		mustOn(t, rival, "INSERT INTO heavy VALUES (NULL)"+strings.Repeat(", (NULL)", 500)) // the lighter one is the victim
		mustOn(t, rival, "INSERT INTO t__new VALUES (4, 44)")
		r := mustRig(t, s, chunktest.MustMap(t, s, "t"), 100)
		done := make(chan error, 1)
		stats := make(chan copier.Stats, 1)
		go func() {
			st, err := r.run(t.Context())
			stats <- st
			done <- err
		}()
		copying := "SELECT COUNT(*) FROM " + s.Processlist() + " WHERE info LIKE 'INSERT INTO `" + s.Name + "`%'"
		for seen, end := int64(0), time.Now().Add(20*time.Second); seen < 5 && time.Now().Before(end); {
			seen += s.MustQueryInt(copying) // a statement that is seen again and again waits for the rival's row
			time.Sleep(20 * time.Millisecond)
		}
		mustOn(t, rival, "INSERT INTO t__new VALUES (1, 11)")
		mustOn(t, rival, "COMMIT")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		got := strings.Join(s.MustQueryRows("SELECT id, v FROM t__new ORDER BY id"), ", ")
		if want := "1\t11, 2\t2, 3\t3, 4\t44"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if st := <-stats; st.Retries == 0 {
			t.Error("no retry was counted")
		}
	})
}

// TestPassingDuplicate copies a row whose value another row of the shadow still has, because its change is not applied.
func TestPassingDuplicate(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id INT PRIMARY KEY, v INT UNIQUE); CREATE TABLE t__new LIKE t")
		s.MustExec("INSERT INTO t VALUES (1, 1), (2, 20), (3, 2)")
		s.MustExec("INSERT INTO t__new VALUES (2, 2)") // as it was before its change
		r := mustRig(t, s, chunktest.MustMap(t, s, "t"), 100)
		settlements := 0
		r.deps.Settler = settled(func(ctx context.Context) error {
			if settlements++; settlements < 5 {
				return nil // the key is the source's too: it must pass, however long it takes
			}
			_, err := s.DB.ExecContext(ctx, "UPDATE t__new SET v = 20 WHERE id = 2")
			return err
		})
		r.mustRun(t)
		mustEqual(t, s, "t")
	})
}

// TestRealDuplicate copies into a unique key that the ALTER adds, over rows that have the same value.
func TestRealDuplicate(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20)); CREATE TABLE t__new LIKE t; ALTER TABLE t__new ADD UNIQUE KEY `only.one` (v)")
		s.MustExec("INSERT INTO t VALUES (1, 'one'), (2, 'same'), (3, 'three'), (4, 'same')")
		r := mustRig(t, s, chunktest.MustMap(t, s, "t"), 2)
		settlements := 0
		r.config.Workers = 1
		r.deps.Settler = settled(func(context.Context) error { settlements++; return nil })
		_, err := r.run(t.Context())
		var duplicate *copier.DuplicateError
		if !errors.As(err, &duplicate) {
			t.Fatalf("copied: %v, want a duplicate", err)
		}
		for _, part := range []string{"same", "only.one", "make the values distinct", "out of the ALTER"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error does not say %q: %v", part, err)
			}
		}
		if settlements == 0 {
			t.Error("the duplicate was taken for real before the changes had been applied")
		}
	})
}

// TestValueThatDoesNotFit names the row and the column, whatever form the statement has.
func TestValueThatDoesNotFit(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		for name, second := range map[string]string{"only_key": "", "second_key": ", UNIQUE KEY (w)"} {
			for change, value := range map[string]string{
				"c TINYINT": "'300'", "c VARCHAR(3)": "'long'", "c VARCHAR(20) CHARACTER SET latin1": "'中'", "c INT": "'x1'",
				"c VARCHAR(20) NOT NULL": "NULL", "c DATE": "'2024-02-40'", "c ENUM('1','2')": "'9'", "c DECIMAL(3,1)": "'1000'",
				"c VARCHAR(20), ADD CHECK (c <> 'bad')": "'bad'",
			} {
				s.MustExec("DROP TABLE IF EXISTS " + name + ", " + name + "__new; CREATE TABLE " + name +
					" (id INT, part VARCHAR(9), c VARCHAR(20), w INT, PRIMARY KEY (id, part)" + second + ") CHARACTER SET utf8mb4; CREATE TABLE " + name + "__new LIKE " + name)
				s.MustExec("ALTER TABLE " + name + "__new MODIFY " + change)
				s.MustExec("INSERT INTO " + name + " VALUES (1, 'a', '1', 1), (2, 'a', '1', 2), (2, 'b', '2', 3), (3, 'q', " + value + ", 4), (4, 'a', '1', 5)")
				if strings.HasPrefix(change, "c DATE") {
					s.MustExec("UPDATE " + name + " SET c = '2024-01-01' WHERE id <> 3")
				}
				s.MustExec("INSERT INTO " + name + "__new SELECT * FROM " + name + " WHERE id = 1") // counted among the rows or not
				_, err := mustRig(t, s, chunktest.MustMap(t, s, name), 100).run(t.Context())
				var refused *copier.ValueError
				if !errors.As(err, &refused) {
					t.Errorf("%s %s: copied: %v, want a refused value", name, change, err)
					continue
				}
				if !strings.Contains(err.Error(), "`id` = 3 AND `part` = _utf8mb4'q'") ||
					!strings.ContainsAny(err.Error(), "'`") {
					t.Errorf("%s %s: the error does not name row and column: %v", name, change, err)
				}
				if n := s.MustQueryInt("SELECT COUNT(*) FROM " + name + "__new WHERE id > 1"); n != 0 {
					t.Errorf("%s %s: %d rows of the refused chunk are in the shadow", name, change, n)
				}
			}
		}
	})
}
