package applier_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/applier"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// Refresh under the cut-over's lock, as MySQL has it: the last keys are written by the session that holds the locks.

// lockedRows are more than one portion takes.
const lockedRows = 1100

func mustRefreshMany(t *testing.T, s *sandboxtest.Schema, definition [2]string) *refreshing {
	t.Helper()
	var rows []string
	for i := range lockedRows {
		rows = append(rows, fmt.Sprintf("('%04d', %d, 0)", i, i))
	}
	r := mustRefresh(t, s, definition[0], definition[1], strings.Join(rows, ", "))
	r.mustMatch()
	return r
}

// mustHold holds the applier back.
func (r *refreshing) mustHold() *applier.Hold {
	r.t.Helper()
	held, err := r.refresh.Hold(r.ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	return held
}

// drain locks both tables, has everything applied through the session that locks them, and unlocks them.
func (r *refreshing) drain(held *applier.Hold) error {
	r.t.Helper()
	db, err := conn.Open(r.conn, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // its session has unlocked
	session, _, err := conn.Session(r.ctx, db)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = session.Close() }() // likewise
	if _, err := session.ExecContext(r.ctx, "LOCK TABLES "+r.mapping.Source.Name.String()+" WRITE, "+r.mapping.Shadow.Name.String()+" WRITE"); err != nil {
		r.t.Fatal(err)
	}
	fence, err := r.log.Fence(r.ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(r.ctx, 10*time.Second) // long after an attempt would have been given up
	defer cancel()
	drained := held.Drain(ctx, session, fence)
	if _, err := session.ExecContext(r.ctx, "UNLOCK TABLES"); err != nil {
		r.t.Fatal(err)
	}
	return drained
}

// mustDrain is drain, after which the tables are equal although nothing else is applied.
func (r *refreshing) mustDrain(held *applier.Hold) {
	r.t.Helper()
	if err := r.drain(held); err != nil {
		r.t.Fatal(err)
	}
	if source, shadow := r.rows("t"), r.rows("t__new"); !slices.Equal(source, shadow) {
		r.t.Fatalf("after the drain the shadow has %d rows and the source %d, or others", len(shadow), len(source))
	}
}

// moveValues gives each row the unique value of the next one, and the last one's to the first, in one transaction.
var moveValues = fmt.Sprintf("BEGIN; UPDATE t SET u = -1 - (u + 1) %% %d; UPDATE t SET u = -1 - u; COMMIT", lockedRows)

// TestRefreshUnderTheLock: unique values are handed around between rows of different portions, rows come and go, and only the
// locking session applies it. What a row is refused for by an older version of another one is no duplicate.
func TestRefreshUnderTheLock(t *testing.T) {
	for name, definition := range uniqueTables {
		t.Run(name, func(t *testing.T) {
			sandboxtest.On(t, []sandbox.Engine{sandbox.MySQL97}, func(t *testing.T, s *sandboxtest.Schema) {
				r := mustRefreshMany(t, s, definition)
				held := r.mustHold()
				s.MustExec(moveValues)
				s.MustExec("DELETE FROM t WHERE id LIKE '0_07'; INSERT INTO t VALUES ('0007', 7777, 7), ('9999', -7, 7)")
				s.MustExec("BEGIN; UPDATE t SET u = -9 WHERE id = '0001'; UPDATE t SET u = 2 WHERE id = '1098'; COMMIT")
				r.mustDrain(held)
				held.Release()
				s.MustExec("UPDATE t SET v = v + 1 WHERE id LIKE '00%'")
				r.mustMatch()
			})
		})
	}
}

// TestDuplicateUnderTheLock: two rows get the same value when the applier is held already. That is told under the lock, and
// the applier goes on with all that it had to do when the source is put right.
func TestDuplicateUnderTheLock(t *testing.T) {
	sandboxtest.On(t, []sandbox.Engine{sandbox.MySQL97}, func(t *testing.T, s *sandboxtest.Schema) {
		r := mustRefreshMany(t, s, uniqueTables["an added unique key"])
		held := r.mustHold()
		s.MustExec(moveValues)
		s.MustExec("UPDATE t SET u = 77777 WHERE id IN ('0001', '1098')")
		err := r.drain(held)
		var duplicate *applier.DuplicateError
		if !errors.As(err, &duplicate) || !strings.Contains(err.Error(), "77777") {
			t.Errorf("the drain ended with %v, want a duplicate that names the value", err)
		}
		s.MustExec("UPDATE t SET u = NULL WHERE id = '0001'")
		held.Release()
		r.mustMatch()
	})
}

// TestDrainWithAFenceUnderWay: an epoch waits for its fence when the lock is had. The drain needs none, and does not wait for it.
func TestDrainWithAFenceUnderWay(t *testing.T) {
	sandboxtest.On(t, []sandbox.Engine{sandbox.MySQL97}, func(t *testing.T, s *sandboxtest.Schema) {
		r := mustRefreshMany(t, s, uniqueTables["in place"])
		r.fences.close()
		s.MustExec("UPDATE t SET v = 5 WHERE id = '0005'")
		eventually(t, "the epoch's fence is under way", func() bool { return r.fences.waiting.Load() == 1 })
		held := r.mustHold()
		s.MustExec("UPDATE t SET v = 6 WHERE id = '0006'")
		r.mustDrain(held)
		held.Release()
		r.fences.open()
		s.MustExec("UPDATE t SET v = 7 WHERE id = '0007'")
		r.mustMatch()
	})
}

// TestLossUnderTheLock: a value that does not fit comes when the applier is held already. Column and value are named, and the
// applier goes on when the source is put right.
func TestLossUnderTheLock(t *testing.T) {
	sandboxtest.On(t, []sandbox.Engine{sandbox.MySQL97}, func(t *testing.T, s *sandboxtest.Schema) {
		r := mustRefreshMany(t, s, [2]string{"id varchar(4) PRIMARY KEY, u double, v int", "MODIFY u float, MODIFY v tinyint"})
		for column, change := range map[string][3]string{"v": {"v = 300", "300", "v = 3"}, "u": {"u = 0.1", "0.1", "u = 5"}} {
			held := r.mustHold()
			s.MustExec("UPDATE t SET " + change[0] + " WHERE id = '0005'")
			err := r.drain(held)
			want := "in column `" + column + "` of " + r.mapping.Source.Name.String() + " " + change[1] + " would be changed"
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "0005") {
				t.Errorf("the drain ended with %v, want: %s", err, want)
			}
			s.MustExec("UPDATE t SET " + change[2] + " WHERE id = '0005'")
			held.Release()
			r.mustMatch()
		}
	})
}
