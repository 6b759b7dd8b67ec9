package adapt

import (
	"math"
	"sync"
	"time"
)

// Budget shares Most workers out between those who copy rows and those who apply changes: the same server does the work of
// both. Rows go first, and changes have what rows leave, as long as the backlog of changes does not grow; while it grows,
// changes go first, and rows give up half of their share again and again. One worker more stands ready for whoever would
// have none, so that neither ever starves. Any goroutine may use it.
type Budget struct {
	mu   sync.Mutex
	rows allowance

	since  time.Time // the beginning of the present while
	seen   uint64    // changes, at that moment
	least  uint64    // backlog in this while
	before uint64    // backlog from which on growth counts
}

// while is the time whose least backlog counts: changes are applied in batches, so that a single look says little.
const while = time.Second

// NewBudget returns a Budget whose rows go first.
func NewBudget() *Budget {
	return &Budget{rows: allowance{bound: Most, calm: patient}, least: math.MaxUint64}
}

// Observe says how many row changes were read so far, and how many of them nobody has applied yet. The backlog grows when
// its least is more than before by a quarter of what was read in a while.
func (b *Budget) Observe(seen, backlog uint64, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.since.IsZero() {
		b.since, b.seen = now, seen
	}
	b.least = min(b.least, backlog)
	if now.Sub(b.since) < while {
		return
	}
	read := seen - min(b.seen, seen)
	if b.rows.used == 0 { // what grows while no rows are read does not grow because of them
		b.before = b.least
	} else if b.least > b.before+read/4 {
		b.rows.lower(now)
		b.before = b.least
	} else {
		b.rows.raise(now)
		b.before = min(b.before, b.least)
	}
	b.since, b.seen, b.least = now, seen, math.MaxUint64
}

// Rows returns how many of n workers may copy rows, or compare them, at least 1.
func (b *Budget) Rows(n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rows.limit(n)
}

// NoRows says that no rows are copied any more until Rows is asked again.
func (b *Budget) NoRows() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rows.used = 0
}

// Changes returns how many of n workers may apply changes, at least 1: what the rows leave.
func (b *Budget) Changes(n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(1, min(n, Most+1-max(1, min(b.rows.used, b.rows.bound))))
}

// Holds says whether workers of the rows are held back because the backlog grew.
func (b *Budget) Holds() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rows.holds()
}
