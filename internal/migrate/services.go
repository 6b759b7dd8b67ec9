package migrate

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// services are what runs beside the phases: stream, applier, heartbeats, lock, throttle. The first that fails stops the
// phase under way, with its error as the cause.
type services struct {
	ctx    context.Context // of the services; the phases run in it too, so that a failure ends them
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup

	mu   sync.Mutex
	errs []error
}

// errFinished is the cause of the services' end when the migration is over.
var errFinished = errors.New("the migration is over")

func newServices(ctx context.Context) *services {
	ctx, cancel := context.WithCancelCause(ctx)
	return &services{ctx: ctx, cancel: cancel}
}

// start runs a service in a goroutine that stop waits for. A service that returns nil has done its work.
func (s *services) start(name string, run func(context.Context) error) {
	s.wg.Go(func() {
		err := run(s.ctx)
		if err == nil || s.ctx.Err() != nil {
			return
		}
		err = fmt.Errorf("%s: %w", name, err)
		s.mu.Lock()
		s.errs = append(s.errs, err)
		s.mu.Unlock()
		s.cancel(err)
	})
}

// stop ends all services and waits for them; it returns the errors of those that failed before.
func (s *services) stop() error {
	s.cancel(errFinished)
	s.wg.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.errs...)
}
