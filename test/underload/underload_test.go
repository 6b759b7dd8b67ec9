// Package underload_test migrates tables while a load with a model writes to them, and proves the result in two ways: the
// load stopped while the cut-over is postponed, old = new; the load running through the swap, new = model and old = model
// as of the rename. MIDSTREAM_SOAK, a duration, makes it the long form: each run has at least so much load, and all
// combinations run.
package underload_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/proxy"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// long is how long the load of each run lasts in the long form, and whether this is it.
func long() (time.Duration, bool) {
	d, err := time.ParseDuration(os.Getenv("MIDSTREAM_SOAK"))
	return d, err == nil
}

// soak returns how long the load of a run lasts.
func soak(short time.Duration) time.Duration {
	if d, ok := long(); ok {
		return d
	}
	return short
}

// run is one migration under load.
type run struct {
	t         *testing.T
	s         *sandboxtest.Schema
	set       settings
	source    load.Table
	generator *load.Generator
	runner    *migrate.Runner
	postpone  string
	began     time.Time // of the load
	proxy     *proxy.Proxy

	stopLoad      context.CancelFunc
	stopMigration context.CancelFunc
	loaded        chan error
	migrated      chan error
	summary       *migrate.Summary
}

// settings are what differs between runs.
type settings struct {
	connections, workers int
	rows                 int64
	skew                 load.Skew
	mix                  load.Mix
	unique               bool
	alter                string
	apply                migrate.Apply // "": replay
	tables               int           // besides the migrated one, written alike
	rate                 float64       // transactions a second; 0: as fast as they go
	busy                 bool          // few such runs at once, for they keep the machine busy also at this rate
	user                 string        // of the migration; "": the server's root
	proxied              bool          // the migration reaches the server through run.proxy
	filter               proxy.Filter  // of the proxy, from the beginning
	throttled            string        // flag file that holds the migration back; "": none
	chunk                uint64        // rows of a chunk; 0: by time
}

// calm is the rate of runs that need no more: the servers of several share the machine. 0, as fast as it goes, in the long form.
func calm() float64 {
	if _, ok := long(); ok {
		return 0
	}
	return 150
}

// large gives the run a table that the load writes to while many chunks are copied: in the short form they are small.
func large(set settings) settings {
	set.rows, set.chunk = 20_000, 500
	if _, ok := long(); ok {
		set.rows, set.chunk = 50_000, 0
	}
	return set
}

func (set settings) String() string {
	return fmt.Sprintf("%d connections, %d workers, %s", set.connections, set.workers, set.distribution())
}

func (set settings) distribution() string {
	switch {
	case set.skew.Zipf > 0:
		return fmt.Sprintf("zipf %.1f", set.skew.Zipf)
	case set.skew.HotShare > 0:
		return fmt.Sprintf("%.0f%% on one row", 100*set.skew.HotShare)
	}
	return "uniform"
}

// begin starts the load and, when it writes, the migration with its cut-over postponed.
func begin(t *testing.T, s *sandboxtest.Schema, set settings) *run {
	t.Helper()
	r := beginLoad(t, s, set)
	r.startMigration(r.config(set))
	return r
}

// newRun returns a run that migrates a table of the schema, with its cut-over postponed, once startMigration is called.
func newRun(t *testing.T, s *sandboxtest.Schema, set settings, source string) *run {
	t.Helper()
	r := &run{t: t, s: s, set: set, postpone: filepath.Join(t.TempDir(), "postpone"), loaded: make(chan error, 1), migrated: make(chan error, 1)}
	if err := os.WriteFile(r.postpone, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.source = load.Table{Name: table.Name{Schema: s.Name, Table: source}, Rows: set.rows, Gap: 10, Unique: set.unique}
	return r
}

// beginLoad returns a run, before its migration, when the load writes.
func beginLoad(t *testing.T, s *sandboxtest.Schema, set settings) *run {
	t.Helper()
	if set.rate == 0 || set.busy {
		beBusy(t)
	}
	r := newRun(t, s, set, "sbtest1")
	tables := []load.Table{r.source}
	for i := range set.tables {
		tables = append(tables, load.Table{Name: table.Name{Schema: s.Name, Table: fmt.Sprintf("other%d", i)}, Rows: 1000, Gap: 10, Unique: set.unique})
	}
	for _, other := range tables {
		if err := other.Create(t.Context(), s.DB); err != nil {
			t.Fatal(err)
		}
	}
	r.generator = load.New(load.Config{
		DB: s.Server.Open(s.Name), Tables: tables, Connections: set.connections, Skew: set.skew, Mix: set.mix,
		Rate: set.rate, Rollback: 0.02, Savepoint: 0.02, Seed: uint64(set.workers),
	})
	r.startLoad()
	return r
}

// mover creates an account that may migrate the schema's tables, and is no administrator, and returns its name.
func mover(s *sandboxtest.Schema) string {
	everywhere := "REPLICATION SLAVE, REPLICATION CLIENT, PROCESS, XA_RECOVER_ADMIN"
	if s.Server.Engine.MariaDB() {
		everywhere = "REPLICATION SLAVE, BINLOG MONITOR, SLAVE MONITOR, PROCESS"
	}
	s.MustExec("CREATE USER mover@'%' IDENTIFIED BY '" + sandbox.Password + "'; GRANT ALL ON `" + s.Name + "`.* TO mover@'%'; GRANT " + everywhere + " ON *.* TO mover@'%'")
	return "mover"
}

// startMigration begins the migration, or goes on with it.
func (r *run) startMigration(cfg migrate.Config) {
	ctx, stop := context.WithCancel(r.t.Context())
	r.runner, r.stopMigration = migrate.New(cfg), stop
	go func() {
		var err error
		r.summary, err = r.runner.Run(ctx)
		r.migrated <- err
	}()
}

// startLoad returns when the load has committed something.
func (r *run) startLoad() {
	r.t.Helper()
	loading, stop := context.WithCancel(r.t.Context())
	r.stopLoad, r.began = stop, time.Now()
	go func() { r.loaded <- r.generator.Run(loading) }()
	for written := 0; written < 20; {
		select {
		case err := <-r.loaded:
			r.t.Fatalf("the load ended: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
		stats := r.generator.Snapshot()
		written = int(stats.Transactions)
	}
}

func (r *run) config(set settings) migrate.Config {
	server := r.s.Server
	if set.proxied {
		r.proxy, server = sandboxtest.Proxy(r.t, server)
		r.proxy.SetFilter(set.filter)
	}
	return migrate.Config{
		Conn:     conn.Config{Host: server.Host, Port: server.Port, User: cmp.Or(set.user, server.User), Password: server.Password, Run: r.s.Name},
		Database: r.s.Name, Table: r.source.Name.Table, Alter: set.alter,
		Apply: cmp.Or(set.apply, migrate.Replay), Native: migrate.NativeOff, DeferIndexes: migrate.DeferOn, Verify: true, Workers: set.workers, CopyWorkers: 4, ChunkTime: 50 * time.Millisecond, ChunkSize: set.chunk,
		LockTimeout: 3 * time.Second, MaxStall: 2 * time.Second, ReconnectTimeout: 3 * time.Minute, Heartbeat: 100 * time.Millisecond, Checkpoint: time.Second,
		PostponeFile: r.postpone, ThrottleFile: set.throttled, Log: slog.New(slog.NewTextHandler(testLog{r.t}, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

// testLog writes log lines to the test's log.
type testLog struct{ t *testing.T }

func (l testLog) Write(line []byte) (int, error) {
	l.t.Logf("%s", line)
	return len(line), nil
}

// awaitPostponed waits until everything is copied and the cut-over waits for its permission, and does something meanwhile,
// again and again.
func (r *run) awaitPostponed(meanwhile ...func()) {
	r.t.Helper()
	deadline := time.Now().Add(5 * time.Minute)
	for r.runner.Snapshot().Phase != status.Postponed {
		for _, do := range meanwhile {
			do()
		}
		select {
		case err := <-r.migrated:
			r.t.Fatalf("the migration ended before its cut-over: %v", err)
		case err := <-r.loaded:
			r.t.Fatalf("the load ended: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("not ready for the cut-over:\n%s", ptr(r.runner.Snapshot()).View(100))
		}
	}
}

func ptr[T any](v T) *T { return &v }

func (r *run) mustStopLoad() {
	r.t.Helper()
	r.stopLoad()
	if err := <-r.loaded; err != nil {
		r.t.Fatal(err)
	}
}

// mustSwap lifts the flag and waits for the end.
func (r *run) mustSwap() {
	r.t.Helper()
	if err := os.Remove(r.postpone); err != nil {
		r.t.Fatal(err)
	}
	if err := <-r.migrated; err != nil {
		r.t.Fatal(err)
	}
	if want := "shadow table, --native=off, --apply=" + string(cmp.Or(r.set.apply, migrate.Replay)) + ", indexes built afterwards"; r.summary.Way != want {
		r.t.Errorf("the migration took the way %q, want %q", r.summary.Way, want)
	}
}

// mustProve fails the test unless the proof holds.
func (r *run) mustProve(report *proof.Report, err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Logf("%s", report)
}

// tell is tellOfLoad, and checks that workers applied at once.
func (r *run) tell() {
	r.t.Helper()
	if r.set.workers > 1 && r.needsWorkers() && r.runner.Snapshot().MostBusy < 2 {
		r.t.Error("never two workers at once")
	}
	r.tellOfLoad()
}

// needsWorkers says whether the load surely makes work for several workers at once.
func (r *run) needsWorkers() bool {
	if r.set.apply == migrate.Refresh {
		// An epoch is divided when it has some dozens of keys, which a hot row does not make, nor a few transactions.
		return r.set.rate == 0 && r.set.skew.HotShare == 0
	}
	_, isLong := long()
	// MariaDB's clock is the commits of one group, which are few where a commit is fast; in a short run there may be none.
	return isLong || !r.s.Server.Engine.MariaDB()
}

// tellOfLoad logs what the run was like, and checks that the application met no error that the migration is to keep from it.
func (r *run) tellOfLoad() {
	r.t.Helper()
	stats := r.generator.Snapshot()
	snapshot := r.runner.Snapshot()
	r.t.Logf("load: %s", stats.String())
	r.t.Logf("%d row changes applied, %d retries, at most %d of %d workers busy at once, clock allows %.1f; stall %s",
		snapshot.ChangesApplied, snapshot.Retries, snapshot.MostBusy, r.set.workers, snapshot.Parallelism, snapshot.Stall)
	for _, number := range []uint16{1146, 1050, 1205} {
		if n := stats.Errors[number]; n > 0 {
			r.t.Errorf("the application met %d errors %d", n, number)
		}
	}
	report(r, &stats, snapshot)
}

// mustStay lets the load go on for d.
func (r *run) mustStay(d time.Duration) {
	r.t.Helper()
	select {
	case err := <-r.loaded:
		r.t.Fatalf("the load ended: %v", errors.Join(err, errors.New("nobody stopped it")))
	case err := <-r.migrated:
		if err != nil {
			r.t.Fatalf("the migration ended: %v", err)
		}
		r.migrated <- nil
	case <-time.After(d):
	}
}

// mustEqual stops the load, lifts the flag, and proves old = new, by row count, CHECKSUM TABLE and every value of the
// ordered rows, and new = model.
func (r *run) mustEqual() {
	r.t.Helper()
	r.mustStopLoad()
	r.mustSwap()
	r.mustProve(proof.Equal(r.t.Context(), r.s.DB, table.NamesFor(r.source.Name).Retired, r.source.Name))
	r.mustProve(proof.Model(r.t.Context(), r.s.DB, r.source.Name, r.generator.Model(0)))
	r.tell()
}
