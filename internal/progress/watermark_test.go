package progress_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/midstreamdb/midstream/internal/progress"
)

// TestWatermarkIsTheCompletedPrefix compares the low watermark with a plain model of it: after any history of begun and
// completed work, everything at or before it is complete and the piece behind it is not (I2).
func TestWatermarkIsTheCompletedPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := progress.NewWatermark(0)
		var tickets []progress.Ticket
		done := map[int]bool{}
		low := 0
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			var open []int
			for i := range tickets {
				if !done[i] {
					open = append(open, i)
				}
			}
			if len(open) == 0 || rapid.Bool().Draw(t, "begin") {
				tickets = append(tickets, w.Begin(len(tickets)+1))
			} else {
				i := rapid.SampledFrom(open).Draw(t, "complete")
				done[i] = true
				w.Complete(tickets[i])
			}
			want, incomplete := 0, []int(nil)
			for want < len(tickets) && done[want] {
				want++
			}
			for i := range tickets {
				if !done[i] {
					incomplete = append(incomplete, i+1)
				}
			}
			if got := w.Low(); got != want {
				t.Fatalf("low watermark = %d, want %d", got, want)
			}
			if w.Low() < low {
				t.Fatalf("low watermark moved back from %d to %d", low, w.Low())
			}
			low = w.Low()
			if open, last := w.Open(); !slices.Equal(open, incomplete) || last != len(tickets) {
				t.Fatalf("open are %v of %d, want %v of %d", open, last, incomplete, len(tickets))
			}
		}
	})
}

func TestWatermarkRefusesWrongBooks(t *testing.T) {
	for name, act := range map[string]func(w *progress.Watermark[int], first progress.Ticket){
		"completed twice": func(w *progress.Watermark[int], first progress.Ticket) { w.Complete(first); w.Complete(first) },
		"never begun":     func(w *progress.Watermark[int], first progress.Ticket) { w.Complete(first + 7) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			w := progress.NewWatermark(0)
			act(w, w.Begin(1))
		})
	}
}
