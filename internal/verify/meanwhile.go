package verify

import (
	"context"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
)

const (
	// lookPause is the least time between two looks at suspects while chunks are compared.
	lookPause = time.Second
	// lookShare is how many times as long as a look the pause after it is, at least: looking must not take the comparing's place.
	lookShare = 4
	// mostSuspects is the number of suspects beyond which no chunk is compared before they are looked at again: if something is
	// wrong with every row, the first of them tell.
	mostSuspects = 50_000
)

// lookMeanwhile looks at suspects now and then until comparing ends: so they stay as few as a checkpoint can hold, and what is
// wrong shows itself before all is compared. It is the only one that looks at them then.
func (v *Verifier) lookMeanwhile(ctx, comparing context.Context) error {
	var s session
	defer s.close()
	for pause := lookPause; conn.Pause(comparing, pause) == nil; {
		suspects := v.present()
		if len(suspects) == 0 {
			continue
		}
		began := time.Now()
		if len(suspects) > mostSuspects {
			if err := v.settle(ctx); err != nil {
				return err
			}
		} else if _, err := v.round(ctx, &s, suspects); err != nil {
			return err
		}
		pause = max(lookPause, lookShare*time.Since(began))
	}
	return nil
}
