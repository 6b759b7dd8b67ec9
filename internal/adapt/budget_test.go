package adapt_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/midstreamdb/midstream/internal/adapt"
)

// TestBudgetStarvesNobody: whatever is asked and observed, both may go on with one worker at least, together they have one
// more than the budget at most, and what the rows may not use the changes may.
func TestBudgetStarvesNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, now := adapt.NewBudget(), time.Now()
		numbers := rapid.IntRange(-1, 40)
		rows := 0 // granted at the last question
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			switch n := numbers.Draw(t, "n"); rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				if rows = b.Rows(n); rows < 1 || rows > max(n, 1) {
					t.Fatalf("%d of %d workers for rows", rows, n)
				}
			case 1:
				if got := b.Changes(n); got < 1 || got > max(n, 1) {
					t.Fatalf("%d of %d workers for changes", got, n)
				}
			case 2:
				b.NoRows()
				rows = 0
			case 3:
				now = now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "milliseconds")) * time.Millisecond)
				b.Observe(rapid.Uint64().Draw(t, "seen"), rapid.Uint64().Draw(t, "backlog"), now)
				rows = min(rows, b.Rows(max(rows, 1))) // whoever is at work asks again before more begin
			}
			if changes := b.Changes(adapt.Most); rows+changes > adapt.Most+1 {
				t.Fatalf("%d workers for rows and %d for changes, of %d", rows, changes, adapt.Most)
			}
		}
	})
}

// world is a simulated server whose work is shared alike by all workers, an application that writes, and the two that share
// a Budget.
type world struct {
	budget        *adapt.Budget
	capacity      float64 // row changes or rows a second
	writes        float64 // row changes a second
	rows, changes int     // workers that each could use
	now           time.Time
	seen, backlog float64
	copied        float64
	held, granted int // looks at which rows were held back, and the last grant
}

// run lets time pass, in steps of a heartbeat.
func (w *world) run(lasting time.Duration) {
	const step = 100 * time.Millisecond
	for end := w.now.Add(lasting); w.now.Before(end); w.now = w.now.Add(step) {
		w.granted = w.budget.Rows(w.rows)
		r, c := float64(w.granted), float64(w.budget.Changes(w.changes))
		written := w.writes * step.Seconds()
		applied := min(w.backlog+written, w.capacity*step.Seconds()*c/(r+c))
		w.copied += w.capacity*step.Seconds() - applied
		w.seen += written
		w.backlog += written - applied
		w.budget.Observe(uint64(w.seen), uint64(w.backlog), w.now)
		if w.budget.Holds() {
			w.held++
		}
	}
}

// TestBudgetFollowsTheBacklog: where changes can be kept up with when they go first, the backlog stays small beside what is
// written, and rows are copied meanwhile; when nothing is written any more, the rows have all again.
func TestBudgetFollowsTheBacklog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{budget: adapt.NewBudget(), capacity: 10_000, now: time.Now()}
		w.rows, w.changes = rapid.IntRange(1, adapt.Most).Draw(t, "rows"), rapid.IntRange(2, adapt.Most).Draw(t, "changes")
		first := float64(w.changes) / float64(w.changes+1) // share of the changes when they go first
		w.writes = w.capacity * first * rapid.Float64Range(0, 0.9).Draw(t, "writes")
		w.run(10 * time.Minute)
		if lag := w.backlog / max(w.writes, 1); lag > 30 {
			t.Errorf("after ten minutes %.0f s behind", lag)
		}
		if least := 0.9 * (1 - first) * w.capacity * 600; w.copied < least {
			t.Errorf("%.0f rows were copied, which is less than %.0f", w.copied, least)
		}
		w.writes = 0
		w.run(10 * time.Minute)
		if w.granted != w.rows {
			t.Errorf("%d of %d workers for rows, though nothing is written", w.granted, w.rows)
		}
	})
}

// TestBudgetUnderTooMuch: more is written than can ever be applied. Changes go first, and rows go on, with one worker.
func TestBudgetUnderTooMuch(t *testing.T) {
	w := &world{budget: adapt.NewBudget(), capacity: 10_000, writes: 20_000, rows: 8, changes: 8, now: time.Now()}
	if got := w.budget.Rows(8); got != 8 {
		t.Errorf("%d of 8 workers for rows at the beginning", got)
	}
	w.run(time.Minute)
	if w.granted != 1 || w.budget.Changes(adapt.Most) != adapt.Most {
		t.Errorf("%d workers for rows and %d for changes", w.granted, w.budget.Changes(adapt.Most))
	}
	if w.copied < 1000*60 || w.held == 0 {
		t.Errorf("%.0f rows copied in a minute; held back at %d looks", w.copied, w.held)
	}
	w.budget.NoRows()
	if w.budget.Holds() {
		t.Error("rows are held back that nobody copies")
	}
}

// TestBudgetIsNotMovedByBatches: changes that are applied in batches, each 0.7 s, are no growing backlog.
func TestBudgetIsNotMovedByBatches(t *testing.T) {
	b, now := adapt.NewBudget(), time.Now()
	b.Rows(adapt.Most)
	var seen, applied uint64
	for i := range 1000 {
		now = now.Add(100 * time.Millisecond)
		seen += 100
		if i%7 == 0 {
			applied = seen - 100
		}
		b.Observe(seen, seen-applied, now)
		if b.Holds() {
			t.Fatalf("rows are held back at look %d", i)
		}
	}
}

// TestBudgetWhileNobodyReadsRows: what grows while no rows are read, as in the time in which indexes are built, holds back nobody
// who reads them afterwards.
func TestBudgetWhileNobodyReadsRows(t *testing.T) {
	b, now := adapt.NewBudget(), time.Now()
	b.Rows(8)
	b.NoRows()
	for i := range uint64(600) {
		now = now.Add(100 * time.Millisecond)
		b.Observe(1000*i, 1000*i, now)
	}
	if got := b.Rows(8); got != 8 || b.Holds() {
		t.Errorf("%d of 8 workers for rows; held back: %t", got, b.Holds())
	}
}
