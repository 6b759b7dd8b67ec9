package conn

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
)

// prepared is a connector whose connections read at READ COMMITTED, by the one statement for it that both engines know,
// are known to be to the right server, and are enlisted.
type prepared struct {
	driver.Connector
	annotates bool
	server    *Server // nil: any
	enlist    string  // "": not
}

// ErrSuperseded says that another run has taken the migration over: this one must not write any more.
var ErrSuperseded = errors.New("another run goes on with this migration")

// onConnect are the statements that every connection begins with. From 11.6.2 on MariaDB refuses, by default, to lock a row
// that changed since the statement began (error 1020); our locking reads want the row as it is.
var onConnect = []string{
	"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
	"SET /*M!110602 SESSION innodb_snapshot_isolation = OFF, */ SESSION autocommit = 1",
}

// Connect implements driver.Connector.
func (c prepared) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	execer, ok := conn.(driver.ExecerContext)
	if !ok {
		return nil, errors.Join(errors.New("prepare session: the driver cannot execute"), conn.Close())
	}
	statements := onConnect
	if c.annotates {
		statements = append(slices.Clone(statements), annotate)
	}
	for _, statement := range statements {
		if _, err := execer.ExecContext(ctx, statement, nil); err != nil {
			return nil, errors.Join(fmt.Errorf("prepare session: %w", err), conn.Close())
		}
	}
	if c.server != nil {
		if err := identify(ctx, conn, c.server); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	if c.enlist != "" {
		if err := enlist(ctx, execer, c.enlist); err != nil {
			return nil, errors.Join(fmt.Errorf("enlist session: %w", err), conn.Close())
		}
	}
	return conn, nil
}

func enlist(ctx context.Context, execer driver.ExecerContext, statement string) error {
	result, err := execer.ExecContext(ctx, statement, nil)
	if err != nil {
		return err
	}
	if rows, err := result.RowsAffected(); err != nil || rows > 0 {
		return err
	}
	return ErrSuperseded
}
