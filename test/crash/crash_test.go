// Package crash_test kills the command at random moments of a migration under load, starts it again with the same
// arguments, and proves in the end that nothing was lost. MIDSTREAM_KILLS is the number of kills for each server; without it
// the runs are short.
package crash_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// kills is how often the command is killed on each server.
func kills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("MIDSTREAM_KILLS")
	if text == "" {
		return 7
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "midstream-crash-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "midstream")
	out, err := exec.Command("go", "build", "-o", path, "../../cmd/midstream").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build command: %w\n%s", err, out)
	}
	return path, nil
})

// atOnce is the number of migrations that run side by side: each mostly waits, for its server or for the moment of its end. Two
// processors are to keep up with the load of all.
const atOnce = 4

// patience bounds every wait: what should happen does, long before, where the machine has not much else to do.
const patience = 3 * time.Minute

func TestMain(m *testing.M) {
	sandboxtest.AtOnce(atOnce)
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path)) // a folder for temporary files
	}
	os.Exit(code)
}

// trial is a table under load, and the command that migrates it.
type trial struct {
	t         *testing.T
	s         *sandboxtest.Schema
	source    load.Table
	generator *load.Generator
	stop      context.CancelFunc
	loaded    chan error
	args      []string
}

// alter leaves old and new rows comparable by the model.
const alter = "MODIFY k BIGINT NOT NULL DEFAULT 0, ADD COLUMN note VARCHAR(20)"

func begin(t *testing.T, s *sandboxtest.Schema, args ...string) *trial {
	t.Helper()
	return beginOn(t, s, usual, "", args...)
}

// usual is the table that is migrated.
var usual = load.Table{Rows: 20_000, Gap: 10, Unique: true}

// beginOn is begin with another table, which was altered before its load begins; "" for not. Large transactions are smaller then:
// keys of several columns that change, and unique keys that the ALTER adds, are followed at a lower rate.
func beginOn(t *testing.T, s *sandboxtest.Schema, source load.Table, altered string, args ...string) *trial {
	t.Helper()
	r := &trial{t: t, s: s, source: source, loaded: make(chan error, 1)}
	r.source.Name = table.Name{Schema: s.Name, Table: "sbtest1"}
	if err := r.source.Create(t.Context(), s.DB); err != nil {
		t.Fatal(err)
	}
	bigRows := 5000
	if altered != "" {
		bigRows = 500
		s.MustExec("ALTER TABLE sbtest1 " + altered)
	}
	r.generator = load.New(load.Config{
		DB: s.Server.Open(s.Name), Tables: []load.Table{r.source}, Connections: 8, Mix: load.Everything(),
		Rate: 50, Rollback: 0.02, Savepoint: 0.02, BigEvery: 40, BigRows: bigRows, Seed: 1,
	})
	loading, stop := context.WithCancel(t.Context())
	r.stop = stop
	go func() { r.loaded <- r.generator.Run(loading) }()
	r.args = append([]string{
		"migrate", "--host", s.Server.Host, "--port", strconv.Itoa(s.Server.Port), "--user", s.Server.User,
		"--database", s.Name, "--table", "sbtest1", "--native=off", "--alter", alter,
		"--chunk-size=200", "--checkpoint-interval=300ms", "--defer-indexes=on",
	}, args...)
	return r
}

// process is the command at work.
type process struct {
	cmd   *exec.Cmd
	text  bytes.Buffer // what it said; to be read when it has ended
	ended chan error
}

func (r *trial) start() *process {
	r.t.Helper()
	path, err := binary()
	if err != nil {
		r.t.Fatal(err)
	}
	p := &process{cmd: exec.Command(path, r.args...), ended: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), "MIDSTREAM_PASSWORD="+sandbox.Password)
	p.cmd.Stdout, p.cmd.Stderr = &p.text, &p.text
	if err := p.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	return p
}

// runFor lets the command run for d and sends it the signal. It says whether the command ended by itself, which must be with
// success, or with the migration complete: the last statement of a killed run may still have been on its way.
func (r *trial) runFor(d time.Duration, signal syscall.Signal) (over bool) {
	r.t.Helper()
	p := r.start()
	select {
	case err := <-p.ended:
		if err != nil && !r.over() {
			r.t.Fatalf("the command ended with %v:\n%s", err, &p.text)
		}
		return true
	case err := <-r.loaded:
		r.t.Fatalf("the load ended: %v", err)
	case <-time.After(d):
	}
	if err := p.cmd.Process.Signal(signal); err != nil {
		r.t.Fatal(err)
	}
	err := <-p.ended
	if err != nil && signal == syscall.SIGTERM && p.cmd.ProcessState.ExitCode() != 1 {
		r.t.Fatalf("the command was stopped and ended with %v:\n%s", err, &p.text)
	}
	return err == nil
}

// over says whether the migration is complete, whatever became of the process.
func (r *trial) over() bool {
	tables := strings.Join(r.s.MustQueryRows("SHOW TABLES"), " ")
	return strings.Contains(tables, "sbtest1__old") && !strings.Contains(tables, "sbtest1__checkpoint")
}

// mustEnd lets the command run to its end.
func (r *trial) mustEnd() {
	r.t.Helper()
	if r.over() {
		return
	}
	p := r.start()
	select {
	case err := <-p.ended:
		if err != nil && !r.over() {
			r.t.Fatalf("the command ended with %v:\n%s", err, &p.text)
		}
	case <-time.After(patience):
		_ = p.cmd.Process.Kill() // the test fails
		<-p.ended
		r.t.Fatalf("the command does not end:\n%s", &p.text)
	}
}

// mustProve stops the load and proves new = model and old = model as of the rename.
func (r *trial) mustProve() {
	r.t.Helper()
	select {
	case err := <-r.loaded:
		r.t.Fatalf("the load ended: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	r.mustStopLoad()
	r.mustHold()
}

// mustHold proves new = model and old = model as of the rename, when the load has ended.
func (r *trial) mustHold() {
	r.t.Helper()
	names := table.NamesFor(r.source.Name)
	if _, err := proof.Model(r.t.Context(), r.s.DB, r.source.Name, r.generator.Model(0)); err != nil {
		r.t.Fatal(err)
	}
	if _, err := proof.Retired(r.t.Context(), r.s.DB, names.Retired, r.generator, 0); err != nil {
		r.t.Fatal(err)
	}
	if left := r.s.MustQueryRows("SHOW TABLES"); len(left) != 2 {
		r.t.Errorf("tables at the end: %v", left)
	}
}

// TestKilled kills the command again and again, also after it has been held at the cut-over, and lets it end.
func TestKilled(t *testing.T) {
	for name, way := range map[string]struct {
		args   []string
		source string // altered before, so
		alter  string // instead of the usual one
		kills  int    // of each three that the others get; 0: all
	}{
		"refresh": {args: []string{"--apply=refresh", "--num-workers=4"}},
		"serial":  {args: []string{"--apply=replay", "--num-workers=1"}},
		"replay":  {args: []string{"--apply=replay", "--num-workers=4"}},
		// A key of two columns, one of which the load changes; one worker.
		"refresh, composite": {args: []string{"--apply=refresh", "--num-workers=1"}, source: "DROP PRIMARY KEY, ADD PRIMARY KEY (k, id), ADD KEY (id)", kills: 1},
		"refresh, added key": {args: []string{"--apply=refresh", "--num-workers=4"}, source: "DROP KEY u_1", alter: alter + ", ADD UNIQUE KEY added (u)", kills: 1},
	} {
		t.Run(name, func(t *testing.T) {
			sandboxtest.EachPosition(t, func(t *testing.T, s *sandboxtest.Schema) {
				postponed, permit := postpone(t)
				r := beginOn(t, s, usual, way.source, append(slices.Clone(way.args), postponed)...)
				if way.alter != "" {
					r.args[slices.Index(r.args, "--alter")+1] = way.alter
				}
				n := kills(t)
				if way.kills > 0 {
					n = (n*way.kills + 2) / 3
				}
				for range n {
					if r.runFor(100*time.Millisecond+rand.N(1500*time.Millisecond), syscall.SIGKILL) {
						t.Fatal("the command ended although its cut-over is postponed")
					}
					s.MustExec("FLUSH BINARY LOGS") // a checkpoint may stand at the end of a file
				}
				permit()
				for range 5 { // near the swap, or in it
					if r.over() || r.runFor(300*time.Millisecond+rand.N(1500*time.Millisecond), syscall.SIGKILL) {
						break
					}
				}
				r.mustEnd()
				r.mustProve()
			})
		})
	}
}

// TestStopped: SIGTERM ends the command in order, and the next goes on.
func TestStopped(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		r := begin(t, s)
		for i := 0; i < 3 && !r.over(); i++ {
			r.runFor(1500*time.Millisecond, syscall.SIGTERM)
		}
		r.mustEnd()
		r.mustProve()
	})
}
