package cutover_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/cutover"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/proxy"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// throughProxy puts a proxy between the cut-over's sessions and the server.
func (w *world) throughProxy() *proxy.Proxy {
	w.t.Helper()
	p, err := proxy.Listen(w.s.Server.HostPort())
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
	w.cfg.Conn.Host, w.cfg.Conn.Port = "127.0.0.1", p.Port()
	return p
}

// fault hits the connection that carries a statement, once.
type fault struct {
	after   string // the statement counts only once this one was seen; "" at once
	begins  string
	verdict proxy.Verdict
	answer  bool // it is the answer that is hit

	armed   atomic.Bool
	pending atomic.Int64 // the connection that waits for the answer
	hit     atomic.Bool
	early   atomic.Int64 // attempts that were given up before, for the load's sake
}

// Write takes the lines of the cut-over's log.
func (f *fault) Write(line []byte) (int, error) {
	if !f.hit.Load() && bytes.Contains(line, []byte("cut-over attempt given up")) {
		f.early.Add(1)
	}
	return len(line), nil
}

func (f *fault) judge(c proxy.ConnInfo, dir proxy.Direction, packet []byte) proxy.Verdict {
	if dir == proxy.ToClient {
		if f.pending.Load() == int64(c.ID) && f.hit.CompareAndSwap(false, true) {
			return f.verdict
		}
		return proxy.Forward
	}
	if len(packet) == 0 || packet[0] != 3 { // COM_QUERY
		return proxy.Forward
	}
	text := packet[1:]
	if f.after == "" || bytes.HasPrefix(text, []byte(f.after)) {
		f.armed.Store(true)
	}
	if !f.armed.Load() || !bytes.HasPrefix(text, []byte(f.begins)) || f.hit.Load() {
		return proxy.Forward
	}
	if f.answer {
		f.pending.CompareAndSwap(0, int64(c.ID))
		return proxy.Forward
	}
	f.hit.Store(true)
	return f.verdict
}

// TestCutConnections cuts the connection at every statement that matters: before the server gets it, after that, without the
// server's noticing, and before its answer arrives. The swap happens all the same, once, and no write is lost.
func TestCutConnections(t *testing.T) {
	type moment struct{ name, after, begins string }
	moments := []moment{
		{name: "lock", begins: "LOCK TABLES `%s`.`t` WRITE"},
		{name: "proof", begins: "SELECT 1 FROM `%s`.`t__changelog`"},
		{name: "rename", begins: "RENAME TABLE"},
	}
	last := map[bool][]moment{
		false: {{name: "unlock", after: "RENAME TABLE", begins: "UNLOCK"}},
		true:  {{name: "drop", begins: "DROP TABLE"}, {name: "unlock", after: "DROP TABLE", begins: "UNLOCK"}},
	}
	cuts := []struct {
		name    string
		verdict proxy.Verdict
		answer  bool
	}{
		{"before", proxy.CutBefore, false}, {"after", proxy.CutAfter, false}, {"stranded", proxy.Strand, false}, {"answer lost", proxy.CutBefore, true},
	}
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		w := newWorld(t, s)
		load := w.startWriters()
		first := true
		for _, m := range append(moments, last[s.Server.Engine.MariaDB()]...) {
			for _, cut := range cuts {
				what := m.name + " " + cut.name
				if !first {
					w.again()
				}
				first = false
				f := &fault{after: m.after, begins: m.begins, verdict: cut.verdict, answer: cut.answer}
				if strings.Contains(m.begins, "%s") {
					f.begins = fmt.Sprintf(m.begins, s.Name)
				}
				config := w.cfg
				p := w.throughProxy()
				p.SetFilter(f.judge)
				w.cfg.Log = slog.New(slog.NewTextHandler(f, nil))
				r, err := w.run(time.Minute)
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				if !f.hit.Load() {
					t.Errorf("%s: nothing was cut", what)
				}
				w.mustBeSwapped()
				if want := attemptsAfter(m.name, cut.name, s.Server.Engine.MariaDB()); want > 0 && r.Attempts != want+int(f.early.Load()) {
					t.Errorf("%s: %d attempts, of which %d before the cut, want %d", what, r.Attempts, f.early.Load(), want)
				}
				if w.play.stopped != 1 || w.play.released >= r.Attempts {
					t.Errorf("%s: the applier was stopped %d and released %d times in %d attempts", what, w.play.stopped, w.play.released, r.Attempts)
				}
				w.cfg = config
			}
		}
		load.stop(w)
	})
}

// attemptsAfter returns how many attempts there must be: one where the rename was done though its answer was lost, two where it
// cannot have been done; 0 where either is right.
func attemptsAfter(moment, cut string, mariaDB bool) int {
	switch {
	case moment == "rename" && cut == "answer lost", moment == "unlock" && !mariaDB:
		return 1
	case moment == "lock", moment == "proof", moment == "rename" && cut == "before", moment == "drop" && cut == "before":
		return 2
	}
	return 0
}

func TestOutcomeStaysUnknownWhenTheServerDoesNotAnswer(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		w := newWorld(t, s)
		p := w.throughProxy()
		w.cfg.ReconnectTimeout = time.Second
		f := &fault{begins: "RENAME TABLE", verdict: proxy.CutAfter}
		p.SetFilter(func(c proxy.ConnInfo, dir proxy.Direction, packet []byte) proxy.Verdict {
			verdict := f.judge(c, dir, packet)
			if verdict != proxy.Forward {
				p.Refuse(true)
			}
			if f.hit.Load() && verdict == proxy.Forward {
				return proxy.CutBefore
			}
			return verdict
		})
		_, err := w.run(time.Minute)
		if !errors.Is(err, cutover.ErrUnknownOutcome) || !strings.Contains(err.Error(), "`t__old`") {
			t.Errorf("run: %v", err)
		}
		if w.play.released != 0 || w.play.stopped != 1 {
			t.Errorf("the applier was released %d and stopped %d times: the shadow may serve", w.play.released, w.play.stopped)
		}
	})
}

// TestLostTableLockStopsTheRename: anything that commits implicitly in the locking session lets its locks go without a word.
func TestLostTableLockStopsTheRename(t *testing.T) {
	sandboxtest.On(t, []sandbox.Engine{sandbox.MySQL97}, func(t *testing.T, s *sandboxtest.Schema) {
		w := newWorld(t, s)
		drains := 0
		w.play.onDrain = func(ctx context.Context, session *sql.Conn) {
			if drains++; drains > 1 {
				return
			}
			if _, err := session.ExecContext(ctx, "BEGIN"); err != nil {
				t.Errorf("begin: %v", err)
			}
			// What a writer that waited for the lock does now; the journal has it after the fence.
			if err := writeOnce(w.admin, "INSERT INTO t (id, v) VALUES (77777, 1)", 77777, 1); err != nil {
				t.Errorf("write: %v", err)
			}
		}
		r, err := w.run(time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if r.Attempts != 2 {
			t.Errorf("%d attempts, want 2: the first one had lost its locks", r.Attempts)
		}
		if s.MustQueryInt("SELECT COUNT(*) FROM t WHERE id = 77777") != 1 {
			t.Error("the write made after the lock was lost is lost")
		}
	})
}

func TestDrainThatTakesTooLongIsGivenUp(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		w := newWorld(t, s)
		w.cfg.MaxStall = time.Second
		slow := &slowOnce{player: w.play}
		w.deps.Applier = slow
		r, err := w.run(time.Minute)
		if err != nil || r.Attempts < 2 { // more where the machine is slow
			t.Errorf("%d attempts, want 2 or more; %v", r.Attempts, err)
		}
		w.mustBeSwapped()
	})
}

// slowOnce is a player whose first wait or drain under the lock does not end by itself.
type slowOnce struct {
	*player
	waits atomic.Int32
	slow  atomic.Bool
}

func (p *slowOnce) stuck(ctx context.Context) error {
	if p.slow.Swap(true) {
		return nil
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func (p *slowOnce) WaitApplied(ctx context.Context, fence uint64) error {
	if p.waits.Add(1) == 2 { // the first is that of the drain before the lock
		if err := p.stuck(ctx); err != nil {
			return err
		}
	}
	return p.player.WaitApplied(ctx, fence)
}

func (p *slowOnce) Hold(context.Context) (cutover.Held, error) { return p, nil }

func (p *slowOnce) Drain(ctx context.Context, session *sql.Conn, fence uint64) error {
	if err := p.stuck(ctx); err != nil {
		return err
	}
	return p.player.Drain(ctx, session, fence)
}

func TestCancelledAttemptLeavesTheSourceServing(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		w := newWorld(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		w.play.onFence = func(n int) {
			if n == 2 { // under the lock
				cancel()
			}
		}
		_, err := cutover.New(w.cfg, w.deps).Run(ctx)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
		w.mustServe()
		if w.play.stopped != 0 {
			t.Error("the applier was stopped")
		}
	})
}
