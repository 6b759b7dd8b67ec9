package applier_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/applier"
	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/changelog"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/progress"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// patience bounds every wait of these tests: what should happen does, long before.
const patience = 60 * time.Second

// harness is an applier between a made-up log and a real shadow table.
type harness struct {
	t       *testing.T
	s       *sandboxtest.Schema
	conn    conn.Config
	mapping *table.Mapping
	applied *progress.Applied
	replay  *applier.Replay
	ctx     context.Context
	cancel  context.CancelCauseFunc
	ended   chan struct{}
	err     error // of Run, once ended is closed

	number int64 // of the transaction fed last
	fence  uint64
}

// open is a gate that holds nothing back.
type open struct{}

func (open) Wait(context.Context) error { return nil }

// newHarness creates source t and shadow t__new, the shadow with the ALTER, and runs an applier with some workers.
func newHarness(t *testing.T, s *sandboxtest.Schema, workers int, create, alter string) *harness {
	t.Helper()
	h := newStoppedHarness(t, s, workers, create, alter)
	h.start()
	return h
}

// newStoppedHarness is newHarness with an applier that takes what is fed and does nothing before start.
func newStoppedHarness(t *testing.T, s *sandboxtest.Schema, workers int, create, alter string) *harness {
	t.Helper()
	h := &harness{t: t, s: s, ended: make(chan struct{})}
	s.MustExec("CREATE TABLE t (" + create + ")")
	s.MustExec("CREATE TABLE t__new LIKE t")
	if alter != "" {
		s.MustExec("ALTER TABLE t__new " + alter)
	}
	h.conn = conn.Config{Host: s.Server.Host, Port: s.Server.Port, User: s.Server.User, Password: s.Server.Password, Run: t.Name(), MultiStatements: true}
	db, err := conn.Open(h.conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	server, err := conn.Inspect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	h.mapping = h.mustMap(db)
	h.applied = progress.NewApplied(binlog.FilePosition("log.000001", 4))
	h.replay = applier.NewReplay(applier.Config{
		Workers: workers, StatementBytes: 64 << 10, QueueBytes: 4 << 20, ReconnectTimeout: patience,
	}, applier.Deps{Conn: h.conn, DB: db, Server: server, Mapping: h.mapping, Applied: h.applied, Gate: open{}})
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	h.ctx, h.cancel = context.WithCancelCause(ctx)
	t.Cleanup(cancel)
	return h
}

func (h *harness) start() {
	go func() {
		defer close(h.ended)
		h.err = h.replay.Run(h.ctx)
	}()
	h.t.Cleanup(func() {
		h.cancel(nil)
		<-h.ended
	})
}

func (h *harness) mustMap(db *sql.DB) *table.Mapping {
	h.t.Helper()
	source, err := table.Inspect(h.t.Context(), db, table.Name{Schema: h.s.Name, Table: "t"})
	if err != nil {
		h.t.Fatal(err)
	}
	shadow, err := table.Inspect(h.t.Context(), db, table.Name{Schema: h.s.Name, Table: "t__new"})
	if err != nil {
		h.t.Fatal(err)
	}
	m, err := table.Map(source, shadow, table.Changes{TimeZone: "+00:00"})
	if err != nil {
		h.t.Fatal(err)
	}
	return m
}

// row is an image of a table of integer columns; nil values are NULL.
func row(values ...any) table.Row {
	r := make(table.Row, len(values))
	for i, v := range values {
		if n, ok := v.(int); ok {
			r[i] = table.IntValue(int64(n))
		}
	}
	return r
}

func insert(after table.Row) binlog.RowChange { return binlog.RowChange{After: after} }
func update(before, after table.Row) binlog.RowChange {
	return binlog.RowChange{Before: before, After: after}
}
func remove(before table.Row) binlog.RowChange { return binlog.RowChange{Before: before} }

// next returns a transaction with the next number, which may run beside all after lastCommitted.
func (h *harness) next(lastCommitted int64, changes ...binlog.RowChange) *binlog.Transaction {
	h.number++
	return &binlog.Transaction{
		End:     binlog.FilePosition("log.000001", uint64(4+100*h.number)),
		Clock:   binlog.Clock{File: 1, LastCommitted: lastCommitted, SequenceNumber: h.number},
		Changes: changes, Bytes: 100 * len(changes),
	}
}

// mustFeed feeds a transaction that depends on all before it.
func (h *harness) mustFeed(changes ...binlog.RowChange) *binlog.Transaction {
	h.t.Helper()
	return h.mustFeedTransaction(h.next(h.number, changes...))
}

func (h *harness) mustFeedTransaction(tx *binlog.Transaction) *binlog.Transaction {
	h.t.Helper()
	if err := h.replay.Feed(h.ctx, tx); err != nil {
		h.t.Fatalf("feed: %v", err)
	}
	return tx
}

// mustFeedFence feeds a fence and returns its value.
func (h *harness) mustFeedFence() uint64 {
	h.t.Helper()
	h.fence++
	tx := h.next(h.number)
	tx.Marks = []binlog.Mark{{ID: changelog.FenceID, Value: h.fence}}
	h.mustFeedTransaction(tx)
	return h.fence
}

// mustDrain waits until everything fed is applied.
func (h *harness) mustDrain() {
	h.t.Helper()
	if err := h.replay.WaitApplied(h.ctx, h.mustFeedFence()); err != nil {
		h.t.Fatalf("wait for what was fed: %v", err)
	}
}

// mustEnd waits for the end of Run and returns its error.
func (h *harness) mustEnd() error {
	h.t.Helper()
	select {
	case <-h.ended:
		return h.err
	case <-time.After(patience):
		h.t.Fatal("the applier does not end")
		return nil
	}
}

// mustHold asserts the shadow's rows, each as "a,b,c" in the order of the first column.
func (h *harness) mustHold(want ...string) {
	h.t.Helper()
	columns := make([]string, len(h.mapping.Columns))
	for i, p := range h.mapping.Columns {
		columns[i] = "COALESCE(" + table.Quote(p.Shadow.Name) + ", 'NULL')"
	}
	got := h.s.MustQueryRows("SELECT CONCAT_WS(',', " + strings.Join(columns, ", ") + ") FROM t__new ORDER BY " + columns[0] + " + 0")
	if !slices.Equal(got, want) {
		h.t.Fatalf("shadow holds\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// model is the source's table: rows by key.
type model map[int][2]int

func (m model) lines() []string {
	var lines []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		lines = append(lines, fmt.Sprintf("%d,%d,%d", k, m[k][0], m[k][1]))
	}
	return lines
}
