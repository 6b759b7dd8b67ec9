package cutover

import (
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// newProver returns a cut-over with its pool and tables, without applier.
func newProver(t *testing.T, s *sandboxtest.Schema) *Cutover {
	t.Helper()
	a := s.Server
	config := conn.Config{Host: a.Host, Port: a.Port, User: a.User, Password: a.Password, Run: s.Name}
	server, err := conn.Inspect(t.Context(), s.DB)
	if err != nil {
		t.Fatal(err)
	}
	c := New(Config{Conn: config, Server: server, Names: table.NamesFor(table.Name{Schema: s.Name, Table: "t"})}, Deps{})
	if err := c.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.db.Close() }) // its sessions hold nothing any more
	for _, name := range []string{"t", "t__new", "t__old", "t__changelog"} {
		s.MustExec("CREATE TABLE " + name + " (id INT PRIMARY KEY)")
	}
	return c
}

func TestProofOfTableLocks(t *testing.T) {
	cases := []struct {
		name string
		run  []string
		held bool
	}{
		{"locked", []string{"LOCK TABLES t WRITE, t__new WRITE"}, true},
		{"never locked", nil, false},
		{"only one of them", []string{"LOCK TABLES t WRITE"}, false},
		{"unlocked", []string{"LOCK TABLES t WRITE, t__new WRITE", "UNLOCK TABLES"}, false},
		{"begun", []string{"LOCK TABLES t WRITE, t__new WRITE", "BEGIN"}, false},
		{"begun and ended", []string{"LOCK TABLES t WRITE, t__new WRITE", "START TRANSACTION", "COMMIT"}, false},
		{"locked otherwise", []string{"LOCK TABLES t WRITE, t__new WRITE", "LOCK TABLES t__old WRITE"}, false},
		{"altered under the lock", []string{"LOCK TABLES t WRITE, t__new WRITE", "ALTER TABLE t__new COMMENT='x'"}, true},
	}
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		c := newProver(t, s)
		for _, test := range cases {
			session, err := c.session(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, statement := range append([]string{"USE " + s.Name}, test.run...) {
				if err := session.exec(t.Context(), test.name, statement); err != nil {
					t.Fatal(err)
				}
			}
			err = c.proveLocked(t.Context(), session, c.cfg.Names.Source, c.cfg.Names.Shadow)
			if held := err == nil; held != test.held {
				t.Errorf("%s: proof says %v", test.name, err)
			}
			if err := c.kill(t.Context(), session); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestProofThatTheRenameDoesNotWaitForTheShadow: with names out of order and a reader on the shadow the RENAME waits there, and the
// lock of the source must not be let go.
func TestProofThatTheRenameDoesNotWaitForTheShadow(t *testing.T) {
	sandboxtest.On(t, []sandbox.Engine{sandbox.MariaDB1011, sandbox.MariaDB118}, func(t *testing.T, s *sandboxtest.Schema) {
		c := newProver(t, s)
		if err := c.proveShadowFree(t.Context()); err != nil {
			t.Errorf("nobody is there: %v", err)
		}
		reader, renamer := s.MustConn(), s.MustConn()
		c.cfg.Names.Shadow.Table = "_t_new"
		for _, statement := range []string{"RENAME TABLE t__new TO _t_new, t__old TO x", "BEGIN", "SELECT * FROM _t_new"} {
			if _, err := reader.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.proveShadowFree(t.Context()); err != nil {
			t.Errorf("a reader is there, and no rename: %v", err)
		}
		var id uint64
		if err := renamer.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
			t.Fatal(err)
		}
		rename := &queued{session: &session{renamer, id}, done: make(chan struct{})}
		go func() {
			defer close(rename.done)
			_, rename.err = renamer.ExecContext(t.Context(), "RENAME TABLE t TO t__old, _t_new TO t")
		}()
		if err := c.awaitQueued(t.Context(), rename); !conn.IsLockWait(err) {
			t.Errorf("the rename waits for the shadow, and the proof says %v", err)
		}
		if _, err := reader.ExecContext(t.Context(), "COMMIT"); err != nil {
			t.Error(err)
		}
		<-rename.done
	})
}
