package schedule

// Figures tell how much parallelism the source's clock allowed, for the status display.
type Figures struct {
	Transactions uint64 // fed
	Waited       uint64 // of these, had to wait for an earlier one when they were fed
	Batches      uint64 // handed out
	Allowed      uint64 // sum over the batches of the transactions that ran or might have run at that moment
}

// Width is the mean number of transactions that the source's clock, and what was pending, allowed to run at
// once; 0 before the first batch. With work pending and a width below the number of workers, the source is the limit.
func (f Figures) Width() float64 {
	if f.Batches == 0 {
		return 0
	}
	return float64(f.Allowed) / float64(f.Batches)
}

// Figures since the scheduler was made.
func (s *Scheduler[T]) Figures() Figures { return s.figures }

// Pending counts the transactions fed and not yet handed out.
func (s *Scheduler[T]) Pending() int { return s.pending }

// Ready counts the pending transactions that may start now.
func (s *Scheduler[T]) Ready() int { return s.readyNow }

// InFlight counts the transactions handed out and not yet done.
func (s *Scheduler[T]) InFlight() int { return s.inFlight }

// Idle reports that everything fed is done.
func (s *Scheduler[T]) Idle() bool { return len(s.entries) == 0 }
