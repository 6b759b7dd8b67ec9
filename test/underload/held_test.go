package underload_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/proxy"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestHeldCommitsAllTheWay is a whole migration of a source that holds commits between its log and its tables, as one does that
// waits for a replica: again and again, while rows are copied and for some time after, a transaction is held that changes, deletes
// and inserts rows which are copied, come next, or come last, and meanwhile chunks are read (I7, I9).
func TestHeldCommitsAllTheWay(t *testing.T) {
	sandboxtest.EachPrivate(t, sandbox.Options{}, func(t *testing.T, server *sandbox.Server) {
		m := holdCommits(t, sandboxtest.NewSchema(t, server.Address()))
		copying, applying := 0, 0 // commits that were held meanwhile
		for later := 0; later < 2 || applying == 0 && later < 10; {
			if m.runner.Snapshot().CopyDone {
				later++
			}
			switch held, copied := m.round(); {
			case held && copied:
				applying++
			case held:
				copying++
			}
		}
		if copying == 0 || applying == 0 || copying+applying < 3 {
			t.Errorf("only %d commits were held while rows were copied, and %d while changes were applied after", copying, applying)
		}
		m.awaitPostponed()
		m.mustSwap()
		m.mustProve(proof.Equal(t.Context(), m.s.DB, table.NamesFor(m.source.Name).Retired, m.source.Name))
		t.Logf("%d and %d commits were held, %d rows changed", copying, applying, m.written)
	})
}

// holding is a migration of a server that holds commits, in chunks of five rows.
type holding struct {
	*run
	application *sql.Conn
	hold        func()       // the commits that follow
	copying     sync.RWMutex // locked for reading by each statement that inserts into the shadow, for writing by who holds them back
	written     uint64       // row changes since the log is read
}

// heldRows are the rows at the beginning, heldKeys the greatest key: every other one is free.
const (
	heldRows = 1100
	heldKeys = 2 * heldRows
)

// holdCommits starts the migration and returns when rows are copied.
func holdCommits(t *testing.T, s *sandboxtest.Schema) *holding {
	t.Helper()
	var rows []string
	for id := 2; id <= heldKeys; id += 2 {
		rows = append(rows, fmt.Sprintf("(%d, %d, 0)", id, id%100))
	}
	s.MustExec("CREATE TABLE t (id INT PRIMARY KEY, k INT, v INT, KEY k (k)) ENGINE=InnoDB; INSERT INTO t VALUES " + strings.Join(rows, ", "))
	m := &holding{application: s.MustConn(), hold: s.HeldCommits()}
	copies := []byte("INSERT INTO `" + s.Name + "`.`t__new`")
	set := settings{workers: 2, alter: neutral, apply: migrate.Refresh, chunk: 5, proxied: true, filter: func(_ proxy.ConnInfo, dir proxy.Direction, packet []byte) proxy.Verdict {
		if dir == proxy.ToServer && len(packet) > 1 && bytes.HasPrefix(packet[1:], copies) {
			m.copying.RLock()
			defer m.copying.RUnlock()
		}
		return proxy.Forward
	}}
	m.run = newRun(t, s, set, "t")
	cfg := m.config(set)
	cfg.CopyWorkers = 2
	m.startMigration(cfg)
	m.awaitCopied(1)
	return m
}

// awaitCopied waits until so many rows are copied, or all.
func (m *holding) awaitCopied(rows uint64) {
	m.t.Helper()
	for s := m.runner.Snapshot(); s.Copied < rows && !s.CopyDone; s = m.runner.Snapshot() {
		m.mustStay(time.Millisecond)
	}
}

// round has a transaction held, lets the copiers read meanwhile, and says whether it was, since a slow machine may be late, and
// whether all rows were copied by then.
func (m *holding) round() (held, copied bool) {
	m.t.Helper()
	rows := m.runner.Snapshot().Copied
	m.copying.Lock()
	goOn := sync.OnceFunc(m.copying.Unlock)
	defer goOn() // also of a test that fails
	front := m.s.MustQueryInt("SELECT COALESCE(MAX(id), 0) FROM t__new")
	// Only changes behind the chunks in flight are left to those to come. The ones in flight are to find no rows: else their own
	// commits would wait for the one that is held, and nothing would be read meanwhile.
	m.change("BEGIN", fmt.Sprintf("DELETE FROM t WHERE id BETWEEN %d AND %d", front+1, front+inFlight), "COMMIT")
	m.change("BEGIN",
		fmt.Sprintf("UPDATE t SET v = v + 1 WHERE id %% 7 = 0 AND id NOT BETWEEN %d AND %d", front, front+inFlight+touched),
		fmt.Sprintf("UPDATE t SET v = v + 1 WHERE id %% 3 = 0 AND id BETWEEN %d AND %d", front+inFlight, front+inFlight+touched),
		fmt.Sprintf("DELETE FROM t WHERE id %% 3 = 1 AND id BETWEEN %d AND %d", front+inFlight, front+inFlight+touched),
		fmt.Sprintf("INSERT IGNORE INTO t SELECT id + 1, k, 1 FROM t WHERE id %% 5 = 0 AND id BETWEEN %d AND %d", front+inFlight, front+inFlight+touched),
		fmt.Sprintf("DELETE FROM t WHERE id = %d", heldKeys-front/10))
	before := m.s.MustQueryRows(contents)
	m.hold()
	committed := make(chan error, 1)
	go func() {
		_, err := m.application.ExecContext(m.t.Context(), "COMMIT")
		committed <- err
	}()
	for m.runner.Snapshot().ChangesSeen < m.written {
		m.mustStay(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond) // and handled
	copied = m.runner.Snapshot().CopyDone
	held = slices.Equal(m.s.MustQueryRows(contents), before)
	goOn()
	if err := <-committed; err != nil {
		m.t.Fatal(err)
	}
	m.awaitCopied(rows + 100)
	return held, copied
}

const (
	// inFlight are the keys behind the copied ones that registered chunks may have: some chunks of each copier and a few
	// planned ones, with rows of which many were deleted.
	inFlight = 200
	touched  = 120 // keys behind those that a transaction changes

	contents = "SELECT COUNT(*), SUM(id), SUM(v) FROM t"
)

// change executes statements of the application and counts the rows that they change.
func (m *holding) change(statements ...string) {
	m.t.Helper()
	for _, statement := range statements {
		result, err := m.application.ExecContext(m.t.Context(), statement)
		if err != nil {
			m.t.Fatalf("%s: %v", statement, err)
		}
		n, err := result.RowsAffected()
		if err != nil {
			m.t.Fatal(err)
		}
		m.written += uint64(n)
	}
}
