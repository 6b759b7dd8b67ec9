package preflight

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/midstreamdb/midstream/internal/conn"
)

// checkOwnSessions ends a session of its own: a statement whose outcome is unknown is made certain by that. Every user may
// end its own sessions; it fails where a proxy stands between, whose session ids are not the server's.
func checkOwnSessions(ctx context.Context, in *inspection) ([]finding, error) {
	victim, id, err := conn.Session(ctx, in.DB)
	if err != nil {
		return nil, err
	}
	defer func() { _ = victim.Close() }() // it is to be broken
	killer, _, err := conn.Session(ctx, in.DB)
	if err != nil {
		return nil, err
	}
	defer func() { _ = killer.Close() }() // only goes back to the pool
	return killFindings(ctx, killer, victim, id)
}

func killFindings(ctx context.Context, killer, victim *sql.Conn, id uint64) ([]finding, error) {
	const fix = "connect to the server itself, not through a proxy that shares sessions"
	if _, err := killer.ExecContext(ctx, fmt.Sprintf("KILL %d", id)); err != nil {
		if conn.IsConnectionLost(err) {
			return nil, err
		}
		return []finding{fail(fmt.Sprintf("a session of our own cannot be ended (the server says: %s)", conn.Message(err)), fix)}, nil
	}
	if _, err := victim.ExecContext(ctx, "DO 0"); err == nil {
		return []finding{fail("a session of our own goes on after it was ended: its id is not the server's", fix)}, nil
	}
	return nil, nil
}
