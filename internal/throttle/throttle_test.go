package throttle_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/midstreamdb/midstream/internal/throttle"
)

// saying is a check that the test steers.
type saying struct {
	mu     sync.Mutex
	reason string
	err    error
}

func (s *saying) Reason(context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason, s.err
}

func (s *saying) say(reason string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reason, s.err = reason, err
}

// hanging is a check that answers only when its context ends.
type hanging struct{}

func (hanging) Reason(ctx context.Context) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

func TestGateFollowsItsChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		check := &saying{reason: "too much load"}
		gate := throttle.New(time.Second, &saying{}, check)
		done := make(chan error)
		go func() { done <- gate.Run(ctx) }()

		passed := make(chan error, 1)
		go func() { passed <- gate.Wait(ctx) }()
		time.Sleep(3 * time.Second)
		select {
		case err := <-passed:
			t.Fatalf("passed a closed gate: %v", err)
		default:
		}
		if gate.Reason() != "too much load" {
			t.Errorf("reason = %q", gate.Reason())
		}

		check.say("", nil)
		if err := <-passed; err != nil {
			t.Errorf("wait: %v", err)
		}
		if gate.Reason() != "" {
			t.Errorf("open, and the reason is %q", gate.Reason())
		}
		if err := gate.Wait(ctx); err != nil {
			t.Errorf("wait at an open gate: %v", err)
		}

		check.say("", errors.New("no connection"))
		time.Sleep(2 * time.Second)
		short, end := context.WithTimeout(ctx, time.Second)
		defer end()
		if err := gate.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a check that cannot see lets pass: %v", err)
		}
		if !strings.Contains(gate.Reason(), "no connection") {
			t.Errorf("reason = %q", gate.Reason())
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

func TestGateIsClosedBeforeTheFirstLookAndWhenACheckHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		gate := throttle.New(time.Second, hanging{})
		if gate.Reason() == "" {
			t.Error("open before the first look")
		}
		done := make(chan error)
		go func() { done <- gate.Run(ctx) }()
		time.Sleep(time.Minute)
		if !strings.Contains(gate.Reason(), context.DeadlineExceeded.Error()) {
			t.Errorf("reason = %q", gate.Reason())
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

func TestGateWithoutChecksOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		gate := throttle.New(time.Second)
		done := make(chan error)
		go func() { done <- gate.Run(ctx) }()
		if err := gate.Wait(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		if err := gate.Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("wait after the end: %v", err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestFlagFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stop")
	flag := throttle.FlagFile(path)
	if reason, err := flag.Reason(t.Context()); reason != "" || err != nil {
		t.Errorf("no file: %q, %v", reason, err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if reason, err := flag.Reason(t.Context()); !strings.Contains(reason, path) || err != nil {
		t.Errorf("file: %q, %v", reason, err)
	}
	below := throttle.FlagFile(filepath.Join(path, "below a file"))
	if _, err := below.Reason(t.Context()); err == nil {
		t.Error("a path that cannot be looked at counts as absent")
	}
}
