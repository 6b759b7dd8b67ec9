package applier

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/table"
)

// late is a Fencer whose fences are committed when it is closed.
type late chan struct{}

func (l late) Fence(context.Context) (uint64, error) { <-l; return 0, nil }

// endedSession returns a session that is closed, as one is that was killed with its table locks.
func endedSession(t *testing.T) *sql.Conn {
	t.Helper()
	db := sql.OpenDB(nowhere{})
	session, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(session.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	return session
}

// nowhere is a driver whose connections lead nowhere.
type nowhere struct{}

func (nowhere) Connect(context.Context) (driver.Conn, error) { return nowhere{}, nil }
func (nowhere) Driver() driver.Driver                        { return nil }
func (nowhere) Prepare(string) (driver.Stmt, error)          { return nil, driver.ErrBadConn }
func (nowhere) Begin() (driver.Tx, error)                    { return nil, driver.ErrBadConn }
func (nowhere) Close() error                                 { return nil }

// TestDrainOfALostLockSaysNothing: a drain whose session has died may have lost the lock long before. What was changed meanwhile need
// not be visible, and its row is read behind a fence only, which the drain was none of.
func TestDrainOfALostLockSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newRefresherOf(10, &table.Table{Name: table.Name{Schema: "s", Table: "t"}})
		fencer := make(late)
		d.fencer = fencer
		session := endedSession(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = d.run(ctx) }()                             // what it returns is the context's
		go func() { _ = d.writeFences(ctx, d.fences, d.fenced) }() // likewise
		hold, err := d.Hold(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Feed(ctx, &binlog.Transaction{Changes: []binlog.RowChange{{After: table.Row{table.UintValue(1)}}}}); err != nil {
			t.Fatal(err)
		}
		if err := hold.Drain(ctx, session, 1); !errors.Is(err, sql.ErrConnDone) {
			t.Errorf("the drain ends with %v", err)
		}
		hold.Release()
		time.Sleep(time.Hour)
		if n := len(d.work); n > 0 {
			t.Errorf("%d portions are handed out, and no fence was written", n)
		}
		close(fencer)
		time.Sleep(time.Hour)
		if n := len(d.work); n != 1 {
			t.Errorf("%d portions are handed out once the fence is written, want 1", n)
		}
	})
}
