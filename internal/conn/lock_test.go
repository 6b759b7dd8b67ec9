package conn_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

func configOf(a sandbox.Address, run string) conn.Config {
	return conn.Config{Host: a.Host, Port: a.Port, User: a.User, Password: a.Password, Run: run}
}

func TestLockNameFitsAndTellsTablesApart(t *testing.T) {
	long := strings.Repeat("ü", 64)
	names := []string{
		conn.LockName("`a`.`b`"), conn.LockName("`a.b`.`c`"), conn.LockName("`a`.`b.c`"),
		conn.LockName("`" + long + "`.`" + long + "`"), conn.LockName("`" + long + "`.`" + long + "x`"),
	}
	seen := map[string]bool{}
	for _, name := range names {
		if n := utf8.RuneCountInString(name); n > 64 {
			t.Errorf("%q has %d characters", name, n)
		}
		if seen[name] {
			t.Errorf("%q names two tables", name)
		}
		seen[name] = true
	}
	if names[0] != "midstream:`a`.`b`" {
		t.Errorf("a short name became %q", names[0])
	}
}

func TestLockRefusesASecondRunAndSaysWho(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		ctx, name := t.Context(), conn.LockName(s.Name)
		first, err := conn.AcquireLock(ctx, configOf(s.Server, "first"), name)
		if err != nil {
			t.Fatal(err)
		}
		if err := first.Held(ctx); err != nil {
			t.Errorf("just taken: %v", err)
		}
		_, err = conn.AcquireLock(ctx, configOf(s.Server, "second"), name)
		var taken *conn.LockTakenError
		if !errors.As(err, &taken) || taken.Holder == nil {
			t.Fatalf("second run: %v", err)
		}
		holder := s.MustQueryInt("SELECT IS_USED_LOCK('" + name + "')")
		if taken.Holder.ID != uint64(holder) || taken.Holder.User != s.Server.User || !strings.HasPrefix(taken.Holder.Host, "127.0.0.1") {
			t.Errorf("holder is %d, told was %+v", holder, taken.Holder)
		}
		if err := first.Release(); err != nil {
			t.Error(err)
		}
		again, err := conn.AcquireLock(ctx, configOf(s.Server, "third"), name)
		for errors.As(err, &taken) { // the server takes its time to notice the end of a session
			again, err = conn.AcquireLock(ctx, configOf(s.Server, "third"), name)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Release(); err != nil {
			t.Error(err)
		}
	})
}

func TestLockNoticesItsLossAndTakesItAgain(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		name := conn.LockName(s.Name)
		l, err := conn.AcquireLock(t.Context(), configOf(s.Server, "run"), name)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- l.Run(ctx, time.Minute) }()

		first := s.MustQueryInt("SELECT IS_USED_LOCK('" + name + "')")
		s.MustExec(fmt.Sprintf("KILL %d", first))
		if err := l.Held(ctx); err == nil {
			t.Error("the session was killed, and the lock counts as held")
		}
		deadline := time.Now().Add(30 * time.Second)
		for l.Held(ctx) != nil && time.Now().Before(deadline) {
			if err := conn.Pause(ctx, 50*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		if second := s.MustQueryInt("SELECT COALESCE(IS_USED_LOCK('" + name + "'), 0)"); second == 0 || second == first {
			t.Errorf("the lock is held by session %d, before it was %d", second, first)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run ended with %v", err)
		}
		if err := l.Release(); err != nil {
			t.Error(err)
		}
	})
}

func TestLockTakenByAnotherMeanwhileEndsRun(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		name := conn.LockName(s.Name)
		l, err := conn.AcquireLock(t.Context(), configOf(s.Server, "run"), name)
		if err != nil {
			t.Fatal(err)
		}
		thief := s.MustConn()
		s.MustExec(fmt.Sprintf("KILL %d", s.MustQueryInt("SELECT IS_USED_LOCK('"+name+"')")))
		if _, err := thief.ExecContext(t.Context(), "DO GET_LOCK(?, 10)", name); err != nil {
			t.Fatal(err)
		}
		var taken *conn.LockTakenError
		if err := l.Run(t.Context(), 0); !errors.As(err, &taken) {
			t.Errorf("run ended with %v", err)
		}
		if err := l.Release(); err != nil {
			t.Error(err)
		}
	})
}

// TestReleasedLockIsFree: a command that begins right after another has ended is not told that it is still at work.
func TestReleasedLockIsFree(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		name := conn.LockName("`" + s.Name + "`.`t`")
		for range 200 {
			lock, err := conn.AcquireLock(t.Context(), configOf(s.Server, "one"), name)
			if err != nil {
				t.Fatal(err)
			}
			if err := lock.Release(); err != nil {
				t.Fatal(err)
			}
			if s.MustQueryInt("SELECT IS_FREE_LOCK('"+name+"')") != 1 {
				t.Fatal("the lock that was given back is not free")
			}
		}
	})
}

func TestEndSessionEndsOwnSessionsOnly(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		ctx, mine := t.Context(), configOf(s.Server, "mine")
		server, err := conn.Inspect(ctx, s.DB)
		if err != nil {
			t.Fatal(err)
		}
		db, err := conn.Open(mine, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }() // its sessions are dead
		_, id, err := conn.Session(ctx, db)
		if err != nil {
			t.Fatal(err)
		}

		restarted := *server
		restarted.StartedAt = server.StartedAt.Add(time.Hour)
		stranger, other := mine, mine
		stranger.User, other.Run = "somebody", "another"
		if err := stranger.EndSession(ctx, s.DB, server, id); err == nil || !strings.Contains(err.Error(), mine.User) || !strings.Contains(err.Error(), "somebody") {
			t.Errorf("a session of this run, and of another user: %v", err)
		}
		counts := map[string]func() error{
			"after a restart":   func() error { return mine.EndSession(ctx, s.DB, &restarted, id) },
			"that is not there": func() error { return mine.EndSession(ctx, s.DB, server, 1<<31) },
		}
		if !s.Server.Engine.MariaDB() { // which keeps no attributes by default
			counts["of another run"] = func() error { return other.EndSession(ctx, s.DB, server, id) }
		}
		for what, end := range counts {
			if err := end(); err != nil {
				t.Errorf("session %s: %v", what, err)
			}
		}
		if p, err := conn.FindProcess(ctx, s.DB, id); err != nil || p == nil {
			t.Fatalf("the session is gone, or not seen: %+v, %v", p, err)
		}
		if err := mine.EndSession(ctx, s.DB, server, id); err != nil {
			t.Fatal(err)
		}
		if p, err := conn.FindProcess(ctx, s.DB, id); err != nil || p != nil {
			t.Errorf("the session is still there: %+v, %v", p, err)
		}
	})
}

// TestConnectionsReachOneRunOfOneServer: a connection to another server, or to this one started anew, is refused at once.
func TestConnectionsReachOneRunOfOneServer(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		is, err := conn.Inspect(t.Context(), s.DB)
		if err != nil {
			t.Fatal(err)
		}
		later, other := *is, *is
		later.StartedAt, other.UUID = is.StartedAt.Add(-time.Hour), "another"
		for says, server := range map[string]*conn.Server{"": is, "the server was restarted at": &later, "another server answers now": &other} {
			c := configOf(s.Server, "r")
			c.Server = server
			db, err := conn.Open(c, nil)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			err = conn.Retry(t.Context(), time.Minute, func() error { return db.PingContext(t.Context()) })
			if (err == nil) != (says == "") || err != nil && (!strings.Contains(err.Error(), says) || !errors.Is(err, conn.ErrRestarted)) {
				t.Errorf("want %q: %v", says, err)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("it was tried for %s", took)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestStartIsTheSameAtEveryLook: a difference is a restart.
func TestStartIsTheSameAtEveryLook(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		first, err := conn.Inspect(t.Context(), s.DB)
		if err != nil {
			t.Fatal(err)
		}
		for range 150 { // beyond the end of a second
			now, err := conn.Inspect(t.Context(), s.DB)
			if err != nil {
				t.Fatal(err)
			}
			if !now.SameRun(first) {
				t.Fatalf("the server was started at %s, and at %s", first.StartedAt, now.StartedAt)
			}
			time.Sleep(11 * time.Millisecond)
		}
	})
}
