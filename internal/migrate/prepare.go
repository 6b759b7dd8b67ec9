package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/midstreamdb/midstream/internal/alter"
	"github.com/midstreamdb/midstream/internal/applier"
	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/copier"
	"github.com/midstreamdb/midstream/internal/preflight"
	"github.com/midstreamdb/midstream/internal/progress"
	"github.com/midstreamdb/midstream/internal/table"
	"github.com/midstreamdb/midstream/internal/throttle"
)

// preflight connects, and refuses what cannot work before anything is touched.
func (r *Runner) preflight(ctx context.Context) error {
	err := r.connect(ctx)
	if err != nil {
		return err
	}
	if err := r.chooseWay(ctx); err != nil {
		return err
	}
	if r.watch, err = r.canWatch(ctx); err != nil {
		return err
	}
	r.writers = r.cfg.Conn
	source, err := table.Name{Schema: r.cfg.Database, Table: r.cfg.Table}.AsStored(ctx, r.db)
	if err != nil {
		return err
	}
	if r.ddlMode, err = ddlMode(ctx, r.db); err != nil {
		return err
	}
	ddl, err := r.openDDL()
	if err != nil {
		return err
	}
	defer func() { _ = ddl.Close() }() // nothing of it is needed any more
	r.setNames(source)
	if err := r.find(ctx); err != nil || r.swapped {
		return err
	}
	report, err := preflight.Run(ctx, preflight.Input{
		DB: r.db, Server: r.server, Names: r.names,
		Statement: preflight.Statement{Text: r.cfg.Alter, Dialect: alter.DialectOf(r.ddlMode), DB: ddl},
		Options: preflight.Options{AllowReplica: r.cfg.AllowReplica, AllowRenamed: r.cfg.AllowRenamed, AllowLossy: r.cfg.AllowLossy, MayBeNative: r.cfg.Native != NativeOff && r.record == nil,
			XAPatience: xaPatience, Resumes: r.record != nil, Discards: r.obsolete != nil, Locked: r.lock != nil, Verify: r.cfg.Verify, Refresh: r.apply == Refresh, Unwatched: r.watch == byNothing},
	})
	if err != nil {
		return err
	}
	if err := report.Err(); err != nil {
		return &Refusal{Err: err}
	}
	if r.obsolete != nil {
		if err := r.discard(ctx, r.keeper.store, r.obsolete); err != nil {
			return err
		}
		r.obsolete = nil
	}
	r.alter, r.found, r.checks, r.renamed, r.againstCopy = report.Alter, report.Source, report.Checks, report.Renamed, report.CopyErr()
	r.view.found(r.server, report.Source)
	if r.record == nil {
		if err := r.chooseDeferral(ctx); err != nil {
			return err
		}
	}
	return r.plan(ctx, report)
}

// checkServer refuses a server that is none to migrate on, before anything of an earlier run is taken over or dropped there: the
// tables of a migration are on replicas, too.
func checkServer(ctx context.Context, db *sql.DB, server *conn.Server, allowReplica bool) error {
	report, err := preflight.RunServer(ctx, preflight.Input{DB: db, Server: server, Options: preflight.Options{AllowReplica: allowReplica}})
	if err != nil {
		return err
	}
	if err := report.Err(); err != nil {
		return &Refusal{Err: err}
	}
	return nil
}

// setNames names the tables of a migration that begins.
func (r *Runner) setNames(source table.Name) {
	r.names = table.NamesFor(source)
	if r.cfg.TimestampName {
		r.names.Retired = r.names.RetiredAt(r.started)
	}
}

// connect finds out which run of which server answers; from then on no connection may reach another.
func (r *Runner) connect(ctx context.Context) error {
	r.cfg.Conn.Server = nil
	whoever, err := conn.Open(r.cfg.Conn, nil)
	if err != nil {
		return err
	}
	defer func() { _ = whoever.Close() }() // an idle session
	if r.server, err = conn.Inspect(ctx, whoever); err != nil {
		return err
	}
	r.cfg.Conn.Server = r.server
	r.db, err = conn.Open(r.cfg.Conn, nil)
	return err
}

// prepare takes the table's lock, creates the shadow and the changelog, and starts what runs beside the phases.
func (r *Runner) prepare(ctx context.Context) error {
	if r.record != nil {
		return r.resume(ctx)
	}
	if err := r.takeLock(ctx); err != nil {
		return err
	}
	if err := r.createTables(ctx); err != nil {
		return r.undo(ctx, err)
	}
	done, err := r.native(ctx)
	if err != nil {
		return r.undo(ctx, err)
	}
	if done {
		return r.finishNative(ctx)
	}
	if err := r.mayCopy(); err != nil {
		return r.undo(ctx, err)
	}
	if err := r.deferIndexes(ctx); err != nil {
		return r.undo(ctx, err)
	}
	position, err := r.startPosition(ctx)
	if err != nil {
		return r.undo(ctx, err)
	}
	if err := r.mapColumns(ctx); err != nil {
		return r.undo(ctx, &Refusal{Err: err})
	}
	if err := r.complete(ctx); err != nil {
		return r.undo(ctx, err)
	}
	r.keeper.safe = position
	if err := r.keep(ctx); err != nil { // before the first row is written
		return r.undo(ctx, err)
	}
	return r.start(ctx, position)
}

// createTables creates the checkpoint first: it says that the shadow will be ours.
func (r *Runner) createTables(ctx context.Context) error {
	r.log = r.newChangelog()
	err := r.create(ctx, r.names.Checkpoint, func(ctx context.Context) error { return r.keeper.store.Create(ctx, &r.keeper.record) })
	if err != nil {
		return err
	}
	if err := r.create(ctx, r.names.Changelog, r.log.Create); err != nil {
		return err
	}
	run, err := r.log.TakeOver(ctx)
	if err != nil {
		return err
	}
	r.enlist(run)
	r.keeper.store = r.keeper.store.While(r.log.Names(run))
	return r.makeShadow(ctx)
}

// create has a table created, and notes it as one of this run: only such a table is ever dropped. One whose creation the
// server did not answer may exist, now or soon: it is this run's as well, since the name was free before.
func (r *Runner) create(ctx context.Context, name table.Name, create func(context.Context) error) error {
	err := create(ctx)
	if !conn.IsRefused(err) {
		r.left = append(r.left, "DROP TABLE IF EXISTS "+name.String()+";")
	}
	return err
}

// mapColumns looks at both tables and decides how rows become rows. It does so when the start position is taken: what others
// did to the definitions before does not stand in what is read of the log.
func (r *Runner) mapColumns(ctx context.Context) error {
	source, err := table.Inspect(ctx, r.db, r.names.Source)
	if err != nil {
		return err
	}
	shadow, err := table.Inspect(ctx, r.db, r.names.Shadow)
	if err != nil {
		return err
	}
	// The definitions of a migration that goes on are compared with its checkpoint's.
	if r.record == nil && (withoutCounter(source.CreateSQL) != withoutCounter(r.found.CreateSQL) || withoutCounter(shadow.CreateSQL) != withoutCounter(r.made)) {
		return fmt.Errorf("the definition of %s or %s was changed by somebody else while the migration began: start it again", source.Name, shadow.Name)
	}
	if !r.server.IsMariaDB() {
		modes, err := serverMode(ctx, r.db)
		if err != nil {
			return err
		}
		if err := preflight.CheckModes(modes, source, shadow); err != nil {
			return err
		}
	}
	zone, err := table.GlobalTimeZone(ctx, r.db)
	if err != nil {
		return err
	}
	r.mapping, err = table.Map(source, shadow, table.Changes{Renames: r.alter.Renames, Drops: r.alter.Drops, TimeZone: zone,
		Moment: r.keeper.record.Started, MariaDB: r.server.IsMariaDB(), AllowLossy: r.cfg.AllowLossy})
	if err != nil {
		return fmt.Errorf("map %s to its new definition: %w", r.names.Source, err)
	}
	if r.apply == Refresh {
		return nil
	}
	if refusals := table.ReplayRefusals(r.mapping); len(refusals) > 0 {
		return fmt.Errorf("refuse --apply=replay: %s", strings.Join(refusals, "; "))
	}
	if added := r.mapping.AddedUnique; len(added) > 0 {
		r.cfg.Log.Warn("changes are applied one after the other: the ALTER adds a unique key that the source's clock does not know",
			"key", added[0].Name)
	}
	return nil
}

// startPosition returns where the stream begins: no transaction that stands in the log before it can still appear.
func (r *Runner) startPosition(ctx context.Context) (binlog.Position, error) {
	position, err := binlog.Current(ctx, r.db, r.server)
	if err != nil {
		return position, err
	}
	return position, preflight.AwaitNoPreparedXA(ctx, r.db, xaPatience)
}

// xaPatience is how long undecided XA transactions are waited for.
const xaPatience = 10 * time.Second

// errRenamedBack says that the log holds a swap of the migration, and the tables are not swapped.
var errRenamedBack = errors.New("the binary log holds the swap of this very migration, and the tables are not swapped: somebody has renamed them back, and what was changed meanwhile is not known")

// readLog feeds the applier until the swap is read in the log, which ends the work. A fence has come back through the log
// before the cut-over begins: a swap that is read earlier is not that of this process, and what waits for the log must not
// wait for ever.
func (r *Runner) readLog(ctx context.Context, feed func(context.Context, *binlog.Transaction) error) error {
	err := r.stream.Run(ctx, feed)
	if errors.Is(err, binlog.ErrSwapped) && !ending(r.view.now()) {
		return errRenamedBack
	}
	if errors.Is(err, binlog.ErrSwapped) || errors.Is(err, progress.ErrEnded) {
		return nil
	}
	return r.whose(ctx, err)
}

// undo drops what prepare has created, for a migration that ends before it has begun. One that goes on keeps everything.
func (r *Runner) undo(ctx context.Context, cause error) error {
	if r.record != nil {
		return cause
	}
	if err := r.dropCreated(ctx); err != nil {
		return fmt.Errorf("%w; undo what was begun: %w", cause, err)
	}
	return cause
}

// dropCreated drops the tables that this run has created, also when ctx has ended.
func (r *Runner) dropCreated(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoPatience)
	defer cancel()
	for len(r.left) > 0 {
		last := len(r.left) - 1
		err := conn.Retry(ctx, dropPatience, func() error {
			_, err := r.db.ExecContext(ctx, r.left[last])
			return err
		})
		if err != nil {
			return err
		}
		r.left = r.left[:last]
	}
	return nil
}

const undoPatience = 30 * time.Second

// start builds the parts and starts the services. The stream's first item, a heartbeat of ours, proves that it is read
// before the first chunk is.
func (r *Runner) start(ctx context.Context, position binlog.Position) error {
	r.writers.Annotates = r.watch == byAnnotation
	watch, err := r.watchShadow(ctx)
	if err != nil {
		return r.undo(ctx, err)
	}
	p, err := r.assemble(ctx, position)
	if err != nil {
		return r.undo(ctx, err)
	}
	changes, err := table.Inspect(ctx, r.db, r.names.Changelog)
	if err != nil {
		return r.undo(ctx, err)
	}
	r.stream = binlog.New(binlog.Config{
		Conn: r.cfg.Conn, Server: r.server, ServerID: r.cfg.ReplicaServerID, Start: position,
		Ordered: r.apply == Refresh, XACommits: r.xaCommits,
		Source: r.mapping.Source, Columns: p.columns, Changelog: changes, Guarded: []table.Name{r.names.Shadow}, Watch: watch, Begins: r.record == nil,
		ReconnectTimeout: r.cfg.ReconnectTimeout, Log: r.cfg.Log,
	})
	r.goOnVerifying(p)
	r.parts.Store(p)
	r.services = newServices(ctx)
	r.services.start("keep the table's lock", func(ctx context.Context) error { return r.lock.Run(ctx, r.cfg.ReconnectTimeout) })
	r.services.start("throttle", p.gate.Run)
	r.services.start("apply changes", p.applier.Run)
	r.services.start("read binary log", func(ctx context.Context) error { return r.readLog(ctx, p.watch(r.mapping, p.applier.Feed)) })
	if r.xaCommits != nil {
		r.services.start("look after XA commits", r.xaCommits.Run)
	}
	r.services.start("write heartbeats", r.log.Run)
	r.services.start("write checkpoints", r.keepOn)
	fence, err := r.log.Fence(r.services.ctx)
	if err != nil {
		return err
	}
	r.view.waitFor("the first change to come back through the binary log")
	return p.applier.WaitApplied(r.services.ctx, fence)
}

// assemble builds what works on the rows.
func (r *Runner) assemble(ctx context.Context, position binlog.Position) (*parts, error) {
	apply := r.writers
	apply.MultiStatements = true
	applyDB, err := conn.Open(apply, nil)
	if err != nil {
		return nil, err
	}
	var checks []throttle.Check
	if r.cfg.ThrottleFile != "" {
		checks = append(checks, throttle.FlagFile(r.cfg.ThrottleFile))
	}
	p := &parts{applyDB: applyDB, applied: progress.NewApplied(position), xaCommits: r.xaCommits}
	p.gate = throttle.New(throttleInterval, checks...)
	left := &chunk.Rest{}
	if r.record != nil {
		left = rest(r.record.Copied)
		p.copyDone.Store(r.record.Copied.Done)
	}
	registry, err := r.chooseApplier(ctx, p, applier.Deps{
		Conn: apply, DB: applyDB, Server: r.server, Mapping: r.mapping, Applied: p.applied, Gate: p.gate,
		Bound: r.boundChanges(),
	}, left)
	if err != nil {
		return nil, errors.Join(err, applyDB.Close())
	}
	p.chunker = chunk.New(chunk.Config{Target: r.cfg.ChunkTime, Shortened: r.courtesy.Shorten, Rows: int(r.cfg.ChunkSize), Rest: left}, r.db, r.mapping)
	p.copier = copier.New(copier.Config{Workers: r.cfg.CopyWorkers, PassLocked: r.ordered, Rest: left}, copier.Deps{
		Conn: r.writers, Server: r.server, Mapping: r.mapping,
		Chunker: p.chunker, Gate: p.gate, Settler: settler{r}, Registry: registry, Bound: r.boundRows(), Pause: r.pause(), Log: r.cfg.Log,
	})
	return p, nil
}

const (
	throttleInterval = 200 * time.Millisecond
	statementBytes   = 512 << 10 // below half of the smallest max_allowed_packet that is accepted
	queueBytes       = 64 << 20
)

// settler tells the copier when what was committed before is applied.
type settler struct{ r *Runner }

// Settle implements copier.Settler.
func (s settler) Settle(ctx context.Context) error {
	fence, err := s.r.log.Fence(ctx)
	if err != nil {
		return err
	}
	return s.r.parts.Load().applier.WaitApplied(ctx, fence)
}
