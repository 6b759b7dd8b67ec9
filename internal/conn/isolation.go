package conn

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
)

// isolated is a connector whose connections read at READ COMMITTED: the one statement for it that both engines know.
type isolated struct{ driver.Connector }

// Connect implements driver.Connector.
func (c isolated) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	execer, ok := conn.(driver.ExecerContext)
	if !ok {
		return nil, errors.Join(errors.New("set isolation: the driver cannot execute"), conn.Close())
	}
	if _, err := execer.ExecContext(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", nil); err != nil {
		return nil, errors.Join(fmt.Errorf("set isolation: %w", err), conn.Close())
	}
	return conn, nil
}
