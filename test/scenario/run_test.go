package scenario_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestScenarios runs every folder on every server that it is for.
func TestScenarios(t *testing.T) {
	for _, s := range readSpecs(t) {
		t.Run(s.name, func(t *testing.T) {
			for i, s := range s.ways() {
				t.Run(s.applies(), func(t *testing.T) {
					t.Parallel()
					s.servers.each(t, s.engines, func(t *testing.T, schema *sandboxtest.Schema) { s.run(t, schema, i == 0) })
				})
			}
		})
	}
}

// numbers creates n with the numbers 1 to 1000, of which scenarios make rows.
const numbers = `
	CREATE TABLE n (i INT PRIMARY KEY) ENGINE = InnoDB;
	INSERT INTO n WITH RECURSIVE c AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM c WHERE i < 1000) SELECT i FROM c`

// run carries the scenario out, after a dry run if that is asked for: one will do for all ways of applying, since each run begins as
// it does.
func (s *spec) run(t *testing.T, schema *sandboxtest.Schema, dry bool) {
	engine := schema.Server.Engine
	schema.MustExec(numbers)
	c := schema.MustConn() // with a session that create.sql may change
	if _, err := c.ExecContext(t.Context(), s.file(t, "create.sql", engine)); err != nil {
		t.Fatalf("create.sql: %v", err)
	}
	m := newMigration(t, s, schema)
	m.cfg.DeferIndexes = migrate.DeferOn
	before := readState(t, schema)
	if dry {
		s.plan(t, schema, before, m.cfg)
	}
	summary, err := m.carry(t, schema)
	if s.exit != 0 {
		if m.after != nil {
			before = m.after
		}
		s.refused(t, schema, before, err)
		return
	}
	if err != nil {
		t.Fatalf("migrate: %v", err)
	}
	s.swapped(t, schema, before, summary)
	for _, question := range strings.Split(s.file(t, "after.sql", engine), ";\n") {
		if question = strings.TrimSpace(question); question != "" {
			if answer := schema.MustQueryString(question); answer != "1" {
				t.Errorf("%s\nanswers %s, not 1", question, answer)
			}
		}
	}
}

// plan asserts that a dry run refuses what the run must refuse, with the same words, plans what it must do, and leaves everything as it was.
func (s *spec) plan(t *testing.T, schema *sandboxtest.Schema, before state, cfg migrate.Config) {
	t.Helper()
	text, err := dryRun(t, schema, before, cfg)
	var refusal *migrate.Refusal
	switch refused := errors.As(err, &refusal); {
	case s.exit == migrate.ExitRefused:
		if !refused || !s.message.MatchString(err.Error()) {
			t.Errorf("the dry run ends with %v, want a refusal that says %s", err, s.message)
		}
	case err != nil || !strings.HasPrefix(text, "Plan for"):
		t.Errorf("the dry run plans %q: %v", text, err)
	case strings.Contains(text, "\nKey ") == s.untried, s.untried != strings.Contains(text, "\nNot checked    the key"):
		t.Errorf("the dry run shall be able to try the ALTER: %t:\n%s", !s.untried, text)
	}
}

// refused asserts how the migration ended, and that the server is as it was once the statements that the error gives, if
// any, were executed.
func (s *spec) refused(t *testing.T, schema *sandboxtest.Schema, before state, err error) {
	t.Helper()
	if err == nil {
		t.Fatalf("the migration succeeded, exit code %d and %q are expected", s.exit, s.message)
	}
	t.Log(err)
	var coded interface{ ExitCode() int }
	if !errors.As(err, &coded) || coded.ExitCode() != s.exit {
		t.Errorf("the exit code is not %d: %T %v", s.exit, err, err)
	}
	if !s.message.MatchString(err.Error()) {
		t.Errorf("the message is\n%v\nwant %s", err, s.message)
	}
	if s.exit == migrate.ExitRefused && !strings.HasPrefix(err.Error(), "refused before the start, nothing was changed") {
		t.Errorf("it was refused later than before the start: %v", err)
	}
	var failure *migrate.Failure
	if errors.As(err, &failure) {
		for _, statement := range failure.Left {
			schema.MustExec(statement)
		}
	}
	for _, line := range before.differences(readState(t, schema)) {
		t.Errorf("after the refusal %s", line)
	}
}

// swapped asserts that the tables are what they must be and nothing else is left.
func (s *spec) swapped(t *testing.T, schema *sandboxtest.Schema, before state, summary *migrate.Summary) {
	t.Helper()
	for _, flag := range strings.Fields(s.way) {
		if !strings.Contains(summary.Way, flag) {
			t.Errorf("the migration went the way %q, want %s", summary.Way, flag)
		}
	}
	after := readState(t, schema)
	fresh := s.stored(t, schema)
	if after[summary.Retired.Table] == "" {
		t.Errorf("the retired table %s is not there", summary.Retired)
	}
	delete(after, summary.Retired.Table)
	delete(after, fresh.Table)
	delete(before, fresh.Table)
	for _, line := range before.differences(after) {
		t.Errorf("after the migration %s", line)
	}
	clauses := s.file(t, "native", schema.Server.Engine)
	if clauses == "" {
		clauses = s.file(t, "alter", schema.Server.Engine)
	}
	compareWithNative(t, schema, s, clauses, summary.Retired, fresh)
}

// migration is one run of the product.
type migration struct {
	spec     *spec
	cfg      migrate.Config
	load     *sqlLoad // nil for none
	during   string
	postpone string
	after    state    // after during.sql, without the migration's own tables
	seen     []uint64 // row changes, at each look while rows were copied
	said     *buffer  // its log
}

func newMigration(t *testing.T, s *spec, schema *sandboxtest.Schema) *migration {
	t.Helper()
	e := schema.Server.Engine
	m := &migration{spec: s, during: s.file(t, "during.sql", e), postpone: filepath.Join(t.TempDir(), "postpone"), said: testLog(t)}
	if text := s.file(t, "load.sql", e); text != "" {
		m.load = newLoad(text, s.session, s.loads)
	}
	m.cfg = migrate.Config{
		Conn: conn.Config{
			Host: schema.Server.Host, Port: schema.Server.Port, User: schema.Server.User, Password: schema.Server.Password, Run: rand.Text(),
		},
		Database: schema.Name, Table: s.table, Alter: strings.TrimSpace(s.file(t, "alter", e)),
		Workers: s.number(t, "num-workers", 4), CopyWorkers: s.number(t, "copy-workers", 2),
		DeferIndexes: migrate.DeferAuto, Verify: true, ChunkTime: 100 * time.Millisecond, ChunkSize: uint64(s.number(t, "chunk-size", 100)),
		LockTimeout: 3 * time.Second, MaxStall: 500 * time.Millisecond, ReconnectTimeout: time.Minute, Heartbeat: 50 * time.Millisecond, Checkpoint: time.Second,
		TimestampName: s.options["timestamp-old-table"] != "", AllowRenamed: s.options["allow-renamed-constraints"] != "",
		Log: slog.New(slog.NewTextHandler(m.said, nil)),
	}
	if columns := s.options["allow-lossy"]; columns != "" {
		m.cfg.AllowLossy = strings.Split(columns, ",")
	}
	for _, flag := range strings.Fields(s.way) {
		switch name, value, _ := strings.Cut(flag, "="); name {
		case "--native":
			m.cfg.Native = migrate.Native(value)
		case "--apply":
			m.cfg.Apply = migrate.Apply(value)
		}
	}
	return m
}

func (s *spec) number(t *testing.T, option string, usual int) int {
	t.Helper()
	text, given := s.options[option]
	if !given {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", option, err)
	}
	return n
}

// enough is how many transactions of the load must have been done before the migration may end, and how many of them when
// the rows were already copied.
const (
	enough       = 60
	enoughCopied = 20
)

// carry runs the migration; under load or with something to do meanwhile it is postponed until that is done.
func (m *migration) carry(t *testing.T, schema *sandboxtest.Schema) (*migrate.Summary, error) {
	t.Helper()
	if m.load == nil && m.during == "" {
		return undisturbed(t, func() (*migrate.Summary, error) { return migrate.New(m.cfg).Run(t.Context()) })
	}
	return undisturbed(t, func() (*migrate.Summary, error) { return m.postponed(t, schema) })
}

// undisturbed runs a migration again that was refused since another test, on the same server, has a prepared XA transaction.
func undisturbed(t *testing.T, run func() (*migrate.Summary, error)) (*migrate.Summary, error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		summary, err := run()
		if err == nil || !strings.Contains(err.Error(), "XA transactions are prepared") || time.Now().After(deadline) {
			return summary, err
		}
	}
}

// postponed runs the migration with the load, and allows the cut-over when all is done that shall be done before.
func (m *migration) postponed(t *testing.T, schema *sandboxtest.Schema) (*migrate.Summary, error) {
	t.Helper()
	m.cfg.PostponeFile = m.postpone
	if err := os.WriteFile(m.postpone, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := migrate.New(m.cfg)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	loading, stop := context.WithCancel(ctx)
	defer stop()
	var summary *migrate.Summary
	var failed, loadFailed error
	loaded, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(loaded)
		if m.load != nil {
			loadFailed = m.load.run(loading, schema.DB)
		}
	}()
	go func() {
		defer close(ended)
		summary, failed = r.Run(ctx)
	}()
	defer func() { // also when during.sql fails the test
		cancel()
		<-loaded
		<-ended
	}()
	m.permit(t, schema, r, ended)
	stop()
	<-loaded
	if loadFailed != nil {
		t.Error(loadFailed)
	}
	if err := os.Remove(m.postpone); err != nil {
		t.Error(err)
	}
	<-ended
	if m.load != nil && failed == nil && summary.Changes == 0 {
		t.Error("the load changed no row while the migration ran")
	}
	if m.spec.beside && (len(m.seen) == 0 || m.seen[0] == m.seen[len(m.seen)-1]) {
		t.Errorf("row changes seen while rows were copied: %d", m.seen)
	}
	return summary, failed
}

// limit is the time that one migration may take.
const limit = 2 * time.Minute

// permit returns when the migration has copied the rows and the load and during.sql have done their part, or it has ended.
func (m *migration) permit(t *testing.T, schema *sandboxtest.Schema, r *migrate.Runner, ended <-chan struct{}) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	copied, acted := int64(-1), false
	for {
		switch s := r.Snapshot(); s.Phase {
		case status.Copy:
			m.seen = append(m.seen, s.ChangesSeen)
		case status.Postponed:
			if !acted && m.during != "" {
				schema.MustExec(m.during)
				m.after = readState(t, schema).without(table.NamesFor(m.spec.stored(t, schema)))
			}
			acted = true
			if m.load == nil || m.load.failed.Load() {
				return
			}
			done := m.load.done.Load()
			if copied < 0 {
				copied = done
			}
			if done >= enough && done-copied >= enoughCopied {
				return
			}
		}
		select {
		case <-ended:
			return
		case <-t.Context().Done():
			return
		case <-tick.C:
		}
	}
}

// testLog returns what a migration may write its log to: it is shown when the test fails.
func testLog(t *testing.T) *buffer {
	t.Helper()
	b := &buffer{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the migration:\n%s", b)
		}
	})
	return b
}

// buffer keeps what is written to it, by any goroutine.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String implements fmt.Stringer.
func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
