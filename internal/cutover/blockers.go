package cutover

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
)

// blocker is a transaction that is open on the server, or a lock that one holds.
type blocker struct {
	key     string // tells it from all others
	session sql.NullInt64
	user    sql.NullString
	host    sql.NullString
	since   sql.NullString // as the server prints it
}

// String names it for a person.
func (b blocker) String() string {
	if b.session.Int64 == 0 {
		return "a transaction without a session (XA, prepared)"
	}
	return fmt.Sprintf("connection %d (%s@%s), in a transaction since %s", b.session.Int64, b.user.String, b.host.String, b.since.String)
}

// The queries below give a key, the session with user and host, and since when. On MySQL they stay away from
// information_schema's innodb_trx and processlist, which 9.7 refuses to show while a statement of anybody holds a character
// beyond utf8mb3.

// openOnMySQL are all open transactions of sessions, the oldest first.
const openOnMySQL = `
	SELECT CONCAT_WS(' ', e.thread_id, e.event_id), th.processlist_id, th.processlist_user, th.processlist_host,
	       NOW() - INTERVAL ROUND(COALESCE(e.timer_wait, 0) / 1000000000000) SECOND
	  FROM performance_schema.events_transactions_current e
	  JOIN performance_schema.threads th ON th.thread_id = e.thread_id
	 WHERE e.state = 'ACTIVE' AND th.processlist_id <> CONNECTION_ID()
	 ORDER BY e.timer_wait DESC`

// openOnMariaDB are all transactions of InnoDB, the oldest first; with 1 as the argument only those without a session.
const openOnMariaDB = `
	SELECT CONCAT_WS(' ', t.trx_mysql_thread_id, t.trx_id, t.trx_started), t.trx_mysql_thread_id, p.user, p.host, t.trx_started
	  FROM information_schema.innodb_trx t
	  LEFT JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
	 WHERE t.trx_mysql_thread_id <> CONNECTION_ID() AND (t.trx_mysql_thread_id = 0 OR ? = 0)
	 ORDER BY t.trx_started, t.trx_mysql_thread_id`

// tableLocks are the metadata locks of others on source and shadow. The server shows them where its instrument is on; a prepared
// XA transaction whose session has gone holds them without a session.
const tableLocks = `
	SELECT CONCAT_WS(' ', l.owner_thread_id, l.owner_event_id, l.object_name), th.processlist_id, th.processlist_user, th.processlist_host,
	       NOW() - INTERVAL ROUND(COALESCE(e.timer_wait, 0) / 1000000000000) SECOND
	  FROM performance_schema.metadata_locks l
	  LEFT JOIN performance_schema.threads th ON th.thread_id = l.owner_thread_id
	  LEFT JOIN performance_schema.events_transactions_current e ON e.thread_id = l.owner_thread_id AND e.state = 'ACTIVE'
	 WHERE l.object_type = 'TABLE' AND l.object_schema = ? AND l.object_name IN (?, ?) AND l.lock_status = 'GRANTED'
	   AND (th.processlist_id IS NULL OR th.processlist_id <> CONNECTION_ID())
	 ORDER BY e.timer_wait DESC, l.owner_thread_id`

// openTransactions returns all open transactions of others.
func (c *Cutover) openTransactions(ctx context.Context) ([]blocker, error) {
	if c.cfg.Server.IsMariaDB() {
		return list(ctx, c.db, openOnMariaDB, 0)
	}
	return list(ctx, c.db, openOnMySQL)
}

func list(ctx context.Context, q conn.Querier, query string, args ...any) ([]blocker, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list open transactions: %w", err)
	}
	defer func() { _ = rows.Close() }() // Err tells
	var blockers []blocker
	for rows.Next() {
		var b blocker
		if err := rows.Scan(&b.key, &b.session, &b.user, &b.host, &b.since); err != nil {
			return nil, fmt.Errorf("list open transactions: %w", err)
		}
		blockers = append(blockers, b)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list open transactions: %w", err)
	}
	return blockers, nil
}

// outlast waits, at most for the patience, until everything that the first look shows has ended, and returns what has not.
func (c *Cutover) outlast(ctx context.Context, look func() ([]blocker, error)) ([]blocker, error) {
	started := time.Now()
	left, err := look()
	for err == nil && len(left) > 0 && time.Since(started) < c.cfg.BlockerPatience {
		c.waits("transactions to end: " + describe(left))
		pause := longPause
		if time.Since(started) < longPause {
			pause = shortPause
		}
		if err := conn.Pause(ctx, pause); err != nil {
			return nil, err
		}
		var now []blocker
		now, err = look()
		left = slices.DeleteFunc(left, func(old blocker) bool {
			return !slices.ContainsFunc(now, func(b blocker) bool { return b.key == old.key })
		})
	}
	return left, err
}

// awaitSnapshots waits for the transactions that began before the last rows were copied: one that reads the table for the
// first time after the swap finds it without them. Those that outlast the patience are named, and not waited for.
func (c *Cutover) awaitSnapshots(ctx context.Context) error {
	left, err := c.outlast(ctx, func() ([]blocker, error) { return c.openTransactions(ctx) })
	if conn.IsAccessDenied(err) {
		c.cfg.Log.Warn("open transactions cannot be seen: one with an old snapshot will find the new table empty", "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	for _, b := range left {
		c.cfg.Log.Warn("a transaction with an old snapshot will find the new table empty", "transaction", b.String())
	}
	return nil
}

// awaitHolders waits for those who hold metadata locks on source or shadow now, as far as the server shows them: who
// holds one for long makes an attempt futile, and an attempt stalls everybody else. MariaDB does not show whose table it
// is; there prepared XA transactions whose session has gone are waited for, which let the source be locked and then refuse
// the rename. After the patience it is tried all the same: they may not concern the source.
func (c *Cutover) awaitHolders(ctx context.Context) error {
	n := c.cfg.Names
	left, err := c.outlast(ctx, func() ([]blocker, error) {
		if c.cfg.Server.IsMariaDB() {
			return list(ctx, c.db, openOnMariaDB, 1)
		}
		return list(ctx, c.db, tableLocks, n.Source.Schema, n.Source.Table, n.Shadow.Table)
	})
	if conn.IsAccessDenied(err) {
		return nil // the attempt itself will show
	}
	if err != nil {
		return passing(err)
	}
	if len(left) > 0 && !c.cfg.Server.IsMariaDB() {
		return &givenUp{fmt.Errorf("in the way: %s%s", describe(left), c.preparedXA(ctx))}
	}
	return nil
}

// holders names those who may be in the way of a lock, for the reason of an attempt that was given up.
func (c *Cutover) holders(ctx context.Context) string {
	n := c.cfg.Names
	found, err := list(ctx, c.db, tableLocks, n.Source.Schema, n.Source.Table, n.Shadow.Table)
	if err != nil || len(found) == 0 {
		found, err = c.openTransactions(ctx)
	}
	if err != nil {
		return "nobody that could be seen"
	}
	return describe(found) + c.preparedXA(ctx)
}

const named = 10 // how many are named

func describe(blockers []blocker) string {
	if len(blockers) == 0 {
		return "nobody that is seen any more"
	}
	var names []string
	for _, b := range blockers[:min(named, len(blockers))] {
		names = append(names, b.String())
	}
	if more := len(blockers) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, "; ")
}

// preparedXA returns "; prepared XA transactions: …" with the xids that wait for their decision, "" for none, or when the
// user may not see them.
func (c *Cutover) preparedXA(ctx context.Context) string {
	xids, err := conn.PreparedXA(ctx, c.db)
	if err != nil || len(xids) == 0 {
		return ""
	}
	return "; prepared XA transactions, to be committed or rolled back by those who prepared them: " +
		xids.String()
}
