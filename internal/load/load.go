// Package load writes to tables as an application would, from many connections, and knows what the tables must contain:
// at the end, and at the moment at which one of them was renamed. It knows nothing of migrations.
//
// How the model stays exact: before a transaction begins it is planned, with its effect, and leases the rows that it
// touches, so that no two transactions under way touch the same row. Every row tells the writer and transaction that wrote it
// last, and every transaction leaves such a row behind, its witness. A commit whose answer was lost is decided by a locking
// read of the witness; which transactions went into a table that was renamed away is read from the rows that it kept.
package load

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Config says what to write, and how fast. The zero value of each field but DB and Tables has a meaning.
type Config struct {
	// DB is the application's pool. Each connection of the load is one of its sessions, with the server's own settings.
	DB *sql.DB
	// Tables are written alike; each operation picks one.
	Tables []Table
	// Connections is the number of sessions; 0 means 1.
	Connections int
	// Rate is the number of transactions begun in a second, by all connections together, whether or not earlier ones have
	// ended; latencies count from the moment at which a transaction was due. 0: each connection goes as fast as it can.
	Rate float64
	// Operations is the greatest number of operations of a transaction; 0 means 4. Every number up to it is as likely.
	Operations int
	// Mix weighs the operations; nil means WriteOnly.
	Mix Mix
	// Skew says which rows are touched.
	Skew Skew
	// Rollback, Savepoint and XA are shares, 0 to 1: transactions that are rolled back, that undo a part of theirs, and
	// that are prepared and then committed or rolled back.
	Rollback, Savepoint, XA float64
	// BigEvery makes every so-manieth transaction of the first connection a big one; 0: none.
	BigEvery int
	// BigRows is the number of rows that a big transaction updates, as far as no other transaction has them.
	BigRows int
	// History is the number of row changes of each table that are kept for AsOf; 0 means 2,000,000.
	History int
	// Seed makes two loads plan alike, as far as the order of the connections allows.
	Seed uint64
}

// Generator is a load and its model. It may be run several times, one after the other, and goes on where it ended.
type Generator struct {
	cfg     Config
	run     string // in the names of its XA transactions
	models  []*model
	writers []*writer
	stats   recorder
}

// New returns a generator for tables that were just created by Table.Create.
func New(cfg Config) *Generator {
	cfg.Connections = max(cfg.Connections, 1)
	if cfg.Operations == 0 {
		cfg.Operations = 4
	}
	if cfg.Mix == nil {
		cfg.Mix = WriteOnly()
	}
	if cfg.History == 0 {
		cfg.History = 2_000_000
	}
	g := &Generator{cfg: cfg, run: rand.Text()[:8]}
	for _, t := range cfg.Tables {
		g.models = append(g.models, newModel(t, cfg.History))
	}
	for i := range cfg.Connections {
		g.writers = append(g.writers, newWriter(g, i))
	}
	return g
}

// drainLimit is how long transactions under way may take after the end of Run's context.
const drainLimit = 90 * time.Second

// Run writes until ctx ends, lets the transactions under way end, and returns nil; afterwards the model is exact.
// Deadlocks, lock waits and lost connections are tried again, as an application does, and counted. Any other error ends the
// load and is returned, also a statement that found other rows than the model says.
func (g *Generator) Run(ctx context.Context) error {
	pace := newPacer(g.cfg.Rate)
	g.stats.start()
	defer g.stats.stop()
	hard, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	group, stop := errgroup.WithContext(ctx)
	for _, w := range g.writers {
		group.Go(func() error { return w.run(stop, hard, pace) })
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		<-stop.Done() // at the latest when all writers have ended
		if pause(hard, drainLimit) {
			cancel(errors.New("transactions did not end in time after the load was stopped"))
		}
	}()
	err := group.Wait()
	cancel(nil)
	<-watched
	if err != nil {
		return fmt.Errorf("write load: %w", err)
	}
	return nil
}

// Model returns what the table contains. It is exact only while Run does not run.
func (g *Generator) Model(t int) *Model { return g.models[t].now() }

// pacer hands out the moments at which transactions are due.
type pacer struct {
	rate  float64
	start time.Time
	next  atomic.Int64
}

func newPacer(rate float64) *pacer { return &pacer{rate: rate, start: time.Now()} }

// wait returns the moment at which the next transaction is due, when that has come; false when ctx ended before.
func (p *pacer) wait(ctx context.Context) (time.Time, bool) {
	if p.rate <= 0 {
		return time.Now(), ctx.Err() == nil
	}
	due := p.start.Add(time.Duration(float64(p.next.Add(1)-1) / p.rate * float64(time.Second)))
	return due, pause(ctx, time.Until(due))
}

// pause waits for d; false when ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
