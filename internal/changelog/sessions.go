package changelog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
)

// Enlist returns the statement by which a session notes itself before it writes rows for a run (conn.Config.Enlist). It
// changes no row when another run has taken over since: such a session must not write. It waits for one that is taking over,
// and this one for it, so that the session is refused, or known to the other run.
func (c *Changelog) Enlist(run uint64) string {
	return fmt.Sprintf("REPLACE INTO %[1]s (id, value) SELECT %[2]d + CONNECTION_ID(), value FROM %[1]s WHERE id = %[3]d AND value = %[4]d LOCK IN SHARE MODE",
		c.config.Table, SessionID, RunID, run)
}

// Names returns a query that has a row while no other run has taken over (checkpoint.Store.While).
func (c *Changelog) Names(run uint64) string {
	return fmt.Sprintf("SELECT 1 FROM %s WHERE id = %d AND value = %d", c.config.Table, RunID, run)
}

// TakeOver makes the caller's the run that works on the migration, and returns its number, greater than all before it. From
// then on no session of an earlier run can be opened. The number is the time, so that a server which lacks the last
// take-over, after a fail-over, does not give it out again.
func (c *Changelog) TakeOver(ctx context.Context) (uint64, error) {
	update := `
		UPDATE ` + c.config.Table.String() + `
		   SET value = LAST_INSERT_ID(GREATEST(value + 1, ?))
		 WHERE id = ?`
	var run int64
	err := conn.Retry(ctx, c.config.ReconnectTimeout, func() error {
		result, err := c.db.ExecContext(ctx, update, time.Now().UnixMicro(), RunID)
		if err := c.oneRow(result, err); err != nil {
			return err
		}
		run, err = result.LastInsertId()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("take the migration over: %w", err)
	}
	return uint64(run), nil
}

// Sessions returns the server's ids of the sessions that runs before this one have noted, but for those of runs that are
// noted as ended.
func (c *Changelog) Sessions(ctx context.Context, run uint64) (ids []uint64, err error) {
	query := fmt.Sprintf(`
		SELECT id - %[2]d, value
		  FROM %[1]s
		 WHERE id >= %[2]d AND value < %[3]d
		   AND value >= COALESCE((SELECT value FROM %[1]s WHERE id = %[4]d), 0)`, c.config.Table, SessionID, run, EndedID)
	err = c.notes(ctx, query, func(id, _ uint64) { ids = append(ids, id) })
	return ids, err
}

// Ended notes, in the table and so in the log, that the sessions of the runs before this one have ended: nothing that stands
// in the log behind it is theirs. Their own notes stay, for they may be read from the log again.
func (c *Changelog) Ended(ctx context.Context, run uint64) error {
	_, err := c.db.ExecContext(ctx, fmt.Sprintf("REPLACE INTO %s (id, value) VALUES (%d, %d)", c.config.Table, EndedID, run))
	if err != nil {
		return fmt.Errorf("note that the sessions of earlier runs have ended: %w", err)
	}
	return nil
}

// Writers returns the sessions of all runs until now, for reading the log of that server.
func (c *Changelog) Writers(ctx context.Context, server uint32) (*Writers, error) {
	w := &Writers{server: server, sessions: make(map[uint32]writer)}
	query := fmt.Sprintf("SELECT id - %[2]d, value FROM %[1]s WHERE id >= %[2]d", c.config.Table, SessionID)
	err := c.notes(ctx, query, func(id, run uint64) { w.sessions[uint32(id)] = writer{run: run} })
	return w, err
}

// notes calls f with each session, and its run, that the query finds.
func (c *Changelog) notes(ctx context.Context, query string, f func(id, run uint64)) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("read the sessions of the migration: %w", err)
		}
	}()
	rows, err := c.db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id, run uint64
		if err := rows.Scan(&id, &run); err != nil {
			return err
		}
		f(id, run)
	}
	return rows.Err()
}
