package schedule_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/midstreamdb/midstream/internal/schedule"
)

// replay feeds a stream to a scheduler with workers that complete in random order, and holds every
// answer against the oracle.
type replay struct {
	t       *testing.T
	seed    uint64
	rng     *rand.Rand
	cfg     schedule.Config
	workers int
	window  int // transactions fed and not committed, at most
	slow    int // the higher, the longer batches stay in flight

	stream    []*transaction
	oracle    *oracle
	scheduler *schedule.Scheduler[int]

	fed       int
	low       int // everything below has committed
	started   []bool
	committed []bool
	busy      []*schedule.Batch[int]
	table     map[string]int // lock name → last writer
	seen      observed
}

// observed counts what the histories contained, so that the test knows it has tested something.
type observed struct {
	histories, batches, overlapping, swapped, chained, held int
}

func newReplay(t *testing.T, seed uint64) *replay {
	rng := rand.New(rand.NewPCG(seed, 1))
	r := &replay{t: t, seed: seed, rng: rng, workers: 1 + rng.IntN(16), table: map[string]int{}}
	r.window, r.slow = 1+rng.IntN(60), 5+rng.IntN(12)
	r.cfg = schedule.Config{MaxCost: 1 + rng.IntN(40), Overhead: rng.IntN(30), Serial: rng.IntN(20) == 0}
	r.stream = produce(rng, randomSource(rng))
	r.oracle = newOracle(r.stream, r.cfg.Serial)
	r.scheduler = schedule.New[int](r.cfg)
	r.started, r.committed = make([]bool, len(r.stream)), make([]bool, len(r.stream))
	return r
}

func (r *replay) fatalf(format string, args ...any) {
	r.t.Helper()
	r.t.Fatalf("seed %d, %d workers: "+format, append([]any{r.seed, r.workers}, args...)...)
}

func (r *replay) run() {
	for r.low < len(r.stream) {
		switch choice := r.rng.IntN(r.slow); {
		case choice == 0:
			r.complete()
		case choice < 4:
			r.dispatch()
		default:
			r.feed()
		}
		r.checkCounts()
	}
	if !r.scheduler.Idle() || r.scheduler.Next(1) != nil {
		r.fatalf("everything has committed, but the scheduler is not idle")
	}
	serial := map[string]int{}
	for i, t := range r.stream {
		write(serial, t, i)
	}
	if !maps.Equal(serial, r.table) {
		r.fatalf("the table differs from serial replay: %v, want %v", r.table, serial)
	}
	r.seen.histories++
}

func write(table map[string]int, t *transaction, writer int) {
	for _, name := range t.locks {
		table[name] = writer
	}
}

func (r *replay) feed() {
	if r.fed == len(r.stream) || r.fed-r.low >= r.window {
		return
	}
	t := r.stream[r.fed]
	r.scheduler.Add(t.clock, t.added, t.cost, r.fed)
	r.fed++
}

func (r *replay) dispatch() {
	idle := r.workers - len(r.busy)
	if idle == 0 {
		return
	}
	readyCost := r.readyCost()
	limit := r.limit(idle, readyCost)
	batch := r.scheduler.Next(idle)
	if batch == nil {
		if readyCost > 0 {
			r.fatalf("nothing starts although the clock allows it")
		}
		if len(r.busy) == 0 && r.fed > r.low {
			r.fatalf("deadlock: nothing in flight, %d pending, nothing may start", r.fed-r.low)
		}
		return
	}
	if readyCost == 0 {
		r.fatalf("batch %v, although the clock lets nothing start", batch.Items)
	}
	r.checkOrder(batch)
	r.checkCost(batch, limit)
	for _, x := range batch.Items {
		r.started[x] = true
	}
	r.busy = append(r.busy, batch)
	r.seen.batches++
	if len(r.busy) > 1 {
		r.seen.overlapping++
	}
}

// checkOrder: whatever a member needs, or conflicts with, has committed or stands before it in the batch.
func (r *replay) checkOrder(batch *schedule.Batch[int]) {
	if !slices.IsSorted(batch.Items) {
		r.fatalf("batch %v is out of order", batch.Items)
	}
	for _, x := range batch.Items {
		if r.started[x] {
			r.fatalf("transaction %d starts twice", x)
		}
		for y := r.low; y < x; y++ {
			if r.committed[y] {
				continue
			}
			if slices.Contains(batch.Items, y) {
				if r.oracle.needs[x][y] {
					r.seen.chained++
				}
				continue
			}
			r.seen.swapped++
			if r.oracle.needs[x][y] {
				r.fatalf("transaction %d %+v starts before %d %+v has committed", x, r.stream[x].clock, y, r.stream[y].clock)
			}
			if r.oracle.conflicts[x][y] {
				r.fatalf("transactions %d and %d conflict, and overlap or swap", x, y)
			}
		}
		for y := x + 1; y < r.fed; y++ {
			if r.started[y] && r.oracle.conflicts[y][x] {
				r.fatalf("transaction %d started before %d, with which it conflicts", y, x)
			}
		}
	}
}

// limit is the documented size of the next batch, from what the oracle says may start.
func (r *replay) limit(idle, readyCost int) int {
	alone := readyCost
	if r.low < r.fed && !r.started[r.low] {
		alone = 0
		for x := r.low; x < r.fed; x++ {
			if !r.started[x] {
				alone += r.cost(x)
			}
		}
	}
	share := readyCost / idle
	alone = min(alone, r.cfg.MaxCost)
	if share < r.cfg.MaxCost && 5*readyCost*(r.cfg.Overhead+alone) > 6*alone*(r.cfg.Overhead+max(share, 1)) {
		return share
	}
	return r.cfg.MaxCost
}

// checkCost: a batch stays within its limit, and ends below it only when nothing else may start.
func (r *replay) checkCost(batch *schedule.Batch[int], limit int) {
	sum, largest := 0, 0
	for _, x := range batch.Items {
		sum += r.cost(x)
	}
	for x := r.low; x < r.fed; x++ {
		if !r.started[x] {
			largest = max(largest, r.cost(x))
		}
	}
	if sum != batch.Cost || sum > limit && len(batch.Items) > 1 {
		r.fatalf("batch %v of cost %d (said to be %d) with the limit %d", batch.Items, sum, batch.Cost, limit)
	}
	if r.scheduler.Ready() > 0 && sum+largest <= limit {
		r.fatalf("batch %v of cost %d leaves out what may start, limit %d", batch.Items, sum, limit)
	}
}

func (r *replay) cost(x int) int { return min(r.stream[x].cost, r.cfg.MaxCost) }

func (r *replay) complete() {
	if len(r.busy) == 0 {
		return
	}
	i := r.rng.IntN(len(r.busy))
	batch := r.busy[i]
	r.busy = slices.Delete(r.busy, i, i+1)
	for _, x := range batch.Items {
		r.committed[x] = true
		write(r.table, r.stream[x], x)
	}
	r.scheduler.Done(batch)
	for r.low < r.fed && r.committed[r.low] {
		r.low++
	}
}

// startable: fed, not started, and nothing that it needs is still to commit.
func (r *replay) startable(x int) bool {
	return !r.started[x] && !r.oracle.held(x, func(y int) bool { return !r.committed[y] })
}

func (r *replay) readyCost() int {
	cost := 0
	for x := r.low; x < r.fed; x++ {
		if r.startable(x) {
			cost += r.cost(x)
		}
	}
	return cost
}

// checkCounts: exactly those may start that the clock lets start, no fewer and no more.
func (r *replay) checkCounts() {
	pending, ready, inFlight := 0, 0, 0
	for x := r.low; x < r.fed; x++ {
		switch {
		case r.committed[x]:
		case r.started[x]:
			inFlight++
		default:
			pending++
			if r.startable(x) {
				ready++
			}
		}
	}
	r.seen.held += pending - ready
	s := r.scheduler
	if s.Pending() != pending || s.Ready() != ready || s.InFlight() != inFlight || s.Idle() != (r.low == r.fed) {
		r.fatalf("pending, ready, in flight, idle = %d, %d, %d, %t; the clock says %d, %d, %d, %t",
			s.Pending(), s.Ready(), s.InFlight(), s.Idle(), pending, ready, inFlight, r.low == r.fed)
	}
}

// TestRandomHistories replays streams of random sources with random workers, windows and completions.
func TestRandomHistories(t *testing.T) {
	histories := 5000
	if testing.Short() {
		histories = 500
	}
	var total observed
	for seed := range histories {
		r := newReplay(t, uint64(seed))
		r.run()
		total.histories += r.seen.histories
		total.batches += r.seen.batches
		total.overlapping += r.seen.overlapping
		total.swapped += r.seen.swapped
		total.chained += r.seen.chained
		total.held += r.seen.held
	}
	t.Logf("%+v", total)
	if total.overlapping == 0 || total.swapped == 0 || total.chained == 0 || total.held == 0 {
		t.Errorf("the histories tested too little: %+v", total)
	}
}

// TestSourceModelOrdersConflicts checks the model itself: whatever conflicts in it on the source's own keys is
// ordered by its clock, directly or through transactions in between; else the histories would prove nothing.
func TestSourceModelOrdersConflicts(t *testing.T) {
	pairs := 0
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 2))
		cfg := randomSource(rng)
		cfg.addedKeys = 0
		stream := produce(rng, cfg)
		o := newOracle(stream, false)
		for x := range stream {
			reached := slices.Clone(o.needs[x])
			for y := x - 1; y >= 0; y-- {
				for z := range y {
					reached[z] = reached[z] || reached[y] && o.needs[y][z]
				}
			}
			for y := range x {
				if o.conflicts[x][y] {
					pairs++
					if !reached[y] {
						t.Fatalf("seed %d: %+v and %+v conflict, and the clock does not say so", seed, *stream[y], *stream[x])
					}
				}
			}
		}
	}
	if pairs == 0 {
		t.Error("no conflicts in the model")
	}
}

// TestOneWorkerIsSerial: a single worker gets the stream cut into pieces without a gap, whatever the clock.
func TestOneWorkerIsSerial(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 3))
		stream := produce(rng, randomSource(rng))
		maxCost := 8 + rng.IntN(40)
		s := schedule.New[int](schedule.Config{MaxCost: maxCost})
		for i, tx := range stream {
			s.Add(tx.clock, tx.added, tx.cost, i)
		}
		next := 0
		for next < len(stream) {
			batch := s.Next(1)
			for _, x := range batch.Items {
				if x != next {
					t.Fatalf("seed %d: transaction %d comes in the place of %d", seed, x, next)
				}
				next++
			}
			if next < len(stream) && batch.Cost+stream[next].cost <= maxCost {
				t.Fatalf("seed %d: batch of cost %d leaves out transaction %d", seed, batch.Cost, next)
			}
			s.Done(batch)
		}
	}
}
