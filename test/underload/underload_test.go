// Package underload_test migrates tables while a load with a model writes to them, and proves the result in two ways: the
// load stopped while the cut-over is postponed, old = new; the load running through the swap, new = model and old = model
// as of the rename.
package underload_test

import (
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
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// soak makes the runs as long as MIDSTREAM_SOAK says; without it they are short.
func soak(short time.Duration) time.Duration {
	if long, err := time.ParseDuration(os.Getenv("MIDSTREAM_SOAK")); err == nil {
		return long
	}
	return short
}

// run is one migration under load.
type run struct {
	t         *testing.T
	s         *sandboxtest.Schema
	source    load.Table
	generator *load.Generator
	runner    *migrate.Runner
	postpone  string

	stopLoad context.CancelFunc
	loaded   chan error
	migrated chan error
	summary  *migrate.Summary
}

// settings are what differs between runs.
type settings struct {
	connections, workers int
	rows                 int64
	skew                 load.Skew
	mix                  load.Mix
	unique               bool
	alter                string
	tables               int     // besides the migrated one, written alike
	rate                 float64 // transactions a second; 0: as fast as they go
}

// begin starts the load, and the migration with its cut-over postponed.
func begin(t *testing.T, s *sandboxtest.Schema, set settings) *run {
	t.Helper()
	r := &run{t: t, s: s, postpone: filepath.Join(t.TempDir(), "postpone"), loaded: make(chan error, 1), migrated: make(chan error, 1)}
	if err := os.WriteFile(r.postpone, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.source = load.Table{Name: table.Name{Schema: s.Name, Table: "sbtest1"}, Rows: set.rows, Gap: 10, Unique: set.unique}
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
	loading, stop := context.WithCancel(t.Context())
	r.stopLoad = stop
	go func() { r.loaded <- r.generator.Run(loading) }()
	r.runner = migrate.New(r.config(set))
	go func() {
		var err error
		r.summary, err = r.runner.Run(t.Context())
		r.migrated <- err
	}()
	return r
}

func (r *run) config(set settings) migrate.Config {
	server := r.s.Server
	return migrate.Config{
		Conn:     conn.Config{Host: server.Host, Port: server.Port, User: server.User, Password: server.Password, Run: r.s.Name},
		Database: r.s.Name, Table: r.source.Name.Table, Alter: set.alter,
		Apply: migrate.Replay, Native: migrate.NativeOff, Workers: set.workers, CopyWorkers: 4, ChunkTime: 50 * time.Millisecond,
		LockTimeout: 3 * time.Second, MaxStall: 2 * time.Second, ReconnectTimeout: time.Minute, Heartbeat: 100 * time.Millisecond,
		PostponeFile: r.postpone, Log: slog.New(slog.NewTextHandler(testLog{r.t}, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

// testLog writes log lines to the test's log.
type testLog struct{ t *testing.T }

func (l testLog) Write(line []byte) (int, error) {
	l.t.Logf("%s", line)
	return len(line), nil
}

// awaitPostponed waits until everything is copied and the cut-over waits for its permission.
func (r *run) awaitPostponed() {
	r.t.Helper()
	deadline := time.Now().Add(5 * time.Minute)
	for r.runner.Snapshot().Phase != status.Postponed {
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
	if want := "shadow table, --native=off, --apply=replay"; r.summary.Way != want {
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

// tell logs what the run was like, and checks that the application met no error that the migration is to keep from it.
func (r *run) tell() {
	r.t.Helper()
	stats := r.generator.Snapshot()
	snapshot := r.runner.Snapshot()
	r.t.Logf("load: %s", stats.String())
	r.t.Logf("%d row changes applied, %d retries, at most %d of %d workers busy at once, clock allows %.1f; stall %s",
		snapshot.ChangesApplied, snapshot.Retries, snapshot.MostBusy, snapshot.Workers, snapshot.Parallelism, snapshot.Stall)
	for _, number := range []uint16{1146, 1050, 1205} {
		if n := stats.Errors[number]; n > 0 {
			r.t.Errorf("the application met %d errors %d", n, number)
		}
	}
}

// neutral leaves the columns alone, so that old and new rows can be compared as they are.
const neutral = "ENGINE=InnoDB, COMMENT='rebuilt'"

// TestLoadStopped: old = new, by row count, CHECKSUM TABLE and a digest of the ordered rows.
func TestLoadStopped(t *testing.T) {
	for _, set := range []settings{
		{connections: 8, workers: 1, rows: 5000, alter: neutral},
		{connections: 8, workers: 4, rows: 5000, alter: neutral, tables: 2},
		// Unique values wander through the whole table here. At full speed that load writes more than two cores can replay.
		{connections: 16, workers: 4, rows: 5000, alter: neutral, unique: true, mix: load.Everything(), rate: 150},
		{connections: 16, workers: 16, rows: 5000, alter: neutral, skew: load.Skew{Zipf: 1.2}},
	} {
		t.Run(fmt.Sprintf("%d connections, %d workers", set.connections, set.workers), func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
				r := begin(t, s, set)
				r.awaitPostponed()
				r.mustStay(soak(2 * time.Second))
				r.mustStopLoad()
				r.mustSwap()
				retired := table.NamesFor(r.source.Name).Retired
				r.mustProve(proof.Equal(t.Context(), s.DB, retired, r.source.Name))
				r.mustProve(proof.Model(t.Context(), s.DB, r.source.Name, r.generator.Model(0)))
				r.tell()
			})
		})
	}
}

// TestLoadThroughTheSwap: new = model, old = model as of the rename.
func TestLoadThroughTheSwap(t *testing.T) {
	for _, set := range []settings{
		{connections: 8, workers: 4, rows: 5000, alter: "MODIFY k BIGINT NOT NULL DEFAULT 0, ADD COLUMN note VARCHAR(20)", unique: true, mix: load.Everything(), rate: 150},
		{connections: 4, workers: 2, rows: 2000, alter: neutral, skew: load.Skew{HotShare: 0.9}},
	} {
		t.Run(fmt.Sprintf("%d connections, %d workers", set.connections, set.workers), func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
				r := begin(t, s, set)
				r.awaitPostponed()
				r.mustStay(soak(2 * time.Second))
				r.mustSwap()
				r.mustStay(500 * time.Millisecond)
				r.mustStopLoad()
				r.mustProve(proof.Model(t.Context(), s.DB, r.source.Name, r.generator.Model(0)))
				r.mustProve(proof.Retired(t.Context(), s.DB, table.NamesFor(r.source.Name).Retired, r.generator, 0))
				r.tell()
			})
		})
	}
}

// TestFilePositions runs on a MySQL without GTIDs, with binary log files of the smallest size, rotated all the time.
func TestFilePositions(t *testing.T) {
	server := sandboxtest.Private(t, sandbox.MySQL97, sandbox.Options{FilePosition: true, Args: []string{"--max-binlog-size=4096"}})
	s := sandboxtest.NewSchema(t, server.Address())
	r := begin(t, s, settings{connections: 8, workers: 4, rows: 5000, alter: neutral, mix: load.Everything(), unique: true, rate: 200})
	rotating, stop := context.WithCancel(t.Context())
	rotated := make(chan int, 1)
	go func() { rotated <- rotate(rotating, s) }()
	r.awaitPostponed()
	r.mustStay(soak(3 * time.Second))
	r.mustStopLoad()
	r.mustSwap()
	stop()
	t.Logf("%d rotations by hand", <-rotated)
	r.mustProve(proof.Equal(t.Context(), s.DB, table.NamesFor(r.source.Name).Retired, r.source.Name))
	r.tell()
	if r.runner.Snapshot().MostBusy < 2 {
		t.Error("never two workers at once")
	}
}

// rotate flushes the binary log again and again until ctx ends.
func rotate(ctx context.Context, s *sandboxtest.Schema) int {
	for n := 0; ; n++ {
		if _, err := s.DB.ExecContext(ctx, "FLUSH BINARY LOGS"); err != nil {
			return n
		}
	}
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
