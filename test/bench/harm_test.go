//go:build bench

package bench

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox"
)

// TestHarm measures what an open-loop write load of 40 % of what the idle server takes notices of a migration, the swap
// included, and what the migration notices of the load. In turn: the migration on the idle server; the load alone, beside one SQL
// session that only copies, and beside the migration. Medians of five turns.
func TestHarm(t *testing.T) {
	header := []string{
		"load", "kept", "p50 alone", "beside", "p99 alone", "beside", "ratio", "longest pause alone", "beside", "more",
		"idle copy", "beside the load", "ratio", "stall", "deadlocks and lock waits",
		"bare session: p99", "ratio", "longest pause", "copy", "ratio",
	}
	report(t, header, func(t *testing.T, engine sandbox.Engine) []any {
		m := newMigrateBench(t, engine)
		m.loadOf(0.4 * m.capacity())
		var all []beside
		for range turns(t, 5) {
			all = append(all, m.beside(true))
		}
		idle := median(all, func(b beside) time.Duration { return b.idle })
		took := median(all, func(b beside) time.Duration { return b.took })
		p99 := median(all, func(b beside) time.Duration { return b.alone.P99 })
		p99Beside := median(all, func(b beside) time.Duration { return b.load.P99 })
		bare := median(all, func(b beside) time.Duration { return b.bare.Elapsed })
		bareP99 := median(all, func(b beside) time.Duration { return b.bare.P99 })
		return []any{
			perSecond(median(all, func(b beside) float64 { return b.alone.Rate() })), percent(median(all, beside.kept)),
			milliseconds(median(all, func(b beside) time.Duration { return b.alone.P50 })),
			milliseconds(median(all, func(b beside) time.Duration { return b.load.P50 })),
			milliseconds(p99), milliseconds(p99Beside), ratio(p99Beside, p99),
			milliseconds(median(all, func(b beside) time.Duration { return b.alone.LongestPause })),
			milliseconds(median(all, func(b beside) time.Duration { return b.load.LongestPause })),
			milliseconds(median(all, func(b beside) time.Duration { return b.load.LongestPause - b.alone.LongestPause })),
			seconds(idle), seconds(took), ratio(took, idle),
			milliseconds(median(all, func(b beside) time.Duration { return b.stall })), refusals(all),
			milliseconds(bareP99), ratio(bareP99, p99),
			milliseconds(median(all, func(b beside) time.Duration { return b.bare.LongestPause })),
			seconds(bare), ratio(bare, idle),
		}
	})
}

// TestNearCapacity migrates beside an open-loop write load of 90 % of what the idle server takes: that it ends, what it says that
// it waits for, and what the load keeps. Medians of five turns.
func TestNearCapacity(t *testing.T) {
	header := []string{"load", "kept", "p99 alone", "beside", "idle copy", "beside the load", "ratio", "stall", "deadlocks and lock waits"}
	waits := map[string]time.Duration{}
	report(t, header, func(t *testing.T, engine sandbox.Engine) []any {
		m := newMigrateBench(t, engine)
		m.loadOf(0.9 * m.capacity())
		var all []beside
		for range turns(t, 5) {
			b := m.beside(false)
			for what, long := range b.waits {
				waits[string(engine)+": "+what] += long
			}
			all = append(all, b)
		}
		idle := median(all, func(b beside) time.Duration { return b.idle })
		took := median(all, func(b beside) time.Duration { return b.took })
		return []any{
			perSecond(median(all, func(b beside) float64 { return b.alone.Rate() })), percent(median(all, beside.kept)),
			milliseconds(median(all, func(b beside) time.Duration { return b.alone.P99 })),
			milliseconds(median(all, func(b beside) time.Duration { return b.load.P99 })),
			seconds(idle), seconds(took), ratio(took, idle),
			milliseconds(median(all, func(b beside) time.Duration { return b.stall })), refusals(all),
		}
	})
	for _, what := range slices.Sorted(maps.Keys(waits)) {
		fmt.Printf("%s said that it waits for %s\n", seconds(waits[what]), what)
	}
}

// beside is what one turn has measured.
type beside struct {
	idle, took, stall time.Duration // migrations: without the load, beside it
	alone, bare, load load.Stats    // the load: alone, beside a bare session if that was asked for, beside the migration
	waits             map[string]time.Duration
}

// kept is the share of its throughput that the load has kept.
func (b beside) kept() float64 { return b.load.Rate() / b.alone.Rate() }

// refusals counts the deadlocks and lock waits that the load has met beside the migrations.
func refusals(all []beside) (n uint64) {
	const lockWait, deadlock = 1205, 1213
	for _, b := range all {
		n += b.load.Errors[lockWait] + b.load.Errors[deadlock]
	}
	return n
}

func perSecond(rate float64) string { return fmt.Sprintf("%.0f/s", rate) }

// capacity returns how many transactions a second the idle server takes, and leaves the table as new.
func (m *migrateBench) capacity() float64 {
	m.t.Helper()
	g := load.New(load.Config{DB: m.s.DB, Tables: []load.Table{m.source}, Connections: 8, Seed: 2})
	ctx, cancel := context.WithTimeout(m.t.Context(), 10*time.Second)
	defer cancel()
	m.must(g.Run(ctx))
	m.s.MustExec("DROP TABLE sbtest1")
	m.must(m.source.Create(m.t.Context(), m.s.DB))
	stats := g.Snapshot()
	return stats.Rate()
}

// loadOf makes the load one of so many transactions a second.
func (m *migrateBench) loadOf(rate float64) {
	m.generator = load.New(load.Config{DB: m.s.DB, Tables: []load.Table{m.source}, Connections: 8, Rate: rate, Seed: 1})
}

// beside migrates a table on the idle server, then has the load run alone for twice that time, beside a bare session if asked to, and
// then beside a migration.
func (m *migrateBench) beside(bare bool) (b beside) {
	m.t.Helper()
	s, err := m.runner("idle", widen, "").Run(m.t.Context())
	m.must(err)
	m.again("idle")
	b.idle = s.Took
	loading, stop := context.WithCancel(m.t.Context())
	defer stop()
	loaded := make(chan error, 1)
	go func() { loaded <- m.generator.Run(loading) }()
	m.pass(2*time.Second, loaded) // the load begins
	m.generator.Lap()
	m.pass(2*b.idle, loaded)
	b.alone = m.generator.Lap()
	if bare {
		m.bareCopy()
		b.bare = m.generator.Lap()
		m.s.MustExec("DROP TABLE bare")
		m.pass(time.Second, loaded)
		m.generator.Lap()
	}
	s, b.waits = m.watched(m.runner("sbtest1", widen, ""))
	b.load = m.generator.Lap()
	b.took, b.stall = s.Took, s.Stall
	stop()
	m.must(<-loaded)
	m.s.MustExec("DROP TABLE sbtest1__old; ALTER TABLE sbtest1 " + narrow + ", ALGORITHM=COPY")
	return b
}

// bareCopy has one session copy the table in chunks of a thousand ids without locks, and do nothing else: what copying costs the
// load at least.
func (m *migrateBench) bareCopy() {
	m.t.Helper()
	ctx := m.t.Context()
	m.s.MustExec("CREATE TABLE bare LIKE sbtest1; ALTER TABLE bare " + widen)
	db := m.server.Open(m.s.Name)
	defer func() { _ = db.Close() }() // nothing depends on it
	db.SetMaxOpenConns(1)
	_, err := db.ExecContext(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
	m.must(err)
	const chunk = 1000
	for low := int64(0); low < m.source.Rows; low += chunk {
		_, err = db.ExecContext(ctx, fmt.Sprintf("INSERT INTO bare SELECT * FROM sbtest1 WHERE id > %d AND id <= %d", low, low+chunk))
		m.must(err)
	}
}

// pass lets time pass, in which the load must not end.
func (m *migrateBench) pass(d time.Duration, loaded <-chan error) {
	m.t.Helper()
	select {
	case err := <-loaded:
		m.t.Fatalf("the load ended early: %v", err)
	case <-time.After(d):
	}
}

// longest is how long a migration of TestHarm or TestNearCapacity may take.
const longest = 20 * time.Minute

var digits = regexp.MustCompile(`[0-9][0-9.,]*`)

// watched migrates, and looks all the time what the status says that it waits for.
func (m *migrateBench) watched(r *migrate.Runner) (*migrate.Summary, map[string]time.Duration) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), longest)
	defer cancel()
	type outcome struct {
		summary *migrate.Summary
		err     error
	}
	ended := make(chan outcome, 1)
	go func() {
		s, err := r.Run(ctx)
		ended <- outcome{s, err}
	}()
	waits := map[string]time.Duration{}
	const look = 100 * time.Millisecond
	for {
		select {
		case o := <-ended:
			m.must(o.err)
			return o.summary, waits
		case <-time.After(look):
			if what := r.Snapshot().Waits; what != "" {
				waits[digits.ReplaceAllString(what, "…")] += look
			}
		}
	}
}
