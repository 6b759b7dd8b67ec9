package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/midstreamdb/midstream/internal/adapt"
	"github.com/midstreamdb/midstream/internal/alter"
	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/changelog"
	"github.com/midstreamdb/midstream/internal/checkpoint"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// Runner carries one migration from its first look at the server to the swapped table.
type Runner struct {
	cfg     Config
	started time.Time
	alter   *alter.Alter
	ddlMode string // sql_mode of the sessions that execute it
	names   table.Names

	db          *sql.DB // for everything but applying and the application of the ALTER
	server      *conn.Server
	apply       Apply             // as the server allows it
	watch       string            // by what others who write the shadow are noticed
	found       *table.Table      // the source as preflight saw it
	checks      []table.CheckName // of its CHECK constraints, where the shadow's need others
	renamed     []table.CheckName // those that the swap does not give back
	againstCopy error             // what preflight found to stand against copying rows; nil: nothing
	made        string            // the shadow's definition right after the ALTER
	mapping     *table.Mapping
	ordered     bool // commits become visible in the order of the log
	lock        *conn.Lock
	run         uint64             // its number in the changelog
	writers     conn.Config        // of the sessions that write rows
	keeper      *keeper            // nil before it is known whether there is a checkpoint
	algorithm   algorithm          // by which the server can alter the source itself; "": it cannot
	whyCopy     string             // what the server says to that
	record      *checkpoint.Record // what this run goes on from; nil: it began anew
	obsolete    *checkpoint.Record // of an earlier run: what it has left is dropped before this one begins; nil: nothing
	swapped     bool               // an earlier run has swapped the tables
	unseen      bool               // the swap was tried, and nobody has seen yet what became of it
	log         *changelog.Changelog
	xaCommits   *binlog.XACommits // that fences wait for; nil where they need not
	stream      *binlog.Stream
	services    *services
	parts       atomic.Pointer[parts] // what works on the rows; nil before Prepare
	view        view
	left        []string // statements that remove what the migration has created
	summary     Summary

	whyIndexed string               // why the shadow shall have all indexes from the beginning; "": it shall not
	deferred   *checkpoint.Deferred // indexes that the shadow gets when all rows are copied; nil: none
	indexed    bool                 // it has them

	courtesy *adapt.Courtesy // towards the application
	budget   *adapt.Budget   // of those who copy and those who apply
	yield    *adapt.Yield    // of those who copy, to the application
	writes   rateOfChanges

	goingOn      bool         // this process goes on from its own checkpoint
	kept         atomic.Value // string: the position of the checkpoint that was written last
	progress     string       // kept, at the last look
	lastProgress time.Time    // when it had moved
}

// New returns a runner; it does nothing until Run.
func New(cfg Config) *Runner {
	return &Runner{cfg: cfg, courtesy: adapt.NewCourtesy(), budget: adapt.NewBudget(), yield: adapt.NewYield()}
}

// phase is one step of the story.
type phase struct {
	name status.Phase
	run  func(*Runner, context.Context) error
}

// phases are the story. The cut-over shows itself as postponed while it has no permission.
var phases = []phase{
	{status.Preflight, (*Runner).preflight},
	{status.Prepare, (*Runner).prepare},
	{status.Copy, (*Runner).copy},
	{status.Index, (*Runner).buildIndexes},
	{status.CatchUp, (*Runner).catchUp},
	{status.Verify, (*Runner).verify},
	{status.CutOver, (*Runner).cutOver},
	{status.CleanUp, (*Runner).cleanUp},
}

// Run migrates the table and returns what was done. The error is a *Refusal, *Failure, *Unknown or *Leftover; ctx's end
// stops the migration cleanly, with a Failure. With DryRun it writes the plan and leaves everything as it was.
func (r *Runner) Run(ctx context.Context) (*Summary, error) {
	if err := r.cfg.Validate(); err != nil {
		return nil, err
	}
	r.started = time.Now()
	r.view.begin(r)
	defer r.close()
	for {
		err := r.tell(ctx)
		switch {
		case errors.Is(err, errPlanned):
			return &r.summary, nil
		case err == nil, errors.Is(err, errAltered):
			r.view.enter(status.Done)
			r.summary.Took = time.Since(r.started)
			return &r.summary, nil
		case !r.mayGoOn(ctx, err):
			return nil, r.explain(ctx, err)
		}
		r.reset()
	}
}

// tell tells the story, from the beginning or from where the checkpoint of an earlier run has it.
func (r *Runner) tell(ctx context.Context) error {
	for _, p := range phases {
		if r.skips(p.name) {
			continue
		}
		r.enter(p.name)
		if err := r.keepPhase(r.context(ctx), p.name); err != nil {
			return r.cause(err)
		}
		if err := p.run(r, r.context(ctx)); err != nil {
			return r.cause(err)
		}
	}
	return nil
}

// skips says whether the phase has nothing to do.
func (r *Runner) skips(name status.Phase) bool {
	return r.swapped && name != status.CleanUp || name == status.Index && (r.deferred == nil || r.indexed)
}

// keepPhase writes a checkpoint at the beginning of a phase that a later run must know of.
func (r *Runner) keepPhase(ctx context.Context, name status.Phase) error {
	switch name {
	case status.Preflight, status.Prepare, status.CleanUp:
		return nil
	}
	return r.keep(ctx)
}

// cause is the error of the service that ended a phase, if one did.
func (r *Runner) cause(err error) error {
	var told interface{ ExitCode() int }
	if errors.As(err, &told) {
		return err
	}
	if r.services != nil && r.services.ctx.Err() != nil {
		if failed := r.services.stop(); failed != nil {
			return failed
		}
	}
	return err
}

// reset forgets all but what the checkpoint says.
func (r *Runner) reset() {
	r.close()
	r.services, r.lock, r.db, r.keeper, r.record, r.deferred, r.xaCommits = nil, nil, nil, nil, nil, nil, nil
	r.swapped = false // preflight connects, and finds it out again
	r.parts.Store(nil)
	r.view.cuttingOver(nil)
	r.goingOn = true
}

// enter shows and logs that a phase begins.
func (r *Runner) enter(p status.Phase) {
	r.view.enter(p)
	r.cfg.Log.Info("phase begins", "phase", string(p))
}

// errPlanned ends a dry run.
var errPlanned = errors.New("planned")

// context is that of the services once they run: a phase ends with them.
func (r *Runner) context(ctx context.Context) context.Context {
	if r.services != nil {
		return r.services.ctx
	}
	return ctx
}

// copy copies all rows.
func (r *Runner) copy(ctx context.Context) error {
	p := r.parts.Load()
	r.Snapshot() // from here on the rates count, however seldom somebody looks
	if !p.copyDone.Load() {
		err := p.copier.Run(ctx)
		r.budget.NoRows()
		if err != nil {
			return err
		}
	}
	p.copyDone.Store(true)
	return nil
}

// catchUp returns when the changes made until now are applied and the shadow has its statistics.
func (r *Runner) catchUp(ctx context.Context) error {
	if err := r.settle(ctx); err != nil {
		return err
	}
	if err := r.analyze(ctx); err != nil && ctx.Err() == nil {
		r.cfg.Log.Warn("the new table has no index statistics yet: ANALYZE TABLE it after the swap", "error", err)
	}
	return nil
}

// settle waits until the changes made until now are applied; all rows are copied.
func (r *Runner) settle(ctx context.Context) error {
	p := r.parts.Load()
	fence, err := r.log.Fence(ctx)
	if err != nil {
		return err
	}
	if p.replay != nil {
		p.replay.RequireSettled(fence)
	}
	r.view.waitFor("the changes made meanwhile")
	defer r.view.waitFor("")
	return p.applier.WaitApplied(ctx, fence)
}

// close ends what runs and gives back what is held; what matters of it has been reported before.
func (r *Runner) close() {
	if r.services != nil {
		_ = r.services.stop()
	}
	if p := r.parts.Load(); p != nil {
		_ = p.applyDB.Close()
	}
	if r.lock != nil {
		_ = r.lock.Release()
	}
	if r.db != nil {
		_ = r.db.Close()
	}
}

// explain turns the error of a phase into the kind that tells what it means and what to do. What was stopped, or has left
// tables behind, is no refusal.
func (r *Runner) explain(ctx context.Context, err error) error {
	var told interface{ ExitCode() int }
	begun := len(r.left) > 0 || r.goingOn || ctx.Err() != nil
	if errors.As(err, &told) && (told.ExitCode() != ExitRefused || !begun) {
		return err
	}
	if r.summary.Source.Table != "" { // known since the swap, whatever was forgotten to go on
		return r.leftover(err)
	}
	if r.services != nil {
		if failed := r.services.stop(); failed != nil {
			err = failed
		}
		r.keepLast(ctx)
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("stopped: %w", context.Cause(ctx))
	}
	if r.unseen {
		n := r.names
		return &Unknown{Err: fmt.Errorf("%w\nThe server was restarted while the tables were swapped, and whether they are was not seen: the same command finds out and goes on. "+
			"Or look at %s, %s and %s: they are swapped if the second is gone and the third is there", err, n.Source, n.Shadow, n.Retired)}
	}
	if !begun {
		if r.server == nil { // it never answered as one
			err = conn.Explain(r.cfg.Conn, err)
		}
		return &Refusal{Err: err}
	}
	return &Failure{Err: err, Source: r.lookAtSource(ctx), Restarts: r.cfg.Restart, Left: r.lastFirst()}
}

// lastFirst are the statements that remove what is left. The checkpoint and the changelog go last: beside them, the shadow is known as
// ours.
func (r *Runner) lastFirst() []string {
	left := slices.Clone(r.left)
	slices.Reverse(left)
	return left
}

// keepLast writes a checkpoint when all work has ended, so that nothing is done twice.
func (r *Runner) keepLast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookPatience)
	defer cancel()
	if err := r.keep(ctx); err != nil {
		r.cfg.Log.Warn("the last checkpoint was not written: the next run repeats what was done since the one before", "error", err)
	}
}

// lookAtSource says what became of the source table, as far as the server tells: others may have dropped or renamed it.
func (r *Runner) lookAtSource(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookPatience)
	defer cancel()
	var none int
	if r.db == nil {
		return "This run has not changed the source table."
	}
	err := r.db.QueryRowContext(ctx, "SELECT 1 FROM "+r.names.Source.String()+" LIMIT 0").Scan(&none)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "The source table serves, unchanged by this run."
	case conn.IsNoSuchTable(err):
		return fmt.Sprintf("The source table %s is gone, and not by this run. %s holds what was copied of it: look at it before it is dropped.",
			r.names.Source, r.names.Shadow)
	default:
		return "This run has not changed the source table; whether it serves could not be seen: " + conn.Message(err) + "."
	}
}

const lookPatience = 5 * time.Second
