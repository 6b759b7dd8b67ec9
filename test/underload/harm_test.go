package underload_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/proxy"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestRefreshHarmsNoTransaction: transactions of the migration stay open for longer than the application waits for a lock. With
// refresh, whether it writes rows in place or replaces them, it meets no lock wait and no deadlock, from the start through the swap,
// and the server shows no lock of the migration on a row of the source, however often it is asked; with the locking reads of replay
// both are there, which shows that they would be seen.
func TestRefreshHarmsNoTransaction(t *testing.T) {
	// Over unique values the application's transactions would wait for each other by themselves: they are left alone.
	unmoved := load.Mix{load.IndexUpdate: 20, load.Update: 15, load.MultiUpdate: 5, load.Delete: 2}
	for name, set := range map[string]settings{
		"refresh":             {apply: migrate.Refresh, mix: load.Everything()},
		"refresh, unique key": {apply: migrate.Refresh, mix: unmoved, unique: true},
		"replay":              {apply: migrate.Replay, mix: load.Everything()},
	} {
		set.connections, set.workers, set.rows, set.alter, set.rate = 8, 4, 4000, neutral, 150
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sandboxtest.EachPrivate(t, sandbox.Options{Args: []string{"--innodb-lock-wait-timeout=1"}}, func(t *testing.T, server *sandbox.Server) {
				s := sandboxtest.NewSchema(t, server.Address())
				slow := &laggard{begins: []byte("INSERT INTO `" + s.Name + "`.`sbtest1__new`"), left: 4}
				set := set
				set.user, set.proxied, set.filter = mover(s), true, slow.judge
				// This load alone, also at full speed, met no error on any server: there is no lock to wait for but the migration's.
				r := begin(t, s, set)
				looks, locks := 0, 0
				r.awaitPostponed(func() {
					looks++
					locks += s.RowLocks("sbtest1", "user = 'mover'")
				})
				r.mustSwap()
				r.mustStay(500 * time.Millisecond)
				r.mustStopLoad()
				r.mustProve(proof.Model(t.Context(), s.DB, r.source.Name, r.generator.Model(0)))
				r.mustProve(proof.Retired(t.Context(), s.DB, table.NamesFor(r.source.Name).Retired, r.generator, 0))
				stats := r.generator.Snapshot()
				if slow.left > 0 {
					t.Errorf("%d transactions less than meant stayed open", slow.left)
				}
				if (locks > 0) != (set.apply == migrate.Replay) {
					t.Errorf("%d locks of the migration on rows of the source were seen at %d looks", locks, looks)
				}
				t.Logf("%d locks at %d looks; load: %s", locks, looks, stats.String())
				switch met := stats.Errors[1205] + stats.Errors[1213]; {
				case set.apply == migrate.Refresh && met > 0:
					t.Errorf("the application met %d lock waits and %d deadlocks", stats.Errors[1205], stats.Errors[1213])
				case set.apply == migrate.Replay && met == 0:
					t.Error("the application met no lock of the locking reads: this test would see none")
				}
			})
		})
	}
}

// TestDeadlockAtTheSwap: a transaction reads the table after the cut-over has looked for those that stand in its way, and writes it
// while the cut-over waits for it. The server ends the circle in the application, which is what docs/safety.md says of the swap;
// the swap goes on at the same attempt, and the transaction succeeds when it is tried again.
func TestDeadlockAtTheSwap(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		late := &latecomer{s: s, locks: []byte("LOCK TABLES `" + s.Name + "`.`sbtest1` "), about: make(chan bool), begun: make(chan bool)}
		r := begin(t, s, settings{
			connections: 2, workers: 2, rows: 2000, alter: neutral, apply: migrate.Refresh, rate: 100, proxied: true, filter: late.judge,
		})
		r.awaitPostponed()
		r.mustStopLoad()
		session, met := s.MustConn(), make(chan error, 1)
		go func() { met <- late.readAndWrite(t.Context(), session) }()
		r.mustSwap()
		err := <-met
		if e := (*mysql.MySQLError)(nil); !errors.As(err, &e) || e.Number != 1213 {
			t.Errorf("the application met %v, want error 1213", err)
		}
		if n := r.runner.Snapshot().Attempts; n != 1 {
			t.Errorf("the swap took %d attempts", n)
		}
		r.mustProve(proof.Equal(t.Context(), s.DB, table.NamesFor(r.source.Name).Retired, r.source.Name))
		r.mustProve(proof.Model(t.Context(), s.DB, r.source.Name, r.generator.Model(0)))
		s.MustExec("BEGIN; SELECT COUNT(*) FROM sbtest1; UPDATE sbtest1 SET k = -7 WHERE id = 1; COMMIT")
		if n := s.MustQueryInt("SELECT COUNT(*) FROM sbtest1 WHERE k = -7"); n != 1 {
			t.Errorf("tried again the transaction changed %d rows", n)
		}
	})
}

// latecomer is an application's transaction that begins when the cut-over has sent its statement to lock the source.
type latecomer struct {
	s     *sandboxtest.Schema
	locks []byte // what the statement begins with

	once         sync.Once
	about, begun chan bool // closed: the statement is about to reach the server; the transaction has read the table
}

func (l *latecomer) judge(_ proxy.ConnInfo, dir proxy.Direction, packet []byte) proxy.Verdict {
	if dir == proxy.ToServer && len(packet) > 1 && bytes.HasPrefix(packet[1:], l.locks) {
		l.once.Do(func() {
			close(l.about)
			<-l.begun
		})
	}
	return proxy.Forward
}

// readAndWrite does the transaction, but for its end, and returns the error of the UPDATE.
func (l *latecomer) readAndWrite(ctx context.Context, session *sql.Conn) error {
	begun := sync.OnceFunc(func() { close(l.begun) })
	defer begun()
	select {
	case <-l.about:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for _, statement := range []string{"BEGIN", "SELECT COUNT(*) FROM sbtest1"} {
		if _, err := session.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	begun()
	if err := l.awaitWaiting(ctx); err != nil {
		return err
	}
	_, err := session.ExecContext(ctx, "UPDATE sbtest1 SET k = -7 WHERE id = 1")
	_, ended := session.ExecContext(ctx, "ROLLBACK")
	return errors.Join(err, ended)
}

// awaitWaiting returns when the cut-over waits: with its lock on MySQL; on MariaDB, where that lets readers stay, with its RENAME.
func (l *latecomer) awaitWaiting(ctx context.Context) error {
	waiting := "SELECT COUNT(*) FROM " + l.s.Processlist() + " WHERE state = 'Waiting for table metadata lock' AND " +
		"(info LIKE 'LOCK TABLES `" + l.s.Name + "`%' OR info LIKE 'RENAME TABLE `" + l.s.Name + "`%')"
	for {
		var n int
		if err := l.s.DB.QueryRowContext(ctx, waiting).Scan(&n); err != nil || n > 0 {
			return err
		}
	}
}

// laggard keeps the commits back of the first transactions that begin with a statement.
type laggard struct {
	begins []byte

	mu   sync.Mutex // guards what follows
	left int
	open map[int]bool // connections that have such a transaction
}

func (l *laggard) judge(c proxy.ConnInfo, dir proxy.Direction, packet []byte) proxy.Verdict {
	if dir == proxy.ToServer && len(packet) > 1 && l.isLate(c.ID, packet[1:]) {
		time.Sleep(2500 * time.Millisecond) // the statement waits, and nothing tells when it has been long enough
	}
	return proxy.Forward
}

func (l *laggard) isLate(id int, text []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = make(map[int]bool)
	}
	if bytes.HasPrefix(text, l.begins) {
		l.open[id] = true
	}
	if !l.open[id] || !bytes.HasPrefix(text, []byte("COMMIT")) || l.left == 0 {
		return false
	}
	delete(l.open, id)
	l.left--
	return true
}
