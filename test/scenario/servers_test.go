package scenario_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// Servers of this package's own: transactions that other tests leave open, or prepared, on a server make a migration wait.
var (
	usual = newServers(nil, sandbox.Options{})
	// odd have settings at which other tools lost rows, shifted times or gave up. They must make no difference.
	odd = newServers(oddities, sandbox.Options{FilePosition: true})
)

func oddities(e sandbox.Engine) []string {
	args := []string{
		"--default-time-zone=Europe/Berlin",
		"--max-allowed-packet=1M",
		"--binlog-row-metadata=FULL",
		"--character-set-server=latin1",
		"--innodb-autoinc-lock-mode=2",
		"--max-binlog-size=65536", // a rotation every few hundred transactions
		"--sql-mode=ANSI_QUOTES,PIPES_AS_CONCAT,STRICT_TRANS_TABLES",
		"--default-tmp-storage-engine=MEMORY",
		"--innodb-default-row-format=COMPACT",
	}
	if e.MariaDB() {
		return append(args, "--lower-case-table-names=1", "--log-bin-compress=ON", "--log-bin-compress-min-len=10", "--binlog-annotate-row-events=ON")
	}
	return append(args, "--binlog-transaction-compression=ON", "--binlog-rows-query-log-events=ON")
}

// servers are one of each engine, started at their first need and shared by all tests of the package.
type servers struct {
	args    func(sandbox.Engine) []string // may be nil
	options sandbox.Options
	lock    sync.Mutex // guards start
	start   map[sandbox.Engine]func() (*sandbox.Server, error)
}

func newServers(args func(sandbox.Engine) []string, o sandbox.Options) *servers {
	return &servers{args: args, options: o, start: make(map[sandbox.Engine]func() (*sandbox.Server, error))}
}

func (s *servers) address(e sandbox.Engine) (sandbox.Address, error) {
	server, err := s.starting(e)()
	if err != nil {
		return sandbox.Address{}, err
	}
	return server.Address(), nil
}

// starting returns what starts the server when it is called first, beside those of other engines.
func (s *servers) starting(e sandbox.Engine) func() (*sandbox.Server, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.start[e] == nil {
		s.start[e] = sync.OnceValues(func() (*sandbox.Server, error) {
			o := s.options
			if s.args != nil {
				o.Args = s.args(e)
			}
			// Not the context of the test that happens to come first: the server outlives it.
			return sandbox.Start(context.Background(), e, o)
		})
	}
	return s.start[e]
}

// stop removes the servers; nobody needs their data.
func (s *servers) stop() error {
	var errs []error
	for _, start := range s.start {
		if server, err := start(); err == nil { // else a test has said so
			errs = append(errs, server.Kill(), server.Stop())
		}
	}
	return errors.Join(errs...)
}

// each runs f as a parallel subtest on these engines, with a fresh schema.
func (s *servers) each(t *testing.T, engines []sandbox.Engine, f func(t *testing.T, schema *sandboxtest.Schema)) {
	t.Helper()
	for _, e := range engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			address, err := s.address(e)
			if err != nil {
				t.Fatal(err)
			}
			f(t, sandboxtest.NewSchema(t, address))
		})
	}
}
