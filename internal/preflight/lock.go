package preflight

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/midstreamdb/midstream/internal/conn"
)

// checkLock refuses a second migration of the table while another one holds its named lock.
func checkLock(ctx context.Context, in *inspection) ([]finding, error) {
	var id sql.NullInt64
	err := in.DB.QueryRowContext(ctx, "SELECT IS_USED_LOCK(?)", conn.LockName(in.Names.Source.String())).Scan(&id)
	if err != nil {
		return nil, fmt.Errorf("ask for lock: %w", err)
	}
	if !id.Valid {
		return nil, nil
	}
	if in.Locked {
		return nil, nil
	}
	in.locked = true
	holder := fmt.Sprintf("session %d", id.Int64)
	p, err := conn.FindProcess(ctx, in.DB, uint64(id.Int64))
	if err != nil {
		return nil, err
	}
	if p != nil {
		holder += fmt.Sprintf(" of %s from %s", p.User, p.Host)
	}
	return []finding{fail(fmt.Sprintf("another migration of %s is running: %s holds its lock", in.Names.Source, holder),
		"wait for its end or stop it")}, nil
}
