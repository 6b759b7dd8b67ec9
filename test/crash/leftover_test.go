package crash_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// mustKill kills the process and waits for its end.
func (r *trial) mustKill(p *process) {
	r.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		r.t.Fatal(err)
	}
	<-p.ended
}

// mustStopLoad ends the load.
func (r *trial) mustStopLoad() {
	r.t.Helper()
	r.stop()
	if err := <-r.loaded; err != nil {
		r.t.Fatal(err)
	}
}

// mustBeEqual proves that the swapped tables hold the same rows.
func (r *trial) mustBeEqual() {
	r.t.Helper()
	if _, err := proof.Equal(r.t.Context(), r.s.DB, table.NamesFor(r.source.Name).Retired, r.source.Name); err != nil {
		r.t.Error(err)
	}
}

// TestChunkLeftRunning: the statement of a chunk waits in the server when its client is killed; rows of its range are deleted
// meanwhile. The next run ends it before it trusts anything, and no deleted row comes back.
func TestChunkLeftRunning(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		r, permit := beginPostponed(t, s)
		r.args = append(r.args, "--chunk-size=20", "--copy-workers=1")
		r.mustStopLoad()
		p := r.start()
		blocker := s.MustConn()
		exec := func(statement string) error {
			_, err := blocker.ExecContext(t.Context(), statement)
			return err
		}
		eventually(t, "the shadow is altered", func() bool {
			return len(s.MustQueryRows("SHOW TABLES LIKE 'sbtest1%checkpoint'")) > 0 &&
				s.MustQueryInt(`SELECT COUNT(*) FROM sbtest1__checkpoint WHERE record NOT LIKE '%"Position":""%'`) > 0
		})
		if err := errors.Join(exec("START TRANSACTION"), exec("INSERT INTO sbtest1__new (id) VALUES (15001)")); err != nil {
			t.Fatal(err) // the copy was there before, on a machine that is much faster than those known
		}
		var waiting []string
		eventually(t, "a chunk waits for the row", func() bool {
			waiting = s.MustQueryRows("SELECT id FROM " + s.Processlist() + " WHERE info LIKE 'INSERT INTO%" + s.Name + "%sbtest1__new%'")
			return len(waiting) > 0
		})
		r.mustKill(p)
		deleted := make(chan error, 1)
		go func() {
			_, err := s.DB.ExecContext(context.WithoutCancel(t.Context()), "DELETE FROM sbtest1 WHERE id BETWEEN 14990 AND 15010")
			deleted <- err
		}()
		p = r.start()
		eventually(t, "the session that was left is gone", func() bool {
			return len(s.MustQueryRows(fmt.Sprintf("SELECT id FROM %s WHERE id IN (%s)", s.Processlist(), strings.Join(waiting, ",")))) == 0
		})
		if err := exec("ROLLBACK"); err != nil {
			t.Fatal(err)
		}
		if err := <-deleted; err != nil {
			t.Fatal(err)
		}
		permit()
		if err := <-p.ended; err != nil {
			t.Fatalf("the command ended with %v:\n%s", err, &p.text)
		}
		r.mustBeEqual()
	})
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// TestKilledInALargeTransaction: one transaction changes 100,000 rows; the command is killed while it comes in, and while it
// is applied. A position in its middle would lose a part of it.
func TestKilledInALargeTransaction(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		r, permit := beginPostponed(t, s)
		r.mustStopLoad()
		s.MustExec("INSERT INTO sbtest1 (id, k, c, pad, u) SELECT id + 100000 * n, k, c, pad, NULL FROM sbtest1, (SELECT 1 AS n UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5) more")
		p := r.start()
		eventually(t, "all is copied", func() bool {
			return len(s.MustQueryRows("SHOW TABLES LIKE 'sbtest1%new'")) > 0 &&
				s.MustQueryInt(`SELECT COUNT(*) FROM sbtest1__checkpoint WHERE record LIKE '%"Done":true%'`) > 0
		})
		if n := s.MustQueryInt("SELECT COUNT(*) FROM sbtest1"); n < 100_000 {
			t.Fatalf("only %d rows", n)
		}
		s.MustExec("UPDATE sbtest1 SET k = k + 1, pad = REVERSE(pad)")
		for range 4 {
			time.Sleep(300 * time.Millisecond)
			r.mustKill(p)
			p = r.start()
		}
		permit()
		if err := <-p.ended; err != nil {
			t.Fatalf("the command ended with %v:\n%s", err, &p.text)
		}
		r.mustBeEqual()
	})
}

// TestFilePositionOfAnotherServer: a checkpoint with a file position is refused by a server with another uuid.
func TestFilePositionOfAnotherServer(t *testing.T) {
	server := sandboxtest.Private(t, sandbox.MySQL97, sandbox.Options{FilePosition: true})
	s := sandboxtest.NewSchema(t, server.Address())
	r, permit := beginPostponed(t, s)
	r.mustHaveBegun()
	swap := func(from, to string) {
		s.MustExec(fmt.Sprintf("UPDATE sbtest1__checkpoint SET record = REPLACE(record, '%s', '%s')", from, to))
	}
	uuid := s.MustQueryString("SELECT @@server_uuid")
	swap(uuid, "00000000-elsewhere")
	r.mustRefuse("is one of server 00000000-elsewhere")
	swap("00000000-elsewhere", uuid)
	permit()
	r.mustEnd()
	r.mustProve()
}
