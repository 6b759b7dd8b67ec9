package schedule

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestHeapSorts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOf(rapid.IntRange(0, 20)).Draw(t, "keys")
		var h minHeap
		var want []ranked
		for i, key := range keys {
			h.push(ranked{key: key, number: i})
			want = append(want, ranked{key: key, number: i})
		}
		slices.SortStableFunc(want, func(a, b ranked) int { return cmp.Compare(a.key, b.key) })
		for _, w := range want {
			if h[0] != w {
				t.Fatalf("least is %+v, want %+v", h[0], w)
			}
			h.pop()
		}
		if len(h) != 0 {
			t.Fatalf("%d left", len(h))
		}
	})
}

// TestNothingIsKept: with a backlog that never ends, what has committed leaves no trace behind.
func TestNothingIsKept(t *testing.T) {
	const backlog = 100
	s := New[int](Config{MaxCost: 10})
	for i := range 100_000 {
		parent := int64(i) - int64(i%7)
		s.Add(Clock{LastCommitted: parent, SequenceNumber: int64(i + 1)}, []uint64{uint64(i)}, 1, i)
		if i >= backlog && i%10 == 0 {
			s.Done(s.Next(1))
		}
	}
	held := map[string]int{"entries": len(s.entries), "waiting": len(s.waiting), "ready": len(s.ready), "holders": len(s.holders)}
	for name, n := range held {
		if n > 2*backlog {
			t.Errorf("%d %s are kept, with %d transactions pending", n, name, s.Pending())
		}
	}
}
