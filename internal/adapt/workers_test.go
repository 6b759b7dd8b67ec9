package adapt_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/midstreamdb/midstream/internal/adapt"
)

// server is a simulated one: throughput by the number of workers.
type server func(workers int) float64

// cores is a server with so many cores, where a piece of work takes a share of waiting; each session costs a little.
func cores(n, waiting, cost float64) server {
	return func(workers int) float64 {
		k := float64(workers)
		return math.Min(k/(1+waiting), n) / (1 + cost*(k-1))
	}
}

// TestWorkersFindTheBest: after a while, throughput is close to the best possible, however noisy the measurements are.
func TestWorkersFindTheBest(t *testing.T) {
	for name, s := range map[string]server{
		"two cores, no waiting":         cores(2, 0, 0.02),
		"one core":                      cores(1, 0, 0.05),
		"two cores, much waiting":       cores(2, 7, 0.01),
		"many cores":                    cores(64, 1, 0.001),
		"contention, one is best":       cores(1, 0, 0.3),
		"latency only, all are welcome": cores(1000, 20, 0),
	} {
		t.Run(name, func(t *testing.T) {
			const most, windows = 16, 600
			random := rand.New(rand.NewPCG(1, 2))
			w := adapt.NewWorkers(most)
			var late float64
			for i := range windows {
				if i >= windows/2 {
					late += s(w.Limit()) / (windows / 2)
				}
				noise := 0.9 + 0.2*random.Float64()
				w.Observe(s(w.Limit())*noise, time.Second)
			}
			best := 0.0
			for k := 1; k <= most; k++ {
				best = max(best, s(k))
			}
			if late < 0.85*best {
				t.Errorf("throughput %.2f of the best", late/best)
			}
		})
	}
}

// TestWorkersFollowChanges: what was best is left when the server changes.
func TestWorkersFollowChanges(t *testing.T) {
	w := adapt.NewWorkers(16)
	for _, s := range []server{cores(1, 0, 0.3), cores(64, 10, 0), cores(1, 0, 0.3)} {
		for range 400 {
			w.Observe(s(w.Limit()), time.Second)
		}
		var used []int
		for range 20 {
			used = append(used, w.Limit())
			w.Observe(s(w.Limit()), time.Second)
		}
		slices.Sort(used)
		median := used[len(used)/2]
		if few := s(1) > s(16); few && median > 2 || !few && median < 16 {
			t.Errorf("%d workers of 16, where one brings %.2f and all %.2f", median, s(1), s(16))
		}
	}
}

// TestWorkersStayInBounds whatever is observed; the number goes by three powers of two at most: from one neighbour of the best to
// the other, and the best moves to that at the same time.
func TestWorkersStayInBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(-1, 40).Draw(t, "most")
		w := adapt.NewWorkers(most)
		if got, want := w.Limit(), max(1, min(4, most)); got != want {
			t.Fatalf("begins with %d of %d", got, most)
		}
		for i := range rapid.IntRange(0, 100).Draw(t, "windows") {
			before := w.Limit()
			done := rapid.Float64Range(0, 1e9).Draw(t, fmt.Sprint(i))
			w.Observe(done, time.Duration(rapid.IntRange(-1, 1e10).Draw(t, "took")))
			after := w.Limit()
			if after < 1 || after > max(most, 1) {
				t.Fatalf("%d workers of %d", after, most)
			}
			if after > before*8 || before > after*8 {
				t.Fatalf("from %d to %d workers", before, after)
			}
		}
	})
}

// TestCount: a number is kept, and 0 is a choice.
func TestCount(t *testing.T) {
	for n, want := range map[int]int{0: adapt.Most, 1: 1, 3: 3, 100: 100} {
		w := adapt.Count(n)
		if w.Greatest() != want {
			t.Errorf("Count(%d): at most %d, want %d", n, w.Greatest(), want)
		}
		for range 50 {
			if n > 0 && w.Limit() != n {
				t.Fatalf("Count(%d) allows %d", n, w.Limit())
			}
			w.Observe(1, time.Duration(w.Limit()))
		}
	}
}
