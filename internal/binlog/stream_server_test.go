package binlog

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// TestStreamFollowsServer reads a load on several tables, on a server that others write to as well, and arrives at the very
// rows that the server has.
func TestStreamFollowsServer(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		f := prepare(t, s).start()
		f.load(4, 200)
		f.compare(f.fence(1))
	})
}

// variants are the servers that a test configures for itself; binlog files are as small as can be.
func variants(t *testing.T, f func(t *testing.T, s *sandboxtest.Schema)) {
	const smallFiles = "--max-binlog-size=4096"
	for name, v := range map[string]struct {
		engine sandbox.Engine
		o      sandbox.Options
	}{
		"mysql gtid":    {sandbox.MySQL97, sandbox.Options{Args: []string{smallFiles}}},
		"mysql file":    {sandbox.MySQL97, sandbox.Options{Args: []string{smallFiles}, FilePosition: true}},
		"mariadb 10.11": {sandbox.MariaDB1011, sandbox.Options{Args: []string{smallFiles, "--log-bin-compress=ON", "--log-bin-compress-min-len=10"}}},
		"mariadb 11.8":  {sandbox.MariaDB118, sandbox.Options{Args: []string{smallFiles, "--log-bin-compress=ON", "--log-bin-compress-min-len=10"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, privateSchema(t, v.engine, v.o))
		})
	}
}

// TestStreamOnPrivateServers goes through everything that needs a server of its own, on few of them.
func TestStreamOnPrivateServers(t *testing.T) {
	variants(t, func(t *testing.T, s *sandboxtest.Schema) {
		for name, test := range map[string]func(*testing.T, *sandboxtest.Schema){
			"rotation": testRotation, "xa": testXA, "killed": testKilled, "compressed": testCompressed, "resume": testResume,
			"pieces": testPieces, "statement": testStatementFormat, "purged": testPurged, "tagged": testTagged,
		} {
			t.Run(name, func(t *testing.T) { test(t, sandboxtest.NewSchema(t, s.Server)) })
		}
	})
}

// testRotation reads while files end all the time, and counts them.
func testRotation(t *testing.T, s *sandboxtest.Schema) {
	f := prepare(t, s).start()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := s.DB.ExecContext(t.Context(), "FLUSH BINARY LOGS"); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	f.load(4, 100)
	close(stop)
	<-stopped
	items := f.fence(1)
	f.compare(items)
	if files := items[len(items)-1].Clock.File; files < 20 {
		t.Errorf("only %d files were counted", files)
	}
}

// testXA reads XA transactions that are committed, rolled back, committed in one phase, and undecided at the fence.
func testXA(t *testing.T, s *sandboxtest.Schema) {
	f := prepare(t, s).start()
	id := func(n int) string { return fmt.Sprintf("'it''s \x01','b%d'", n) }
	for n := range 7 {
		c := s.MustConn()
		mustExec(t, c, "XA START "+id(n))
		if n != 6 {
			mustExec(t, c, fmt.Sprintf("INSERT INTO t VALUES (%d, 0, 'xa'), (%d, 0, 'xa')", 10*n+1, 10*n+2))
		}
		mustExec(t, c, "XA END "+id(n))
		switch n {
		case 4:
			mustExec(t, c, "XA COMMIT "+id(n)+" ONE PHASE")
		case 5:
			mustExec(t, c, "XA ROLLBACK "+id(n))
		case 6: // changes nothing
			mustExec(t, c, "XA PREPARE "+id(n))
			mustExec(t, c, "XA COMMIT "+id(n))
		default:
			mustExec(t, c, "XA PREPARE "+id(n))
		}
		// A session keeps what it prepared until it ends.
		_ = c.Raw(func(any) error { return driver.ErrBadConn })
	}
	items := f.fence(1)
	f.compare(items)
	before := items[len(items)-1].End

	decide(t, s, "XA COMMIT "+id(1))
	decide(t, s, "XA ROLLBACK "+id(2))
	s.MustExec("INSERT INTO t VALUES (100, 0, 'after')")
	items = f.fence(2)
	f.compare(items)
	if end := items[len(items)-1].End; !end.Equal(before) {
		t.Errorf("with an XA transaction undecided the position moved from %s to %s", before, end)
	}

	// A stream that starts there knows the undecided ones.
	second := &follower{t: t, s: s, cfg: f.cfg, news: make(chan struct{})}
	second.cfg.Start = before
	second.start()
	// One that starts after them must not guess.
	third := &follower{t: t, s: s, cfg: f.cfg, news: make(chan struct{})}
	var err error
	if third.cfg.Start, err = Current(t.Context(), s.DB, f.cfg.Server); err != nil {
		t.Fatal(err)
	}
	third.start()

	decide(t, s, "XA COMMIT "+id(0))
	decide(t, s, "XA COMMIT "+id(3))
	items = f.fence(3)
	f.compare(items)
	if end := items[len(items)-1].End; end.Equal(before) {
		t.Errorf("with nothing undecided the position stays at %s", end)
	}
	repeated := 0
	for _, i := range second.fence(4) {
		repeated += len(i.Changes)
	}
	if repeated != 9 {
		t.Errorf("a stream from before the undecided transactions read %d changes, want 9", repeated)
	}
	var unknown *UnknownXAError
	if err := third.fails(); !errors.As(err, &unknown) {
		t.Errorf("a stream that did not read the PREPARE said: %v", err)
	}
}

// decide ends a prepared XA transaction whose session may still be on its way out.
func decide(t *testing.T, s *sandboxtest.Schema, statement string) {
	t.Helper()
	for range 100 {
		_, err := s.DB.ExecContext(t.Context(), statement)
		if err == nil {
			return
		}
		if err := conn.Pause(t.Context(), 50*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	s.MustExec(statement)
}

// testKilled ends the stream's connection again and again while it reads, also inside transactions in pieces.
func testKilled(t *testing.T, s *sandboxtest.Schema) {
	f := prepare(t, s)
	f.cfg.MaxTransaction = 2000
	f.start()
	stop, stopped := make(chan struct{}), make(chan struct{})
	kills := 0
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				for _, id := range s.MustQueryRows("SELECT id FROM " + s.Processlist() + " WHERE command LIKE 'Binlog Dump%'") {
					if _, err := s.DB.ExecContext(t.Context(), "KILL "+id); err == nil {
						kills++
					}
				}
			}
		}
	}()
	f.load(4, 1000)
	close(stop)
	<-stopped
	f.compare(f.fence(1))
	if kills < 5 {
		t.Errorf("only %d connections were killed", kills)
	}
}

// testCompressed reads transactions that the server compressed as a whole (MySQL); MariaDB compresses by event, on all tests.
func testCompressed(t *testing.T, s *sandboxtest.Schema) {
	f := prepare(t, s)
	f.cfg.MaxTransaction = 20000
	f.start()
	var setup []string
	if !s.Server.Engine.MariaDB() {
		setup = []string{"SET binlog_transaction_compression = ON"}
	} else {
		s.MustExec("CREATE TABLE squeezed (id INT PRIMARY KEY, b BLOB COMPRESSED); INSERT INTO squeezed VALUES (1, REPEAT('a', 1000))")
	}
	f.load(3, 100, setup...)
	c := s.MustConn()
	for _, statement := range append(setup, "INSERT INTO t (k, v) SELECT 1, REPEAT('z', 150) FROM t a, t b", "UPDATE t SET k = 7") {
		mustExec(t, c, statement)
	}
	_ = c.Close()
	f.compare(f.fence(1))
}

// testPieces reads a transaction that is far larger than what may be held.
func testPieces(t *testing.T, s *sandboxtest.Schema) {
	f := prepare(t, s)
	f.cfg.MaxTransaction = 10000
	f.start()
	s.MustExec("INSERT INTO t (k, v) VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')")
	for range 5 {
		s.MustExec("INSERT INTO t (k, v) SELECT a.k, a.v FROM t a, (SELECT 1 UNION SELECT 2 UNION SELECT 3) b")
	}
	s.MustExec("BEGIN; UPDATE t SET k = k + 1; DELETE FROM t WHERE id % 2 = 0; ROLLBACK")
	items := f.fence(1)
	f.compare(items)
	pieces := 0
	for _, i := range items {
		if i.More {
			pieces++
		}
		if i.Bytes > 200000 {
			t.Errorf("a piece takes %d bytes", i.Bytes)
		}
	}
	if pieces < 10 {
		t.Errorf("only %d pieces came", pieces)
	}
}

// testResume starts a stream at the end of each transaction of another one: it reads exactly the rest.
func testResume(t *testing.T, s *sandboxtest.Schema) {
	f := prepare(t, s).start()
	f.load(2, 40)
	items := settle(t, f.fence(1))
	f.compare(items)
	for at := 0; at < len(items)-1; at += 1 + len(items)/12 {
		text := items[at].End.String()
		start, err := ParsePosition(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := CanStream(t.Context(), s.DB, f.cfg.Server, start); err != nil {
			t.Fatalf("CanStream(%s): %v", start, err)
		}
		again := &follower{t: t, s: s, cfg: f.cfg, news: make(chan struct{})}
		again.cfg.Start = start
		again.start()
		value := uint64(100 + at)
		rest := settle(t, again.fence(value))
		if len(rest) < len(items)-at-1 {
			t.Fatalf("from %s on %d transactions came, want at least %d", text, len(rest), len(items)-at-1)
		}
		for i, want := range items[at+1:] {
			if got := rest[i]; fmt.Sprint(got.Changes, got.Marks, got.End) != fmt.Sprint(want.Changes, want.Marks, want.End) {
				t.Fatalf("from %s on, transaction %d:\n got %v %v %s\nwant %v %v %s", text, i, got.Changes, got.Marks, got.End, want.Changes, want.Marks, want.End)
			}
		}
		again.cancel()
	}
}

// testStatementFormat changes rows in a way that the log holds as text.
func testStatementFormat(t *testing.T, s *sandboxtest.Schema) {
	f := prepare(t, s).start()
	c := s.MustConn()
	mustExec(t, c, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
	mustExec(t, c, "SET binlog_format = STATEMENT")
	mustExec(t, c, "UPDATE other SET k = 1")
	mustExec(t, c, "INSERT INTO t (k) VALUES (LAST_INSERT_ID())")
	_ = c.Raw(func(any) error { return driver.ErrBadConn })
	var changed *ChangedError
	if err := f.fails(); !errors.As(err, &changed) || !changed.Rows || changed.Table.Table != "t" {
		t.Errorf("the stream said: %v", err)
	}
}
