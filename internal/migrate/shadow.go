package migrate

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// ddlMode returns the sql_mode of a session that executes the user's ALTER: the one of a session that sets nothing, so that
// the text means the same, but for the modes that refuse zero dates which the table may hold already.
func ddlMode(ctx context.Context, q conn.Querier) (string, error) {
	modes, err := serverMode(ctx, q)
	if err != nil {
		return "", err
	}
	kept := slices.DeleteFunc(strings.Split(modes, ","), func(mode string) bool {
		return mode == "NO_ZERO_DATE" || mode == "NO_ZERO_IN_DATE" || mode == "TRADITIONAL"
	})
	return strings.Join(kept, ","), nil
}

// serverMode is that of sessions that set nothing.
func serverMode(ctx context.Context, q conn.Querier) (modes string, err error) {
	if err = q.QueryRowContext(ctx, `SELECT @@GLOBAL.sql_mode`).Scan(&modes); err != nil {
		err = fmt.Errorf("ask server for its sql_mode: %w", err)
	}
	return modes, err
}

// openDDL opens connections for the user's ALTER, which runs as in a session that sets nothing.
func (r *Runner) openDDL() (*sql.DB, error) {
	return conn.Open(r.cfg.Conn, conn.Settings{"sql_mode": "'" + r.ddlMode + "'", "time_zone": "@@GLOBAL.time_zone"})
}

// makeShadow creates the shadow, empty, with its new definition.
func (r *Runner) makeShadow(ctx context.Context) error {
	db, err := r.openDDL()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // what it did has been answered
	if err := r.createShadow(ctx, db); err != nil {
		return err
	}
	if err := r.nameChecks(ctx); err != nil {
		return err
	}
	if err := r.alterShadow(ctx, db); err != nil {
		return err
	}
	r.made, err = definition(ctx, r.db, r.names.Shadow)
	return err
}

// remakeShadow makes the shadow anew, which is empty and the last table that this run has created.
func (r *Runner) remakeShadow(ctx context.Context) error {
	if _, err := r.db.ExecContext(ctx, "DROP TABLE "+r.names.Shadow.String()); err != nil {
		return fmt.Errorf("make shadow table %s anew: %w", r.names.Shadow, err)
	}
	r.left = r.left[:len(r.left)-1]
	return r.makeShadow(ctx)
}

// createShadow creates the shadow table like the source. A table of its name is an error, and is somebody else's.
func (r *Runner) createShadow(ctx context.Context, db *sql.DB) error {
	session, id, err := conn.Session(ctx, db)
	if err != nil {
		return err
	}
	defer func() { _ = session.Close() }() // it goes back to the pool
	return r.create(ctx, r.names.Shadow, func(ctx context.Context) error {
		_, err := session.ExecContext(ctx, "CREATE TABLE "+r.names.Shadow.String()+" LIKE "+r.names.Source.String())
		if err == nil {
			return nil
		}
		err = fmt.Errorf("create shadow table %s: %w", r.names.Shadow, err)
		if !conn.IsRefused(err) { // it may be at work still, and wait for a lock of the source
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoPatience)
			defer cancel()
			if ended := r.cfg.Conn.EndSession(ctx, r.db, r.server, id); ended != nil {
				err = fmt.Errorf("%w (%v)", err, ended)
			}
		}
		return err
	})
}

// nameChecks gives the shadow's CHECK constraints names that become the source's with the swap, where they can.
func (r *Runner) nameChecks(ctx context.Context) error {
	shadow, err := table.Inspect(ctx, r.db, r.names.Shadow)
	if err != nil {
		return err
	}
	renames, err := table.RenameChecks(r.found, shadow, r.checks)
	if err != nil {
		return err
	}
	for _, statement := range renames {
		if _, err := r.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("name the constraints of shadow table %s: %w", r.names.Shadow, err)
		}
	}
	return nil
}

// alterShadow alters the shadow while it is empty; what the server does not accept is a Refusal. The rebuild at the end
// leaves the table without row versions of instant changes.
func (r *Runner) alterShadow(ctx context.Context, ddl *sql.DB) error {
	altered, err := r.tryNative(ctx, ddl)
	if err != nil {
		return err
	}
	if !altered {
		if _, err := ddl.ExecContext(ctx, r.alter.Calling(r.checks).For(r.names.Shadow)); err != nil {
			return &Refusal{Err: fmt.Errorf("the server refuses the ALTER: %s", conn.Message(err))}
		}
	}
	if _, err := ddl.ExecContext(ctx, "ALTER TABLE "+r.names.Shadow.String()+" FORCE"); err != nil {
		return fmt.Errorf("rebuild shadow table %s: %w", r.names.Shadow, err)
	}
	return nil
}

// definition returns the CREATE statement of a table as sessions of the migration see it.
func definition(ctx context.Context, db *sql.DB, name table.Name) (string, error) {
	t, err := table.Inspect(ctx, db, name)
	if err != nil {
		return "", err
	}
	return t.CreateSQL, nil
}

var counter = regexp.MustCompile(`(?m)^(\)[^']*) AUTO_INCREMENT=\d+`)

// withoutCounter leaves AUTO_INCREMENT out of a CREATE statement: it moves with every row.
func withoutCounter(create string) string { return counter.ReplaceAllString(create, "$1") }
