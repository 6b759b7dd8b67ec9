package applier_test

import (
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/applier"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/sqlgen"
)

// TestHeldCommits has the source hold each commit between its log and its tables, as one does that waits for a replica: the
// change is read from the log long before it can be seen.
func TestHeldCommits(t *testing.T) {
	sandboxtest.EachPrivate(t, sandbox.Options{}, func(t *testing.T, server *sandbox.Server) {
		s := sandboxtest.NewSchema(t, server.Address())
		r := mustRefresh(t, s, "id INT PRIMARY KEY, u INT, v INT", "", "(1, 1, 10), (2, 2, 20)")
		r.mustMatch()
		hold := s.HeldCommits()
		for _, statement := range []string{"UPDATE t SET v = 11 WHERE id = 1", "INSERT INTO t VALUES (3, 3, 30)", "DELETE FROM t WHERE id = 2"} {
			hold()
			began, done := time.Now(), make(chan error, 1)
			go func() { _, err := s.DB.ExecContext(t.Context(), statement); done <- err }()
			r.mustMatchAfter(done)
			if held := time.Since(began); held < time.Second {
				t.Errorf("the commit of %s was not held: %v", statement, held)
			}
		}
	})
}

// TestHeldCommitsAndAChunk: a chunk begins while a commit that was read from the log is held: the change lay beyond every chunk
// then, and was left to those to come, so that this one must see it (I9).
func TestHeldCommitsAndAChunk(t *testing.T) {
	sandboxtest.EachPrivate(t, sandbox.Options{}, func(t *testing.T, server *sandbox.Server) {
		s := sandboxtest.NewSchema(t, server.Address())
		r := mustRefresh(t, s, "id INT PRIMARY KEY, u INT, v INT", "", "(1, 1, 10), (2, 2, 20)", func(r *refreshing) { r.covered = applier.Covered{} })
		r.mustSettle()
		if n := s.MustQueryInt("SELECT COUNT(*) FROM t__new"); n != 0 {
			t.Fatalf("%d rows were written that a chunk to come would copy", n)
		}
		known, err := conn.Inspect(t.Context(), s.DB)
		if err != nil {
			t.Fatal(err)
		}
		copier := s.MustConn()
		mustExecOn(t, copier, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
		hold, seen := s.HeldCommits(), r.refresh.Figures().Seen
		hold()
		began, done := time.Now(), make(chan error, 1)
		go func() {
			_, err := s.DB.ExecContext(t.Context(), "BEGIN; UPDATE t SET v = 99 WHERE id = 1; INSERT INTO t VALUES (3, 3, 30); DELETE FROM t WHERE id = 2; COMMIT")
			done <- err
		}()
		eventually(t, "the changes are read", func() bool { return r.refresh.Figures().Seen == seen+3 })
		time.Sleep(50 * time.Millisecond) // and handled
		if n := s.MustQueryInt("SELECT COUNT(*) FROM t WHERE v = 99"); n != 0 {
			t.Error("the commit is not held")
		}
		chunk, err := r.refresh.Register(r.ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := chunk.Wait(r.ctx); err != nil {
			t.Fatal(err)
		}
		mustExecOn(t, copier, sqlgen.NewCopy(r.mapping, known).Statement(sqlgen.Range{}, sqlgen.Plain))
		if err := chunk.Ended(r.ctx); err != nil {
			t.Fatal(err)
		}
		r.mustMatchAfter(done)
		if held := time.Since(began); held < time.Second {
			t.Errorf("the commit was not held: %v", held)
		}
	})
}

// mustMatchAfter is mustMatch once the statement is done.
func (r *refreshing) mustMatchAfter(done <-chan error) {
	r.t.Helper()
	if err := <-done; err != nil {
		r.t.Fatal(err)
	}
	r.mustMatch()
}
