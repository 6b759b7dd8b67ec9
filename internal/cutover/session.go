package cutover

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// farewell bounds the statements that end an attempt in order; after it the session is killed.
const farewell = 5 * time.Second

// session is a session of the cut-over, with the id by which it can be killed.
type session struct {
	conn *sql.Conn
	id   uint64
}

func (c *Cutover) session(ctx context.Context) (*session, error) {
	s, id, err := conn.Session(ctx, c.db)
	if err != nil {
		return nil, err
	}
	return &session{s, id}, nil
}

// exec executes a statement whose error names what it was for.
func (s *session) exec(ctx context.Context, purpose, statement string) error {
	if _, err := s.conn.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", purpose, err)
	}
	return nil
}

// kill ends the session on the server, with what it runs and holds, and returns when it is gone.
func (c *Cutover) kill(ctx context.Context, s *session) error {
	if err := c.cfg.Conn.EndSession(ctx, c.db, c.cfg.Server, s.id); err != nil {
		return err
	}
	_ = s.conn.Close() // the server has ended it
	return nil
}

// unlock ends the session's table locks: in order, or by ending the session.
func (c *Cutover) unlock(ctx context.Context, s *session) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.ReconnectTimeout)
	defer cancel()
	orderly, end := context.WithTimeout(ctx, farewell)
	defer end()
	if err := s.exec(orderly, "unlock tables", `UNLOCK TABLES`); err == nil {
		return s.conn.Close()
	}
	return c.insist(ctx, func() error { return c.kill(ctx, s) })
}

// proveLocked returns nil if the session holds its table locks at this moment: it is refused a table that it has not
// locked, which only LOCK TABLES brings about, and reads those that it has.
func (c *Cutover) proveLocked(ctx context.Context, s *session, locked ...table.Name) error {
	err := s.exec(ctx, "prove table locks", `SELECT 1 FROM `+c.cfg.Names.Changelog.String()+` LIMIT 0`)
	if err == nil {
		return &givenUp{errors.New("prove table locks: the session has lost them")}
	}
	if !conn.IsNotLocked(err) {
		return err
	}
	for _, name := range locked {
		if err := s.exec(ctx, "prove lock of "+name.String(), `SELECT 1 FROM `+name.String()+` LIMIT 0`); err != nil {
			return err
		}
	}
	return nil
}

// carryAutoIncrement makes the shadow's next AUTO_INCREMENT value at least the source's. No row can be written to the
// source meanwhile; q is free to alter the shadow.
func (c *Cutover) carryAutoIncrement(ctx context.Context, q conn.Querier) error {
	if c.cfg.SetsAutoIncrement {
		return nil
	}
	source, err := nextValue(ctx, q, c.cfg.Names.Source)
	if err != nil {
		return err
	}
	shadow, err := nextValue(ctx, q, c.cfg.Names.Shadow)
	if err != nil || shadow == 0 || shadow >= source {
		return err // 0: no such column after the ALTER
	}
	alter := fmt.Sprintf(`ALTER TABLE %s AUTO_INCREMENT = %d, ALGORITHM=INPLACE %s`, c.cfg.Names.Shadow, source, c.cfg.Conn.Mark())
	if _, err := q.ExecContext(ctx, alter); err != nil {
		return fmt.Errorf("set auto_increment of %s: %w", c.cfg.Names.Shadow, err)
	}
	return nil
}

// nextValue returns a table's next AUTO_INCREMENT value, 0 without such a column. The session reads it uncached.
func nextValue(ctx context.Context, q conn.Querier, name table.Name) (uint64, error) {
	const next = `
		SELECT COALESCE(auto_increment, 0)
		  FROM information_schema.tables
		 WHERE table_schema = ? AND table_name = ?`
	var n uint64
	if err := q.QueryRowContext(ctx, next, name.Schema, name.Table).Scan(&n); err != nil {
		return 0, fmt.Errorf("read auto_increment of %s: %w", name, err)
	}
	return n, nil
}
