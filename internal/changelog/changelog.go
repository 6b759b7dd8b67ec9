// Package changelog writes the changelog table: heartbeats, by which the age of what has been applied is known, and
// fences, which tell from the log that everything before them has been read. Reading them is left to the binlog stream.
package changelog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// The rows of the changelog table, by their id.
const (
	HeartbeatID int64 = 1 // value: unix time in microseconds by this process's clock
	FenceID     int64 = 2 // value: a counter
	RunID       int64 = 3 // value: the number of the run that works on the migration, unix microseconds or more; 0: none has begun
	EndedID     int64 = 4 // value: the sessions of all runs before this one have ended; no row: no run has taken over yet
	// SessionID and what follows are the sessions that write rows: SessionID plus the server's id of the session; value: their run.
	SessionID int64 = 1000
)

// Config says where the changelog is and how it is written.
type Config struct {
	Table    table.Name
	Interval time.Duration // between heartbeats
	// ReconnectTimeout bounds how long a write is tried again after lost connections and locks not granted.
	ReconnectTimeout time.Duration
	// Ordered is the server where commits must become visible in the order of the log: a fence after which they no longer do
	// is an error. nil: nobody reads by fences.
	Ordered *conn.Server
	// Unordered are the commits that become visible in another order all the same: a fence waits for them; nil: there are none.
	Unordered Unordered
	// Beat is told how long the writing of each heartbeat took; nil: nobody.
	Beat func(took time.Duration)
}

// Unordered are commits that a fence alone says nothing of.
type Unordered interface {
	// Await returns when all of them that were read from the log before the call are visible.
	Await(ctx context.Context) error
}

// Changelog is the changelog table of one migration. Its methods may be called by several goroutines.
type Changelog struct {
	config Config
	db     *sql.DB
}

// New returns the changelog; nothing is created yet. db has the session settings of conn.Open.
func New(db *sql.DB, config Config) *Changelog { return &Changelog{config: config, db: db} }

// Create creates the table, marked as ours, with its three rows. A table of that name is an error; after
// any error nothing of ours is left.
func (c *Changelog) Create(ctx context.Context) error {
	create := `
		CREATE TABLE ` + c.config.Table.String() + ` (
			id    BIGINT          NOT NULL COMMENT '1: heartbeat, unix microseconds; 2: fence, a counter; 3: run; 4: runs before it have ended; from 1000 on: sessions',
			value BIGINT UNSIGNED NOT NULL,
			PRIMARY KEY (id)
		) ENGINE=InnoDB COMMENT='` + table.OwnershipMark + `'`
	if _, err := c.db.ExecContext(ctx, create); err != nil {
		return fmt.Errorf("create changelog %s: %w", c.config.Table, err)
	}
	insert := `INSERT INTO ` + c.config.Table.String() + ` (id, value) VALUES (?, 0), (?, 0), (?, 0)`
	if _, err := c.db.ExecContext(ctx, insert, HeartbeatID, FenceID, RunID); err != nil {
		return errors.Join(fmt.Errorf("fill changelog %s: %w", c.config.Table, err), c.Drop(ctx))
	}
	return nil
}

// Drop drops the table; one that is gone already is fine.
func (c *Changelog) Drop(ctx context.Context) error {
	if _, err := c.db.ExecContext(ctx, `DROP TABLE IF EXISTS `+c.config.Table.String()); err != nil {
		return fmt.Errorf("drop changelog %s: %w", c.config.Table, err)
	}
	return nil
}

// Run writes a heartbeat at once and then every interval until ctx ends, and returns nil then. A heartbeat that could not be
// written is an error.
func (c *Changelog) Run(ctx context.Context) error {
	for {
		err := c.beat(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("write heartbeat: %w", err)
		}
		if conn.Pause(ctx, c.config.Interval) != nil {
			return nil
		}
	}
}

// beat writes the present time, or one microsecond more than the last value when the clock stands behind that: a write that
// changes nothing would not be logged.
func (c *Changelog) beat(ctx context.Context) error {
	update := `
		UPDATE ` + c.config.Table.String() + `
		   SET value = GREATEST(value + 1, ?)
		 WHERE id = ?`
	return conn.Retry(ctx, c.config.ReconnectTimeout, func() error {
		began := time.Now()
		result, err := c.db.ExecContext(ctx, update, began.UnixMicro(), HeartbeatID)
		if err := c.oneRow(result, err); err != nil {
			return err
		}
		if c.config.Beat != nil {
			c.config.Beat(time.Since(began))
		}
		return nil
	})
}

// Fence writes a new fence and returns its value, greater than all before it. When it returns, everything that was read from
// the log before the call is visible to reads, and all else whose commit stands before the fence, but for Unordered. A fence whose
// fate is unknown is superseded by the next.
func (c *Changelog) Fence(ctx context.Context) (uint64, error) {
	update := `
		UPDATE ` + c.config.Table.String() + `
		   SET value = LAST_INSERT_ID(value + 1)
		 WHERE id = ?`
	var fence int64
	err := conn.Retry(ctx, c.config.ReconnectTimeout, func() error {
		result, err := c.db.ExecContext(ctx, update, FenceID)
		if err := c.oneRow(result, err); err != nil {
			return err
		}
		if fence, err = result.LastInsertId(); err != nil {
			return err
		}
		return c.mustOrder(ctx)
	})
	if err != nil {
		return 0, fmt.Errorf("write fence: %w", err)
	}
	if c.config.Unordered != nil {
		if err := c.config.Unordered.Await(ctx); err != nil {
			return 0, err
		}
	}
	return uint64(fence), nil
}

// mustOrder looks at the setting after a fence, when it has the fence's value or a later one: somebody may have changed it.
func (c *Changelog) mustOrder(ctx context.Context) error {
	if c.config.Ordered == nil {
		return nil
	}
	ordered, err := c.config.Ordered.OrdersCommits(ctx, c.db)
	if err == nil && !ordered {
		err = errors.New("binlog_order_commits was switched off during the run, which depends on it: " +
			"SET GLOBAL binlog_order_commits = ON, and start the same command again")
	}
	return err
}

// oneRow turns anything but one changed row into an error: such a write is no fence, and the log has nothing of it.
func (c *Changelog) oneRow(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return err
	}
	if n != 1 {
		return fmt.Errorf("changelog %s: %d rows changed instead of one: its rows were tampered with", c.config.Table, n)
	}
	return nil
}
