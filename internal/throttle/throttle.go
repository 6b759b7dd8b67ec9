// Package throttle holds work back while something says so: a gate with checks. What the checks look at is theirs; who
// waits at the gate knows only that it waits.
package throttle

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
)

// Check is one thing that can hold work back.
type Check interface {
	// Reason returns why work must wait now, or "" when it may go on. An error counts as a reason: who cannot see does not go.
	Reason(ctx context.Context) (string, error)
}

// patience bounds one look of one check; it fails closed.
const patience = 5 * time.Second

// Gate lets work pass while no check objects. It is closed until Run has looked for the first time.
type Gate struct {
	checks   []Check
	interval time.Duration

	mu     sync.Mutex // guards what follows
	reason string
	open   chan struct{} // closed while work may pass; replaced when it may not
}

// New returns a gate whose checks are looked at every interval while Run runs.
func New(interval time.Duration, checks ...Check) *Gate {
	return &Gate{checks: checks, interval: interval, reason: "not looked yet", open: make(chan struct{})}
}

// Run looks at the checks until ctx ends, then returns nil. The gate keeps its last state.
func (g *Gate) Run(ctx context.Context) error {
	for {
		reason := g.look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		g.set(reason)
		if conn.Pause(ctx, g.interval) != nil {
			return nil
		}
	}
}

// look returns the first objection.
func (g *Gate) look(ctx context.Context) string {
	for _, check := range g.checks {
		if reason := ask(ctx, check); reason != "" {
			return reason
		}
	}
	return ""
}

func ask(ctx context.Context, check Check) string {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reason, err := check.Reason(ctx)
	if err != nil {
		return fmt.Sprintf("cannot tell whether to go on: %v", err)
	}
	return reason
}

func (g *Gate) set(reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case reason == "" && g.reason != "":
		close(g.open)
	case reason != "" && g.reason == "":
		g.open = make(chan struct{})
	}
	g.reason = reason
}

// Wait returns nil once work may pass, or ctx's error when that ends first.
func (g *Gate) Wait(ctx context.Context) error {
	for {
		g.mu.Lock()
		reason, open := g.reason, g.open
		g.mu.Unlock()
		if reason == "" {
			return ctx.Err()
		}
		select {
		case <-open:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Reason returns why work waits now, or "" when it may pass.
func (g *Gate) Reason() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.reason
}
