package underload_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox/proxy"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

const (
	// aim is how many row changes are read from the log while rows are copied, enough how many must have been.
	aim, enough = 800, 500
	// small is the size of the chunks that are copied meanwhile.
	small = 20
)

// churn is a migration with refresh that copies its rows amid the changes of the load: each chunk waits for some more of them to be
// read from the log. Where the source has another unique key, refresh writes nothing from the first chunk on until that has refused a
// row of a chunk: one that has got a value which the shadow still has under another key.
type churn struct {
	*run
	shadow []byte // quoted, as statements name it

	mu       sync.Mutex   // guards what follows
	chunks   uint64       // that were to be copied
	copies   map[int]bool // connections whose last statement copies a chunk
	adopted  int          // chunks in which a unique key refused a row
	heldBack int          // writes of refresh in which it did
}

// startChurn starts the migration of a run that has a proxy.
func startChurn(r *run) *churn {
	c := &churn{run: r, shadow: []byte(table.NamesFor(r.source.Name).Shadow.String()), copies: make(map[int]bool)}
	r.set.filter = c.judge
	r.startMigration(r.config(r.set))
	return c
}

func (c *churn) judge(from proxy.ConnInfo, dir proxy.Direction, packet []byte) proxy.Verdict {
	switch {
	case dir == proxy.ToClient:
		c.answer(from.ID, packet)
	case len(packet) > 1:
		c.statement(from.ID, packet[1:])
	}
	return proxy.Forward
}

// statement holds a statement back that writes to the shadow, until its time has come.
func (c *churn) statement(id int, text []byte) {
	verb, rest, _ := bytes.Cut(text, []byte(" "))
	writes := bytes.HasPrefix(rest, append([]byte("INTO "), c.shadow...)) || bytes.HasPrefix(rest, append([]byte("FROM "), c.shadow...))
	copies := writes && string(verb) == "INSERT" && bytes.Contains(rest, []byte("ORDER BY")) // refresh writes by keys, in no order
	c.mu.Lock()
	c.copies[id] = copies
	if copies {
		c.chunks++
	}
	begun, due := c.chunks > 0, min(c.chunks*aim*small/uint64(c.source.Rows), aim)
	c.mu.Unlock()
	if copies {
		c.await(func() bool { return c.runner.Snapshot().ChangesSeen >= due })
	} else if writes && begun && c.source.Unique {
		c.await(func() bool { return c.refused() > 0 || c.runner.Snapshot().CopyDone })
	}
}

// await returns when something is so, or the test has ended.
func (c *churn) await(so func() bool) {
	for !so() && conn.Pause(c.t.Context(), time.Millisecond) == nil {
	}
}

// answer counts errors of unique keys.
func (c *churn) answer(id int, packet []byte) {
	const failed, duplicate = 0xff, 1062
	if len(packet) < 3 || packet[0] != failed || binary.LittleEndian.Uint16(packet[1:]) != duplicate {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.copies[id] {
		c.adopted++
	} else {
		c.heldBack++
	}
}

// refused returns the number of chunks in which a row was.
func (c *churn) refused() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.adopted
}

// mustCopy waits until all rows are copied, and checks that this went on amid changes.
func (c *churn) mustCopy() {
	c.t.Helper()
	var last status.Snapshot // before the copy was done
	for deadline, s := time.Now().Add(time.Minute), c.runner.Snapshot(); !s.CopyDone; last, s = s, c.runner.Snapshot() {
		c.mustStay(time.Millisecond)
		if time.Now().After(deadline) {
			c.t.Fatalf("the rows are not copied:\n%s", s.View(100))
		}
	}
	if last.ChangesSeen < enough {
		c.t.Errorf("only %d row changes were read while rows were copied", last.ChangesSeen)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.source.Unique && c.adopted == 0 {
		c.t.Error("no unique key refused a row of a chunk")
	}
	c.t.Logf("while rows were copied: %d row changes read, %d of %d chunks left to refresh, rows refused in %d of its writes",
		last.ChangesSeen, c.adopted, c.chunks, c.heldBack)
}

// TestLoadRespellsKeys: the keys are texts whose collation does not tell capitals from small letters. The load respells them, deletes
// rows, and inserts them in either spelling, one of them as often as all others together, while rows are copied and after.
func TestLoadRespellsKeys(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		var rows []string
		for n := range respelled {
			rows = append(rows, fmt.Sprintf("('k%05d', %d)", n, n))
		}
		s.MustExec("CREATE TABLE t (k VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY, v INT NOT NULL, KEY v (v)) ENGINE=InnoDB; " +
			"INSERT INTO t VALUES " + strings.Join(rows, ", "))
		loading, stop := context.WithCancel(t.Context())
		var load sync.WaitGroup
		for range 4 {
			load.Go(func() { keepWriting(loading, t, s, respell) })
		}
		defer load.Wait()
		defer stop()
		c := startChurn(newRun(t, s, settings{workers: 4, rows: respelled, alter: neutral, apply: migrate.Refresh, chunk: small, proxied: true}, "t"))
		c.mustCopy()
		c.awaitPostponed()
		c.mustStay(soak(time.Second))
		stop()
		load.Wait()
		c.mustSwap()
		c.mustProve(proof.Equal(t.Context(), s.DB, table.NamesFor(c.source.Name).Retired, c.source.Name))
		if n := s.MustQueryInt("SELECT COUNT(DISTINCT BINARY LEFT(k, 1)) FROM t"); n != 2 {
			t.Errorf("%d spellings in the end", n)
		}
	})
}

// respelled is the number of keys.
const respelled = 2000

// respell deletes, inserts or respells a row.
func respell() string {
	n := respelled / 2
	if rand.IntN(2) == 0 {
		n = rand.IntN(respelled)
	}
	key := fmt.Sprintf("'%c%05d'", "kK"[rand.IntN(2)], n)
	switch rand.IntN(3) {
	case 0:
		return "DELETE FROM t WHERE k = " + key
	case 1:
		return "INSERT IGNORE INTO t VALUES (" + key + ", 0)"
	}
	return "UPDATE t SET k = IF(BINARY k = BINARY UPPER(k), LOWER(k), UPPER(k)), v = v + 1 WHERE k = " + key
}
