package schedule_test

import "github.com/midstreamdb/midstream/internal/schedule"

// oracle says by brute force, pair by pair, what the invariants demand of a stream of transactions. It shares
// nothing with the scheduler: no watermark, no prefix, no completions.
type oracle struct {
	needs     [][]bool // needs[x][y], y < x: x may not start before y has committed
	conflicts [][]bool // conflicts[x][y], y < x: they touch the same row or unique value
}

func newOracle(stream []*transaction, serial bool) *oracle {
	o := &oracle{}
	for x, t := range stream {
		needs, conflicts := make([]bool, x), make([]bool, x)
		shared := false
		for y := x - 1; y >= 0; y-- {
			shared = shared || shares(t.added, stream[y].added)
			needs[y] = serial || shared || clockNeeds(t.clock, stream[y].clock)
			conflicts[y] = t.conflicts(stream[y])
		}
		o.needs = append(o.needs, needs)
		o.conflicts = append(o.conflicts, conflicts)
	}
	return o
}

// clockNeeds is I5 and I6 and the rule for commit groups, for a transaction x and an earlier one y.
func clockNeeds(x, y schedule.Clock) bool {
	absent := func(c schedule.Clock) bool { return c.SequenceNumber == 0 && c.Group == 0 }
	switch {
	case x.Epoch != y.Epoch, absent(x), absent(y):
		return true
	case x.Group != 0 || y.Group != 0:
		return x.Group != y.Group
	default:
		return y.SequenceNumber <= x.LastCommitted
	}
}

// held reports whether x needs one of the earlier transactions for which still is true.
func (o *oracle) held(x int, still func(y int) bool) bool {
	for y, needed := range o.needs[x] {
		if needed && still(y) {
			return true
		}
	}
	return false
}
