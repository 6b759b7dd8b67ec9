package binlog

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// await is Await, with what XA RECOVER gives at each look.
func (c *XACommits) await(looks ...string) (left int) {
	awaited := maps.Clone(c.noted)
	for _, prepared := range looks {
		var listed conn.XIDs
		for _, id := range prepared {
			listed = append(listed, xidNamed(byte(id)))
		}
		c.look(awaited, listed)
	}
	return len(awaited)
}

func xidNamed(id byte) conn.XID { return conn.XID{Global: string([]byte{id}), Format: 1} }

// TestXACommitsAreNoted: XA commits of rows of ours are noted before they are handed out, and nothing else is.
func TestXACommitsAreNoted(t *testing.T) {
	for name, c := range map[string]struct {
		mysql, begins bool
		write         func(s *script)
		noted         bool
	}{
		"commit":           {write: func(s *script) { s.xa('a', 1); s.decide("COMMIT", 'a') }, noted: true},
		"commit on MySQL":  {write: func(s *script) { s.xa('a', 1); s.decide("COMMIT", 'a') }, mysql: true, noted: true},
		"rollback":         {write: func(s *script) { s.xa('a', 1); s.decide("ROLLBACK", 'a') }},
		"undecided":        {write: func(s *script) { s.xa('a', 1) }},
		"prepared before":  {write: func(s *script) { s.decide("COMMIT", 'a') }, begins: true, noted: true},
		"begun once more":  {write: func(s *script) { s.xa('a', 1); s.decide("COMMIT", 'a'); s.xa('a', 2) }},
		"committed again":  {write: func(s *script) { s.xa('a', 1); s.decide("COMMIT", 'a'); s.xa('a', 2); s.decide("COMMIT", 'a') }, noted: true},
		"no row of ours":   {write: func(s *script) { s.xaOfOthers('a'); s.decide("COMMIT", 'a') }},
		"another one":      {write: func(s *script) { s.xa('a', 1); s.xa('b', 2); s.decide("COMMIT", 'a'); s.decide("ROLLBACK", 'b') }, noted: true},
		"not XA":           {write: func(s *script) { s.open(); s.insert(1); s.commit() }},
		"DDL in between":   {write: func(s *script) { s.xa('a', 1); s.statement("CREATE TABLE y (id INT)"); s.decide("COMMIT", 'a') }, noted: true},
		"of another's too": {write: func(s *script) { s.xaOfOthers('b'); s.xa('a', 1); s.decide("COMMIT", 'b'); s.decide("COMMIT", 'a') }, noted: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(!c.mysql)
			c.write(s)
			a := newCollector(t, startOf(s))
			a.begins, a.xaCommits = c.begins, NewXACommits(nil, 0)
			emit := a.emit
			a.emit = func(tx *Transaction) error {
				if len(tx.Changes) > 0 && c.noted && len(a.xaCommits.noted) == 0 {
					t.Error("the commit is handed out before it is noted")
				}
				return emit(tx)
			}
			a.mustFeed(t, s.log)
			if _, noted := a.xaCommits.noted[xidNamed('a')]; noted != c.noted || len(a.xaCommits.noted) > 1 {
				t.Errorf("noted: %v, want %v", a.xaCommits.noted, c.noted)
			}
		})
	}
}

// TestXACommitsAreAwaited: a commit is waited for as long as it is listed and the same.
func TestXACommitsAreAwaited(t *testing.T) {
	c := NewXACommits(nil, 0)
	if left := c.await(); left != 0 {
		t.Errorf("with nothing noted %d are waited for", left)
	}
	c.note(xidNamed('a'))
	c.note(xidNamed('b'))
	if left := c.await("ab", "bax"); left != 2 {
		t.Errorf("of two that are listed %d are waited for", left)
	}
	if left := c.await("b"); left != 1 || len(c.noted) != 1 {
		t.Errorf("with one listed %d are waited for, and %d kept", left, len(c.noted))
	}
	awaited := maps.Clone(c.noted)
	c.note(xidNamed('b')) // another one of the name: the first is over
	if c.look(awaited, conn.XIDs{xidNamed('b')}); len(awaited) != 0 || len(c.noted) != 1 {
		t.Errorf("a later transaction of the name is waited for, or forgotten: %v, %v", awaited, c.noted)
	}
	if waits := c.Waits(); waits != "" {
		t.Errorf("a wait is told at once: %s", waits)
	}
	c.await("b")
	c.noted[xidNamed('b')].listed = time.Now().Add(-time.Minute)
	if waits := c.Waits(); !strings.Contains(waits, "'b','',1") {
		t.Errorf("a wait that lasts is told as %q", waits)
	}
	c.restarted(xidNamed('b'))
	if waits := c.Waits(); waits != "" || len(c.noted) != 0 {
		t.Errorf("one that began once more is waited for: %s", waits)
	}
}

// TestXACommitsOfEarlierRuns: what stands prepared on the server when a run goes on is waited for until that is over, or the log
// has its PREPARE.
func TestXACommitsOfEarlierRuns(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB")
		session, xid := s.MustConn(), conn.XID{Global: s.Name, Branch: "\xff'", Format: 7}
		for _, verb := range []string{"START", "END", "PREPARE"} {
			mustExec(t, session, "XA "+verb+" "+xid.String())
			if verb == "START" {
				mustExec(t, session, "INSERT INTO t VALUES (1)")
			}
		}
		c := NewXACommits(s.DB, time.Minute)
		if err := c.Suspect(t.Context()); err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(c.noted, func(id conn.XID, _ *xaCommit) bool { return id != xid }) // those of other tests
		waiting, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := c.Await(waiting); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with %s prepared: %v", xid, err)
		}
		if c.noted[xid] == nil {
			t.Errorf("%s is not among %v", xid, c.noted)
		}
		mustExec(t, session, "XA ROLLBACK "+xid.String())
		if err := c.Await(t.Context()); err != nil || len(c.noted) != 0 {
			t.Errorf("with nothing prepared: %v; %v are left", err, c.noted)
		}
	})
}
