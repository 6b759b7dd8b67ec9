package binlog

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// follower runs a stream on the table t of a schema and keeps what it hands out.
type follower struct {
	t   *testing.T
	s   *sandboxtest.Schema
	cfg Config

	cancel context.CancelFunc
	done   chan error

	mu    sync.Mutex
	items []*Transaction
	news  chan struct{} // closed and replaced with each item
}

const followedTables = `
	CREATE TABLE t (id BIGINT PRIMARY KEY AUTO_INCREMENT, k INT NOT NULL, v VARCHAR(200)) ENGINE=InnoDB;
	CREATE TABLE t__changelog (id BIGINT PRIMARY KEY, value BIGINT UNSIGNED NOT NULL) ENGINE=InnoDB;
	INSERT INTO t__changelog VALUES (2, 0);
	CREATE TABLE other (id BIGINT PRIMARY KEY AUTO_INCREMENT, k INT NOT NULL, v VARCHAR(200)) ENGINE=InnoDB;`

// prepare makes the tables and a follower that stands at the end of the log.
func prepare(t *testing.T, s *sandboxtest.Schema) *follower {
	t.Helper()
	s.MustExec(followedTables)
	f := &follower{t: t, s: s, news: make(chan struct{})}
	f.cfg = Config{
		Conn:      conn.Config{Host: s.Server.Host, Port: s.Server.Port, User: s.Server.User, Password: s.Server.Password, Run: "run-" + s.Name},
		Source:    f.inspect("t"),
		Changelog: f.inspect("t__changelog"),
		Guarded:   []table.Name{{Schema: s.Name, Table: "t__new"}},
		Log:       slog.New(slog.NewTextHandler(testWriter{t}, nil)),
	}
	db := f.open()
	var err error
	if f.cfg.Server, err = conn.Inspect(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	s.AwaitNoPreparedXA()
	if f.cfg.Start, err = Current(t.Context(), db, f.cfg.Server); err != nil {
		t.Fatal(err)
	}
	return f
}

// open returns a pool as the tool itself uses it.
func (f *follower) open() *sql.DB {
	f.t.Helper()
	db, err := conn.Open(f.cfg.Conn, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = db.Close() })
	return db
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

func (f *follower) inspect(name string) *table.Table {
	f.t.Helper()
	return mustInspect(f.t, f.s, name)
}

// start runs the stream until the test's end.
func (f *follower) start() *follower {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	f.cancel, f.done = cancel, make(chan error, 1)
	go func() { f.done <- New(f.cfg).Run(ctx, f.keep) }()
	f.t.Cleanup(func() {
		cancel()
		if f.done == nil {
			return
		}
		if err := <-f.done; !errors.Is(err, context.Canceled) {
			f.t.Errorf("stream: %v", err)
		}
	})
	return f
}

func (f *follower) keep(_ context.Context, t *Transaction) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.items = append(f.items, t)
	close(f.news)
	f.news = make(chan struct{})
	return nil
}

// all returns the items so far, and a channel that closes with the next one.
func (f *follower) all() ([]*Transaction, chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.items, f.news
}

// fence changes the changelog and returns the items up to that change.
func (f *follower) fence(value uint64) []*Transaction {
	f.t.Helper()
	f.s.MustExec("UPDATE t__changelog SET value = ? WHERE id = 2", value)
	limit := time.After(time.Minute)
	for seen := 0; ; {
		items, news := f.all()
		for ; seen < len(items); seen++ {
			for _, m := range items[seen].Marks {
				if m.ID == 2 && m.Value == value {
					return items[:seen+1]
				}
			}
		}
		select {
		case <-news:
		case err := <-f.done:
			f.done = nil
			f.t.Fatalf("the stream ended: %v", err)
		case <-limit:
			f.t.Fatalf("mark %d did not come after %d items; the server says:\n%s", value, seen, strings.Join(f.s.MustQueryRows("SHOW FULL PROCESSLIST"), "\n"))
		}
	}
}

// fails waits for the stream to end by itself.
func (f *follower) fails() error {
	f.t.Helper()
	select {
	case err := <-f.done:
		f.done = nil
		return err
	case <-time.After(time.Minute):
		f.t.Fatal("the stream did not end")
		return nil
	}
}

// rows is a table's contents by key.
type rows map[int64]string

// apply puts a transaction's changes into the rows; what each change says of the row before must be so.
func (r rows) apply(t *testing.T, changes []RowChange) {
	t.Helper()
	for _, c := range changes {
		if c.Before != nil {
			id := int64(c.Before[0].Num)
			if r[id] != show(c.Before) {
				t.Fatalf("row %d was %q, and the change says it was %q", id, r[id], show(c.Before))
			}
			delete(r, id)
		}
		if c.After != nil {
			id := int64(c.After[0].Num)
			if was, there := r[id]; there {
				t.Fatalf("row %d is inserted as %q and was there as %q", id, show(c.After), was)
			}
			r[id] = show(c.After)
		}
	}
}

func show(r table.Row) string {
	var b bytes.Buffer
	for i, v := range r {
		if i > 0 {
			b.WriteByte('|')
		}
		switch v.Kind {
		case table.Null:
			b.WriteString("NULL")
		case table.Integer:
			fmt.Fprint(&b, int64(v.Num))
		default:
			b.Write(v.Text)
		}
	}
	return b.String()
}

// settle turns items into whole transactions, as a consumer does: pieces are put together or called back.
func settle(t *testing.T, items []*Transaction) []*Transaction {
	t.Helper()
	var whole []*Transaction
	var open []RowChange
	var marks []Mark
	for _, i := range items {
		switch {
		case i.Undone:
			if len(i.Changes)+len(i.Marks) > 0 || i.More {
				t.Fatal("an item that calls back has changes")
			}
			open, marks = nil, nil
		case i.More:
			if !i.End.IsZero() {
				t.Fatal("a piece has an end")
			}
			open, marks = append(open, i.Changes...), append(marks, i.Marks...)
		default:
			if i.End.IsZero() {
				t.Fatal("a transaction has no end")
			}
			joined := *i
			joined.Changes, joined.Marks = append(open, i.Changes...), append(marks, i.Marks...)
			whole = append(whole, &joined)
			open, marks = nil, nil
		}
	}
	if len(open)+len(marks) > 0 {
		t.Fatal("a transaction in pieces does not end")
	}
	return whole
}

// compare applies the items to an empty table and compares with what the server has.
func (f *follower) compare(items []*Transaction) {
	f.t.Helper()
	have := rows{}
	var last Position
	for _, i := range settle(f.t, items) {
		have.apply(f.t, i.Changes)
		if !last.IsZero() {
			if ok, err := i.End.AtOrAfter(last); err != nil || !ok {
				f.t.Fatalf("position %s comes after %s: %v", i.End, last, err)
			}
		}
		last = i.End
	}
	want := rows{}
	for _, line := range f.s.MustQueryRows("SELECT id, CONCAT_WS('|', id, k, COALESCE(v, 'NULL')) FROM t") {
		var id int64
		text, row, _ := strings.Cut(line, "\t")
		if _, err := fmt.Sscan(text, &id); err != nil {
			f.t.Fatal(err)
		}
		want[id] = row
	}
	for id := range want {
		if have[id] != want[id] {
			f.t.Errorf("row %d is %q, the stream says %q", id, want[id], have[id])
		}
	}
	if len(have) != len(want) {
		f.t.Errorf("%d rows by the stream, %d in the table", len(have), len(want))
	}
}

// load writes n transactions to t and other on each of several sessions.
func (f *follower) load(sessions, n int, setup ...string) {
	f.t.Helper()
	var group sync.WaitGroup
	for i := range sessions {
		session := f.s.MustConn()
		for _, statement := range setup {
			mustExec(f.t, session, statement)
		}
		group.Add(1)
		go func() {
			defer group.Done()
			defer func() { _ = session.Close() }()
			if err := write(f.t.Context(), session, rand.New(rand.NewPCG(uint64(i), uint64(n))), n); err != nil {
				f.t.Error(err)
			}
		}()
	}
	group.Wait()
}

func write(ctx context.Context, c *sql.Conn, r *rand.Rand, n int) error {
	for range n {
		err := writeOne(ctx, c, r)
		if err != nil && !conn.IsDeadlock(err) && !conn.IsLockWait(err) {
			return err
		}
		if err != nil {
			_, _ = c.ExecContext(ctx, "ROLLBACK") // the deadlock's victim has lost its transaction already
		}
	}
	return nil
}

func writeOne(ctx context.Context, c *sql.Conn, r *rand.Rand) error {
	if _, err := c.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	for range 1 + r.IntN(4) {
		name := []string{"t", "t", "other"}[r.IntN(3)]
		id := r.IntN(200)
		var err error
		switch r.IntN(8) {
		case 0:
			_, err = c.ExecContext(ctx, fmt.Sprintf("DELETE FROM %s WHERE id = %d", name, id))
		case 1:
			_, err = c.ExecContext(ctx, fmt.Sprintf("UPDATE IGNORE %s SET id = %d WHERE id = %d", name, r.IntN(200)+1, id))
		case 2, 3:
			_, err = c.ExecContext(ctx, fmt.Sprintf("UPDATE %s SET k = k + 1, v = REPEAT('x', %d) WHERE id BETWEEN %d AND %d", name, r.IntN(100), id, id+3))
		case 4:
			_, err = c.ExecContext(ctx, fmt.Sprintf("SAVEPOINT a; UPDATE %s SET k = 0; ROLLBACK TO a", name))
		default:
			_, err = c.ExecContext(ctx, fmt.Sprintf("REPLACE INTO %s VALUES (%d, %d, 'v')", name, id+1, r.IntN(1000)))
		}
		if err != nil {
			return err
		}
	}
	end := "COMMIT"
	if r.IntN(8) == 0 {
		end = "ROLLBACK"
	}
	_, err := c.ExecContext(ctx, end)
	return err
}

// privateSchema returns a schema on a server of the test's own.
func privateSchema(t *testing.T, e sandbox.Engine, o sandbox.Options) *sandboxtest.Schema {
	t.Helper()
	return sandboxtest.NewSchema(t, sandboxtest.Private(t, e, o).Address())
}
