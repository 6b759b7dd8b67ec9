package migrate

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestWithoutCheckpointTheOldTableKeepsItsName: a process has dropped its checkpoint, the last of all, and did not get the
// answer. When it goes on it still knows by which name the old table went, whatever its own flags would call it: a table of
// that name is somebody else's.
func TestWithoutCheckpointTheOldTableKeepsItsName(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id INT PRIMARY KEY); CREATE TABLE t__old (somebodys INT); CREATE TABLE t__old_2026 LIKE t")
		a := s.Server
		r := New(Config{
			Conn: conn.Config{Host: a.Host, Port: a.Port, User: a.User, Password: a.Password}, Database: s.Name, Table: "t",
			Alter: "ENGINE = InnoDB", DropOldTable: true, Log: slog.New(slog.DiscardHandler),
		})
		defer r.close()
		source := table.Name{Schema: s.Name, Table: "t"}
		r.goingOn = true
		r.summary = Summary{Source: source, Retired: table.Name{Schema: s.Name, Table: "t__old_2026"}}
		if err := r.preflight(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.cleanUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left := s.MustQueryRows("SHOW TABLES LIKE 't\\_\\_old%'"); len(left) != 1 || left[0] != "t__old" {
			t.Errorf("the old tables that are left are %v", left)
		}
	})
}

// TestGoingOnAtAReplica: a process whose address leads to a replica for a while, on which the checkpoint is, too, writes nothing there:
// the replication would stop at what is not its source's. It waits for a source.
func TestGoingOnAtAReplica(t *testing.T) {
	sandboxtest.EachPrivate(t, sandbox.Options{}, func(t *testing.T, server *sandbox.Server) {
		s := sandboxtest.NewSchema(t, server.Address())
		s.MustExec("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1), (2)")
		postpone := filepath.Join(t.TempDir(), "postpone")
		if err := os.WriteFile(postpone, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		cfg := Config{
			Conn:     conn.Config{Host: s.Server.Host, Port: s.Server.Port, User: s.Server.User, Password: s.Server.Password, Run: "one"},
			Database: s.Name, Table: "t", Alter: "ADD COLUMN a INT", Apply: Refresh, Native: NativeOff, DeferIndexes: DeferOff,
			ChunkTime: 100 * time.Millisecond, LockTimeout: time.Second, MaxStall: time.Second, ReconnectTimeout: time.Minute,
			Heartbeat: 100 * time.Millisecond, Checkpoint: time.Second, PostponeFile: postpone, Log: slog.New(slog.DiscardHandler),
		}
		first := New(cfg)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() {
			for first.Snapshot().Phase != status.Postponed && ctx.Err() == nil {
				time.Sleep(5 * time.Millisecond)
			}
			stop()
		}()
		var failure *Failure
		if _, err := first.Run(ctx); !errors.As(err, &failure) {
			t.Fatalf("it ends with %v", err)
		}
		become, back := "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = 9", "RESET REPLICA ALL"
		if server.Engine.MariaDB() {
			become, back = "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 9", "RESET SLAVE ALL"
		}
		s.MustExec(become)
		notes := func() []string { return s.MustQueryRows("SELECT * FROM t__changelog ORDER BY id") }
		before := notes()
		again := New(cfg)
		defer again.close()
		for _, where := range []string{"t__checkpoint", "somewhere"} { // a replica may lag behind the checkpoint
			if where == "somewhere" {
				s.MustExec("RENAME TABLE t__checkpoint TO somewhere")
			}
			again.reset()
			err := again.preflight(t.Context())
			if err == nil || !again.mayGoOn(t.Context(), err) {
				t.Errorf("at a replica, the checkpoint being %s, it ends with %v", where, err)
			}
		}
		s.MustExec("RENAME TABLE somewhere TO t__checkpoint")
		if after := notes(); !slices.Equal(after, before) {
			t.Errorf("the changelog was\n%v\nand is\n%v", before, after)
		}
		again.reset()
		s.MustExec(back)
		if err := again.preflight(t.Context()); err != nil {
			t.Errorf("once the replica is a source: %v", err)
		}
		if slices.Equal(notes(), before) {
			t.Error("the migration was not taken over")
		}
	})
}
