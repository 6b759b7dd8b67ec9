package crash_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/sandbox/proxy"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// moment is a statement of the cut-over at which the command dies.
type moment struct {
	name    string
	after   string // only once this was seen; "" for at once
	at      string // %s is the schema
	verdict proxy.Verdict
}

// moments are those at which a death leaves something else behind, each. What is stranded goes on in the server, and keeps its locks.
func moments(mariaDB bool) []moment {
	const (
		lock   = "LOCK TABLES `%s`.`sbtest1` "
		rename = "RENAME TABLE `%s`.`sbtest1` "
		drop   = "DROP TABLE IF EXISTS `%s`.`sbtest1__"
	)
	list := []moment{
		{"before the lock", "", lock, proxy.CutBefore},
		{"with the lock stranded", "", lock, proxy.Strand},
		{"under the lock", lock, "SELECT 1 FROM `%s`.`sbtest1__changelog`", proxy.Strand},
		{"before the rename", "", rename, proxy.CutBefore},
		{"in the rename", "", rename, proxy.Strand},
		{"after the rename", rename, drop + "changelog`", proxy.CutBefore},
		{"in the clean-up", rename, drop + "checkpoint`", proxy.CutBefore},
	}
	if mariaDB {
		return append(list,
			moment{"with a sentry", "", "CREATE TABLE `%s`.`sbtest1__old`", proxy.CutAfter},
			moment{"without the sentry, under the lock", rename, "DROP TABLE `%s`.`sbtest1__old`", proxy.Strand},
			moment{"as the lock is let go", rename, "UNLOCK TABLES", proxy.Strand},
		)
	}
	return list
}

// TestKilledInTheCutOver: the command dies at a statement of the cut-over; either table serves, whole, and the same command ends
// what was begun. The writes of a load before, meanwhile and after are all there.
func TestKilledInTheCutOver(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		for _, m := range moments(s.Server.Engine.MariaDB()) {
			t.Run(m.name, func(t *testing.T) {
				own := sandboxtest.NewSchema(t, s.Server)
				r := begin(t, own, "--cut-over-lock-timeout-seconds=1", "--ssl-mode=DISABLED")
				r.mustDieAt(m)
				r.mustEnd()
				r.mustProve()
			})
		}
	})
}

// TestKilledDroppingTheOldTable: with --drop-old-table the tables do not show the swap any more once the old one is gone; the same
// command ends what was begun.
func TestKilledDroppingTheOldTable(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		const rename, drop = "RENAME TABLE `%s`.`sbtest1` ", "DROP TABLE IF EXISTS `%s`.`sbtest1__"
		for _, m := range []moment{
			{"before it is dropped", rename, drop + "old`", proxy.CutBefore},
			{"when it is dropped", rename, drop + "checkpoint`", proxy.CutBefore},
		} {
			t.Run(m.name, func(t *testing.T) {
				r := begin(t, sandboxtest.NewSchema(t, s.Server), "--ssl-mode=DISABLED", "--drop-old-table")
				r.mustStopLoad()
				r.mustDieAt(m)
				other := *r
				other.args = slices.Clone(r.args)
				other.args[slices.Index(r.args, "--alter")+1] = "ADD COLUMN other INT"
				p := other.start()
				if err := <-p.ended; p.cmd.ProcessState.ExitCode() != 2 || !strings.Contains(p.text.String(), strconv.Quote(alter)) {
					t.Errorf("another ALTER ends with %v:\n%s", err, &p.text)
				}
				r.mustEnd()
				if _, err := proof.Model(t.Context(), r.s.DB, r.source.Name, r.generator.Model(0)); err != nil {
					t.Error(err)
				}
				if left := r.s.MustQueryRows("SHOW TABLES"); len(left) != 1 {
					t.Errorf("tables at the end: %v", left)
				}
			})
		}
	})
}

// TestRestartedBehindASentry: --restart drops the sentry of a run that died, which else would stand in the way for ever.
func TestRestartedBehindASentry(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		if !s.Server.Engine.MariaDB() {
			return // there are none
		}
		r := begin(t, s, "--ssl-mode=DISABLED")
		r.mustStopLoad()
		r.mustDieAt(moment{at: "CREATE TABLE `%s`.`sbtest1__old`", verdict: proxy.CutAfter})
		r.args = append(r.args, "--restart")
		r.mustEnd()
		r.mustHold()
	})
}

// mustDieAt runs the command until it dies at the moment. The table must serve afterwards, unless a stranded session has it locked.
func (r *trial) mustDieAt(m moment) {
	r.t.Helper()
	through, address := sandboxtest.Proxy(r.t, r.s.Server)
	direct := r.args
	r.args = slices.Clone(direct)
	r.args[slices.Index(direct, "--port")+1] = strconv.Itoa(address.Port)
	defer func() { r.args = direct }()
	text := func(pattern string) []byte {
		if pattern == "UNLOCK TABLES" {
			return []byte(pattern)
		}
		return fmt.Appendf(nil, pattern, r.s.Name)
	}
	armed, done := atomic.Bool{}, atomic.Bool{}
	armed.Store(m.after == "")
	var p *process
	started := make(chan struct{})
	through.SetFilter(func(_ proxy.ConnInfo, dir proxy.Direction, packet []byte) proxy.Verdict {
		if dir != proxy.ToServer || done.Load() {
			return proxy.Forward
		}
		if armed.Load() && bytes.Contains(packet, text(m.at)) && done.CompareAndSwap(false, true) {
			<-started
			if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
				r.t.Error(err)
			}
			return m.verdict
		}
		if m.after != "" && bytes.Contains(packet, text(m.after)) {
			armed.Store(true)
		}
		return proxy.Forward
	})
	p = r.start()
	close(started)
	select {
	case err := <-p.ended:
		if !done.Load() {
			r.t.Fatalf("the command ended before its moment: %v\n%s", err, &p.text)
		}
	case err := <-r.loaded:
		r.t.Fatalf("the load ended: %v", err)
	case <-time.After(patience):
		_ = p.cmd.Process.Kill() // the test fails
		<-p.ended
		r.t.Fatalf("the command does not come to its moment:\n%s", &p.text)
	}
}

// TestWorkRepeated: a command that dies while it copies has the next one copy again what no checkpoint told of, and no more.
func TestWorkRepeated(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		r := begin(t, s, "--ssl-mode=DISABLED", "--copy-workers=1", "--chunk-size=100")
		r.mustStopLoad() // which else would have rows written by the same statements
		through, address := sandboxtest.Proxy(t, s.Server)
		r.args[slices.Index(r.args, "--port")+1] = strconv.Itoa(address.Port)
		chunks, written := []byte("INSERT INTO `"+s.Name+"`.`sbtest1__new`"), []byte("REPLACE INTO `"+s.Name+"`.`sbtest1__checkpoint`")
		var mu sync.Mutex // guards what follows
		copied := make(map[string]int)
		checkpoints, since, total := 0, 0, 0
		enough := make(chan struct{})
		through.SetFilter(func(_ proxy.ConnInfo, dir proxy.Direction, packet []byte) proxy.Verdict {
			if dir != proxy.ToServer {
				return proxy.Forward
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case bytes.Contains(packet, written):
				checkpoints, since = checkpoints+1, 0
			case bytes.Contains(packet, chunks):
				copied[string(packet)]++
				total, since = total+1, since+1
				if enough != nil && since >= 5 && total >= 40 {
					close(enough)
					enough = nil
				}
			}
			return proxy.Forward
		})
		die := enough
		p := r.start()
		select {
		case <-die:
		case err := <-p.ended:
			t.Fatalf("the command ended: %v\n%s", err, &p.text)
		case <-time.After(patience):
			t.Fatal("the copy does not come so far")
		}
		r.mustKill(p)
		mu.Lock()
		lost, before := since, checkpoints
		mu.Unlock()
		r.mustEnd()
		mu.Lock()
		defer mu.Unlock()
		const underWay = 2 // copied when the last checkpoint was written, and not known as copied
		repeated := total - len(copied)
		t.Logf("%d chunks, %d of them twice; %d were begun since the last of %d checkpoints", len(copied), repeated, lost, before)
		if repeated > lost+underWay {
			t.Errorf("%d chunks were copied again, and %d begun since the last checkpoint", repeated, lost)
		}
	})
}
