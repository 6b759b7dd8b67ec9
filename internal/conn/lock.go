package conn

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	lockPrefix    = "midstream:"
	lockNameLimit = 64 // characters, on both engines

	// The lock's session says something every keepAlive; when it was cut off, the server itself ends it, and with it the
	// lock, after lockIdleSeconds.
	keepAlive       = 5 * time.Second
	lockIdleSeconds = "60"
	lockPatience    = 10 * time.Second // for one question
	lockFarewell    = 2 * time.Second  // for the last one
)

// ErrLockLost says that the named lock is not held now: do nothing that another run of Midstream must not meet.
var ErrLockLost = errors.New("the named lock is not held")

// LockTakenError says that another session has the named lock: another Midstream works on the table.
type LockTakenError struct {
	Name   string
	Holder *Process // nil when the server does not tell
}

// Error says who holds the lock and what to do.
func (e *LockTakenError) Error() string {
	if e.Holder == nil {
		return fmt.Sprintf("take lock %q: another session holds it: another midstream is at work on the table: wait for its end", e.Name)
	}
	return fmt.Sprintf("take lock %q: connection %d of %s@%s holds it: another midstream is at work on the table: wait for its end, or end it",
		e.Name, e.Holder.ID, e.Holder.User, e.Holder.Host)
}

// LockName returns the name of the lock for a table, given its quoted name; what is too long for the server is hashed.
func LockName(quoted string) string {
	name := lockPrefix + quoted
	if utf8.RuneCountInString(name) <= lockNameLimit {
		return name
	}
	sum := sha256.Sum256([]byte(quoted))
	return lockPrefix + hex.EncodeToString(sum[:20])
}

// Lock is a named lock of the server in a session of its own. Held and Release may be called while Run runs.
type Lock struct {
	name   string
	config Config
	db     *sql.DB

	mu      sync.Mutex // guards session
	session *sql.Conn
}

// AcquireLock takes the named lock at once, or returns a *LockTakenError. Run keeps it; Release gives it back.
func AcquireLock(ctx context.Context, c Config, name string) (*Lock, error) {
	db, err := Open(c, Settings{"wait_timeout": lockIdleSeconds})
	if err != nil {
		return nil, err
	}
	l := &Lock{name: name, config: c, db: db}
	if err := l.take(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return l, nil
}

// take opens a session and takes the lock in it.
func (l *Lock) take(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	session, _, err := Session(ctx, l.db)
	if err != nil {
		return fmt.Errorf("take lock %q: %w", l.name, err)
	}
	var got sql.NullBool
	if err := session.QueryRowContext(ctx, `SELECT GET_LOCK(?, 0)`, l.name).Scan(&got); err != nil {
		return errors.Join(fmt.Errorf("take lock %q: %w", l.name, err), session.Close())
	}
	if !got.Bool {
		return errors.Join(l.taken(ctx, session), session.Close())
	}
	l.session = session
	return nil
}

func (l *Lock) taken(ctx context.Context, q Querier) error {
	var id sql.NullInt64
	if err := q.QueryRowContext(ctx, `SELECT IS_USED_LOCK(?)`, l.name).Scan(&id); err != nil || !id.Valid {
		return &LockTakenError{Name: l.name}
	}
	holder, err := FindProcess(ctx, q, uint64(id.Int64))
	if err != nil || holder == nil {
		holder = &Process{ID: uint64(id.Int64), User: "unknown", Host: "unknown"}
	}
	return &LockTakenError{Name: l.name, Holder: holder}
}

// Held asks the server whether the lock is held by its session; an error, which may be ErrLockLost, means: not surely.
func (l *Lock) Held(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session == nil {
		return fmt.Errorf("check lock %q: %w", l.name, ErrLockLost)
	}
	var held sql.NullBool
	if err := l.session.QueryRowContext(ctx, `SELECT IS_USED_LOCK(?) = CONNECTION_ID()`, l.name).Scan(&held); err != nil {
		return fmt.Errorf("check lock %q: %w", l.name, err)
	}
	if !held.Bool {
		return fmt.Errorf("check lock %q: %w", l.name, ErrLockLost)
	}
	return nil
}

// Run keeps the session alive and watches the lock until ctx ends, then returns nil. A lost lock is taken again; when that
// does not succeed within reconnect, Run returns the reason.
func (l *Lock) Run(ctx context.Context, reconnect time.Duration) error {
	held := time.Now()
	for {
		if Pause(ctx, keepAlive) != nil {
			return nil
		}
		err := l.Held(ctx)
		if err != nil && ctx.Err() == nil {
			err = l.retake(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrRestarted):
			return fmt.Errorf("keep lock: %w", err)
		case err == nil:
			held = time.Now()
		case time.Since(held) >= reconnect:
			return fmt.Errorf("keep lock: lost for %s: %w", time.Since(held).Round(time.Second), err)
		}
	}
}

// retake drops the session that lost the lock and takes it in a new one.
func (l *Lock) retake(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session != nil {
		_ = l.session.Close() // it is lost anyway
		l.session = nil
	}
	return l.take(ctx)
}

// Release gives the lock back, so that whoever asks next finds it free, and ends its session. It is called once, after Run.
func (l *Lock) Release() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	if l.session != nil {
		ctx, cancel := context.WithTimeout(context.Background(), lockFarewell)
		_, _ = l.session.ExecContext(ctx, `DO RELEASE_LOCK(?)`, l.name) // the session's end does the same, only later
		cancel()
		if err := l.session.Close(); !errors.Is(err, sql.ErrConnDone) { // what is broken is closed already
			errs = append(errs, err)
		}
		l.session = nil
	}
	// The session goes back to the pool, lock and all; it is the pool's end that ends both.
	if err := errors.Join(append(errs, l.db.Close())...); err != nil {
		return fmt.Errorf("release lock %q: %w", l.name, err)
	}
	return nil
}
