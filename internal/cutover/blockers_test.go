package cutover_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/cutover"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// obstacle is somebody who stands in the way of the locks.
type obstacle struct {
	name   string
	begin  []string
	end    string
	detach bool // the session is killed after begin; end is another session's
	says   string
}

var obstacles = []obstacle{
	{
		name: "open snapshot on the shadow", end: "COMMIT", says: "connection %d",
		begin: []string{"START TRANSACTION WITH CONSISTENT SNAPSHOT", "SELECT COUNT(*) FROM t__new"},
	},
	{
		name: "long reader on the source", end: "COMMIT", says: "connection %d",
		begin: []string{"BEGIN", "SELECT COUNT(*) FROM t"},
	},
	{
		name: "prepared XA transaction", end: "XA COMMIT '%x'", says: "'%x'",
		begin: []string{"XA START '%x'", "INSERT INTO t (id, v) VALUES (500000, 9)", "INSERT INTO journal (id, v) VALUES (500000, 9)", "XA END '%x'", "XA PREPARE '%x'"},
	},
	{
		name: "prepared XA transaction without its session", end: "XA COMMIT '%x'", detach: true, says: "'%x'",
		begin: []string{"XA START '%x'", "INSERT INTO t (id, v) VALUES (500001, 9)", "INSERT INTO journal (id, v) VALUES (500001, 9)", "XA END '%x'", "XA PREPARE '%x'"},
	},
}

// TestObstaclesDelayTheSwapAndLoseNothing: with each obstacle, and writers that queue up behind each attempt, there is no swap while it
// stands; it is named; once it is gone the swap happens, and what it wrote is in the new table.
func TestObstaclesDelayTheSwapAndLoseNothing(t *testing.T) {
	for _, o := range obstacles {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) { o.test(t, s) })
		})
	}
}

func (o obstacle) test(t *testing.T, s *sandboxtest.Schema) {
	w := newWorld(t, s)
	fill := func(text string) string { return strings.ReplaceAll(text, "%x", s.Name[len(s.Name)-10:]) }
	session := s.MustConn()
	id := mustID(t, session)
	for _, statement := range o.begin {
		mustRun(t, session, fill(statement))
	}
	if strings.HasPrefix(o.end, "XA") {
		t.Cleanup(func() { // of a test that failed: nothing else would end it
			_, _ = s.DB.ExecContext(context.Background(), fill("XA ROLLBACK '%x'")) // refused when it is decided
		})
	}
	if o.detach {
		s.MustExec(fmt.Sprintf("KILL %d", id))
		session = s.MustConn()
		for there := true; there; {
			p, err := conn.FindProcess(t.Context(), s.DB, id)
			if err != nil {
				t.Fatal(err)
			}
			there = p != nil
		}
	}
	load := w.startWriters()
	c := cutover.New(w.cfg, w.deps)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	type ended struct {
		r   cutover.Result
		err error
	}
	done := make(chan ended, 1)
	go func() {
		r, err := c.Run(ctx)
		done <- ended{r, err}
	}()
	says := strings.Trim(strings.ReplaceAll(fill(o.says), "%d", fmt.Sprint(id)), "'")
	deadline := time.Now().Add(30 * time.Second)
	named := false
	for !named || c.State().Attempts < 2 {
		named = named || strings.Contains(c.State().Waits, says)
		if time.Now().After(deadline) {
			t.Errorf("after %d attempts %q is not named; it waits for %q", c.State().Attempts, says, c.State().Waits)
			break
		}
		select {
		case e := <-done:
			t.Fatalf("ended in the presence of the obstacle: %+v, %v", e.r, e.err)
		case <-time.After(2 * time.Millisecond):
		}
	}
	mustRun(t, session, fill(o.end))
	e := <-done
	if e.err != nil {
		t.Fatal(e.err)
	}
	load.stop(w)
	w.mustBeSwapped()
	if strings.Contains(o.name, "XA") && s.MustQueryInt("SELECT COUNT(*) FROM t WHERE id IN (500000, 500001) AND v = 9") != 1 {
		t.Error("the row of the XA transaction is lost")
	}
	t.Logf("%d attempts, lock wait %s, locked %s", e.r.Attempts, e.r.LockWait, e.r.Locked)
}

func mustID(t *testing.T, session *sql.Conn) uint64 {
	t.Helper()
	var id uint64
	if err := session.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

func mustRun(t *testing.T, session *sql.Conn, statement string) {
	t.Helper()
	rows, err := session.QueryContext(t.Context(), statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	if err := rows.Close(); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// TestOldSnapshotIsNamedAndNotWaitedForForEver: on another table, an open snapshot is in nobody's way; its transaction is waited for, then
// named, and the swap goes on.
func TestOldSnapshotIsNamedAndNotWaitedForForEver(t *testing.T) {
	// On servers of its own: as long as anybody looks at MariaDB's transactions every tenth of a second, it shows those that there
	// were before.
	sandboxtest.EachPrivate(t, sandbox.Options{}, func(t *testing.T, server *sandbox.Server) {
		s := sandboxtest.NewSchema(t, server.Address())
		w := newWorld(t, s)
		s.MustExec("CREATE TABLE other (id INT PRIMARY KEY)")
		session := s.MustConn()
		id := mustID(t, session)
		for _, statement := range []string{"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT", "SELECT COUNT(*) FROM other"} {
			mustRun(t, session, statement)
		}
		lines := &lines{}
		w.cfg.Log = slog.New(slog.NewTextHandler(lines, nil))
		began := time.Now()
		r, err := w.run(time.Minute)
		if err != nil || r.Attempts != 1 {
			t.Errorf("%d attempts, want 1; %v", r.Attempts, err)
		}
		if took := time.Since(began); took < w.cfg.BlockerPatience {
			t.Errorf("the old snapshot was not waited for: %s", took)
		}
		if want := fmt.Sprintf("connection %d ", id); !strings.Contains(lines.String(), want) {
			t.Errorf("%q is not in the log:\n%s", want, lines)
		}
		mustRun(t, session, "COMMIT")
	})
}

// lines collects what is logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestRetiredTableInTheWay(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		w := newWorld(t, s)
		s.MustExec("CREATE TABLE t__old (id INT PRIMARY KEY)")
		if _, err := w.run(time.Minute); err == nil || !strings.Contains(err.Error(), "DROP TABLE `"+s.Name+"`.`t__old`") {
			t.Errorf("run with a table in the way: %v", err)
		}
		s.MustExec("DROP TABLE t__old") // it must have been left alone
		w.mustServe()
	})
}

func TestSentryOfACrashIsRemoved(t *testing.T) {
	sandboxtest.On(t, []sandbox.Engine{sandbox.MariaDB1011, sandbox.MariaDB118}, func(t *testing.T, s *sandboxtest.Schema) {
		w := newWorld(t, s)
		// The process dies under the lock: its sessions end, and nobody cleans up.
		p := w.throughProxy()
		ctx, crash := context.WithCancel(t.Context())
		w.cfg.ReconnectTimeout = 100 * time.Millisecond
		w.play.onFence = func(n int) {
			if n == 2 {
				p.Refuse(true)
				p.CutAll()
				crash()
			}
		}
		if _, err := cutover.New(w.cfg, w.deps).Run(ctx); err == nil {
			t.Fatal("no crash")
		}
		if n := len(s.MustQueryRows("SHOW TABLES LIKE 't\\_\\_old'")); n != 1 {
			t.Fatalf("%d sentries left; the test expects one", n)
		}
		p.Refuse(false)
		w.cfg.ReconnectTimeout = time.Minute
		w.newPlayer(w.play.db, w.play.log)
		if _, err := w.run(time.Minute); err != nil {
			t.Error(err)
		}
		w.mustBeSwapped()
	})
}

func TestNamesOutOfOrderAreRefused(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		w := newWorld(t, s)
		w.cfg.Names.Shadow.Table = "_t_new"
		if _, err := w.run(time.Minute); err == nil || !strings.Contains(err.Error(), "sort after") {
			t.Errorf("run: %v", err)
		}
		w.mustServe()
	})
}

func TestServerThatLetsWritersPassTheRenameIsRefused(t *testing.T) {
	server := sandboxtest.Private(t, sandbox.MariaDB118, sandbox.Options{Args: []string{"--max-write-lock-count=1"}})
	w := newWorld(t, sandboxtest.NewSchema(t, server.Address()))
	if _, err := w.run(time.Minute); err == nil || !strings.Contains(err.Error(), "SET GLOBAL max_write_lock_count") {
		t.Errorf("run: %v", err)
	}
	w.mustServe()
}

func TestLostNamedLockStopsTheSwap(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		w := newWorld(t, s)
		lock := &lostLater{Lock: w.deps.Lock}
		w.deps.Lock = lock
		w.play.onFence = func(n int) { lock.lost = n == 2 } // under the lock of the first attempt only
		r, err := w.run(time.Minute)
		if err != nil || r.Attempts != 2 {
			t.Errorf("%d attempts, want 2; %v", r.Attempts, err)
		}
		w.mustBeSwapped()
	})
}

// lostLater is a named lock that is lost for one look when the test says so.
type lostLater struct {
	cutover.Lock
	lost bool
}

func (l *lostLater) Held(ctx context.Context) error {
	if l.lost {
		l.lost = false
		return conn.ErrLockLost
	}
	return l.Lock.Held(ctx)
}
