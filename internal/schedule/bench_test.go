package schedule_test

import (
	"fmt"
	"testing"

	"github.com/midstreamdb/midstream/internal/schedule"
)

// BenchmarkScheduler is Add, Next and Done per transaction, with 100,000 transactions pending and 8 workers
// that complete in turn. The clocks: all independent, groups of 8 in sequence, a chain, nothing known.
func BenchmarkScheduler(b *testing.B) {
	const pending, workers = 100_000, 8
	clocks := map[string]func(i int64) schedule.Clock{
		"wide":    func(i int64) schedule.Clock { return logical(0, i) },
		"groups":  func(i int64) schedule.Clock { return logical((i-1)/8*8, i) },
		"chain":   func(i int64) schedule.Clock { return logical(i-1, i) },
		"barrier": func(int64) schedule.Clock { return schedule.Clock{} },
	}
	for _, name := range []string{"wide", "groups", "chain", "barrier"} {
		for _, maxCost := range []int{1, 100} {
			b.Run(fmt.Sprintf("%s/batch=%d", name, maxCost), func(b *testing.B) {
				s := schedule.New[int64](schedule.Config{MaxCost: maxCost})
				fed := int64(0)
				feed := func() {
					fed++
					s.Add(clocks[name](fed), nil, 1, fed)
				}
				for range pending {
					feed()
				}
				var busy []*schedule.Batch[int64]
				b.ReportAllocs()
				b.ResetTimer()
				for done := 0; done < b.N; {
					for len(busy) < workers {
						batch := s.Next(workers - len(busy))
						if batch == nil {
							break
						}
						busy = append(busy, batch)
					}
					s.Done(busy[0])
					for range busy[0].Items {
						feed()
					}
					done += len(busy[0].Items)
					busy = busy[1:]
				}
			})
		}
	}
}
