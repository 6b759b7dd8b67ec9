package progress_test

import (
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
			want, ahead := 0, 0
			for want < len(tickets) && done[want] {
				want++
			}
			for i := want; i < len(tickets); i++ {
				if done[i] {
					ahead++
				}
			}
			if got := w.Low(); got != want {
				t.Fatalf("low watermark = %d, want %d", got, want)
			}
			if w.Low() < low {
				t.Fatalf("low watermark moved back from %d to %d", low, w.Low())
			}
			low = w.Low()
			if got := len(w.Ahead()); got != ahead {
				t.Fatalf("%d pieces complete beyond the watermark, want %d", got, ahead)
			}
			if got, want := w.Incomplete(), len(tickets)-want-ahead; got != want {
				t.Fatalf("%d pieces incomplete, want %d", got, want)
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
