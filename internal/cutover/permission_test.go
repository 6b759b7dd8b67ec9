package cutover_test

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/cutover"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// objection postpones while it holds a text.
type objection struct {
	text  atomic.Pointer[string]
	asked atomic.Int64
}

// Reason implements cutover.Permission.
func (o *objection) Reason(context.Context) string {
	o.asked.Add(1)
	return *o.text.Load()
}

func (o *objection) set(text string) { o.text.Store(&text) }

// begun is a cut-over that runs.
type begun struct {
	*cutover.Cutover
	ended  chan struct{} // closed: what follows is set
	result cutover.Result
	failed error
}

// begin runs a cut-over, for a minute at most, and ends it with the test.
func (w *world) begin(t *testing.T) *begun {
	c := &begun{Cutover: cutover.New(w.cfg, w.deps), ended: make(chan struct{})}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	go func() {
		defer close(c.ended)
		c.result, c.failed = c.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-c.ended
	})
	return c
}

// TestPermissionIsAskedBeforeEveryAttempt: an objection that comes up while an attempt is made ready, or between two
// attempts, postpones the swap; the state says why.
func TestPermissionIsAskedBeforeEveryAttempt(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		w := newWorld(t, s)
		o := &objection{}
		o.set("word from the first")
		w.deps.Permission = o
		w.play.onFence = func(n int) {
			if n == 1 {
				o.set("word from the second")
			}
		}
		c := w.begin(t)
		waits := func(text string) { // and go on waiting through several looks
			t.Helper()
			for asked := int64(0); ; {
				if strings.HasPrefix(c.State().Waits, text) {
					if asked == 0 {
						asked = o.asked.Load()
					}
					if o.asked.Load() >= asked+3 || strings.HasPrefix(text, "the next attempt") {
						return
					}
				}
				select {
				case <-c.ended:
					t.Fatalf("the cut-over ended instead of waiting for %q: %+v, %v", text, c.result, c.failed)
				case <-time.After(5 * time.Millisecond):
				}
			}
		}
		waits("word from the first")
		if w.play.written != 0 {
			t.Error("it began without permission")
		}
		o.set("")
		waits("word from the second")
		if c.State().Attempts != 1 {
			t.Errorf("%d attempts", c.State().Attempts)
		}
		w.mustServe()
		reader := s.MustConn()
		mustRun(t, reader, "BEGIN")
		mustRun(t, reader, "SELECT COUNT(*) FROM t")
		o.set("")
		waits("the next attempt")
		o.set("word from the third")
		mustRun(t, reader, "COMMIT")
		waits("word from the third")
		w.mustServe()
		o.set("")
		<-c.ended
		if c.failed != nil {
			t.Fatal(c.failed)
		}
		if c.result.Attempts != 2 {
			t.Errorf("%d attempts, want 2", c.result.Attempts)
		}
		w.mustBeSwapped()
	})
}

// objectedTo is a player whose first hold takes so long that somebody objects meanwhile.
type objectedTo struct {
	*player
	o    *objection
	once sync.Once
}

func (p *objectedTo) Hold(ctx context.Context) (cutover.Held, error) {
	p.once.Do(func() { p.o.set("word from the hold") })
	return p.player.Hold(ctx)
}

// TestPermissionIsAskedAfterTheHold: a closed throttle keeps a hold waiting, after everything else was made ready. On MariaDB it
// is part of the time under the lock, which is bounded.
func TestPermissionIsAskedAfterTheHold(t *testing.T) {
	sandboxtest.On(t, []sandbox.Engine{sandbox.MySQL97}, func(t *testing.T, s *sandboxtest.Schema) {
		w := newWorld(t, s)
		o := &objection{}
		o.set("")
		w.deps.Permission, w.deps.Applier = o, &objectedTo{player: w.play, o: o}
		w.play.onDrain = func(context.Context, *sql.Conn) {
			if *o.text.Load() != "" {
				t.Error("the source was locked against an objection")
			}
		}
		withdrawn := time.AfterFunc(3*time.Second, func() { o.set("") })
		defer withdrawn.Stop()
		r, err := w.run(time.Minute)
		if err != nil || r.Attempts != 2 || w.play.released != 1 {
			t.Errorf("%d attempts, want 2; %d releases, want 1; %v", r.Attempts, w.play.released, err)
		}
		w.mustBeSwapped()
	})
}

// TestPutOffWhileTheStallWouldBeLong: no lock is asked for while what is left to apply would take longer than a stall may; the
// state says how long, and when it takes no longer the same attempt swaps.
func TestPutOffWhileTheStallWouldBeLong(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		w := newWorld(t, s)
		w.cfg.MaxStall = 5 * time.Second // waiting for a fence takes time, too
		var predicted, asked atomic.Int64
		predicted.Store(int64(7 * time.Second))
		w.play.predict = func() time.Duration { asked.Add(1); return time.Duration(predicted.Load()) }
		w.play.onDrain = func(context.Context, *sql.Conn) {
			if time.Duration(predicted.Load()) > w.cfg.MaxStall {
				t.Error("the source was locked though the stall would be long")
			}
		}
		c := w.begin(t)
		for asked.Load() < 10 {
			select {
			case <-c.ended:
				t.Fatalf("it did not wait: %+v, %v", c.result, c.failed)
			case <-time.After(5 * time.Millisecond):
			}
		}
		if state := c.State(); state.Waits != "changes that are not applied yet: it would take 7s" || state.Attempts != 1 {
			t.Errorf("attempt %d waits for %q", state.Attempts, state.Waits)
		}
		w.mustServe()
		predicted.Store(int64(w.cfg.MaxStall))
		<-c.ended
		if c.failed != nil || c.result.Attempts != 1 {
			t.Errorf("%d attempts: %v", c.result.Attempts, c.failed)
		}
		w.mustBeSwapped()
	})
}
