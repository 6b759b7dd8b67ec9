package conn

import (
	"context"
	"fmt"
	"time"
)

const (
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

// Retry does the work again, with growing pauses, as long as it fails for a reason that passes, ctx has not ended and it was
// tried for less than patience. It returns the last error, nil when the work was done.
func Retry(ctx context.Context, patience time.Duration, work func() error) error {
	began := time.Now()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := work()
		if err == nil || ctx.Err() != nil || !IsPassing(err) {
			return err
		}
		if tried := time.Since(began); tried+pause > patience {
			return fmt.Errorf("tried for %s: %w", tried.Round(time.Millisecond), err)
		}
		if Pause(ctx, pause) != nil {
			return err
		}
	}
}
