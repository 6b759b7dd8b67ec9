package changelog_test

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/changelog"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// TestSessionsOfEarlierRuns: sessions note themselves before their first statement; after another run has taken over they
// are known to it, and none can be opened any more.
func TestSessionsOfEarlierRuns(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		c, _ := mustCreate(t, s)
		pool := func(run uint64) *sql.DB { return mustPool(t, s, c.Enlist(run)) }
		begun, err := c.TakeOver(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		first := pool(begun)
		var ids []uint64
		for range 3 {
			session, id, err := conn.Session(t.Context(), first)
			if err != nil {
				t.Fatal(err)
			}
			defer session.Close()
			ids = append(ids, id)
		}
		if early, err := c.Sessions(t.Context(), begun); err != nil || len(early) > 0 {
			t.Errorf("before a second run: %v, %v", early, err)
		}
		run, err := c.TakeOver(t.Context())
		if now := uint64(time.Now().UnixMicro()); err != nil || run <= begun || run > now {
			t.Fatalf("the second run is %d after %d, at %d (%v)", run, begun, now, err)
		}
		if _, _, err := conn.Session(t.Context(), first); !errors.Is(err, conn.ErrSuperseded) {
			t.Errorf("a session of the first run after that: %v", err)
		}
		session, id, err := conn.Session(t.Context(), pool(run))
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close()
		found, err := c.Sessions(t.Context(), run)
		slices.Sort(found)
		slices.Sort(ids)
		if err != nil || !slices.Equal(found, ids) || slices.Contains(found, id) {
			t.Errorf("sessions of the first run: %v, want %v (%v)", found, ids, err)
		}
		if err := c.Ended(t.Context(), run); err != nil {
			t.Error(err)
		}
		for want, next := range []uint64{run, run + 1} { // the first run's have ended, the second's one has not
			if found, err := c.Sessions(t.Context(), next); err != nil || len(found) != want {
				t.Errorf("sessions before run %d that have not ended: %v, %v", next, found, err)
			}
		}
		writers, err := c.Writers(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range append(ids, id) {
			if !writers.Has(1, uint32(id)) {
				t.Errorf("session %d is not among the writers", id)
			}
		}
	})
}

// TestSessionBesideATakeOver: a session is not opened before it is known whether another run takes over.
func TestSessionBesideATakeOver(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		c, _ := mustCreate(t, s)
		run, err := c.TakeOver(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		other := s.MustConn() // is about to take over
		for _, statement := range []string{"BEGIN", fmt.Sprintf("UPDATE t__changelog SET value = value + 1 WHERE id = %d", changelog.RunID)} {
			if _, err := other.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		opened := make(chan error, 1)
		pool := mustPool(t, s, c.Enlist(run))
		go func() { opened <- pool.PingContext(t.Context()) }()
		select {
		case err := <-opened:
			t.Fatalf("it did not wait to know whose the migration is: %v", err)
		case <-time.After(300 * time.Millisecond):
		}
		if _, err := other.ExecContext(t.Context(), "COMMIT"); err != nil {
			t.Fatal(err)
		}
		if err := <-opened; !errors.Is(err, conn.ErrSuperseded) {
			t.Errorf("after another run had taken over: %v", err)
		}
	})
}

func mustPool(t *testing.T, s *sandboxtest.Schema, enlist string) *sql.DB {
	t.Helper()
	a := s.Server
	db, err := conn.Open(conn.Config{Host: a.Host, Port: a.Port, User: a.User, Password: a.Password, Enlist: enlist}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // idle sessions
	return db
}
