package migrate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
	"github.com/midstreamdb/midstream/internal/throttle"
	"github.com/midstreamdb/midstream/internal/verify"
)

// suspecting is a verifier that has compared all rows, of which so many were written since. Nothing is known of how fast it looks.
func suspecting(rows int) *verify.Verifier {
	v := verify.New(verify.Config{LastLook: time.Minute, Rest: &verify.Rest{Rest: chunk.Rest{Ended: true}}}, verify.Deps{Mapping: onlyKey()})
	for i := range rows {
		v.Note([][]table.Value{{table.UintValue(uint64(i))}})
	}
	return v
}

const (
	mostLeft = 1998           // that the look under the lock takes in any case
	mostHeld = 2*mostLeft + 1 // that were noted between the permission and the lock
)

// TestUnverifiedPostpones: while more rows are left to be compared than the look under the lock may take, the cut-over is
// postponed, and says why; when fewer are left it goes on.
func TestUnverifiedPostpones(t *testing.T) {
	gate := throttle.New(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- gate.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	if err := gate.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := New(Config{Log: slog.New(slog.DiscardHandler)})
	p := &parts{}
	r.parts.Store(p)
	r.enter(status.CutOver)
	permission := &permission{r: r, gate: gate}
	for _, step := range []struct {
		suspects int
		reason   string
		phase    status.Phase
	}{
		{mostLeft, "", status.CutOver},
		{mostLeft + 1, "the comparison of 1999 rows that changed since they were compared", status.Postponed},
		{mostLeft + 2, "the comparison of 2000 rows that changed since they were compared", status.Postponed},
		{mostLeft, "", status.CutOver},
	} {
		p.verifier.Store(suspecting(step.suspects))
		if reason, phase := permission.Reason(t.Context()), r.view.now(); reason != step.reason || phase != step.phase {
			t.Errorf("with %d rows left the phase is %s, for %q; want %s, for %q", step.suspects, phase, reason, step.phase, step.reason)
		}
	}
}

// TestTooManyUnderTheLock: rows that were written between the permission and the lock may be twice as many; with more the attempt
// is given up before any is looked at, as one that takes too long.
func TestTooManyUnderTheLock(t *testing.T) {
	for suspects, looks := range map[int]bool{mostHeld: true, mostHeld + 1: false} {
		p := &parts{}
		p.verifier.Store(suspecting(suspects))
		held, looked := &comparedHold{applier: &heldBack{parts: p}}, false
		err := held.last(func(*verify.Verifier) error { looked = true; return nil })
		if looked != looks || errors.Is(err, context.DeadlineExceeded) == looks {
			t.Errorf("%d rows are looked at under the lock: %t, %v", suspects, looked, err)
		}
		if want := fmt.Sprintf("%d rows are left to be compared under the table lock: context deadline exceeded", suspects); !looks && err.Error() != want {
			t.Errorf("it says %q", err)
		}
	}
}
