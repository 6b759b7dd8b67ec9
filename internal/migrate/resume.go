package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/changelog"
	"github.com/midstreamdb/midstream/internal/checkpoint"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/cutover"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// find looks for the checkpoint of an earlier run. When there is one, this run takes the migration over: r.record is what to
// go on from, and r.swapped says that nothing but the clean-up is left. With Config.Restart it is dropped instead.
func (r *Runner) find(ctx context.Context) error {
	if r.goingOn { // whatever is there, and whatever is missing
		if err := r.mustServe(ctx); err != nil {
			return err
		}
	}
	store := checkpoint.NewStore(r.db, r.names.Checkpoint, r.cfg.ReconnectTimeout)
	record, err := store.Load(ctx)
	if record == nil && err == nil && r.goingOn {
		return r.findNone(store)
	}
	if errors.Is(err, checkpoint.ErrForeign) || record == nil && err == nil {
		r.keeper = newKeeper(store, r.firstRecord())
		return nil // preflight speaks of somebody else's tables
	}
	if err != nil && !errors.Is(err, checkpoint.ErrEmpty) {
		return r.cannotRead(err)
	}
	if r.cfg.DryRun && record != nil && begun(record) {
		return &Refusal{Err: fmt.Errorf("an earlier run has left %s, and a dry run plans new migrations only: its command goes on from there, midstream status shows it, and midstream cleanup removes what it has left", r.names.Checkpoint)}
	}
	if !r.goingOn {
		if err := r.mustServe(ctx); err != nil {
			return err
		}
	}
	if err := r.takeLock(ctx); err != nil {
		return err
	}
	// With the lock it is certain that nobody is about to write one, or another.
	if record, err = store.Load(ctx); err != nil && !errors.Is(err, checkpoint.ErrEmpty) {
		return r.cannotRead(err)
	}
	if record == nil {
		r.keeper = newKeeper(store, r.firstRecord())
		return store.Drop(ctx)
	}
	if err := r.takeOver(ctx, record); err != nil {
		return err
	}
	if r.swapped {
		return r.finish(store, record)
	}
	if r.restarts() || !begun(record) {
		r.setNames(r.names.Source)
		r.obsolete, r.keeper = record, newKeeper(store, r.firstRecord())
		return nil
	}
	if err := r.mustBeSame(record); err != nil {
		return err
	}
	if err := r.mustHaveKept(ctx, record); err != nil {
		return err
	}
	if record.Server.UUID != r.server.UUID {
		record.Verified = nil // what was compared there says nothing of the rows here
	}
	r.record, r.keeper, r.watch = record, newKeeper(store.While(r.log.Names(r.run)), *record), record.Settings.Watch
	r.keeper.record.Server = checkpoint.Server{UUID: r.server.UUID, StartedAt: r.server.StartedAt}
	return nil
}

// mustServe refuses a server that is none to migrate on. A process that goes on may wait for another to answer.
func (r *Runner) mustServe(ctx context.Context) error {
	err := checkServer(ctx, r.db, r.server, r.cfg.AllowReplica)
	if err != nil && r.goingOn && !conn.IsPassing(err) {
		return &notYetError{err}
	}
	return err
}

// notYetError says that whoever answers at the address is no server to go on with: a fail-over may be under way there, and it may
// be soon.
type notYetError struct{ err error }

// Error implements error.
func (e *notYetError) Error() string { return e.err.Error() }

// findNone is for a process that goes on and finds no checkpoint: it has dropped it itself, as the last of all, and did not
// get the answer; else nobody knows what is left.
func (r *Runner) findNone(store *checkpoint.Store) error {
	if r.summary.Source != r.names.Source {
		return &Refusal{Err: fmt.Errorf("cannot go on: the checkpoint %s is gone", r.names.Checkpoint)}
	}
	r.names.Retired = r.summary.Retired // by which name it went the checkpoint knew
	r.swapped, r.keeper, r.log = true, newKeeper(store, r.firstRecord()), r.newChangelog()
	return nil
}

// restarts says whether what an earlier run has left is to be dropped. What this one has left is not.
func (r *Runner) restarts() bool { return r.cfg.Restart && !r.goingOn }

// begun says whether the run that wrote the record had begun to write rows.
func begun(record *checkpoint.Record) bool { return record.Position != "" }

// finish leaves nothing but the clean-up to be done.
func (r *Runner) finish(store *checkpoint.Store, record *checkpoint.Record) error {
	if r.restarts() {
		return &Refusal{Err: fmt.Errorf("the tables of %s are swapped already: without --restart the command finishes", r.names.Source)}
	}
	if record.Statement != r.cfg.Alter {
		return &Refusal{Err: fmt.Errorf("an earlier migration has swapped the tables of %s and has not cleaned up: run its command again, with --alter=%q, and then this one", r.names.Source, record.Statement)}
	}
	var err error
	r.keeper, r.deferred = newKeeper(store, *record), record.Deferred
	if r.keeper.safe, err = provenPosition(record); err != nil {
		return r.cannotGoOn(err)
	}
	r.summary = Summary{
		Source: r.names.Source, Retired: r.names.Retired, Way: r.way(),
		Rows: record.Rows, Changes: record.Changes, Retries: record.Retries,
	}
	if record.Verified == nil {
		r.summary.Verified = "not known: the checkpoint does not say"
	}
	return nil
}

// takeLock takes the table's lock, unless it is held already. A run that died holds it until the server has noticed.
func (r *Runner) takeLock(ctx context.Context) error {
	if r.lock != nil {
		return nil
	}
	for began := time.Now(); ; {
		lock, err := conn.AcquireLock(ctx, r.cfg.Conn, conn.LockName(r.names.Source.String()))
		if err == nil {
			r.lock = lock
			return nil
		}
		if conn.IsPassing(err) {
			return err
		}
		var taken *conn.LockTakenError
		if !errors.As(err, &taken) || time.Since(began) > lockPatience || conn.Pause(ctx, lockPause) != nil {
			return &Refusal{Err: err}
		}
	}
}

const (
	lockPatience = 5 * time.Second
	lockPause    = 50 * time.Millisecond
)

// cannotGoOn is the refusal of a checkpoint, with both ways out. A reason that passes is none.
func (r *Runner) cannotGoOn(reason error) error {
	if conn.IsPassing(reason) {
		return reason
	}
	return &Refusal{Err: fmt.Errorf("cannot go on from checkpoint %s: %w\nPut that right and start the same command again, or begin anew with --restart", r.names.Checkpoint, reason)}
}

// onlyAnew is the refusal of a checkpoint for a reason that nothing done to it or to the tables puts right.
func (r *Runner) onlyAnew(reason error) error {
	return &Refusal{Err: fmt.Errorf("cannot go on from checkpoint %s: %w\nBegin anew with --restart", r.names.Checkpoint, reason)}
}

// cannotRead is the refusal of a checkpoint that cannot be read. Nobody but a person knows whether the tables are what it names.
func (r *Runner) cannotRead(reason error) error {
	if conn.IsPassing(reason) {
		return reason
	}
	n := r.names
	return &Refusal{Err: fmt.Errorf("cannot go on from checkpoint %s: %w\nPut that right and start the same command again, or, if what that migration has done is not needed, drop it: DROP TABLE IF EXISTS %s, %s, %s",
		n.Checkpoint, reason, n.Shadow, n.Changelog, n.Checkpoint)}
}

// takeOver makes this run the one that works on the migration: the sessions of earlier runs have ended, no new ones can be
// opened, nothing of theirs is at work on the shadow, and it is known whether the tables are swapped.
func (r *Runner) takeOver(ctx context.Context, record *checkpoint.Record) error {
	r.cfg.Conn.Run = record.Migration
	r.names.Retired = record.Names.Retired
	r.log = r.newChangelog()
	if !begun(record) {
		return nil // no session has written a row
	}
	lost := r.endOthers(ctx, record)
	if lost != nil && !conn.IsNoSuchTable(lost) {
		return r.cannotGoOn(lost)
	}
	if !ending(record.Phase) {
		return r.unlessRestarting(lost)
	}
	before := cutover.Definitions{Source: record.SourceColumns, Shadow: record.ShadowColumns, Certain: record.Phase == status.CleanUp}
	outcome, err := cutover.Determine(ctx, r.db, r.names, before)
	r.unseen = r.unseen && err != nil
	switch {
	case errors.Is(err, cutover.ErrUnknownOutcome):
		return &Unknown{Err: err}
	case err != nil:
		return r.cannotGoOn(err)
	case outcome == cutover.Torn:
		return &Unknown{Err: fmt.Errorf("the server did half of the swap: put it right by RENAME TABLE %s TO %s", r.names.Retired, r.names.Source)}
	case outcome == cutover.Swapped:
		r.swapped = true
		return nil // the clean-up drops the changelog first
	}
	return r.unlessRestarting(lost)
}

// ending says whether the tables may have been swapped in the phase.
func ending(p status.Phase) bool {
	return p == status.CutOver || p == status.Postponed || p == status.CleanUp
}

// unlessRestarting is the refusal of a migration without its changelog, unless it is to be dropped anyway.
func (r *Runner) unlessRestarting(lost error) error {
	if lost == nil || r.restarts() {
		return nil
	}
	return r.cannotGoOn(lost)
}

// endOthers ends the sessions of earlier runs and proves that nothing of theirs is left.
func (r *Runner) endOthers(ctx context.Context, record *checkpoint.Record) error {
	run, err := r.log.TakeOver(ctx)
	if err != nil {
		return err
	}
	r.enlist(run)
	ids, err := r.log.Sessions(ctx, run)
	if err != nil {
		return err
	}
	then := &conn.Server{UUID: record.Server.UUID, StartedAt: record.Server.StartedAt}
	for _, id := range ids {
		if err := r.cfg.Conn.EndSession(ctx, r.db, then, id); err != nil {
			return err
		}
	}
	if err := r.proveStill(ctx); err != nil && !conn.IsNoSuchTable(err) {
		return err
	}
	return r.log.Ended(ctx, run)
}

// proveStill takes a write lock on the shadow and gives it back: nobody has a transaction on it.
func (r *Runner) proveStill(ctx context.Context) error {
	session, _, err := conn.Session(ctx, r.db)
	if err != nil {
		return err
	}
	defer func() { _ = session.Close() }() // it goes back to the pool
	if _, err := session.ExecContext(ctx, "LOCK TABLES "+r.names.Shadow.String()+" WRITE"); err != nil {
		return fmt.Errorf("lock %s to see that nothing is at work on it: %w", r.names.Shadow, err)
	}
	_, err = session.ExecContext(ctx, "UNLOCK TABLES")
	return err
}

// mustBeSame refuses another statement, other settings, or a server that the checkpoint does not belong to.
func (r *Runner) mustBeSame(record *checkpoint.Record) error {
	var other []string
	for _, same := range []struct{ what, then, now string }{
		{"--alter", record.Statement, r.cfg.Alter},
		{"--apply", record.Settings.Apply, string(r.apply)},
		{"--allow-lossy", record.Settings.Lossy, strings.Join(r.cfg.AllowLossy, ",")},
	} {
		if same.then != same.now {
			other = append(other, fmt.Sprintf("%s was %q, and is %q now", same.what, same.then, same.now))
		}
	}
	position, err := binlog.ParsePosition(record.Position)
	switch {
	case err != nil:
		other = append(other, err.Error())
	case position.IsFile() && record.Server.UUID != r.server.UUID:
		other = append(other, fmt.Sprintf("its position %s is one of server %s, and this is %s", position, record.Server.UUID, r.server.UUID))
	}
	if record.Settings.Apply != string(r.apply) && r.apply != r.cfg.Apply {
		other = append(other, "binlog_order_commits is OFF: SET GLOBAL binlog_order_commits = ON for --apply=refresh")
	}
	if record.Settings.Watch == byAnnotation && r.watch == byNothing {
		other = append(other, "binlog_annotate_row_events is OFF: SET GLOBAL binlog_annotate_row_events = ON")
	}
	if r.cfg.Native == NativeOnly {
		other = append(other, "--native=only copies no rows, and they were being copied")
	}
	if len(other) > 0 {
		return r.cannotGoOn(errors.New(strings.Join(other, "; ")))
	}
	return nil
}

// mustHaveKept refuses a server that was restarted since and may have lost commits, from its tables or from its binary log: the
// shadow would get changes that the source does not have, or miss some that it has. Whether it was shut down in good order the
// server does not tell.
func (r *Runner) mustHaveKept(ctx context.Context, record *checkpoint.Record) error {
	then := &conn.Server{UUID: record.Server.UUID, StartedAt: record.Server.StartedAt}
	if !r.server.MayHaveDataOf(then) || then.SameRun(r.server) {
		return nil
	}
	keeps, err := r.server.KeepsCommits(ctx, r.db)
	if err != nil {
		return err
	}
	if !keeps {
		return r.onlyAnew(errors.New("the server was restarted since, and unless both innodb_flush_log_at_trx_commit and sync_binlog are 1, " +
			"a crash may lose commits from the tables or from the binary log. If you know that it was shut down in good order, set both to 1 and start the same command again"))
	}
	return nil
}

// resume goes on from the checkpoint, once everything is as it was written for.
func (r *Runner) resume(ctx context.Context) error {
	record := r.record
	if err := r.mapColumns(ctx); err != nil {
		return r.cannotGoOn(err)
	}
	shadow := fingerprint(r.mapping.Shadow.CreateSQL)
	for _, t := range []struct {
		as  bool
		now *table.Table
	}{{fingerprint(r.mapping.Source.CreateSQL) == record.Source, r.mapping.Source}, {record.MadeAs(shadow), r.mapping.Shadow}} {
		if !t.as {
			return r.cannotGoOn(fmt.Errorf("the definition of %s was changed since", t.now.Name))
		}
	}
	r.deferred, r.indexed = record.Deferred, shadow != record.Shadow
	zone, err := table.GlobalTimeZone(ctx, r.db)
	if err != nil {
		return err
	}
	if zone != record.Settings.Zone {
		return r.cannotGoOn(fmt.Errorf("the server's time zone was %s, and is %s now", record.Settings.Zone, zone))
	}
	if key := r.mapping.Key.Name; key != record.Settings.Key {
		return r.cannotGoOn(fmt.Errorf("the migration key was %s, and is %s now", record.Settings.Key, key))
	}
	position, err := provenPosition(record)
	if err != nil {
		return r.cannotGoOn(err)
	}
	if err := binlog.CanStream(ctx, r.db, r.server, position); err != nil {
		return r.cannotGoOn(err)
	}
	if r.apply == Refresh && r.xaCommits != nil {
		if err := r.xaCommits.Suspect(ctx); err != nil {
			return err
		}
	}
	r.left = nil
	for _, name := range []table.Name{r.names.Checkpoint, r.names.Changelog, r.names.Shadow} {
		r.left = append(r.left, "DROP TABLE IF EXISTS "+name.String()+";")
	}
	r.keeper.safe = position
	if err := r.keep(ctx); err != nil { // it says which run of the server the sessions belong to that are about to be opened
		return err
	}
	rows := r.mapping.Source.EstimatedRows
	told := []any{"copied", percent(record.Copied.Done, record.Rows, rows)}
	if v := record.Verified; v != nil && r.cfg.Verify {
		told = append(told, "verified", percent(v.Ended && len(v.Open) == 0, v.Rows, rows))
	}
	r.cfg.Log.Info("resuming", append(told, "changes_from", record.Position, "checkpoint_age", age(record))...)
	r.view.resumed(record)
	err = r.start(ctx, position)
	var lost *binlog.LostError
	switch cause := r.cause(err); {
	case errors.As(cause, &lost): // nothing was written: the log is proven before anything of it is taken
		r.left = nil
		return r.cannotGoOn(lost)
	case errors.Is(cause, errRenamedBack):
		r.left = nil
		return r.onlyAnew(cause)
	}
	return err
}

// newChangelog returns the changelog of the migration.
func (r *Runner) newChangelog() *changelog.Changelog {
	cfg := changelog.Config{Table: r.names.Changelog, Interval: r.cfg.Heartbeat, ReconnectTimeout: r.cfg.ReconnectTimeout}
	if r.apply == Refresh {
		cfg.Ordered = r.server
	}
	if !r.server.OrdersXACommits() {
		r.xaCommits = binlog.NewXACommits(r.db, r.cfg.ReconnectTimeout)
		cfg.Unordered = r.xaCommits
	}
	cfg.Beat = r.observe
	return changelog.New(r.db, cfg)
}

// enlist makes every session that writes rows note itself as one of this run.
func (r *Runner) enlist(run uint64) {
	r.run, r.writers = run, r.cfg.Conn
	r.writers.Enlist = r.log.Enlist(run)
}

// mayGoOn says whether the error passes, so that this process can go on from the stored checkpoint, as a new one would:
// what it knows beyond is discarded. It waits a little, and gives up when nothing was done for the reconnect timeout: what no
// checkpoint tells of will be discarded too, and does not count.
func (r *Runner) mayGoOn(ctx context.Context, err error) bool {
	var told interface{ ExitCode() int }
	var notYet *notYetError
	if ctx.Err() != nil || errors.As(err, &told) || !conn.IsPassing(err) && !errors.Is(err, conn.ErrRestarted) && !errors.As(err, &notYet) {
		return false
	}
	if !r.goingOn && !r.swapped && (r.keeper == nil || len(r.left) == 0 || r.keeper.record.Shadow == "" && r.record == nil) {
		return false // nothing was begun
	}
	if kept, _ := r.kept.Load().(string); kept != r.progress || r.lastProgress.IsZero() {
		r.progress, r.lastProgress = kept, time.Now()
	}
	if time.Since(r.lastProgress) > r.cfg.ReconnectTimeout {
		return false
	}
	r.cfg.Log.Warn("going on from the checkpoint", "after", err)
	return conn.Pause(ctx, goOnPause) == nil
}

const goOnPause = time.Second
