package migrate

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/midstreamdb/midstream/internal/alter"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// ddlMode returns the sql_mode of a session that executes the user's ALTER: the one of a session that sets nothing, so that
// the text means the same, but for the modes that refuse zero dates which the table may hold already.
func ddlMode(ctx context.Context, q conn.Querier) (string, error) {
	var modes string
	if err := q.QueryRowContext(ctx, `SELECT @@GLOBAL.sql_mode`).Scan(&modes); err != nil {
		return "", fmt.Errorf("ask server for its sql_mode: %w", err)
	}
	kept := slices.DeleteFunc(strings.Split(modes, ","), func(mode string) bool {
		return mode == "NO_ZERO_DATE" || mode == "NO_ZERO_IN_DATE" || mode == "TRADITIONAL"
	})
	return strings.Join(kept, ","), nil
}

// openDDL opens connections for the user's ALTER, which runs as in a session that sets nothing.
func (r *Runner) openDDL() (*sql.DB, error) {
	return conn.Open(r.cfg.Conn, conn.Settings{"sql_mode": "'" + r.ddlMode + "'", "time_zone": "@@GLOBAL.time_zone"})
}

// createShadow creates the shadow table like the source. A table of its name is an error, and is somebody else's.
func createShadow(ctx context.Context, db *sql.DB, names table.Names) error {
	if _, err := db.ExecContext(ctx, "CREATE TABLE "+names.Shadow.String()+" LIKE "+names.Source.String()); err != nil {
		return fmt.Errorf("create shadow table %s: %w", names.Shadow, err)
	}
	return nil
}

// alterShadow alters the shadow while it is empty; what the server does not accept is a Refusal. The rebuild at the end
// leaves the table without row versions of instant changes.
func alterShadow(ctx context.Context, db *sql.DB, names table.Names, a *alter.Alter) error {
	if _, err := db.ExecContext(ctx, a.For(names.Shadow)); err != nil {
		return &Refusal{Err: fmt.Errorf("the server refuses the ALTER: %s", conn.Message(err))}
	}
	if _, err := db.ExecContext(ctx, "ALTER TABLE "+names.Shadow.String()+" FORCE"); err != nil {
		return fmt.Errorf("rebuild shadow table %s: %w", names.Shadow, err)
	}
	return nil
}

// trialDefinition returns the definition that the ALTER leads to, found with a temporary table that only its session sees,
// or why there is none. An ALTER that the server refuses is a Refusal.
func trialDefinition(ctx context.Context, db *sql.DB, names table.Names, a *alter.Alter) (string, error) {
	session, err := db.Conn(ctx)
	if err != nil {
		return "", fmt.Errorf("open session: %w", err)
	}
	defer session.Close()
	trial := names.Shadow.String()
	if _, err := session.ExecContext(ctx, "CREATE TEMPORARY TABLE "+trial+" LIKE "+names.Source.String()); err != nil {
		return "", fmt.Errorf("try the ALTER on a temporary table: %w", err)
	}
	defer func() {
		_, _ = session.ExecContext(context.WithoutCancel(ctx), "DROP TEMPORARY TABLE IF EXISTS "+trial) // else it ends with its session
	}()
	if _, err := session.ExecContext(ctx, a.For(names.Shadow)); err != nil {
		return "", &Refusal{Err: fmt.Errorf("the server refuses the ALTER: %s", conn.Message(err))}
	}
	var name, definition string
	if err := session.QueryRowContext(ctx, "SHOW CREATE TABLE "+trial).Scan(&name, &definition); err != nil {
		return "", fmt.Errorf("read definition of the temporary table: %w", err)
	}
	temporary, final := "CREATE TEMPORARY TABLE "+table.Quote(names.Shadow.Table), "CREATE TABLE "+table.Quote(names.Source.Table)
	return strings.Replace(definition, temporary, final, 1), nil
}
