package cutover

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// The sentry is a table with the retired table's name: while it exists no RENAME can succeed. Its comment and its only
// column mark it as ours.
const sentryColumn = "midstream_sentry"

func (c *Cutover) createSentry(ctx context.Context) error {
	create := `CREATE TABLE ` + c.cfg.Names.Retired.String() + ` (` + sentryColumn + ` INT NOT NULL PRIMARY KEY)
		ENGINE=InnoDB COMMENT='` + table.OwnershipMark + `'`
	if _, err := c.db.ExecContext(ctx, create); err != nil {
		return fmt.Errorf("create sentry %s: %w", c.cfg.Names.Retired, err)
	}
	return nil
}

// DropSentry drops the sentry that has the retired table's name, and only that: another table of its name stays.
func DropSentry(ctx context.Context, q conn.Querier, retired table.Name) error {
	ours, err := isSentry(ctx, q, retired)
	if err != nil || !ours {
		return err
	}
	if _, err := q.ExecContext(ctx, `DROP TABLE `+retired.String()); err != nil {
		return fmt.Errorf("drop sentry %s: %w", retired, err)
	}
	return nil
}

// isSentry says whether the table is a sentry; one that does not exist is none.
func isSentry(ctx context.Context, q conn.Querier, name table.Name) (bool, error) {
	const marked = `
		SELECT COUNT(*)
		  FROM information_schema.tables t
		  JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name
		 WHERE t.table_schema = ? AND t.table_name = ? AND t.table_comment = ? AND c.column_name = ?`
	var n int
	if err := q.QueryRowContext(ctx, marked, name.Schema, name.Table, table.OwnershipMark, sentryColumn).Scan(&n); err != nil {
		return false, fmt.Errorf("look for sentry %s: %w", name, err)
	}
	return n == 1, nil
}

// leastWriteLocks is the smallest max_write_lock_count with which a waiting RENAME surely goes before waiting writers.
const leastWriteLocks = 1000

// mustPreferRename refuses a server that lets waiting writers pass a waiting RENAME after so many locks.
func (c *Cutover) mustPreferRename(ctx context.Context) error {
	var count uint64
	if err := c.db.QueryRowContext(ctx, `SELECT @@max_write_lock_count`).Scan(&count); err != nil {
		return fmt.Errorf("read max_write_lock_count: %w", err)
	}
	if count < leastWriteLocks {
		return fmt.Errorf("cut over %s: max_write_lock_count = %d lets writes into the old table before the rename: "+
			"SET GLOBAL max_write_lock_count = DEFAULT", c.cfg.Names.Source, count)
	}
	return nil
}

// queued is a RENAME that another session was asked for.
type queued struct {
	session *session
	done    chan struct{} // closed when err is there
	err     error
}

// renameBehindSentry is the way of MariaDB, which does not rename under LOCK TABLES: one session locks the source and the sentry, the
// workers apply the rest, a second session's RENAME queues up for the source, the sentry is dropped, the lock let go.
func (c *Cutover) renameBehindSentry(ctx context.Context, before Definitions) (r Result, err error) {
	locker, err := c.session(ctx)
	if err != nil {
		return Result{}, passing(err)
	}
	renamer, err := c.session(ctx)
	if err != nil {
		return Result{}, errors.Join(passing(err), locker.conn.Close())
	}
	if err := c.createSentry(ctx); err != nil {
		return Result{}, errors.Join(passing(err), locker.conn.Close(), renamer.conn.Close())
	}
	began := time.Now()
	held, err := c.lockAndDrain(ctx, locker, &r)
	if err != nil {
		return c.settle(ctx, r, held, before, err, renamer, locker)
	}
	locked, cancel := context.WithDeadline(ctx, began.Add(r.LockWait+c.lockedLimit()))
	defer cancel()
	if err := c.limitLockWaits(locked, renamer); err != nil {
		return c.settle(ctx, r, held, before, err, renamer, locker)
	}
	rename := &queued{session: renamer, done: make(chan struct{})}
	go func() {
		defer close(rename.done)
		rename.err = c.rename(ctx, renamer)
	}()
	if err = c.awaitQueued(locked, rename); err == nil {
		if err = c.proveLocked(locked, locker, c.cfg.Names.Source, c.cfg.Names.Retired); err == nil {
			err = c.letGo(ctx, locker, rename)
		}
	}
	r.Locked = time.Since(began) - r.LockWait
	if err == nil {
		held.Stop()
		_, _ = locker.conn.Close(), renamer.conn.Close() // back to the pool, which Run closes
		return r, nil
	}
	r, err = c.settle(ctx, r, held, before, err, renamer, locker)
	<-rename.done
	return r, err
}

// limitLockWaits makes the RENAME fail at once, with everybody waiting behind it, if a prepared XA transaction whose session has
// gone can hold a row of the source. No live session can hold one of a table that is locked. Without such a transaction
// the RENAME waits as usual: the rows of the server's statistics that it changes are locked by others for moments, and a
// RENAME that fails at them half-way may find them locked again when the server undoes it.
func (c *Cutover) limitLockWaits(ctx context.Context, renamer *session) error {
	stranded, err := list(ctx, c.db, openOnMariaDB, 1)
	if conn.IsAccessDenied(err) || err == nil && len(stranded) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	return renamer.exec(ctx, "limit lock waits", `SET SESSION innodb_lock_wait_timeout = 0`)
}

// mustBeDecided gives the attempt up while XA transactions are prepared. One whose session has gone holds no lock that
// keeps LOCK TABLES waiting, and its XA COMMIT would put rows into the locked source behind the fence. What touches the
// source cannot be prepared while it is locked, so one look before the fence is enough.
func (c *Cutover) mustBeDecided(ctx context.Context) error {
	xids, err := conn.PreparedXA(ctx, c.db)
	if err != nil {
		return err
	}
	if len(xids) > 0 {
		return &givenUp{fmt.Errorf("prepared XA transactions, to be committed or rolled back by those who prepared them: %s", xids)}
	}
	return nil
}

// lockAndDrain goes from the lock to the point where everything is applied and compared, and the applier is held.
func (c *Cutover) lockAndDrain(ctx context.Context, locker *session, r *Result) (Held, error) {
	n := c.cfg.Names
	began := time.Now()
	mode := "WRITE"
	if c.cfg.ReadsSource {
		mode = "READ"
	}
	if err := locker.exec(ctx, "lock "+n.Source.String(), `LOCK TABLES `+n.Source.String()+` `+mode+`, `+n.Retired.String()+` WRITE`); err != nil {
		return nil, err
	}
	r.LockWait = time.Since(began)
	ctx, cancel := context.WithTimeout(ctx, c.lockedLimit())
	defer cancel()
	if err := c.mustBeDecided(ctx); err != nil {
		return nil, err
	}
	fence, err := c.deps.Fencer.Fence(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.deps.Applier.WaitApplied(ctx, fence); err != nil {
		return nil, fmt.Errorf("apply the rest under the lock: %w", err)
	}
	held, err := c.deps.Applier.Hold(ctx)
	if err != nil {
		return nil, fmt.Errorf("hold the applier: %w", err)
	}
	if err := held.Compare(ctx); err != nil {
		return held, err
	}
	if err := c.carryAutoIncrement(ctx, c.db); err != nil {
		return held, err
	}
	return held, c.proveAlone(ctx)
}

// stateWaiting is how the process list calls a session that waits for a table's metadata lock.
const stateWaiting = "Waiting for table metadata lock"

// awaitQueued returns when the RENAME waits for the source. It takes its locks in the order of names, and the source's comes first,
// so it waits there; that it does not wait for the shadow, which would let writers into the source, is tried.
func (c *Cutover) awaitQueued(ctx context.Context, rename *queued) error {
	for {
		p, err := conn.FindProcess(ctx, c.db, rename.session.id)
		if err != nil {
			return err
		}
		if p != nil && p.State == stateWaiting && strings.HasPrefix(p.Statement, "RENAME") {
			return c.proveShadowFree(ctx)
		}
		select {
		case <-rename.done:
			return fmt.Errorf("queue the rename behind the lock: it did not wait: %w", rename.err)
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("queue the rename behind the lock: %w", ctx.Err())
		}
	}
}

// proveShadowFree returns nil if nobody holds or waits for an exclusive lock of the shadow.
func (c *Cutover) proveShadowFree(ctx context.Context) error {
	read := `SET STATEMENT lock_wait_timeout = 0 FOR SELECT 1 FROM ` + c.cfg.Names.Shadow.String() + ` LIMIT 0`
	if _, err := c.db.ExecContext(ctx, read); err != nil {
		return fmt.Errorf("see that the rename waits for the source and not for the shadow: %w", err)
	}
	return nil
}

// letGo drops the sentry and lets the lock go, upon which the rename happens. ctx's end does not interrupt it.
func (c *Cutover) letGo(ctx context.Context, locker *session, rename *queued) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	if err := locker.exec(ctx, "drop sentry", `DROP TABLE `+c.cfg.Names.Retired.String()); err != nil {
		return err
	}
	if err := locker.exec(ctx, "unlock tables", `UNLOCK TABLES`); err != nil {
		return err
	}
	<-rename.done
	return rename.err
}
