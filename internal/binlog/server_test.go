package binlog

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// TestDDLOfOthers: each statement on our tables ends the stream, whoever gave it; those on others do not.
func TestDDLOfOthers(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		for _, statement := range []string{
			"ALTER TABLE t ADD COLUMN x INT",
			"CREATE TABLE t__new LIKE t",
			"DROP TABLE t__changelog",
			"TRUNCATE TABLE t",
			"RENAME TABLE t TO t2",
			"CREATE INDEX i ON t (k)",
		} {
			t.Run(statement, func(t *testing.T) {
				s := sandboxtest.NewSchema(t, s.Server)
				f := prepare(t, s).start()
				s.MustExec("CREATE TABLE t3 LIKE t; ALTER TABLE t3 ADD COLUMN t INT; ANALYZE TABLE t; OPTIMIZE TABLE t;" +
					"CREATE VIEW v AS SELECT * FROM t; DROP VIEW v; DROP TABLE t3; ALTER TABLE t AUTO_INCREMENT = 1000;" +
					"CREATE TEMPORARY TABLE t (a INT); DROP TEMPORARY TABLE t")
				f.fence(1)
				s.MustExec(statement)
				var changed *ChangedError
				if err := f.fails(); !errors.As(err, &changed) || changed.Rows || !strings.Contains(err.Error(), statement[:10]) {
					t.Errorf("the stream said: %v", err)
				}
			})
		}
	})
}

// TestOwnSwap: the RENAME of this run ends the stream, after all that was written before it. One that gave the source its name
// back, after half of a swap, does not.
func TestOwnSwap(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		f := prepare(t, s)
		s.MustExec("CREATE TABLE t__new LIKE t; RENAME TABLE t TO t__old")
		var err error
		if f.cfg.Start, err = Current(t.Context(), s.DB, f.cfg.Server); err != nil {
			t.Fatal(err)
		}
		f.start()
		s.MustExec("RENAME TABLE t__old TO t " + f.cfg.Conn.Mark())
		s.MustExec("INSERT INTO t VALUES (1, 1, 'x')")
		s.MustExec("ALTER TABLE t__new AUTO_INCREMENT = 5, ALGORITHM=INPLACE " + f.cfg.Conn.Mark())
		s.MustExec("RENAME TABLE t TO t__old, t__new TO t " + f.cfg.Conn.Mark())
		if err := f.fails(); !errors.Is(err, ErrSwapped) {
			t.Errorf("the stream said: %v", err)
		}
		if items, _ := f.all(); len(items) != 1 || outcome(items[0]) != "+1|1|x " {
			t.Errorf("before the swap came %d items", len(items))
		}
	})
}

// TestDefinitionDiffers: a table map that is not as inspected ends the stream, even if the DDL was not seen.
func TestDefinitionDiffers(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		f := prepare(t, s)
		s.MustExec("ALTER TABLE t ADD COLUMN x INT")
		var err error
		if f.cfg.Start, err = Current(t.Context(), s.DB, f.cfg.Server); err != nil {
			t.Fatal(err)
		}
		f.start()
		s.MustExec("INSERT INTO t (k) VALUES (1)")
		if err := f.fails(); err == nil || !strings.Contains(err.Error(), "`t`") {
			t.Errorf("the stream said: %v", err)
		}
	})
}

// TestWrongPassword is not tried again.
func TestWrongPassword(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		f := prepare(t, s)
		f.cfg.Conn.Password = "wrong"
		f.start()
		if err := f.fails(); !conn.IsAccessDenied(err) {
			t.Errorf("the stream said: %v", err)
		}
	})
}

// TestTLS: the stream is encrypted where the server can, and plain where that is allowed.
func TestTLS(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		f := prepare(t, s)
		f.cfg.Conn.TLS = &tls.Config{InsecureSkipVerify: true} // the server made its certificate itself
		f.cfg.Conn.FallbackToPlain = s.Server.Engine.MariaDB() // 10.11 makes no certificate of its own
		f.start()
		s.MustExec("INSERT INTO t VALUES (1, 1, 'x')")
		f.compare(f.fence(1))
	})
}

// TestUnreachable: the stream goes on where it was when the server can be reached again, and gives up in time when not. A
// connection on which nothing comes any more is noticed, and one that the server still writes to is in nobody's way.
func TestUnreachable(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		f := prepare(t, s)
		p, address := sandboxtest.Proxy(t, s.Server)
		f.cfg.Conn.Host, f.cfg.Conn.Port = address.Host, address.Port
		f.cfg.ReconnectTimeout = 30 * time.Second
		f.start()
		s.MustExec("INSERT INTO t VALUES (1, 1, 'x')")
		f.fence(1)

		p.Refuse(true)
		p.CutAll()
		s.MustExec("INSERT INTO t VALUES (2, 2, 'y')")
		if err := conn.Pause(t.Context(), 500*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		p.Refuse(false)
		f.compare(f.fence(2))

		p.SetDelay(0, time.Hour)
		time.AfterFunc(readTimeout, func() { p.SetDelay(0, 0) })
		s.MustExec("INSERT INTO t VALUES (3, 3, 'z'); CREATE TABLE bulk (v LONGBLOB)")
		for range 64 { // more than is on its way
			s.MustExec("INSERT INTO bulk VALUES (REPEAT('x', 1 << 20))")
		}
		f.compare(f.fence(3))

		// The next stream cannot reach the server at all.
		p.Refuse(true)
		p.CutAll()
		late := &follower{t: t, s: s, cfg: f.cfg, news: make(chan struct{})}
		late.cfg.ReconnectTimeout = 200 * time.Millisecond
		late.start()
		if err := late.fails(); err == nil || !strings.Contains(err.Error(), late.cfg.Start.String()) {
			t.Errorf("the stream said: %v", err)
		}
	})
}

// testPurged: what is no longer in the log cannot be continued from, and nothing ahead of the log's end.
func testPurged(t *testing.T, s *sandboxtest.Schema) {
	f := prepare(t, s)
	old := f.cfg.Start
	s.MustExec("INSERT INTO t VALUES (1, 1, 'x')")
	if err := CanStream(t.Context(), s.DB, f.cfg.Server, old); err != nil {
		t.Fatal(err)
	}
	s.MustExec("FLUSH BINARY LOGS")
	now, err := Current(t.Context(), s.DB, f.cfg.Server)
	if err != nil {
		t.Fatal(err)
	}
	logs := s.MustQueryRows("SHOW BINARY LOGS")
	last, _, _ := strings.Cut(logs[len(logs)-1], "\t")
	if s.Server.Engine.MariaDB() { // it keeps files that its own recovery may need
		s.MustExec("FLUSH BINARY LOGS; FLUSH BINARY LOGS")
	}
	for range 100 {
		s.MustExec("PURGE BINARY LOGS TO '" + last + "'")
		if first, _, _ := strings.Cut(s.MustQueryRows("SHOW BINARY LOGS")[0], "\t"); first == last {
			break
		}
		if err := conn.Pause(t.Context(), 50*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if err := CanStream(t.Context(), s.DB, f.cfg.Server, now); err != nil {
		t.Errorf("from the end: %v", err)
	}
	var lost *LostError
	if err := CanStream(t.Context(), s.DB, f.cfg.Server, old); !errors.As(err, &lost) || lost.Ahead || !lost.Position.Equal(old) {
		t.Errorf("from a purged file: %v", err)
	}
	f.start()
	if err := f.fails(); !errors.As(err, &lost) {
		t.Errorf("the stream said: %v", err)
	}
	ahead := map[positionForm]string{fileForm: now.file, gtidForm: now.String() + ":999999999", mariaForm: "mariadb:0-1-999999999"}[now.form]
	if now.form == fileForm {
		ahead = fmt.Sprintf("file:%s:%d", now.file, 1<<40)
	}
	if err := CanStream(t.Context(), s.DB, f.cfg.Server, mustParse(t, ahead)); !errors.As(err, &lost) || !lost.Ahead {
		t.Errorf("from %s, ahead of the log: %v", ahead, err)
	}
	for _, other := range []string{"file:binlog.000001:4", "gtid:", "mariadb:"} {
		p := mustParse(t, other)
		if p.form == now.form || p.IsFile() && f.cfg.Server.Flavor == conn.MySQL {
			continue
		}
		if err := CanStream(t.Context(), s.DB, f.cfg.Server, p); !errors.As(err, &lost) {
			t.Errorf("from %s: %v", other, err)
		}
	}
}

// testTagged reads transactions with tagged GTIDs.
func testTagged(t *testing.T, s *sandboxtest.Schema) {
	if s.MustQueryRows("SHOW GLOBAL VARIABLES LIKE 'gtid_mode'") == nil || s.MustQueryString("SELECT @@gtid_mode") != "ON" {
		return
	}
	f := prepare(t, s).start()
	c := s.MustConn()
	defer func() { _ = c.Close() }()
	for i := range 5 {
		mustExec(t, c, "SET gtid_next = 'AUTOMATIC:midstream_tag'")
		mustExec(t, c, fmt.Sprintf("INSERT INTO t VALUES (%d, 1, 'x')", i+1))
	}
	mustExec(t, c, "SET gtid_next = 'AUTOMATIC'")
	items := f.fence(1)
	f.compare(items)
	last := items[len(items)-1]
	executed, err := Current(t.Context(), s.DB, f.cfg.Server)
	if err != nil {
		t.Fatal(err)
	}
	if !last.End.Equal(executed) || !strings.Contains(last.End.String(), ":midstream_tag:1-5") {
		t.Errorf("the stream ends at %s, the server at %s", last.End, executed)
	}
	tagged := items[0]
	if ago := time.Since(tagged.CommittedAt); ago < 0 || ago > time.Minute || tagged.Clock.SequenceNumber == 0 || tagged.CommittedAt.Nanosecond() == 0 {
		t.Errorf("committed at %s, clock %+v", tagged.CommittedAt, tagged.Clock)
	}
	again := &follower{t: t, s: s, cfg: f.cfg, news: make(chan struct{})}
	again.cfg.Start = mustParse(t, items[2].End.String())
	again.start()
	if rest := again.fence(2); len(rest) != 4 {
		t.Errorf("from %s on %d items came, want 4", items[2].End, len(rest))
	}
}

// TestServerRestarted: after a restart the server may have lost what was read from it.
func TestServerRestarted(t *testing.T) {
	sandboxtest.EachPrivate(t, sandbox.Options{}, func(t *testing.T, server *sandbox.Server) {
		s := sandboxtest.NewSchema(t, server.Address())
		f := prepare(t, s).start()
		s.MustExec("INSERT INTO t VALUES (1, 1, 'x')")
		f.fence(1)
		if err := conn.Pause(t.Context(), 3*time.Second); err != nil { // start times are known to the second, with some slack
			t.Fatal(err)
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		var changed *conn.ServerChangedError
		if err := f.fails(); !errors.As(err, &changed) || !strings.Contains(err.Error(), "restarted") {
			t.Errorf("the stream said: %v", err)
		}
	})
}

// TestReadBeforeCommitted: a semi-synchronous server sends a transaction long before it counts as executed. A connection lost
// meanwhile is no loss of transactions.
func TestReadBeforeCommitted(t *testing.T) {
	s := privateSchema(t, sandbox.MySQL97, sandbox.Options{})
	f := prepare(t, s)
	s.MustExec("INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so';" +
		"SET GLOBAL rpl_semi_sync_source_timeout = 3000; SET GLOBAL rpl_semi_sync_source_wait_no_replica = 1; SET GLOBAL rpl_semi_sync_source_enabled = 1")
	f.start()
	began, committed := time.Now(), make(chan error, 1)
	go func() {
		_, err := s.DB.ExecContext(t.Context(), "INSERT INTO t VALUES (1, 1, 'x')")
		committed <- err
	}()
	for {
		items, news := f.all()
		if len(items) > 0 {
			break
		}
		<-news
	}
	if time.Since(began) > 2*time.Second {
		t.Fatal("the transaction was not read before it was committed")
	}
	for _, id := range s.MustQueryRows("SELECT id FROM " + s.Processlist() + " WHERE command LIKE 'Binlog Dump%'") {
		s.MustExec("KILL " + id)
	}
	if err := <-committed; err != nil {
		t.Fatal(err)
	}
	f.compare(f.fence(1))
}
