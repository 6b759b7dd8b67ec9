package changelog_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/changelog"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// mustCreate returns a changelog in the schema, and the pool that it writes with.
func mustCreate(t *testing.T, s *sandboxtest.Schema) (*changelog.Changelog, *sql.DB) {
	t.Helper()
	a := s.Server
	db, err := conn.Open(conn.Config{Host: a.Host, Port: a.Port, User: a.User, Password: a.Password},
		conn.Settings{"innodb_lock_wait_timeout": "1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // idle sessions
	c := changelog.New(db, changelog.Config{
		Table:            table.Name{Schema: s.Name, Table: "t__changelog"},
		Interval:         5 * time.Millisecond,
		ReconnectTimeout: 20 * time.Second,
	})
	if err := c.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c, db
}

func valueOf(s *sandboxtest.Schema, id int64) int64 {
	return s.MustQueryInt(fmt.Sprintf("SELECT value FROM t__changelog WHERE id = %d", id))
}

func TestCreateMarksTheTableAndRefusesAnother(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		c, _ := mustCreate(t, s)
		comment := s.MustQueryString(`
			SELECT table_comment FROM information_schema.tables
			 WHERE table_schema = DATABASE() AND table_name = 't__changelog'`)
		if comment != table.OwnershipMark {
			t.Errorf("comment = %q", comment)
		}
		if err := c.Create(t.Context()); !conn.IsTableExists(errors.Unwrap(err)) {
			t.Errorf("create over a table: %v", err)
		}
		for range 2 {
			if err := c.Drop(t.Context()); err != nil {
				t.Errorf("drop: %v", err)
			}
		}
		if n := len(s.MustQueryRows("SHOW TABLES")); n != 0 {
			t.Errorf("%d tables left", n)
		}
	})
}

func TestFencesRiseAmongManyWriters(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		c, _ := mustCreate(t, s)
		const writers, each = 8, 20
		fences := make([][]uint64, writers)
		var group sync.WaitGroup
		for w := range writers {
			group.Go(func() {
				for range each {
					fence, err := c.Fence(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					fences[w] = append(fences[w], fence)
				}
			})
		}
		group.Wait()
		seen := map[uint64]bool{}
		for _, own := range fences {
			if !slices.IsSorted(own) {
				t.Errorf("one writer's fences fall: %v", own)
			}
			for _, fence := range own {
				if seen[fence] {
					t.Errorf("fence %d was given out twice", fence)
				}
				seen[fence] = true
			}
		}
		if got := valueOf(s, changelog.FenceID); got != writers*each {
			t.Errorf("the row holds %d after %d fences", got, writers*each)
		}
	})
}

func TestFenceSurvivesLockWaitAndLostConnection(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		c, _ := mustCreate(t, s)
		blocker, err := s.DB.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := blocker.ExecContext(t.Context(), "SELECT * FROM t__changelog FOR UPDATE"); err != nil {
			t.Fatal(err)
		}
		fenced := make(chan error, 1)
		go func() {
			_, err := c.Fence(t.Context())
			fenced <- err
		}()
		waiting := `
			SELECT id FROM ` + s.Processlist() + `
			 WHERE info LIKE '%LAST_INSERT_ID%' AND info LIKE '%t__changelog%' AND info LIKE ? AND id <> CONNECTION_ID()`
		var ids []string
		for len(ids) == 0 {
			ids = s.MustQueryRows(waiting, "%"+s.Name+"%")
		}
		s.MustExec("KILL " + ids[0])
		if err := conn.Pause(t.Context(), 1500*time.Millisecond); err != nil { // longer than innodb_lock_wait_timeout
			t.Fatal(err)
		}
		if err := blocker.Rollback(); err != nil {
			t.Fatal(err)
		}
		if err := <-fenced; err != nil {
			t.Errorf("fence: %v", err)
		}
		if got := valueOf(s, changelog.FenceID); got == 0 {
			t.Error("no fence was written")
		}
	})
}

func TestWritesThatChangeNothingAreErrors(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		c, _ := mustCreate(t, s)
		s.MustExec("DELETE FROM t__changelog")
		if fence, err := c.Fence(t.Context()); err == nil || !strings.Contains(err.Error(), "0 rows") {
			t.Errorf("fence without a row: %d, %v", fence, err)
		}
		if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "0 rows") {
			t.Errorf("heartbeat without a row: %v", err)
		}
		s.MustExec("DROP TABLE t__changelog")
		if err := c.Run(t.Context()); err == nil {
			t.Error("heartbeat without a table")
		}
	})
}

func TestHeartbeatsRiseWhenTheClockStandsStill(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		c, _ := mustCreate(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.Run(ctx) }()
		waitFor(t, func() bool { return valueOf(s, changelog.HeartbeatID) > 0 })
		if age := time.Since(time.UnixMicro(valueOf(s, changelog.HeartbeatID))); age < 0 || age > 10*time.Second {
			t.Errorf("age of the heartbeat is %s", age)
		}
		ahead := time.Now().Add(time.Hour).UnixMicro() // as if the clock had been set back by an hour
		s.MustExec("UPDATE t__changelog SET value = ? WHERE id = 1", ahead)
		waitFor(t, func() bool { return valueOf(s, changelog.HeartbeatID) > ahead+2 })
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

func TestHeartbeatGivesUpAfterTheReconnectTimeout(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		_, db := mustCreate(t, s)
		short := changelog.New(db, changelog.Config{
			Table: table.Name{Schema: s.Name, Table: "t__changelog"}, Interval: time.Millisecond, ReconnectTimeout: 500 * time.Millisecond,
		})
		blocker, err := s.DB.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := blocker.ExecContext(t.Context(), "SELECT * FROM t__changelog FOR UPDATE"); err != nil {
			t.Fatal(err)
		}
		if err := short.Run(t.Context()); !conn.IsLockWait(err) {
			t.Errorf("run: %v", err)
		}
		if err := blocker.Rollback(); err != nil {
			t.Error(err)
		}
	})
}

func waitFor(t *testing.T, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
		if err := conn.Pause(t.Context(), 2*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFenceNeedsOrderedCommits: somebody lets commits become visible in another order while the changelog is in use.
func TestFenceNeedsOrderedCommits(t *testing.T) {
	sandboxtest.EachPrivate(t, sandbox.Options{}, func(t *testing.T, server *sandbox.Server) {
		s := sandboxtest.NewSchema(t, server.Address())
		_, db := mustCreate(t, s)
		inspected, err := conn.Inspect(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		c := changelog.New(db, changelog.Config{
			Table: table.Name{Schema: s.Name, Table: "t__changelog"}, ReconnectTimeout: time.Second, Ordered: inspected,
		})
		if _, err := c.Fence(t.Context()); err != nil {
			t.Fatal(err)
		}
		if server.Engine.MariaDB() {
			if value := s.MustQueryRows("SHOW GLOBAL VARIABLES LIKE 'binlog_order_commits'"); len(value) > 0 {
				t.Errorf("MariaDB has the setting now: %v", value)
			}
			return
		}
		s.MustExec("SET GLOBAL binlog_order_commits = OFF")
		if fence, err := c.Fence(t.Context()); err == nil || !strings.Contains(err.Error(), "SET GLOBAL binlog_order_commits = ON") {
			t.Errorf("fence %d, %v: want an error that says what to do", fence, err)
		}
	})
}
