// Package cutover puts the shadow table in the place of the source: it waits until little is left to apply, takes a write
// lock, has the rest applied, renames under the same lock, and finds out what happened when a connection is lost. It
// knows nothing of how rows are copied and applied.
package cutover

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// Config says what is swapped, and how much the applications may notice of it.
type Config struct {
	Conn   conn.Config
	Server *conn.Server
	Names  table.Names

	LockTimeout time.Duration // how long an attempt waits for a lock; the servers count whole seconds, at least one
	MaxStall    time.Duration // predicted time of applying the rest beyond which no attempt is made
	// BlockerPatience bounds the wait for transactions that stand in the way, before an attempt.
	BlockerPatience time.Duration
	// ReconnectTimeout bounds how long an outcome is looked for when the server does not answer.
	ReconnectTimeout time.Duration
	// SetsAutoIncrement says that the ALTER sets AUTO_INCREMENT itself: the source's is not carried over.
	SetsAutoIncrement bool
	// ReadsSource says that the applier reads the source, to apply or to compare: where it does so in sessions of its own, a
	// lock is taken that lets readers in. It keeps writers out and waits for their transactions all the same.
	ReadsSource bool
	Log         *slog.Logger
}

// Deps are those whom the cut-over works with.
type Deps struct {
	Applier Applier
	Fencer  Fencer
	Lock    Lock
	// Permission is asked before every attempt; nil permits all.
	Permission Permission
}

// Permission says whether the swap may be tried now.
type Permission interface {
	// Reason returns why it must wait, in words for a status display, or "" when it may be tried.
	Reason(ctx context.Context) string
}

// Fencer writes fences to the changelog, in a session of its own.
type Fencer interface {
	Fence(ctx context.Context) (uint64, error)
}

// Lock is the named lock of the migration.
type Lock interface {
	// Held returns nil if the lock is surely held.
	Held(ctx context.Context) error
}

// Result is a swap that happened.
type Result struct {
	Attempts int
	LockWait time.Duration // from asking for the write lock until it was held; 0 when it was not seen
	Locked   time.Duration // from there until the new table was in place; 0 when it was not seen
}

// Stall returns how long statements on the table had to wait at most.
func (r Result) Stall() time.Duration { return r.LockWait + r.Locked }

// State is what a status display shows of a cut-over under way.
type State struct {
	Attempts int
	Waits    string // what it waits for; for the next attempt: why the last was given up; "" for nothing
}

// Cutover swaps one table. Run is called once; State at any time.
type Cutover struct {
	cfg  Config
	deps Deps
	db   *sql.DB // sessions with the attempt's timeouts; opened by Run

	mu    sync.Mutex // guards state
	state State
}

// New returns the cut-over; nothing is connected yet.
func New(cfg Config, deps Deps) *Cutover { return &Cutover{cfg: cfg, deps: deps} }

// Pauses between attempts.
const (
	firstPause = time.Second
	lastPause  = 5 * time.Minute
)

// givenUp is why an attempt ended without a swap: the source serves, and a later attempt may succeed.
type givenUp struct{ cause error }

func (e *givenUp) Error() string { return e.cause.Error() }
func (e *givenUp) Unwrap() error { return e.cause }

// Run attempts the cut-over until it succeeds. nil means that the shadow serves under the source's name, whatever became of
// ctx meanwhile. ErrUnknownOutcome: see there. With any other error, ctx's included, the source serves as before. The
// log's reader will meet the swap's RENAME, and the AUTO_INCREMENT of the shadow before it, marked by Conn.Mark.
func (c *Cutover) Run(ctx context.Context) (Result, error) {
	if err := c.open(); err != nil {
		return Result{}, err
	}
	defer func() { _ = c.db.Close() }() // every session has been ended by its user
	if !c.cfg.Server.RenamesUnderLock() {
		if err := c.mustPreferRename(ctx); err != nil {
			return Result{}, err
		}
	}
	if err := c.awaitPermission(ctx); err != nil {
		return Result{}, fmt.Errorf("cut over %s: %w", c.cfg.Names.Source, err)
	}
	before, err := c.look(ctx)
	if err != nil {
		return Result{}, err
	}
	if err := c.awaitSnapshots(ctx); err != nil {
		return Result{}, err
	}
	pause := firstPause
	for attempt := 1; ; attempt++ {
		c.set(func(s *State) { s.Attempts = attempt })
		r, err := c.attempt(ctx, before)
		r.Attempts = attempt
		var again *givenUp
		if !errors.As(err, &again) {
			return r, err
		}
		if ctx.Err() != nil {
			return Result{}, fmt.Errorf("cut over %s: %w", c.cfg.Names.Source, context.Cause(ctx))
		}
		next := jitter(pause)
		c.waits("the next attempt: " + err.Error())
		c.cfg.Log.Warn("cut-over attempt given up", "attempt", attempt, "reason", err, "next_in", next.Round(time.Millisecond))
		if err := conn.Pause(ctx, next); err != nil {
			return Result{}, fmt.Errorf("cut over %s: %w", c.cfg.Names.Source, context.Cause(ctx))
		}
		pause = min(2*pause, lastPause)
	}
}

// jitter returns d, a quarter more or less.
func jitter(d time.Duration) time.Duration { return d*3/4 + rand.N(d/2) }

// open opens the pool and checks what the way of swapping presumes.
func (c *Cutover) open() error {
	seconds := strconv.Itoa(int(max(time.Second, c.cfg.LockTimeout+time.Second-1) / time.Second))
	settings := conn.Settings{"lock_wait_timeout": seconds, "innodb_lock_wait_timeout": seconds}
	if !c.cfg.Server.IsMariaDB() {
		settings["information_schema_stats_expiry"] = "0"
	}
	n := c.cfg.Names
	if n.Shadow.Table <= n.Source.Table || n.Retired.Table <= n.Source.Table {
		return fmt.Errorf("cut over %s: %s and %s must sort after its name, in which order the server takes its locks", n.Source, n.Shadow, n.Retired)
	}
	db, err := conn.Open(c.cfg.Conn, settings)
	if err != nil {
		return err
	}
	c.db = db
	return nil
}

// attempt makes one attempt, in the way that the server allows.
func (c *Cutover) attempt(ctx context.Context, before Definitions) (Result, error) {
	if err := c.ready(ctx); err != nil {
		return Result{}, err
	}
	c.waits("")
	if c.cfg.Server.RenamesUnderLock() {
		return c.renameUnderLock(ctx, before)
	}
	return c.renameBehindSentry(ctx, before)
}

// State returns what the cut-over does at the moment.
func (c *Cutover) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

func (c *Cutover) set(change func(*State)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.state)
}

func (c *Cutover) waits(reason string) { c.set(func(s *State) { s.Waits = reason }) }
