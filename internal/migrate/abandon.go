package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/midstreamdb/midstream/internal/checkpoint"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/cutover"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// Checkpoint returns what a migration's checkpoint says, as lines of text, and changes nothing. A table without one gets a
// line that says so.
func Checkpoint(ctx context.Context, c conn.Config, source table.Name) (string, error) {
	db, err := conn.Open(c, nil)
	if err != nil {
		return "", &Refusal{Err: err}
	}
	defer func() { _ = db.Close() }() // it has answered
	if source, err = source.AsStored(ctx, db); err != nil {
		return "", &Refusal{Err: conn.Explain(c, err)}
	}
	record, err := checkpoint.NewStore(db, table.NamesFor(source).Checkpoint, 0).Load(ctx)
	if err != nil {
		return "", &Refusal{Err: conn.Explain(c, err)}
	}
	if record == nil {
		return fmt.Sprintf("No migration of %s is under way or waits to go on.\n", source), nil
	}
	running := "does not run now; the same command goes on with it"
	var holder *uint64
	if err := db.QueryRowContext(ctx, "SELECT IS_USED_LOCK(?)", conn.LockName(source.String())).Scan(&holder); err != nil {
		return "", &Refusal{Err: fmt.Errorf("ask for the lock of %s: %w", source, err)}
	}
	if holder != nil {
		running = fmt.Sprintf("runs now: session %d of the server has its lock", *holder)
	}
	copied := status.Count(record.Rows) + " rows"
	if record.Copied.Done {
		copied += ", all"
	}
	verified := "nothing"
	if v := record.Verified; v != nil {
		verified = fmt.Sprintf("%s rows, %d to be looked at again", status.Count(v.Rows), len(v.Suspects))
	}
	return fmt.Sprintf(`Migration of %s, which %s
  statement    %s
  phase        %s
  copied       %s
  verified     %s
  applied      %s row changes, up to %s
  started      %s
  checkpoint   of %s, %s ago, by midstream %s
`, source, running, record.Statement, record.Phase, copied, verified, status.Count(record.Changes), record.Position,
		record.Started.UTC().Format(time.DateTime), record.Written.Format(time.DateTime), age(record), record.Tool), nil
}

// Abandon removes what a migration that does not run any more has left: only tables that bear our mark, and the shadow that
// the checkpoint names, if it is as it was left. confirm is asked before anything is dropped. When the tables are swapped
// already, the same command as before finishes, and nothing is removed here.
func Abandon(ctx context.Context, c conn.Config, source table.Name, confirm func(tables []table.Name) bool) error {
	r := New(Config{Conn: c, Restart: true, ReconnectTimeout: abandonPatience, Log: slog.New(slog.DiscardHandler)})
	defer r.close()
	var err error
	if r.db, err = conn.Open(c, nil); err != nil {
		return &Refusal{Err: err}
	}
	if r.server, err = conn.Inspect(ctx, r.db); err != nil {
		return &Refusal{Err: conn.Explain(c, err)}
	}
	if source, err = source.AsStored(ctx, r.db); err != nil {
		return &Refusal{Err: conn.Explain(c, err)}
	}
	r.names = table.NamesFor(source)
	store := checkpoint.NewStore(r.db, r.names.Checkpoint, abandonPatience)
	record, err := r.leftBehind(ctx, store)
	if err != nil {
		return err
	}
	if err := checkServer(ctx, r.db, r.server, record.Server.UUID == r.server.UUID); err != nil {
		return err
	}
	if err := r.takeLock(ctx); err != nil {
		return err
	}
	if !confirm([]table.Name{r.names.Shadow, r.names.Changelog, r.names.Checkpoint}) {
		return &Refusal{Err: errors.New("nothing was removed")}
	}
	// The answer may have taken long, and before the lock was taken somebody may have gone on.
	if err := r.lock.Held(ctx); err != nil {
		return &Refusal{Err: fmt.Errorf("nothing was removed: %w: start the command again", err)}
	}
	if record, err = r.leftBehind(ctx, store); err != nil {
		return err
	}
	if err := r.takeOver(ctx, record); err != nil {
		return err
	}
	if r.swapped {
		return &Refusal{Err: fmt.Errorf("the tables of %s are swapped: the command that migrated it, with --alter=%q, finishes when it is run again", source, record.Statement)}
	}
	return r.discard(ctx, store, record)
}

const abandonPatience = 10 * time.Second

// leftBehind returns the record of a migration that is to be abandoned.
func (r *Runner) leftBehind(ctx context.Context, store *checkpoint.Store) (*checkpoint.Record, error) {
	record, err := store.Load(ctx)
	switch {
	case errors.Is(err, checkpoint.ErrEmpty):
		return &checkpoint.Record{Names: r.names}, nil
	case err != nil:
		return nil, &Refusal{Err: err}
	case record == nil:
		return nil, &Refusal{Err: fmt.Errorf("no migration of %s has left a checkpoint: there is nothing to remove", r.names.Source)}
	}
	return record, nil
}

// discard drops what an earlier run has left: only tables that bear our mark, and the shadow that the checkpoint names. Of a
// run that ended before the shadow's fingerprint was kept, it must be empty.
func (r *Runner) discard(ctx context.Context, store *checkpoint.Store, record *checkpoint.Record) error {
	shadow, err := table.Inspect(ctx, r.db, r.names.Shadow)
	switch {
	case errors.Is(err, table.ErrNotFound):
	case err != nil:
		return r.cannotGoOn(err)
	case record.Shadow == "":
		var one int
		if err := r.db.QueryRowContext(ctx, "SELECT 1 FROM "+r.names.Shadow.String()+" LIMIT 1").Scan(&one); !errors.Is(err, sql.ErrNoRows) {
			return &Refusal{Err: fmt.Errorf("%s holds rows, and the checkpoint %s does not say that they are Midstream's: find out whose it is, and drop or rename it", r.names.Shadow, r.names.Checkpoint)}
		}
	case !record.MadeAs(fingerprint(shadow.CreateSQL)):
		return &Refusal{Err: fmt.Errorf("%s is not as the checkpoint %s says: somebody has changed it: look at it, and drop or rename it", r.names.Shadow, r.names.Checkpoint)}
	}
	if _, err := r.db.ExecContext(ctx, "DROP TABLE IF EXISTS "+r.names.Shadow.String()); err != nil {
		return err
	}
	if err := cutover.DropSentry(ctx, r.db, record.Names.Retired); err != nil {
		return err
	}
	if err := r.log.Drop(ctx); err != nil {
		return err
	}
	return store.Drop(ctx)
}
