// Package sandboxtest gives tests real servers: a fresh schema on each engine, or a server of their own.
//
// Servers come from, in this order: MIDSTREAM_TEST_DSN (the user's own server, for tests that need only a
// schema), MIDSTREAM_SERVERS (shared by all test processes), or the sandbox, started by the test process
// at its first need and gone with it.
package sandboxtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/midstreamdb/midstream/internal/sandbox"
)

// DSNVariable names the environment variable with the user's own server, as user:password@tcp(host:port)/.
const DSNVariable = "MIDSTREAM_TEST_DSN"

// NotRunVariable names the environment variable with the file that collects, one line each, what did not run.
const NotRunVariable = "MIDSTREAM_NOT_RUN"

// Each runs f as a parallel subtest on every engine, with a fresh schema. With MIDSTREAM_TEST_DSN it runs on
// that server only, and the engines are counted as not run.
func Each(t *testing.T, f func(t *testing.T, s *Schema)) {
	t.Helper()
	On(t, sandbox.Engines(), f)
}

// EachPosition is Each, and runs f besides on a MySQL without GTIDs, whose positions are files and offsets.
func EachPosition(t *testing.T, f func(t *testing.T, s *Schema)) {
	t.Helper()
	Each(t, f)
	if os.Getenv(DSNVariable) != "" {
		return
	}
	t.Run(string(sandbox.MySQL97)+", file positions", func(t *testing.T) {
		t.Parallel()
		address, err := own(kind{sandbox.MySQL97, true})
		if err != nil {
			t.Fatal(err)
		}
		f(t, NewSchema(t, address))
	})
}

// On is Each for a test that makes sense on these engines only.
func On(t *testing.T, engines []sandbox.Engine, f func(t *testing.T, s *Schema)) {
	t.Helper()
	if dsn := os.Getenv(DSNVariable); dsn != "" {
		onOwn(t, dsn, engines, f)
		return
	}
	for _, e := range engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			address, err := shared(e)
			if err != nil {
				t.Fatal(err)
			}
			f(t, NewSchema(t, address))
		})
	}
}

// onOwn runs f on the user's server when that is of the kind of one of the engines.
func onOwn(t *testing.T, dsn string, engines []sandbox.Engine, f func(t *testing.T, s *Schema)) {
	t.Helper()
	own, err := ownServer(dsn)
	if err != nil {
		t.Fatal(err)
	}
	suits := false
	for _, e := range engines {
		suits = suits || e.MariaDB() == own.Engine.MariaDB()
		if e != own.Engine {
			notRun(t, fmt.Sprintf("%s: the tests use the server of %s", e, DSNVariable))
		}
	}
	if suits {
		t.Run(string(own.Engine), func(t *testing.T) {
			t.Parallel()
			f(t, NewSchema(t, own))
		})
	}
}

// Skip ends a test that cannot run here and counts it for the summary after the tests.
func Skip(t *testing.T, reason string) {
	t.Helper()
	notRun(t, reason)
	t.Skip(reason)
}

func notRun(t *testing.T, reason string) {
	t.Helper()
	path := os.Getenv(NotRunVariable)
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatalf("count what did not run: %v", err)
	}
	if _, err := fmt.Fprintf(f, "%s: %s\n", t.Name(), reason); err != nil {
		t.Errorf("count what did not run: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("count what did not run: %v", err)
	}
}

// Private starts a server for this test alone, which may configure, kill and restart it. It is gone at
// the test's end; when the test failed the tail of its log is shown.
func Private(t *testing.T, e sandbox.Engine, o sandbox.Options) *sandbox.Server {
	t.Helper()
	s, err := sandbox.Start(t.Context(), e, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of %s:\n%s", e, s.LogTail())
		}
		if err := errors.Join(s.Kill(), s.Stop()); err != nil { // its data go with it: no need to shut down in order
			t.Error(err)
		}
	})
	return s
}

// EachPrivate runs f as a parallel subtest on a private server of every engine.
func EachPrivate(t *testing.T, o sandbox.Options, f func(t *testing.T, s *sandbox.Server)) {
	t.Helper()
	for _, e := range sandbox.Engines() {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			f(t, Private(t, e, o))
		})
	}
}

// kind is what tells the servers apart that tests share.
type kind struct {
	engine        sandbox.Engine
	filePositions bool
}

// started holds the servers that this process started because nobody shares one with it. They end with
// the process: no test can know that it is the last.
var started = struct {
	sync.Mutex
	servers map[kind]*sandbox.Server
}{servers: map[kind]*sandbox.Server{}}

// shared returns the server of that engine that all tests share.
func shared(e sandbox.Engine) (sandbox.Address, error) {
	list := os.Getenv(sandbox.ServersVariable)
	if list == "" {
		return own(kind{engine: e})
	}
	servers, err := sandbox.ParseServers(list)
	if err != nil {
		return sandbox.Address{}, fmt.Errorf("read %s: %w", sandbox.ServersVariable, err)
	}
	at := slices.IndexFunc(servers, func(a sandbox.Address) bool { return a.Engine == e })
	if at < 0 {
		return sandbox.Address{}, fmt.Errorf("%s has no server of %s", sandbox.ServersVariable, e)
	}
	return servers[at], nil
}

// own returns the server of that kind that this process started at its first need.
func own(k kind) (sandbox.Address, error) {
	started.Lock()
	defer started.Unlock()
	if s, ok := started.servers[k]; ok {
		return s.Address(), nil
	}
	// Not the context of the test that happens to come first: the server outlives it.
	s, err := sandbox.Start(context.Background(), k.engine, sandbox.Options{FilePosition: k.filePositions})
	if err != nil {
		return sandbox.Address{}, err
	}
	started.servers[k] = s
	return s.Address(), nil
}

// ownServer returns the user's server with its engine named by kind and release series, as the sandbox's are.
func ownServer(dsn string) (sandbox.Address, error) {
	c, err := mysql.ParseDSN(dsn)
	if err != nil {
		return sandbox.Address{}, fmt.Errorf("read %s: %w", DSNVariable, err)
	}
	if c.Net != "tcp" {
		return sandbox.Address{}, fmt.Errorf("read %s: want user:password@tcp(host:port)/, got %s", DSNVariable, c.Net)
	}
	servers, err := sandbox.ParseServers("mysql=" + c.Addr)
	if err != nil {
		return sandbox.Address{}, fmt.Errorf("read %s: %w", DSNVariable, err)
	}
	own := servers[0]
	own.User, own.Password = c.User, c.Passwd
	db := own.Open("")
	defer func() { _ = db.Close() }() // its one query has been answered
	var version string
	if err := db.QueryRowContext(context.Background(), "SELECT VERSION()").Scan(&version); err != nil {
		return sandbox.Address{}, fmt.Errorf("ask the server of %s: %w", DSNVariable, err)
	}
	own.Engine = engineOf(version)
	return own, nil
}

// engineOf names the engine of a server by its version: "8.4.3" is mysql-8.4, "11.4.5-MariaDB-log" mariadb-11.4.
func engineOf(version string) sandbox.Engine {
	kind := "mysql"
	if strings.Contains(strings.ToLower(version), "mariadb") {
		kind = "mariadb"
	}
	parts := strings.SplitN(version, ".", 3)
	return sandbox.Engine(kind + "-" + strings.Join(parts[:min(2, len(parts))], "."))
}

// AtOnce has so many tests of the package run side by side, unless -parallel says how many. It is for TestMain.
func AtOnce(n int) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if chosen {
		return
	}
	if err := flag.Set("test.parallel", strconv.Itoa(n)); err != nil {
		panic(err)
	}
}
