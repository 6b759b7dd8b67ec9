package binlog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// Defaults of a Config whose field is zero.
const (
	DefaultReconnectTimeout = 10 * time.Minute
	DefaultMaxTransaction   = 32 << 20
	DefaultMaxHeld          = 128 << 20
)

// Config says what a stream reads. Start, Server and Source are needed.
type Config struct {
	Conn     conn.Config
	Server   *conn.Server // as it was when Start was taken or found
	ServerID uint32       // the stream's own id as a replica; 0: a random one for each connection
	Start    Position

	Source    *table.Table // its rows become changes
	Columns   []int        // ordinals of the source's columns that the rows of changes have, in that order; nil: all
	Changelog *table.Table // its rows become marks; nil: none
	Guarded   []table.Name // besides those two: DDL on them is an error, too
	Watch     *Watch       // of the shadow: rows that others write are an error; nil: they are not noticed

	// Begins says that nothing will be copied before the first mark is read, and that no XA transaction was prepared at some
	// moment between Start and that mark: one prepared before Start and decided before the mark is in what will be copied.
	Begins bool

	// Ordered says that whoever takes the transactions relies on fences: all that was handed out before a fence was asked for is
	// visible when the fence is. A change of the source to which that does not apply is an error then, but for XACommits.
	Ordered bool
	// XACommits is told of the commits that a fence says nothing of, before they are handed out; nil: there are none.
	XACommits *XACommits

	ReconnectTimeout time.Duration // for how long a connection is tried again
	MaxTransaction   int           // bytes, beyond which a transaction comes in pieces
	MaxHeld          int           // bytes of prepared XA transactions, beyond which the stream ends
	Log              *slog.Logger
}

// Stream reads the binary log of a server as transactions.
type Stream struct {
	cfg   Config
	guard *guard
}

// New returns a stream; it does nothing until Run.
func New(cfg Config) *Stream {
	if cfg.ReconnectTimeout == 0 {
		cfg.ReconnectTimeout = DefaultReconnectTimeout
	}
	if cfg.MaxTransaction == 0 {
		cfg.MaxTransaction = DefaultMaxTransaction
	}
	if cfg.MaxHeld == 0 {
		cfg.MaxHeld = DefaultMaxHeld
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Conn.Server = cfg.Server
	return &Stream{cfg: cfg, guard: newGuard(cfg)}
}

// Run reads from Start on, of whose witness it makes sure, and calls emit for every transaction with changes or marks, in order, and now and then for an
// empty one. It blocks until ctx ends (its cause is returned), emit returns an error (that one), or the log cannot be
// followed. A lost connection is made again, within ReconnectTimeout, where the last complete transaction ended; an
// interrupted transaction of which pieces were handed out is called back (Transaction.Undone). This run's own RENAME ends
// it with ErrSwapped; DDL of others with a *ChangedError, rows that they write to the shadow with a *ForeignWriteError.
func (s *Stream) Run(ctx context.Context, emit func(context.Context, *Transaction) error) error {
	db, err := conn.Open(s.cfg.Conn, nil)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // its connections have nothing left to tell
	a, err := s.assembler(func(t *Transaction) error { return emit(ctx, t) })
	if err != nil {
		return err
	}
	r := &reading{Stream: s, db: db, assembler: a, patience: firstPatience}
	var retry retry
	for {
		before, began := a.read, time.Now()
		err := r.connection(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var gone *goneError
		if !errors.As(err, &gone) {
			return err
		}
		lasted := time.Since(began) > readTimeout || !a.read.Equal(before)
		pause, err := retry.after(gone, lasted, s.cfg.ReconnectTimeout)
		if err != nil {
			return fmt.Errorf("read binary log from %s: %w", a.read, err)
		}
		s.cfg.Log.Warn("binlog connection lost", "error", gone.Error(), "position", a.read.String(), "retry_in", pause)
		if err := a.interrupt(); err != nil {
			return err
		}
		if err := conn.Pause(ctx, pause); err != nil {
			return context.Cause(ctx)
		}
	}
}

func (s *Stream) assembler(emit func(*Transaction) error) (*assembler, error) {
	if s.cfg.Start.IsZero() || s.cfg.Server == nil || s.cfg.Source == nil {
		return nil, errors.New("read binary log: start, server or source table are not given")
	}
	a, err := newAssembler(s.cfg.Start, s.cfg.Source, s.cfg.Changelog, emit)
	if err != nil {
		return nil, err
	}
	a.watched[0].columns = s.cfg.Columns
	a.guard, a.watch, a.begins, a.ordered, a.xaCommits = s.guard, s.cfg.Watch, s.cfg.Begins, s.cfg.Ordered, s.cfg.XACommits
	a.limits = limits{transaction: s.cfg.MaxTransaction, held: s.cfg.MaxHeld}
	return a, nil
}

// reading is one Run.
type reading struct {
	*Stream
	db        *sql.DB
	assembler *assembler
	patience  time.Duration // with the next search of the server for the place in its log
}

// goneError is the loss of a connection, or that none could be made: it is worth trying again. told: the server itself
// refused, it was not merely out of reach.
type goneError struct {
	err  error
	told bool
}

// Error implements error.
func (e *goneError) Error() string { return e.err.Error() }

// Unwrap gives the reason.
func (e *goneError) Unwrap() error { return e.err }

// connection reads over one connection until it ends.
func (r *reading) connection(ctx context.Context) error {
	if err := r.check(ctx); err != nil {
		return err
	}
	// With the id of a connection that the server still writes to, MariaDB would keep the new one waiting until it has given that up.
	id := r.cfg.ServerID
	if id == 0 {
		id = rand.Uint32() | 1<<31
	}
	d, err := openDump(ctx, &r.cfg.Conn, r.cfg.Server, request{
		replicaID: id, after: r.assembler.read.origin(), patience: r.patience,
		annotations: r.cfg.Watch != nil && r.cfg.Watch.Writers == nil,
	})
	if err != nil {
		return gone(err)
	}
	defer d.close()
	defer func() { r.patience = d.search.nextPatience() }()
	stop := context.AfterFunc(ctx, d.close)
	defer stop()
	r.cfg.Log.Info("reading binlog", "position", r.assembler.read.String(), "replica_id", id)
	for {
		raw, err := d.next()
		if err != nil {
			return gone(err)
		}
		if err := r.assembler.feed(raw); err != nil {
			return err
		}
	}
}

// check makes sure that the server is the one that was read from, and still has what comes next.
func (r *reading) check(ctx context.Context) error {
	is, err := conn.Inspect(ctx, r.db)
	if err != nil {
		return gone(err)
	}
	var lowerCase int
	if err := r.db.QueryRowContext(ctx, `SELECT @@lower_case_table_names`).Scan(&lowerCase); err != nil {
		return gone(fmt.Errorf("ask server for the case of table names: %w", err))
	}
	r.assembler.foldCase, r.guard.foldCase = lowerCase != 0, lowerCase != 0
	err = CanStream(ctx, r.db, is, r.assembler.read)
	var lost *LostError
	if err != nil && (!errors.As(err, &lost) || lost.Ahead) {
		return gone(err) // this very server has sent what it lacks: it is about to commit it
	}
	return err
}

// gone marks an error as worth another try, unless it is about rights, or another server.
func gone(err error) error {
	if conn.IsAccessDenied(err) || errors.Is(err, conn.ErrRestarted) {
		return err
	}
	return &goneError{err: err, told: isTold(err)}
}

// retry counts failures in a row.
type retry struct {
	since time.Time // the first of them
	count int
	told  int
}

// maxTold is how often the server may refuse in a row. Most of its refusals come with a reason that the check before the
// next connection names better.
const maxTold = 3

// after returns how long to wait before the next try; an error: there is none. lasted: the connection that failed was good
// for something.
func (r *retry) after(gone *goneError, lasted bool, limit time.Duration) (time.Duration, error) {
	const firstPause, longestPause = 100 * time.Millisecond, 5 * time.Second
	if lasted || r.count == 0 {
		*r = retry{since: time.Now()}
	}
	if gone.told {
		r.told++
	}
	if time.Since(r.since) > limit || r.told >= maxTold {
		return 0, gone.err
	}
	pause := min(firstPause<<min(r.count, 10), longestPause)
	r.count++
	return pause/2 + rand.N(pause), nil
}
