package cutover_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// swaps is how often the cut-over is repeated on each server: MIDSTREAM_SOAK makes it the long form.
func swaps() int {
	if os.Getenv("MIDSTREAM_SOAK") != "" {
		return 400
	}
	return 20
}

func TestSwapsUnderADozenWriters(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		w := newWorld(t, s)
		load := w.startWriters()
		var waits, locked []time.Duration
		attempts := 0
		for i := range swaps() {
			r, err := w.run(time.Minute)
			if err != nil {
				t.Errorf("swap %d: %v", i, err)
				break
			}
			retired := s.MustQueryRows("SELECT COUNT(*), COALESCE(SUM(v), 0), COALESCE(MAX(id), 0) FROM t__old")
			waits, locked, attempts = append(waits, r.LockWait), append(locked, r.Locked), attempts+r.Attempts
			time.Sleep(5 * time.Millisecond) // for writers that would still write to the old table
			if now := s.MustQueryRows("SELECT COUNT(*), COALESCE(SUM(v), 0), COALESCE(MAX(id), 0) FROM t__old"); now[0] != retired[0] {
				t.Errorf("swap %d: the retired table went on changing: %s, then %s", i, retired[0], now[0])
			}
			if w.play.stopped != 1 || w.play.released != r.Attempts-1 {
				t.Errorf("swap %d: the applier was stopped %d and released %d times in %d attempts", i, w.play.stopped, w.play.released, r.Attempts)
			}
			if i+1 < swaps() {
				w.again()
			}
		}
		load.stop(w)
		w.mustBeSwapped()
		t.Logf("%d swaps in %d attempts; lock wait %s; locked %s", len(locked), attempts, spread(waits), spread(locked))
	})
}

// spread renders the distribution of durations.
func spread(all []time.Duration) string {
	if len(all) == 0 {
		return "never"
	}
	slices.Sort(all)
	at := func(q float64) time.Duration {
		return all[int(q*float64(len(all)-1))].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("min %s, median %s, 90 %% %s, max %s", at(0), at(0.5), at(0.9), at(1))
}
