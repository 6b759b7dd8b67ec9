package cutover

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
)

// leastLocked is how long the source may stay locked at least before an attempt is given up.
const leastLocked = time.Second

// lockedLimit bounds the time from the write lock to the rename: what was predicted to take MaxStall may take twice that.
func (c *Cutover) lockedLimit() time.Duration { return max(leastLocked, 2*c.cfg.MaxStall) }

// renameUnderLock is the way of MySQL: one session locks both tables, applies the rest and renames.
func (c *Cutover) renameUnderLock(ctx context.Context, before Definitions) (Result, error) {
	s, err := c.session(ctx)
	if err != nil {
		return Result{}, passing(err)
	}
	held, err := c.deps.Applier.Hold(ctx)
	if err != nil {
		return Result{}, errors.Join(fmt.Errorf("hold the applier: %w", err), s.conn.Close())
	}
	if reason := c.postponed(ctx); reason != "" { // a hold may wait for as long as work is throttled
		held.Release()
		return Result{}, errors.Join(&givenUp{errors.New(reason)}, s.conn.Close())
	}
	r, asked, err := c.lockAndRename(ctx, s, held)
	if asked && err != nil && !conn.IsRefused(err) {
		return c.settle(ctx, r, held, before, err, s)
	}
	// Either the rename is done, or surely not.
	unlocked := c.unlock(ctx, s)
	if err == nil {
		held.Stop()
		if unlocked != nil {
			c.cfg.Log.Warn("the new table is locked until the server ends our session", "session", s.id, "error", unlocked)
		}
		return r, nil
	}
	if unlocked != nil {
		return c.settle(ctx, r, held, before, errors.Join(err, unlocked), s)
	}
	held.Release()
	return r, c.why(ctx, err)
}

// lockAndRename goes from the lock to the rename; asked says whether the rename was asked for.
func (c *Cutover) lockAndRename(ctx context.Context, s *session, held Held) (r Result, asked bool, err error) {
	n := c.cfg.Names
	began := time.Now()
	if err := s.exec(ctx, "lock "+n.Source.String(), `LOCK TABLES `+n.Source.String()+` WRITE, `+n.Shadow.String()+` WRITE`); err != nil {
		return r, false, err
	}
	r.LockWait = time.Since(began)
	locked, cancel := context.WithTimeout(ctx, c.lockedLimit())
	defer cancel()
	fence, err := c.deps.Fencer.Fence(locked)
	if err != nil {
		return r, false, err
	}
	if err := held.Drain(locked, s.conn, fence); err != nil {
		return r, false, fmt.Errorf("apply the rest under the lock: %w", err)
	}
	if err := c.carryAutoIncrement(locked, s.conn); err != nil {
		return r, false, err
	}
	if err := c.proveAlone(locked); err != nil {
		return r, false, err
	}
	if err := c.proveLocked(locked, s, n.Source, n.Shadow); err != nil {
		return r, false, err
	}
	err = c.rename(ctx, s)
	r.Locked = time.Since(began) - r.LockWait
	return r, true, err
}

// rename swaps the tables in one statement. Whether it happened must be known: ctx's end does not interrupt it.
func (c *Cutover) rename(ctx context.Context, s *session) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*c.cfg.LockTimeout+farewell)
	defer cancel()
	n := c.cfg.Names
	return s.exec(ctx, "swap "+n.Source.String()+" and "+n.Shadow.String(),
		fmt.Sprintf(`RENAME TABLE %s TO %s, %s TO %s %s`, n.Source, n.Retired, n.Shadow, n.Source, c.cfg.Conn.Mark()))
}

// settle finds out what became of an attempt that ended with cause, after its sessions are gone, and lets the applier go
// on or stops it; held may be nil.
func (c *Cutover) settle(ctx context.Context, r Result, held Held, before Definitions, cause error, sessions ...*session) (Result, error) {
	outcome, err := c.determine(ctx, before, sessions...)
	if outcome != NotSwapped {
		if held != nil {
			held.Stop()
		}
		switch outcome {
		case Swapped:
			return r, nil
		case Torn:
			return r, c.mend(ctx, cause)
		}
		return r, errors.Join(err, cause)
	}
	cleaning, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	err = DropSentry(cleaning, c.db, c.cfg.Names.Retired)
	if held != nil {
		held.Release()
	}
	if err != nil {
		c.cfg.Log.Warn("the sentry is left behind until the next attempt", "table", c.cfg.Names.Retired.String(), "error", err)
	}
	return r, c.why(cleaning, cause)
}

// why says whether another attempt is worth while after this error, and who was in the way.
func (c *Cutover) why(ctx context.Context, err error) error {
	switch {
	case conn.IsLockWait(err):
		return &givenUp{fmt.Errorf("%w; in the way: %s", err, c.holders(ctx))}
	case errors.Is(err, context.DeadlineExceeded):
		return &givenUp{fmt.Errorf("the swap was not done within the %s for which the source may be locked: %w", c.lockedLimit(), err)}
	}
	return passing(err)
}
