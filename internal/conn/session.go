package conn

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Process is a session as the server's process list shows it.
type Process struct {
	ID        uint64
	User      string
	Host      string
	Command   string
	State     string
	Statement string // "" when it runs none
}

// FindProcess returns the session with that id, or nil when the server has none.
func FindProcess(ctx context.Context, q Querier, id uint64) (*Process, error) {
	processes, err := Processes(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("look for session %d: %w", id, err)
	}
	for i := range processes {
		if processes[i].ID == id {
			return &processes[i], nil
		}
	}
	return nil, nil
}

// Processes returns all sessions. Without the PROCESS privilege it sees those of the same user only. It does not read
// information_schema.processlist, which MySQL 9.7 refuses to show while a statement of anybody holds a character beyond
// utf8mb3.
func Processes(ctx context.Context, q Querier) ([]Process, error) {
	rows, err := q.QueryContext(ctx, `SHOW FULL PROCESSLIST`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var found []Process
	for rows.Next() {
		var p Process
		var user, host, schema, command, seconds, state, statement sql.NullString
		cells := []any{&p.ID, &user, &host, &schema, &command, &seconds, &state, &statement}
		for len(cells) < len(columns) { // MariaDB has more
			cells = append(cells, new(sql.RawBytes))
		}
		if err := rows.Scan(cells...); err != nil {
			return nil, err
		}
		p.User, p.Host, p.Command, p.State, p.Statement = user.String, host.String, command.String, state.String, statement.String
		found = append(found, p)
	}
	return found, rows.Err()
}

// EndSession kills the session with that id if it is one of this run on the server s, and returns when it is gone with
// all its locks. A session of another run, or of another run of the server, under the same id counts as gone. One of another user that
// may be of this run is not killed: the error says whose it is.
func (c *Config) EndSession(ctx context.Context, q Querier, s *Server, id uint64) error {
	now, err := Inspect(ctx, q)
	if err != nil {
		return fmt.Errorf("end session %d: %w", id, err)
	}
	if !now.SameRun(s) {
		return nil // its sessions ended with it
	}
	for killed := false; ; killed = true {
		p, err := FindProcess(ctx, q, id)
		if err != nil {
			return fmt.Errorf("end session %d: %w", id, err)
		}
		if p == nil || !c.mayOwn(ctx, q, id) {
			return nil
		}
		if p.User != c.User {
			return fmt.Errorf("end session %d, which may be at work on the migration: it is one of user %s, and this is %s: KILL %[1]d", id, p.User, c.User)
		}
		if !killed {
			if _, err := q.ExecContext(ctx, fmt.Sprintf("KILL %d", id)); err != nil && !IsNoSuchThread(err) {
				return fmt.Errorf("kill session %d: %w", id, err)
			}
		}
		if err := Pause(ctx, 5*time.Millisecond); err != nil {
			return fmt.Errorf("wait for the end of session %d: %w", id, err)
		}
	}
}

// mayOwn says whether the session's attributes do not name another run; servers that keep no attributes cannot tell.
func (c *Config) mayOwn(ctx context.Context, q Querier, id uint64) bool {
	const attribute = `
		SELECT attr_value
		  FROM performance_schema.session_connect_attrs
		 WHERE processlist_id = ? AND attr_name = 'midstream_run'`
	var run sql.NullString
	if err := q.QueryRowContext(ctx, attribute, id).Scan(&run); err != nil {
		return true // not shown: id and the server's identity have to do
	}
	return run.String == c.Run
}

// Mark returns the comment that marks this run's DDL in the binary log: "/* midstream_run: … */".
func (c *Config) Mark() string { return "/* midstream_run:" + c.Run + " */" }

// Pause returns after d, or with ctx's error when that ends first.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
