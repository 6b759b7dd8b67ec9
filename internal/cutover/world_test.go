package cutover_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/changelog"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/cutover"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// world is a source, its shadow, and an applier that takes the changes from a journal which the writers keep in the
// transactions of their writes, in place of the binary log.
type world struct {
	t     *testing.T
	s     *sandboxtest.Schema
	cfg   cutover.Config
	deps  cutover.Deps
	play  *player
	admin *sql.DB // the application's sessions, and the test's
}

// newWorld creates source t with rows, shadow t__new with the same rows, changelog and journal.
func newWorld(t *testing.T, s *sandboxtest.Schema) *world {
	t.Helper()
	a := s.Server
	config := conn.Config{Host: a.Host, Port: a.Port, User: a.User, Password: a.Password, Run: s.Name}
	server, err := conn.Inspect(t.Context(), s.DB)
	if err != nil {
		t.Fatal(err)
	}
	names := table.NamesFor(table.Name{Schema: s.Name, Table: "t"})
	w := &world{t: t, s: s, admin: s.DB, cfg: cutover.Config{
		Conn: config, Server: server, Names: names,
		LockTimeout: time.Second, MaxStall: 500 * time.Millisecond, BlockerPatience: 300 * time.Millisecond,
		ReconnectTimeout: 20 * time.Second, Log: slog.New(slog.DiscardHandler),
	}}
	s.MustExec(`
		CREATE TABLE t (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, v INT NOT NULL) ENGINE=InnoDB;
		CREATE TABLE journal (seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, id INT NOT NULL, v INT) ENGINE=InnoDB;
		INSERT INTO t (v) VALUES ` + strings.Repeat("(0), ", 49) + `(0)`)

	db, err := conn.Open(config, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // idle sessions
	log := changelog.New(db, changelog.Config{Table: names.Changelog, Interval: time.Second, ReconnectTimeout: 20 * time.Second})
	if err := log.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	lock, err := conn.AcquireLock(t.Context(), config, conn.LockName(names.Source.String()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Release() }) // a test may have killed it
	w.deps = cutover.Deps{Lock: lock}
	w.newPlayer(db, log)
	w.shadow()
	return w
}

func (w *world) newPlayer(db *sql.DB, log *changelog.Changelog) {
	w.play = &player{db: db, log: log, shadow: w.cfg.Names.Shadow, fences: map[uint64][]change{}, played: map[int64]bool{}}
	w.deps.Applier, w.deps.Fencer = w.play, w.play
}

// shadow creates and fills the shadow, with a wider column.
func (w *world) shadow() {
	w.t.Helper()
	w.s.MustExec(`
		CREATE TABLE t__new (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, v BIGINT NOT NULL) ENGINE=InnoDB;
		INSERT INTO t__new SELECT id, v FROM t`)
}

// again puts the tables back to where another cut-over can begin, while the application writes on.
func (w *world) again() {
	w.t.Helper()
	w.s.MustExec(`DROP TABLE t__old; CREATE TABLE t__new LIKE t; DELETE FROM journal`)
	// Locking reads: what is written after the copy has its journal row played after it, and some of what it has too.
	w.s.MustExec(`INSERT INTO t__new SELECT id, v FROM t LOCK IN SHARE MODE`)
	w.newPlayer(w.play.db, w.play.log)
}

// run runs a cut-over, at most for limit.
func (w *world) run(limit time.Duration) (cutover.Result, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), limit)
	defer cancel()
	return cutover.New(w.cfg, w.deps).Run(ctx)
}

// mustServe fails the test unless source and shadow are as before a swap, nothing else is left, and writes work.
func (w *world) mustServe() {
	w.t.Helper()
	tables := w.s.MustQueryRows("SHOW TABLES")
	if got := fmt.Sprint(tables); got != "[journal t t__changelog t__new]" {
		w.t.Errorf("tables: %s", got)
	}
	if got := w.columnType("t"); got != "int" {
		w.t.Errorf("the source's column is %q", got)
	}
	w.s.MustExec("INSERT INTO t (id, v) VALUES (-1, 1); DELETE FROM t WHERE id = -1")
}

func (w *world) columnType(name string) string {
	w.t.Helper()
	kind := w.s.MustQueryString(`
		SELECT data_type FROM information_schema.columns
		 WHERE table_schema = DATABASE() AND column_name = 'v' AND table_name = '` + name + `'`)
	return kind
}

// mustBeSwapped fails the test unless the shadow serves.
func (w *world) mustBeSwapped() {
	w.t.Helper()
	tables := w.s.MustQueryRows("SHOW TABLES")
	if got := fmt.Sprint(tables); got != "[journal t t__changelog t__old]" {
		w.t.Errorf("tables: %s", got)
	}
	if got := w.columnType("t"); got != "bigint" {
		w.t.Errorf("the column of the table that serves is %q", got)
	}
	w.s.MustExec("INSERT INTO t (id, v) VALUES (-1, 1); DELETE FROM t WHERE id = -1")
}

// change is a row of the journal; a delete has no value.
type change struct {
	seq int64
	id  int64
	v   sql.NullInt64
}

// player applies the journal. A fence stands for the journal rows that were visible when it was written, and for no
// later ones: a fence that comes before the lock misses rows.
type player struct {
	db     *sql.DB
	log    *changelog.Changelog
	shadow table.Name

	onFence  func(n int)                                  // before the nth fence: the first is that of the drain before the lock
	onDrain  func(ctx context.Context, session *sql.Conn) // nil unless the session holds the locks
	predict  func() time.Duration
	written  int
	released int
	stopped  int

	mu     sync.Mutex // guards what follows
	fences map[uint64][]change
	played map[int64]bool // by seq
}

var (
	_ cutover.Applier = (*player)(nil)
	_ cutover.Held    = (*player)(nil)
	_ cutover.Fencer  = (*player)(nil)
)

// Fence implements cutover.Fencer.
func (p *player) Fence(ctx context.Context) (uint64, error) {
	p.written++
	if p.onFence != nil {
		p.onFence(p.written)
	}
	fence, err := p.log.Fence(ctx)
	if err != nil {
		return 0, err
	}
	rows, err := p.db.QueryContext(ctx, `SELECT seq, id, v FROM `+table.Quote(p.shadow.Schema)+`.journal ORDER BY seq`)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }() // Err tells
	var changes []change
	p.mu.Lock()
	defer p.mu.Unlock()
	for rows.Next() {
		var c change
		if err := rows.Scan(&c.seq, &c.id, &c.v); err != nil {
			return 0, err
		}
		if !p.played[c.seq] {
			changes = append(changes, c)
		}
	}
	p.fences[fence] = changes
	return fence, rows.Err()
}

// Predict implements cutover.Applier.
func (p *player) Predict() time.Duration {
	if p.predict != nil {
		return p.predict()
	}
	return 0
}

// WaitApplied implements cutover.Applier.
func (p *player) WaitApplied(ctx context.Context, fence uint64) error {
	return p.apply(ctx, p.db, fence)
}

// Hold implements cutover.Applier.
func (p *player) Hold(context.Context) (cutover.Held, error) { return p, nil }

// Drain implements cutover.Held.
func (p *player) Drain(ctx context.Context, session *sql.Conn, fence uint64) error {
	if p.onDrain != nil {
		p.onDrain(ctx, session)
	}
	return p.apply(ctx, session, fence)
}

// Compare implements cutover.Held.
func (p *player) Compare(context.Context) error { return nil }

// Release implements cutover.Held.
func (p *player) Release() { p.released++ }

// Stop implements cutover.Held.
func (p *player) Stop() { p.stopped++ }

func (p *player) apply(ctx context.Context, q conn.Querier, fence uint64) error {
	p.mu.Lock()
	changes := p.fences[fence]
	delete(p.fences, fence)
	p.mu.Unlock()
	if len(changes) == 0 {
		return nil
	}
	last := map[int64]change{}
	var dead, rows []string
	for _, c := range changes {
		last[c.id] = c
	}
	for _, c := range last {
		if c.v.Valid {
			rows = append(rows, fmt.Sprintf("(%d, %d)", c.id, c.v.Int64))
		} else {
			dead = append(dead, fmt.Sprint(c.id))
		}
	}
	statements := []string{}
	if len(rows) > 0 {
		statements = append(statements, `INSERT INTO `+p.shadow.String()+` (id, v) VALUES `+strings.Join(rows, ", ")+
			` ON DUPLICATE KEY UPDATE v = GREATEST(v, VALUES(v))`)
	}
	if len(dead) > 0 {
		statements = append(statements, `DELETE FROM `+p.shadow.String()+` WHERE id IN (`+strings.Join(dead, ", ")+`)`)
	}
	for _, statement := range statements {
		if _, err := q.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range changes {
		p.played[c.seq] = true
	}
	return nil
}

// writers are a dozen sessions that write without a pause. Each has rows of its own, and knows what they must hold.
type writers struct {
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu     sync.Mutex // guards what follows
	model  map[int64]int64
	failed error
	writes int
}

const dozen = 12

func (w *world) startWriters() *writers {
	ctx, cancel := context.WithCancel(context.Background())
	l := &writers{cancel: cancel, model: map[int64]int64{}}
	for i := range dozen {
		l.done.Go(func() {
			if err := l.write(ctx, w.admin, int64(1000000*(i+1))); err != nil && ctx.Err() == nil {
				l.mu.Lock()
				l.failed = cmp.Or(l.failed, err)
				l.mu.Unlock()
			}
		})
	}
	w.t.Cleanup(func() { // of a test that failed before it stopped them
		cancel()
		l.done.Wait()
	})
	return l
}

// write inserts, updates and deletes rows from id on until ctx ends, each write with its journal row in one transaction. An id
// is never used again.
func (l *writers) write(ctx context.Context, db *sql.DB, id int64) error {
	for ; ctx.Err() == nil; id++ {
		steps := []struct {
			statement string
			v         any
		}{
			{"INSERT INTO t (id, v) VALUES (%d, 1)", int64(1)},
			{"UPDATE t SET v = 2 WHERE id = %d", int64(2)},
			{"UPDATE t SET v = 3 WHERE id = %d", int64(3)},
			{"DELETE FROM t WHERE id = %d", nil},
		}
		if id%3 == 0 {
			steps = steps[:3]
		}
		for _, step := range steps {
			if ctx.Err() != nil {
				return nil
			}
			if err := writeOnce(db, fmt.Sprintf(step.statement, id), id, step.v); err != nil {
				return err
			}
			l.note(id, step.v)
		}
		_ = conn.Pause(ctx, 10*time.Millisecond) // two cores serve us all; its error ends the loop
	}
	return nil
}

func (l *writers) note(id int64, v any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes++
	if v == nil {
		delete(l.model, id)
	} else {
		l.model[id] = v.(int64)
	}
}

// writeOnce writes as an application does; its emoji is what MySQL's information_schema stumbles over.
func writeOnce(db *sql.DB, statement string, id int64, v any) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	result, err := tx.ExecContext(ctx, statement)
	if err == nil {
		if n, _ := result.RowsAffected(); n != 1 {
			err = fmt.Errorf("%s changed %d rows", statement, n)
		}
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, "INSERT INTO journal (id, v) VALUES (?, ?) /* 😀 */", id, v)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// stop ends the writers and fails the test if one of them saw an error, or if t does not hold what they wrote.
func (l *writers) stop(w *world) {
	w.t.Helper()
	l.cancel()
	l.done.Wait()
	if l.failed != nil {
		w.t.Errorf("a writer failed: %v", l.failed)
	}
	lost := 0
	there := map[string]bool{}
	for _, row := range w.s.MustQueryRows("SELECT CONCAT(id, ' ', v) FROM t WHERE id >= 1000000") {
		there[row] = true
	}
	for id, v := range l.model {
		if !there[fmt.Sprintf("%d %d", id, v)] {
			lost++
		}
	}
	if lost > 0 || len(there) != len(l.model) {
		w.t.Errorf("of %d rows %d are lost or stale; the table has %d", len(l.model), lost, len(there))
	}
	w.t.Logf("%d writes", l.writes)
}
