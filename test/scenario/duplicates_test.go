package scenario_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox/proxy"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/status"
)

// Two rows become equal under a unique key that the ALTER adds, while the migration is under way: whenever that happens, it is
// found, it is named, and the source serves as it was.

// duplicate is a row that gets the value of another one at a certain moment. The table has uniqueRows rows, and in each of them
// the value is the id.
type duplicate struct {
	row, other int
	now        func(*status.Snapshot) bool
	at         string // the statement of ours that waits meanwhile contains this, with the schema for %s; "" for any
	loaded     bool   // the application writes, before and after
}

const (
	uniqueRows = 2000
	// What is copied and compared in chunks, one after the other, is up to behind when a moment amid has come, and not yet from ahead on.
	behind, ahead = 500, 1500
)

// uniqueLoad changes every value that it may, exchanges two of them, and never makes two rows equal. Each transaction counts in w.
const uniqueLoad = `
UPDATE t SET w = w + 1 WHERE id = {1-2000}

UPDATE t SET a = a + 100000, w = w + 1 WHERE id = {601-1400}

BEGIN; UPDATE t SET a = 0, w = w + 1 WHERE id = 1; UPDATE t SET a = 1 WHERE id = 2; UPDATE t SET a = 2 WHERE id = 1; COMMIT

BEGIN; UPDATE t SET a = 0, w = w + 1 WHERE id = 1; UPDATE t SET a = 2 WHERE id = 2; UPDATE t SET a = 1 WHERE id = 1; COMMIT`

func amidCopying(s *status.Snapshot) bool {
	return s.Phase == status.Copy && s.Copied >= behind && s.Copied < ahead
}

func amidVerifying(s *status.Snapshot) bool {
	return s.Phase == status.Verify && s.Verified >= behind && s.Verified < ahead
}

func cuttingOver(s *status.Snapshot) bool { return s.Phase == status.CutOver }

// TestDuplicateAppears: in each phase.
func TestDuplicateAppears(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]*duplicate{
		"copying, both copied":           {row: 300, other: 77, now: amidCopying},
		"copying, the other one copied":  {row: 1900, other: 77, now: amidCopying},
		"copying, the other one to come": {row: 300, other: 1977, now: amidCopying},
		"copying, both to come":          {row: 1900, other: 1977, now: amidCopying},
		"verifying, both compared":       {row: 300, other: 77, now: amidVerifying},
		"verifying, both to be compared": {row: 1900, other: 1977, now: amidVerifying},
		"before the lock, under load":    {row: 1900, other: 77, now: cuttingOver, at: "LOCK TABLES `%s`.`t` ", loaded: true},
	} {
		for _, s := range (&spec{name: name, way: "--native=off", table: "t", dir: t.TempDir(), options: map[string]string{"chunk-size": "50", "copy-workers": "1"}}).ways() {
			t.Run(name+"/"+s.applies(), func(t *testing.T) {
				t.Parallel()
				eachUsual(t, func(t *testing.T, schema *sandboxtest.Schema) { d.appears(t, s, schema) })
			})
		}
	}
}

// appears runs the migration in which the duplicate appears, and once more when it is gone: then nothing is lost either.
func (d *duplicate) appears(t *testing.T, s *spec, schema *sandboxtest.Schema) {
	schema.MustExec(numbers + `;
		CREATE TABLE t (id INT NOT NULL PRIMARY KEY, a INT NOT NULL, w INT NOT NULL DEFAULT 0) ENGINE = InnoDB;
		INSERT INTO t (id, a) SELECT i, i FROM n UNION ALL SELECT 1000 + i, 1000 + i FROM n`)
	m := newMigration(t, s, schema)
	m.cfg.Alter = "ADD UNIQUE KEY added (a)"
	m.cfg.LockTimeout, m.cfg.MaxStall = 30*time.Second, 10*time.Second // one attempt must do
	stop := m.write(t, d, schema)
	err := d.meet(t, m, schema)
	written := stop()
	mustExitWith(t, migrate.ExitFailed, err)
	t.Log(err)
	named := regexp.MustCompile(fmt.Sprintf(`Duplicate entry '%d' for key '(t__new\.)?added'`, d.other))
	if !named.MatchString(err.Error()) || !strings.Contains(err.Error(), "The source table serves, unchanged") {
		t.Errorf("it says %v", err)
	}
	if exists(schema, "t__old") || hasAdded(schema) {
		t.Errorf("the source is not what it was; the tables are %v", schema.MustQueryRows("SHOW TABLES"))
	}
	mustHoldEach(t, schema, written, d.row, d.other)
	schema.MustExec(fmt.Sprintf("SET SESSION lock_wait_timeout = 1; UPDATE t SET a = id WHERE id = %d", d.row)) // no lock is left
	if _, err := undisturbed(t, func() (*migrate.Summary, error) { return migrate.New(m.cfg).Run(t.Context()) }); err != nil || !hasAdded(schema) {
		t.Errorf("when the values are distinct: %v", err)
	}
	mustHoldEach(t, schema, written, d.row, d.row)
}

func hasAdded(s *sandboxtest.Schema) bool {
	return strings.Contains(s.MustQueryRows("SHOW CREATE TABLE t")[0], "UNIQUE KEY `added`")
}

// mustHoldEach asserts that t has each row with its own value, but for one row with a value that is given, and all that was written.
func mustHoldEach(t *testing.T, s *sandboxtest.Schema, written int64, row, value int) {
	t.Helper()
	got := s.MustQueryString(fmt.Sprintf(`
		SELECT CONCAT(COUNT(*), ' rows, ', SUM(a %% 100000 <> IF(id = %[1]d, %[2]d, id) AND id > 2), ' wrong, ',
		       SUM(IF(id <= 2, a * a, 0)), ' exchanged, ', SUM(w), ' writes') FROM t`, row, value))
	if want := fmt.Sprintf("%d rows, 0 wrong, 5 exchanged, %d writes", uniqueRows, written); got != want {
		t.Errorf("t has %s, want %s", got, want)
	}
}

// write begins the load, if there is to be one. stop ends it, some transactions later, and returns how many there were.
func (m *migration) write(t *testing.T, d *duplicate, schema *sandboxtest.Schema) (stop func() int64) {
	t.Helper()
	if !d.loaded {
		return func() int64 { return 0 }
	}
	m.load = newLoad(uniqueLoad, "", 3)
	loading, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- m.load.run(loading, schema.DB) }()
	return func() int64 {
		if !m.load.goesOn(t.Context()) {
			t.Error("the source does not serve the load")
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		return m.load.done.Load()
	}
}

// goesOn says whether some more transactions are done.
func (l *sqlLoad) goesOn(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for before := l.done.Load(); l.done.Load() < before+10; {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
			if l.failed.Load() {
				return false
			}
		}
	}
	return true
}

// meet runs the migration and makes the rows equal when it is time: all statements of ours wait meanwhile, so it stays this moment.
func (d *duplicate) meet(t *testing.T, m *migration, schema *sandboxtest.Schema) error {
	t.Helper()
	var runner atomic.Pointer[migrate.Runner]
	i := &incident{at: strings.ReplaceAll(d.at, "%s", schema.Name), verdict: proxy.Forward}
	i.when = func() bool { s := runner.Load().Snapshot(); return d.now(&s) }
	i.happens = func() {
		if d.loaded && !m.load.goesOn(t.Context()) {
			t.Error("there is no load at that moment")
		}
		d.mustBeAmid(t, runner.Load(), schema)
		if _, err := schema.DB.Exec(fmt.Sprintf("UPDATE t SET a = %d WHERE id = %d", d.other, d.row)); err != nil {
			t.Error(err)
		}
		d.mustBeAmid(t, runner.Load(), schema)
	}
	p, address := sandboxtest.Proxy(t, schema.Server)
	m.cfg.Conn.Host, m.cfg.Conn.Port = address.Host, address.Port
	_, err := undisturbed(t, func() (*migrate.Summary, error) {
		runner.Store(migrate.New(m.cfg))
		p.SetFilter(i.judge)
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		return runner.Load().Run(ctx)
	})
	if !i.done {
		t.Fatalf("the moment did not come: %v", err)
	}
	if attempts := runner.Load().Snapshot().Attempts; d.loaded && attempts != 1 {
		t.Errorf("it took %d attempts", attempts) // not found under the lock that the rows became equal before
	}
	return err
}

// mustBeAmid asserts that it is the moment, also by what the shadow has.
func (d *duplicate) mustBeAmid(t *testing.T, r *migrate.Runner, schema *sandboxtest.Schema) {
	if s := r.Snapshot(); !d.now(&s) {
		t.Errorf("it is too late: phase %s, %d rows copied, %d compared", s.Phase, s.Copied, s.Verified)
	}
	for _, id := range []int{d.row, d.other} {
		var n int
		if err := schema.DB.QueryRow("SELECT COUNT(*) FROM t__new WHERE id = ?", id).Scan(&n); err != nil {
			t.Error(err)
		}
		if s := r.Snapshot(); (n == 1) != (s.Phase != status.Copy || id <= behind) {
			t.Errorf("in phase %s the shadow has row %d %d times", s.Phase, id, n)
		}
	}
}
