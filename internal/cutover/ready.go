package cutover

import (
	"context"
	"fmt"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
)

const (
	shortPause = 20 * time.Millisecond  // between looks at what is about to end
	longPause  = 250 * time.Millisecond // between looks at what takes its time
)

// ready returns when an attempt is permitted and likely to succeed quickly: nothing stands in the way of the locks, as far as
// the server tells, and what is left to apply takes no longer than the stall may. All that takes its time: a permission
// that was withdrawn meanwhile is waited for, and all is looked at again.
func (c *Cutover) ready(ctx context.Context) error {
	for {
		if err := c.awaitPermission(ctx); err != nil {
			return err
		}
		if err := c.clear(ctx); err != nil || c.postponed(ctx) == "" {
			return err
		}
	}
}

// awaitPermission returns when nobody objects to an attempt; its error is that of ctx's end.
func (c *Cutover) awaitPermission(ctx context.Context) error {
	for {
		reason := c.postponed(ctx)
		if reason == "" {
			c.waits("")
			return nil
		}
		c.waits(reason)
		if err := conn.Pause(ctx, longPause); err != nil {
			return context.Cause(ctx)
		}
	}
}

// postponed returns why no attempt may be made now, or "".
func (c *Cutover) postponed(ctx context.Context) string {
	if c.deps.Permission == nil {
		return ""
	}
	return c.deps.Permission.Reason(ctx)
}

// clear returns when nothing stands in the way of the locks and little is left to apply.
func (c *Cutover) clear(ctx context.Context) error {
	if err := c.proveAlone(ctx); err != nil {
		return err
	}
	if err := c.mustBeFree(ctx); err != nil {
		return err
	}
	if err := c.awaitHolders(ctx); err != nil {
		return err
	}
	if err := c.awaitShadow(ctx); err != nil {
		return err
	}
	return c.awaitDrained(ctx)
}

// proveAlone returns nil if the named lock is held. One that is lost may be taken again; whoever keeps it ends ctx if not.
func (c *Cutover) proveAlone(ctx context.Context) error {
	if err := c.deps.Lock.Held(ctx); err != nil {
		return &givenUp{err}
	}
	return nil
}

// mustBeFree refuses to go on when the retired table's name is taken. A sentry that a crash left behind is removed.
func (c *Cutover) mustBeFree(ctx context.Context) error {
	retired := c.cfg.Names.Retired
	d, err := definition(ctx, c.db, retired)
	if err != nil {
		return passing(err)
	}
	if d == "" {
		return nil
	}
	if err := DropSentry(ctx, c.db, retired); err != nil {
		return passing(err)
	}
	if d, err = definition(ctx, c.db, retired); err != nil {
		return passing(err)
	}
	if d != "" {
		return fmt.Errorf("cut over %s: %s is in the way: if it is not needed any more, DROP TABLE %s", c.cfg.Names.Source, retired, retired)
	}
	return nil
}

// awaitShadow returns when no transaction of somebody else has the shadow open: the swap would wait for it while the
// source is locked. A short lock of the shadow alone shows it, and stalls nobody but the applier.
func (c *Cutover) awaitShadow(ctx context.Context) error {
	s, err := c.session(ctx)
	if err != nil {
		return passing(err)
	}
	err = s.exec(ctx, "lock "+c.cfg.Names.Shadow.String()+" before the source", `LOCK TABLES `+c.cfg.Names.Shadow.String()+` WRITE`)
	if unlocked := c.unlock(ctx, s); unlocked != nil {
		return passing(unlocked)
	}
	if conn.IsLockWait(err) {
		return &givenUp{fmt.Errorf("%w; in the way: %s", err, c.holders(ctx))}
	}
	return passing(err)
}

// awaitDrained returns when a fence was applied within the time that a stall may take, and no more than that is waiting.
func (c *Cutover) awaitDrained(ctx context.Context) error {
	c.waits("changes that are not applied yet")
	for {
		started := time.Now()
		fence, err := c.deps.Fencer.Fence(ctx)
		if err != nil {
			return err
		}
		if err := c.deps.Applier.WaitApplied(ctx, fence); err != nil {
			return fmt.Errorf("wait until the changes before the cut-over are applied: %w", err)
		}
		predicted := max(time.Since(started), c.deps.Applier.Predict())
		if predicted <= c.cfg.MaxStall {
			return nil
		}
		c.waits(fmt.Sprintf("changes that are not applied yet: it would take %s", predicted.Round(time.Millisecond)))
		if err := conn.Pause(ctx, shortPause); err != nil {
			return err
		}
	}
}

// passing makes an error that another attempt may not meet a reason to give up this one; nil stays nil.
func passing(err error) error {
	if err == nil {
		return nil
	}
	if conn.IsLockWait(err) || conn.IsDeadlock(err) || conn.IsConnectionLost(err) || conn.IsInterrupted(err) {
		return &givenUp{err}
	}
	return err
}
