package migrate

import (
	"math"
	"reflect"
	"testing"

	"github.com/midstreamdb/midstream/internal/applier"
	"github.com/midstreamdb/midstream/internal/checkpoint"
	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestCoveredByEarlierRuns: a run that goes on takes for copied what its checkpoint counts as planned and what the shadow holds,
// whichever reaches further; and everything, where the order of keys is not that of one integer.
func TestCoveredByEarlierRuns(t *testing.T) {
	type key = []table.Value
	number := func(n int64) key { return key{table.IntValue(n)} }
	unsigned := func(n uint64) key { return key{table.UintValue(n)} }
	all := applier.Covered{All: true}
	const signed, big = "id BIGINT PRIMARY KEY", "id BIGINT UNSIGNED PRIMARY KEY"
	cases := map[string]struct {
		columns string
		shadow  string // its rows
		after   key    // upper end of what is planned
		want    applier.Covered
	}{
		"nothing is planned or copied":         {columns: signed},
		"nothing is known to be planned":       {columns: signed, shadow: "(3), (25)", want: applier.Covered{UpTo: number(25)}},
		"more is copied than known":            {columns: signed, shadow: "(3), (25)", after: number(10), want: applier.Covered{UpTo: number(25)}},
		"rows end before what is planned":      {columns: signed, shadow: "(3), (90)", after: number(100), want: applier.Covered{UpTo: number(100)}},
		"all rows are deleted":                 {columns: signed, after: number(100), want: applier.Covered{UpTo: number(100)}},
		"one above zero":                       {columns: signed, shadow: "(-3), (5)", after: number(-1), want: applier.Covered{UpTo: number(5)}},
		"both below zero":                      {columns: signed, shadow: "(-9)", after: number(-7), want: applier.Covered{UpTo: number(-7)}},
		"beyond the signed numbers":            {columns: big, shadow: "(5), (18446744073709551615)", after: unsigned(6), want: applier.Covered{UpTo: unsigned(math.MaxUint64)}},
		"planned beyond the signed numbers":    {columns: big, shadow: "(5)", after: unsigned(math.MaxUint64 - 1), want: applier.Covered{UpTo: unsigned(math.MaxUint64 - 1)}},
		"two columns":                          {columns: "a INT, b INT, PRIMARY KEY (a, b)", shadow: "(1, 7)", after: key{table.IntValue(1), table.IntValue(9)}, want: all},
		"two columns, and nothing of it known": {columns: "a INT, b INT, PRIMARY KEY (a, b)", want: all},
		"descending":                           {columns: "id INT, PRIMARY KEY (id DESC)", shadow: "(9), (3)", after: number(2), want: all},
		"bytes":                                {columns: "id BINARY(2) PRIMARY KEY", shadow: "('aa')", after: key{{Kind: table.Bytes, Text: []byte("bb")}}, want: all},
	}
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		r := New(Config{})
		r.names = table.NamesFor(table.Name{Schema: s.Name, Table: "t"})
		a := s.Server
		var err error
		if r.db, err = conn.Open(conn.Config{Host: a.Host, Port: a.Port, User: a.User, Password: a.Password}, nil); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.db.Close() }) // idle sessions
		for name, c := range cases {
			s.MustExec("DROP TABLE IF EXISTS t, t__new; CREATE TABLE t (" + c.columns + "); CREATE TABLE t__new LIKE t")
			if c.shadow != "" {
				s.MustExec("INSERT INTO t__new VALUES " + c.shadow)
			}
			r.mapping = mustMap(t, r)
			for _, run := range []struct {
				what   string
				record *checkpoint.Record
				left   chunk.Rest
				want   applier.Covered
			}{
				{"it goes on", &checkpoint.Record{}, chunk.Rest{After: c.after}, c.want},
				{"it goes on, and all is planned", &checkpoint.Record{}, chunk.Rest{Ended: true}, all},
				{"it is the first", nil, chunk.Rest{}, applier.Covered{}},
			} {
				r.record = run.record
				if got, err := r.covered(t.Context(), &run.left); err != nil || !reflect.DeepEqual(got, run.want) {
					t.Errorf("%s; %s: %+v, want %+v (%v)", name, run.what, got, run.want, err)
				}
			}
		}
	})
}

// mustMap maps the source to the shadow, as they are.
func mustMap(t *testing.T, r *Runner) *table.Mapping {
	t.Helper()
	source, err := table.Inspect(t.Context(), r.db, r.names.Source)
	if err != nil {
		t.Fatal(err)
	}
	shadow, err := table.Inspect(t.Context(), r.db, r.names.Shadow)
	if err != nil {
		t.Fatal(err)
	}
	m, err := table.Map(source, shadow, table.Changes{TimeZone: "+00:00"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
