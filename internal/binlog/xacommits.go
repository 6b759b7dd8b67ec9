package binlog

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
)

// XACommits are the XA transactions whose commit was read from the log and may not be visible yet, although a fence behind it
// is: where conn.Server.OrdersXACommits says no. Until they are, XA RECOVER lists them. The stream notes a commit before it
// hands it out. Any goroutine may call the methods; nil is a list that nothing is noted in, for servers that need none.
type XACommits struct {
	db       conn.Querier
	patience time.Duration

	mu    sync.Mutex // guards noted and what it holds
	noted map[conn.XID]*xaCommit
}

// xaCommit is one commit; a later one of the same xid is another.
type xaCommit struct {
	listed time.Time // when XA RECOVER listed it first, though it stands in the log as committed; zero: never
}

// NewXACommits returns an empty list. Passing errors of db are met again and again for as long as patience.
func NewXACommits(db conn.Querier, patience time.Duration) *XACommits {
	return &XACommits{db: db, patience: patience, noted: map[conn.XID]*xaCommit{}}
}

// Suspect notes all that is prepared now, as a run must that goes on from an earlier one's position: that may be behind a commit
// which is still not visible. Those that were not decided before the position are prepared behind it: the stream meets them.
func (c *XACommits) Suspect(ctx context.Context) error {
	prepared, err := c.prepared(ctx)
	for _, id := range prepared {
		c.note(id)
	}
	return err
}

// note notes a commit.
func (c *XACommits) note(id conn.XID) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.noted[id] = &xaCommit{}
}

// restarted says that a transaction of that name was prepared, behind all that was noted: the server lets it begin only when
// an earlier one of the name is over, for everybody to see.
func (c *XACommits) restarted(id conn.XID) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.noted, id)
}

// longestLook is the pause between two looks at what is prepared, when it has lasted for a while.
const longestLook = 100 * time.Millisecond

// Await returns when everything that was noted before the call is visible. There is no end to it but ctx's.
func (c *XACommits) Await(ctx context.Context) error {
	for awaited, pause := c.all(), time.Millisecond; len(awaited) > 0; pause = min(2*pause, longestLook) {
		prepared, err := c.prepared(ctx)
		if err != nil {
			return err
		}
		if c.look(awaited, prepared); len(awaited) == 0 {
			break
		}
		if conn.Pause(ctx, pause) != nil {
			return fmt.Errorf("wait for XA transactions that are being committed: %w", context.Cause(ctx))
		}
	}
	return nil
}

// Run forgets now and then what is visible, until ctx ends, and returns nil then: with replay it is long until somebody waits.
func (c *XACommits) Run(ctx context.Context) error {
	for conn.Pause(ctx, time.Second) == nil {
		noted := c.all()
		if len(noted) == 0 {
			continue
		}
		prepared, err := c.prepared(ctx)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			return err
		}
		c.look(noted, prepared)
	}
	return nil
}

// all returns what is noted at this moment.
func (c *XACommits) all() map[conn.XID]*xaCommit {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.noted)
}

// look takes out of awaited what is visible, given what was prepared at a moment after all of it was noted.
func (c *XACommits) look(awaited map[conn.XID]*xaCommit, prepared conn.XIDs) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, commit := range awaited {
		switch {
		case c.noted[id] != commit:
			delete(awaited, id)
		case !slices.Contains(prepared, id):
			delete(awaited, id)
			delete(c.noted, id)
		case commit.listed.IsZero():
			commit.listed = time.Now()
		}
	}
}

// Waits names what is waited for and has lasted, in words for a status display, "" for nothing.
func (c *XACommits) Waits() string {
	if c == nil {
		return ""
	}
	const lasts = time.Second
	c.mu.Lock()
	defer c.mu.Unlock()
	var names conn.XIDs
	for id, commit := range c.noted {
		if !commit.listed.IsZero() && time.Since(commit.listed) > lasts {
			names = append(names, id)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.SortFunc(names, func(a, b conn.XID) int { return cmp.Compare(a.String(), b.String()) })
	return fmt.Sprintf("XA transactions that XA RECOVER lists and the log does not have as undecided: %s", names)
}

func (c *XACommits) prepared(ctx context.Context) (prepared conn.XIDs, err error) {
	err = conn.Retry(ctx, c.patience, func() error {
		prepared, err = conn.PreparedXA(ctx, c.db)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for XA transactions that are being committed: %w", err)
	}
	return prepared, nil
}
