package conn

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// ErrRestarted says that the server was restarted, or that another one answers at its address: what was committed there may
// be lost, and only what is stored with it can be trusted. It does not pass: the way on is from the stored checkpoint.
var ErrRestarted = errors.New("the server was restarted, or another one answers at its address")

// ServerChangedError is an ErrRestarted that says what was seen.
type ServerChangedError struct {
	Was, Is   string // UUID of Server
	StartedAt time.Time
}

// Error implements error.
func (e *ServerChangedError) Error() string {
	if e.Was != e.Is {
		return fmt.Sprintf("another server answers now: %s instead of %s", e.Is, e.Was)
	}
	return fmt.Sprintf("the server was restarted at %s", e.StartedAt.Format(time.RFC3339))
}

// Unwrap returns ErrRestarted.
func (e *ServerChangedError) Unwrap() error { return ErrRestarted }

// IdentityQuery is what a connection of whatever driver asks to know which run of which server it has reached: one column,
// for Is to judge.
func (s *Server) IdentityQuery() string {
	if s.IsMariaDB() {
		return `SELECT CONCAT(UNIX_TIMESTAMP() - CAST(VARIABLE_VALUE AS SIGNED), ' ', @@server_id, '@', @@hostname, ':', @@port)
			FROM information_schema.global_status WHERE VARIABLE_NAME = 'Uptime'`
	}
	return `SELECT CONCAT(UNIX_TIMESTAMP() - CAST(VARIABLE_VALUE AS SIGNED), ' ', @@server_uuid)
		FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Uptime'`
}

// Is returns nil if the answer to IdentityQuery is that of this very run of this server, else a *ServerChangedError. The
// start is the server's time less its uptime, both in whole seconds, by the clock of one statement: that gives the same at
// every look, also when the clock is set. A server that is restarted within the second of its start is not told apart.
func (s *Server) Is(answer string) error {
	uuid, started, err := parseIdentity(answer)
	if err != nil {
		return err
	}
	if uuid == s.UUID && started.Equal(s.StartedAt) {
		return nil
	}
	return &ServerChangedError{Was: s.UUID, Is: uuid, StartedAt: started}
}

// SameRun says whether two looks at a server saw the same instance without a restart between them, as Is.
func (s *Server) SameRun(other *Server) bool {
	return s.UUID == other.UUID && s.StartedAt.Equal(other.StartedAt)
}

// MayHaveDataOf says whether the server may work on the data of the other look: it is the same one, or a MariaDB of the same
// server_id, whose host name is part of who it is. A container that is made anew has another host name; a replica another server_id.
func (s *Server) MayHaveDataOf(other *Server) bool {
	id, _, named := strings.Cut(s.UUID, "@")
	return s.UUID == other.UUID || named && strings.HasPrefix(other.UUID, id+"@")
}

func parseIdentity(answer string) (uuid string, started time.Time, err error) {
	first, uuid, _ := strings.Cut(answer, " ")
	seconds, err := strconv.ParseInt(first, 10, 64)
	if err != nil || uuid == "" {
		return "", time.Time{}, fmt.Errorf("ask server who it is: it answers %q", answer)
	}
	return uuid, time.Unix(seconds, 0).UTC(), nil
}

// identify asks a new connection which server it has reached.
func identify(ctx context.Context, c driver.Conn, s *Server) (err error) {
	queryer, ok := c.(driver.QueryerContext)
	if !ok {
		return errors.New("ask server who it is: the driver cannot query")
	}
	rows, err := queryer.QueryContext(ctx, s.IdentityQuery(), nil)
	if err != nil {
		return fmt.Errorf("ask server who it is: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	cells := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(cells); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("ask server who it is: %w", err)
	}
	answer, _ := cells[0].([]byte)
	return s.Is(string(answer))
}
