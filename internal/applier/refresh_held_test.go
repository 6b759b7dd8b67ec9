package applier_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/applier"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/sqlgen"
)

// heldStatements are one of each kind.
var heldStatements = map[string]string{
	"update": "UPDATE t SET v = 99 WHERE id = 1",
	"insert": "INSERT INTO t VALUES (3, 3, 30)",
	"delete": "DELETE FROM t WHERE id = 2",
}

// eachHeld runs f for a statement of each kind on every engine, with an applier of its own; hold has the source hold the commits
// that follow between its log and its tables, as one does that waits for a replica.
func eachHeld(t *testing.T, f func(r *refreshing, statement string, hold func()), adjust ...func(*refreshing)) {
	t.Helper()
	sandboxtest.EachPrivate(t, sandbox.Options{}, func(t *testing.T, server *sandbox.Server) {
		hold := sandboxtest.NewSchema(t, server.Address()).HeldCommits()
		for kind, statement := range heldStatements {
			t.Run(kind, func(t *testing.T) {
				s := sandboxtest.NewSchema(t, server.Address())
				f(mustRefresh(t, s, "id INT PRIMARY KEY, u INT, v INT", "", "(1, 1, 10), (2, 2, 20)", adjust...), statement, hold)
			})
		}
	})
}

// TestHeldCommits: a change is read from the log long before it can be seen.
func TestHeldCommits(t *testing.T) {
	eachHeld(t, func(r *refreshing, statement string, hold func()) {
		r.mustMatch()
		hold()
		r.mustMatchAfter(r.held(statement))
	})
}

// TestHeldCommitsAndAChunk: a chunk begins while a commit that was read from the log is held: the change lay beyond every chunk
// then, and was left to those to come, so that this one must see it (I9).
func TestHeldCommitsAndAChunk(t *testing.T) {
	eachHeld(t, func(r *refreshing, statement string, hold func()) {
		r.mustSettle()
		if n := r.s.MustQueryInt("SELECT COUNT(*) FROM t__new"); n != 0 {
			r.t.Fatalf("%d rows were written that a chunk to come would copy", n)
		}
		known, err := conn.Inspect(r.ctx, r.s.DB)
		if err != nil {
			r.t.Fatal(err)
		}
		copier := r.s.MustConn()
		mustExecOn(r.t, copier, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
		before, seen := r.rows("t"), r.refresh.Figures().Seen
		hold()
		done := r.held(statement)
		eventually(r.t, "the change is read", func() bool { return r.refresh.Figures().Seen == seen+1 })
		time.Sleep(50 * time.Millisecond) // and handled
		if !slices.Equal(r.rows("t"), before) {
			r.t.Error("the commit is not held")
		}
		chunk, err := r.refresh.Register(r.ctx, nil)
		if err != nil {
			r.t.Fatal(err)
		}
		if err := chunk.Wait(r.ctx); err != nil {
			r.t.Fatal(err)
		}
		mustExecOn(r.t, copier, sqlgen.NewCopy(r.mapping, known).Statement(sqlgen.Range{}, sqlgen.Plain))
		if err := chunk.Ended(r.ctx); err != nil {
			r.t.Fatal(err)
		}
		r.mustMatchAfter(done)
	}, func(r *refreshing) { r.covered = applier.Covered{} })
}

// held executes a statement whose commit is held, and tells of its end.
func (r *refreshing) held(statement string) <-chan error {
	done := make(chan error, 1)
	go func() {
		began := time.Now()
		_, err := r.s.DB.ExecContext(r.ctx, statement)
		if held := time.Since(began); err == nil && held < time.Second {
			err = fmt.Errorf("the commit of %s was not held: %v", statement, held)
		}
		done <- err
	}()
	return done
}

// mustMatchAfter is mustMatch once the statement is done.
func (r *refreshing) mustMatchAfter(done <-chan error) {
	r.t.Helper()
	if err := <-done; err != nil {
		r.t.Fatal(err)
	}
	r.mustMatch()
}
