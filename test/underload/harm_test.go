package underload_test

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/proxy"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// TestRefreshHarmsNoTransaction: transactions of the migration stay open for longer than the application waits for a lock. With
// refresh it meets no lock wait and no deadlock, and the server shows no lock of the migration on a row of the source, however
// often it is asked; with the locking reads of replay both are there, which shows that they would be seen.
func TestRefreshHarmsNoTransaction(t *testing.T) {
	for _, apply := range []migrate.Apply{migrate.Refresh, migrate.Replay} {
		t.Run(string(apply), func(t *testing.T) {
			sandboxtest.EachPrivate(t, sandbox.Options{Args: []string{"--innodb-lock-wait-timeout=1"}}, func(t *testing.T, server *sandbox.Server) {
				s := sandboxtest.NewSchema(t, server.Address())
				slow := &laggard{begins: []byte("INSERT INTO `" + s.Name + "`.`sbtest1__new`"), left: 4}
				// Updates of single rows: this load has no lock to wait for but the migration's.
				r := begin(t, s, settings{
					connections: 8, workers: 4, rows: 4000, alter: neutral, apply: apply, mix: load.Mix{load.IndexUpdate: 1, load.Update: 1},
					rate: 150, user: mover(s), proxied: true, filter: slow.judge,
				})
				looks, locks := 0, 0
				r.awaitPostponed(func() {
					looks++
					locks += s.RowLocks("sbtest1", "user = 'mover'")
				})
				r.mustStopLoad()
				r.mustSwap()
				stats := r.generator.Snapshot()
				if slow.left > 0 {
					t.Errorf("%d transactions less than meant stayed open", slow.left)
				}
				if (locks > 0) != (apply == migrate.Replay) {
					t.Errorf("%d locks of the migration on rows of the source were seen at %d looks", locks, looks)
				}
				t.Logf("%d locks at %d looks", locks, looks)
				switch met := stats.Errors[1205] + stats.Errors[1213]; {
				case apply == migrate.Refresh && met > 0:
					t.Errorf("the application met %d lock waits and %d deadlocks", stats.Errors[1205], stats.Errors[1213])
				case apply == migrate.Replay && met == 0:
					t.Error("the application met no lock of the locking reads: this test would see none")
				}
			})
		})
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
