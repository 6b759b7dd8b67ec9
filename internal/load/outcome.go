package load

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-sql-driver/mysql"

	"github.com/midstreamdb/midstream/internal/conn"
)

func isBeforeCommit(err error) bool {
	var before *beforeCommit
	return errors.As(err, &before)
}

// outcome finds out whether a transaction was committed whose COMMIT got no answer.
func (w *writer) outcome(ctx context.Context, t *transaction) (bool, error) {
	for {
		committed, err := w.askOutcome(ctx, t)
		if err == nil {
			return committed, nil
		}
		w.g.stats.failed(err)
		if !conn.IsConnectionLost(err) && !conn.IsLockWait(err) && !conn.IsDeadlock(err) {
			return false, fmt.Errorf("find out whether the transaction was committed: %w", err)
		}
		if !pause(ctx, retryPause) {
			return false, fmt.Errorf("find out whether the transaction was committed: %w: %w", context.Cause(ctx), err)
		}
	}
}

// askOutcome reads the transaction's witness with a lock: while the lost session is still committing, or has not been
// undone, it holds that row.
func (w *writer) askOutcome(ctx context.Context, t *transaction) (bool, error) {
	if t.xa {
		if err := w.finishXA(ctx, t); err != nil {
			return false, err
		}
	}
	p := t.parts[0]
	tx, err := w.g.cfg.DB.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback() }() // it only read
	// A prepared transaction keeps the row until it is ended, which is tried between short waits.
	if _, err := tx.ExecContext(ctx, "SET SESSION innodb_lock_wait_timeout = 1"); err != nil {
		return false, err
	}
	defer func() { // the session goes back to the pool; should this fail, it waits for locks less patiently than others
		_, _ = tx.ExecContext(ctx, "SET SESSION innodb_lock_wait_timeout = DEFAULT")
	}()
	var writer int32
	var seq uint64
	err = tx.QueryRowContext(ctx, "SELECT w, seq FROM "+p.m.table.Name.String()+
		" WHERE id = "+number(p.witnessID())+" FOR UPDATE").Scan(&writer, &seq)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return writer == t.writer && seq == t.seq, err
}

// tryXA does the transaction in two phases. One that is to be rolled back is so before or after it was prepared.
func (w *writer) tryXA(ctx context.Context, t *transaction) (committed bool, err error) {
	xid := w.xid(t)
	if err := w.exec(ctx, "XA START "+xid); err != nil {
		return false, &beforeCommit{err}
	}
	if err := w.statements(ctx, t); err != nil {
		return false, &beforeCommit{err}
	}
	if err := w.exec(ctx, "XA END "+xid); err != nil {
		return false, &beforeCommit{err}
	}
	if !t.rollback || t.seq%2 == 0 {
		if err := w.exec(ctx, "XA PREPARE "+xid); err != nil {
			return false, err
		}
	}
	if t.rollback {
		if err := w.exec(ctx, "XA ROLLBACK "+xid); err != nil {
			return false, err
		}
		return false, nil
	}
	if err := w.exec(ctx, "XA COMMIT "+xid); err != nil {
		return false, err
	}
	return true, nil
}

// xid is the name of an XA transaction, quoted.
func (w *writer) xid(t *transaction) string {
	return "'load-" + w.g.run + "-" + strconv.Itoa(w.number) + "-" + strconv.FormatUint(t.seq, 10) + "'"
}

// undo is the statement that ends a transaction after an error.
func (w *writer) undo(t *transaction) string {
	if t.xa {
		return "XA ROLLBACK " + w.xid(t) // fails before XA END; then the session is given up, which rolls back too
	}
	return "ROLLBACK"
}

// finishXA ends a prepared transaction that may be left after its session was lost, as it was to end.
func (w *writer) finishXA(ctx context.Context, t *transaction) error {
	verb := "XA COMMIT "
	if t.rollback {
		verb = "XA ROLLBACK "
	}
	const unknownXID = 1397 // it has ended, was never prepared, or its session is not gone yet: the witness tells
	_, err := w.g.cfg.DB.ExecContext(ctx, verb+w.xid(t))
	if e := (*mysql.MySQLError)(nil); errors.As(err, &e) && e.Number == unknownXID {
		return nil
	}
	return err
}
