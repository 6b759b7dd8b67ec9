package schedule

import "sort"

// Config sets the sizes of batches, in the caller's unit of cost (row changes, bytes).
type Config struct {
	// MaxCost bounds a batch; a single transaction that costs more is a batch of its own. At least 1.
	MaxCost int
	// Overhead is what a transaction on the shadow costs besides its changes: round trips and commit, divided
	// by the time of one unit. It decides when dividing work is worth it; 0: whenever it can be divided.
	Overhead int
	// Serial makes every transaction a barrier: one batch in flight at most.
	Serial bool
}

type state uint8

const (
	waiting  state = iota // not started, may not start
	ready                 // not started, may start
	inFlight              // in a batch that was handed out
	done                  // committed
)

type entry[T any] struct {
	item     T
	keys     []uint64
	cost     int
	sequence int64
	need     int // may start when everything below this number has committed
	state    state
}

// Scheduler answers which transactions may start. The package comment has the rules. It is not safe for
// concurrent use: one goroutine owns it.
type Scheduler[T any] struct {
	cfg Config

	entries []entry[T] // the transactions from the low watermark on, numbered from low
	low     int        // low watermark: the least number that has not committed
	floor   int        // whatever is fed next needs everything below
	prev    Clock      // of the transaction fed last
	holders map[uint64]int

	waiting minHeap // by need; entries that a run has taken meanwhile are skipped
	ready   minHeap // by number; likewise

	pending     int
	pendingCost int
	readyNow    int
	readyCost   int
	inFlight    int
	figures     Figures
}

// New makes an empty scheduler.
func New[T any](cfg Config) *Scheduler[T] {
	cfg.MaxCost = max(cfg.MaxCost, 1)
	cfg.Overhead = max(cfg.Overhead, 0)
	return &Scheduler[T]{cfg: cfg, holders: make(map[uint64]int)}
}

// SetOverhead replaces Config.Overhead, for a caller that measures it.
func (s *Scheduler[T]) SetOverhead(cost int) { s.cfg.Overhead = max(cost, 0) }

// Batch is handed out by Next: the items of whole transactions, in binlog order, to be applied in this order
// in one transaction on the shadow table. Cost is their sum, each counted as 1 at least and MaxCost at most.
type Batch[T any] struct {
	Items []T
	Cost  int

	numbers []int
}

// Add feeds the next transaction in binlog order. keys are hashes of values that the source's clock does not know to
// conflict (may be nil): two transactions that share one run in order; a collision only costs parallelism.
// The scheduler keeps the slice.
func (s *Scheduler[T]) Add(clock Clock, keys []uint64, cost int, item T) {
	number := s.low + len(s.entries)
	need := s.need(number, clock, keys)
	for _, key := range keys {
		s.holders[key] = number
	}
	cost = min(max(cost, 1), s.cfg.MaxCost)
	s.entries = append(s.entries, entry[T]{item: item, keys: keys, cost: cost, sequence: clock.SequenceNumber, need: need})
	s.pending++
	s.pendingCost += cost
	s.figures.Transactions++
	if need <= s.low {
		s.release(number)
		return
	}
	s.figures.Waited++
	s.waiting.push(ranked{key: need, number: number})
}

// need is the number below which everything must have committed before the transaction may start.
func (s *Scheduler[T]) need(number int, clock Clock, keys []uint64) int {
	barrier := s.cfg.Serial || clock.barrier()
	if barrier || !clock.continues(s.prev) {
		s.floor = number
	}
	s.prev = clock
	need := s.floor
	if barrier {
		s.floor = number + 1
		return need
	}
	if clock.Group == 0 {
		need = s.after(clock.LastCommitted)
	}
	for _, key := range keys {
		if holder, ok := s.holders[key]; ok {
			need = max(need, holder+1)
		}
	}
	return need
}

// after is the number of the first transaction since the floor whose sequence number lies beyond
// lastCommitted: the sequence numbers rise from the floor on.
func (s *Scheduler[T]) after(lastCommitted int64) int {
	first := max(s.floor, s.low)
	since := s.entries[first-s.low:]
	return first + sort.Search(len(since), func(i int) bool { return since[i].sequence > lastCommitted })
}

// Next hands out a batch for one of idle workers that are free (itself included; less than 1 counts as 1), or
// returns nil when nothing may start before something in flight is done. The batch is in flight until Done.
func (s *Scheduler[T]) Next(idle int) *Batch[T] {
	if s.readyNow == 0 {
		return nil
	}
	s.figures.Batches++
	s.figures.Allowed += uint64(s.inFlight + s.readyNow)
	limit := s.limit(idle)
	batch := &Batch[T]{}
	if s.takeRun(batch, limit) {
		s.takeReady(batch, limit)
	}
	return batch
}

// worthwhile is how much more must be done per time, in percent, for work to be divided: Overhead is an
// estimate, and each transaction is a load on the server.
const worthwhile = 120

// limit is the cost up to which the next batch is filled: a share of what may start, if that many shares at
// once bring more changes per time than one full batch, each batch taking the time Overhead + cost.
func (s *Scheduler[T]) limit(idle int) int {
	share := s.readyCost / max(idle, 1)
	if share >= s.cfg.MaxCost {
		return s.cfg.MaxCost
	}
	alone := s.readyCost
	if s.entries[0].state != inFlight {
		alone = s.pendingCost // the run takes what waits for its own members, too
	}
	alone = min(alone, s.cfg.MaxCost)
	// readyCost / (overhead + share) > worthwhile/100 * alone / (overhead + alone), multiplied out
	overhead := s.cfg.Overhead
	divided := float64(s.readyCost) * float64(overhead+alone)
	whole := float64(alone) * float64(overhead+max(share, 1))
	if 100*divided > worthwhile*whole {
		return share
	}
	return s.cfg.MaxCost
}

// takeRun takes what is pending from the low watermark on, up to the first transaction in flight.
// It returns false when the limit stopped it.
func (s *Scheduler[T]) takeRun(batch *Batch[T], limit int) bool {
	for i := range s.entries {
		switch s.entries[i].state {
		case inFlight:
			return true
		case done:
		default:
			if !s.take(batch, s.low+i, limit) {
				return false
			}
		}
	}
	return true
}

// takeReady takes what may start now, oldest first.
func (s *Scheduler[T]) takeReady(batch *Batch[T], limit int) {
	for len(s.ready) > 0 {
		number := s.ready[0].number
		if s.is(number, ready) && !s.take(batch, number, limit) {
			return
		}
		s.ready.pop()
	}
}

// take puts one transaction into the batch, or returns false if it would exceed the limit; the first always fits.
func (s *Scheduler[T]) take(batch *Batch[T], number, limit int) bool {
	e := &s.entries[number-s.low]
	if len(batch.Items) > 0 && batch.Cost+e.cost > limit {
		return false
	}
	if e.state == ready {
		s.readyNow--
		s.readyCost -= e.cost
	}
	e.state = inFlight
	s.pending--
	s.pendingCost -= e.cost
	s.inFlight++
	batch.Items = append(batch.Items, e.item)
	batch.numbers = append(batch.numbers, number)
	batch.Cost += e.cost
	return true
}

// Done reports that the batch has committed on the shadow table: only after COMMIT has returned. It panics if
// the batch is not in flight, for nothing that is computed afterwards could be trusted.
func (s *Scheduler[T]) Done(batch *Batch[T]) {
	if len(batch.numbers) == 0 {
		panic("schedule: batch completed twice")
	}
	var none T
	for _, number := range batch.numbers {
		e := &s.entries[number-s.low]
		e.state = done
		e.item = none
	}
	s.inFlight -= len(batch.numbers)
	batch.numbers = nil
	s.advance()
}

// advance moves the low watermark over the committed prefix and releases what needed no more than that.
func (s *Scheduler[T]) advance() {
	for len(s.entries) > 0 && s.entries[0].state == done {
		for _, key := range s.entries[0].keys {
			if s.holders[key] == s.low {
				delete(s.holders, key)
			}
		}
		s.entries[0] = entry[T]{}
		s.entries = s.entries[1:]
		s.low++
	}
	for len(s.ready) > 0 && s.ready[0].number < s.low { // taken by runs
		s.ready.pop()
	}
	for len(s.waiting) > 0 && s.waiting[0].key <= s.low {
		number := s.waiting[0].number
		s.waiting.pop()
		if s.is(number, waiting) {
			s.release(number)
		}
	}
}

// release makes a waiting transaction ready.
func (s *Scheduler[T]) release(number int) {
	e := &s.entries[number-s.low]
	e.state = ready
	s.readyNow++
	s.readyCost += e.cost
	s.ready.push(ranked{key: number, number: number})
}

// is reports whether the transaction is in the state; those below the low watermark are done.
func (s *Scheduler[T]) is(number int, want state) bool {
	return number >= s.low && s.entries[number-s.low].state == want
}
