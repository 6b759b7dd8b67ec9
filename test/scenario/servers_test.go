package scenario_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// odd are servers whose settings are not the usual ones, shared by all scenarios that ask for them, started at their first
// need. What is odd about them must make no difference to a migration.
var odd = &oddServers{started: make(map[sandbox.Engine]*sandbox.Server)}

type oddServers struct {
	mu      sync.Mutex
	started map[sandbox.Engine]*sandbox.Server
}

// args are settings at which other tools lost rows, shifted times or gave up.
func (o *oddServers) args(e sandbox.Engine) []string {
	args := []string{
		"--default-time-zone=Europe/Berlin",
		"--max-allowed-packet=1M",
		"--binlog-row-metadata=FULL",
		"--character-set-server=latin1",
		"--innodb-autoinc-lock-mode=2",
		"--max-binlog-size=65536", // a rotation every few hundred transactions
		"--sql-mode=ANSI_QUOTES,PIPES_AS_CONCAT,STRICT_TRANS_TABLES",
	}
	if e.MariaDB() {
		return append(args, "--log-bin-compress=ON", "--log-bin-compress-min-len=10", "--binlog-annotate-row-events=ON")
	}
	return append(args, "--binlog-transaction-compression=ON", "--binlog-rows-query-log-events=ON")
}

func (o *oddServers) address(e sandbox.Engine) (sandbox.Address, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s, ok := o.started[e]; ok {
		return s.Address(), nil
	}
	// Not the context of the test that happens to come first: the server outlives it.
	s, err := sandbox.Start(context.Background(), e, sandbox.Options{Args: o.args(e), FilePosition: true})
	if err != nil {
		return sandbox.Address{}, err
	}
	o.started[e] = s
	return s.Address(), nil
}

func (o *oddServers) stop() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var errs []error
	for _, s := range o.started {
		errs = append(errs, s.Stop())
	}
	return errors.Join(errs...)
}

// eachServer runs f as a parallel subtest on every engine that the scenario is for, with a fresh schema.
func eachServer(t *testing.T, s *spec, f func(t *testing.T, schema *sandboxtest.Schema)) {
	t.Helper()
	if !s.odd {
		sandboxtest.On(t, s.engines, f)
		return
	}
	for _, e := range s.engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			address, err := odd.address(e)
			if err != nil {
				t.Fatal(err)
			}
			f(t, sandboxtest.NewSchema(t, address))
		})
	}
}
