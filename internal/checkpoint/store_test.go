package checkpoint_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/midstreamdb/midstream/internal/checkpoint"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// value draws any value of a key.
func value(t *rapid.T) table.Value {
	number := rapid.Uint64Range(0, math.MaxUint64).Draw(t, "number")
	switch rapid.SampledFrom([]table.ValueKind{table.Integer, table.Number, table.Bytes, table.Plain}).Draw(t, "kind") {
	case table.Integer:
		return table.IntValue(int64(number))
	case table.Number:
		return table.UintValue(number)
	case table.Plain:
		return table.Value{Kind: table.Plain, Text: []byte(rapid.StringMatching(`[0-9:. -]{1,20}`).Draw(t, "text"))}
	default:
		return table.Value{Kind: table.Bytes, Text: rapid.SliceOfN(rapid.Byte(), 1, 12).Draw(t, "bytes")}
	}
}

func values(t *rapid.T) []table.Value {
	return rapid.SliceOfN(rapid.Custom(value), 1, 3).Draw(t, "key")
}

// record draws a record with everything that must come back exactly.
func record(t *rapid.T) *checkpoint.Record {
	r := &checkpoint.Record{
		Tool: "v1", Migration: "RUN", Phase: rapid.SampledFrom([]status.Phase{status.Prepare, status.Copy, status.CutOver}).Draw(t, "phase"),
		Server:    checkpoint.Server{UUID: "u", StartedAt: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "started"), 0).UTC()},
		Statement: rapid.String().Draw(t, "statement"),
		Names:     table.NamesFor(table.Name{Schema: "s", Table: rapid.StringN(1, 60, -1).Draw(t, "name")}),
		Position:  "gtid:x:1-5", Rows: rapid.Uint64().Draw(t, "rows"),
		Copied: extent(t),
	}
	if rapid.Bool().Draw(t, "verified") {
		r.Verified = &checkpoint.Verified{Extent: extent(t), Rows: rapid.Uint64().Draw(t, "compared")}
		for range rapid.IntRange(0, 3).Draw(t, "suspects") {
			r.Verified.Suspects = append(r.Verified.Suspects, values(t))
		}
	}
	if rapid.Bool().Draw(t, "deferred") {
		r.Deferred = &checkpoint.Deferred{Shadow: "f", Indexes: []checkpoint.Index{{Name: rapid.String().Draw(t, "index"), Definition: rapid.String().Draw(t, "definition")}}}
	}
	return r
}

func extent(t *rapid.T) checkpoint.Extent {
	e := checkpoint.Extent{Ended: rapid.Bool().Draw(t, "ended")}
	if !e.Ended {
		e.After = values(t)
	}
	for range rapid.IntRange(0, 3).Draw(t, "open") {
		e.Open = append(e.Open, checkpoint.Range{Lower: values(t), Upper: values(t), Size: 7})
	}
	return e
}

func open(t *testing.T, s *sandboxtest.Schema) *sql.DB {
	t.Helper()
	a := s.Server
	db, err := conn.Open(conn.Config{Host: a.Host, Port: a.Port, User: a.User, Password: a.Password}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // idle sessions
	return db
}

// TestRecordReturns: what is saved is loaded, exactly, and the last one counts.
func TestRecordReturns(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		store := checkpoint.NewStore(open(t, s), table.Name{Schema: s.Name, Table: "t__checkpoint"}, time.Second)
		if r, err := store.Load(t.Context()); r != nil || err != nil {
			t.Fatalf("without a table: %v, %v", r, err)
		}
		if err := store.Create(t.Context(), &checkpoint.Record{Migration: "first", Phase: status.Prepare}); err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(rt *rapid.T) {
			want := record(rt)
			if err := store.Save(t.Context(), want); err != nil {
				rt.Fatal(err)
			}
			got, err := store.Load(t.Context())
			if err != nil {
				rt.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				rt.Fatalf("saved\n%+v\nloaded\n%+v", want, got)
			}
		})
		if n := s.MustQueryInt("SELECT COUNT(*) FROM t__checkpoint"); n != 1 {
			t.Errorf("%d rows", n)
		}
		for range 2 {
			if err := store.Drop(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestLoadTellsWhatItFinds: no table, somebody else's, an empty one, another version, a damaged record, no answer.
func TestLoadTellsWhatItFinds(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := open(t, s)
		store := checkpoint.NewStore(db, table.Name{Schema: s.Name, Table: "t__checkpoint"}, time.Second)
		s.MustExec("CREATE TABLE t__checkpoint (id INT PRIMARY KEY)")
		if _, err := store.Load(t.Context()); !errors.Is(err, checkpoint.ErrForeign) {
			t.Errorf("somebody else's: %v", err)
		}
		if err := store.Create(t.Context(), &checkpoint.Record{}); err == nil {
			t.Error("created over somebody else's")
		}
		s.MustExec("DROP TABLE t__checkpoint")
		if err := store.Create(t.Context(), &checkpoint.Record{Migration: "m", Phase: status.Copy}); err != nil {
			t.Fatal(err)
		}
		for says, statement := range map[string]string{
			"its version is 99":          "UPDATE t__checkpoint SET version = 99",
			"its record is not complete": fmt.Sprintf("UPDATE t__checkpoint SET version = %d, record = '{}'", checkpoint.Version),
			"unexpected end":             fmt.Sprintf("UPDATE t__checkpoint SET version = %d, record = '{'", checkpoint.Version),
		} {
			s.MustExec(statement)
			if _, err := store.Load(t.Context()); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v", statement, err)
			}
		}
		s.MustExec("DELETE FROM t__checkpoint")
		if _, err := store.Load(t.Context()); !errors.Is(err, checkpoint.ErrEmpty) {
			t.Errorf("without a row: %v", err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if r, err := store.Load(t.Context()); r != nil || err == nil {
			t.Errorf("without an answer: %v, %v", r, err)
		}
	})
}

// TestARunThatWasSuperseded: a run that another has taken the place of leaves the checkpoint as it is.
func TestARunThatWasSuperseded(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		store := checkpoint.NewStore(open(t, s), table.Name{Schema: s.Name, Table: "t__checkpoint"}, 20*time.Second)
		r := &checkpoint.Record{Migration: "m", Phase: status.Copy}
		if err := store.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		s.MustExec("CREATE TABLE runs (id INT PRIMARY KEY, run INT); INSERT INTO runs VALUES (3, 7)")
		store = store.While("SELECT 1 FROM " + s.Name + ".runs WHERE id = 3 AND run = 7")
		r.Rows = 1
		if err := store.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		session := s.MustConn() // is about to take over
		for _, statement := range []string{"BEGIN", "UPDATE runs SET run = 8"} {
			if _, err := session.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		r.Rows = 2
		saved := make(chan error, 1)
		go func() { saved <- store.Save(t.Context(), r) }()
		select {
		case err := <-saved:
			t.Fatalf("it did not wait to know whose the migration is: %v", err)
		case <-time.After(300 * time.Millisecond):
		}
		if _, err := session.ExecContext(t.Context(), "COMMIT"); err != nil {
			t.Fatal(err)
		}
		if err := <-saved; !errors.Is(err, conn.ErrSuperseded) {
			t.Errorf("after another run had taken over: %v", err)
		}
		if found, err := store.Load(t.Context()); err != nil || found.Rows != 1 {
			t.Errorf("the checkpoint is %+v (%v)", found, err)
		}
	})
}
