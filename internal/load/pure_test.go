package load

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestQuantilesAreExactToThreePercent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, int64(20*time.Minute/time.Microsecond)), 1, 200).Draw(t, "microseconds")
		var h histogram
		for _, v := range values {
			h.add(time.Duration(v) * time.Microsecond)
		}
		slices.Sort(values)
		for _, q := range []float64{0, 0.5, 0.95, 0.99} {
			want := time.Duration(values[int(q*float64(len(values)))]) * time.Microsecond
			if got := h.at(q); got < want || float64(got) > 1.032*float64(want)+float64(time.Microsecond) {
				t.Fatalf("quantile %v is %v, want %v", q, got, want)
			}
		}
		if got, want := h.at(1), time.Duration(values[len(values)-1])*time.Microsecond; got != want {
			t.Fatalf("greatest is %v, want %v", got, want)
		}
	})
}

func TestRowsOfTheBeginning(t *testing.T) {
	table := Table{Rows: 5000, Gap: 7, Unique: true}
	seen := make(map[int64]bool)
	rows := 0
	for id := int64(-1); id <= table.Rows+1; id++ {
		row, there := table.initial(id)
		if want := id >= 1 && id <= table.Rows && id%7 != 0; there != want {
			t.Fatalf("row %d there: %v, want %v", id, there, want)
		}
		if !there {
			continue
		}
		rows++
		value := row.U >> 1
		if value <= 0 || value >= table.uniqueEnd() || seen[value] {
			t.Fatalf("unique value %d of row %d is taken or out of range", value, id)
		}
		seen[value] = true
		if c, pad := row.AppendC(nil), row.AppendPad(nil); len(c) != 119 || len(pad) != 59 || strings.HasPrefix(string(c), string(pad)) {
			t.Fatalf("texts of row %d: %s, %s", id, c, pad)
		}
	}
	if got := (&Model{Table: table}).Count(); got != rows {
		t.Errorf("the model counts %d rows, want %d", got, rows)
	}
}

func TestModelYieldsRowsInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &Model{Table: Table{Rows: 20, Gap: 3}, touched: make(map[int64]state)}
		for _, id := range rapid.SliceOf(rapid.Int64Range(-30, 50)).Draw(t, "touched") {
			m.touched[id] = state{Row{K: id}, rapid.Bool().Draw(t, "alive")}
		}
		var got, want []int64
		for id, row := range m.All() {
			got = append(got, id)
			if same, there := m.Row(id); !there || same != row {
				t.Fatalf("row %d is %v in the list and %v alone", id, row, same)
			}
		}
		for id := int64(-30); id <= 50; id++ {
			if _, there := m.Row(id); there {
				want = append(want, id)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("ids %v, want %v", got, want)
		}
	})
}

func TestSkew(t *testing.T) {
	const draws, rows = 20_000, 1000
	count := func(s Skew) map[int64]int {
		p := newPicker(s, rand.New(rand.NewPCG(1, 2)), rows)
		counts := make(map[int64]int)
		for range draws {
			id := p.id(rows)
			if id < 1 || id > rows {
				t.Fatalf("id %d", id)
			}
			counts[id]++
		}
		return counts
	}
	greatest := func(counts map[int64]int) int {
		most := 0
		for _, n := range counts {
			most = max(most, n)
		}
		return most
	}
	if n := greatest(count(Skew{})); n > 60 {
		t.Errorf("uniform: a row is drawn %d times of %d", n, draws)
	}
	if n := greatest(count(Skew{Zipf: 1.3})); n < draws/10 {
		t.Errorf("Zipf: the most frequent row is drawn %d times of %d", n, draws)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	m := newModel(Table{Rows: 10}, 3)
	for seq := range uint64(5) {
		p := &part{rows: map[int64]state{1: {alive: true}, 2: {alive: true}}}
		m.commit(p, record{seq: seq, witness: 1})
	}
	if len(m.log) != 1 || m.log[0].seq != 4 || !m.trimmed {
		t.Errorf("log of %d transactions, trimmed %v", len(m.log), m.trimmed)
	}
}

// One connection and one seed make one sequence of transactions.
func TestPlansAreDeterministic(t *testing.T) {
	plan := func() (statements []string) {
		tables := []Table{{Rows: 100, Gap: 5, Unique: true}, {Rows: 50}}
		tables[0].Name.Table, tables[1].Name.Table = "a", "b"
		g := New(Config{Tables: tables, Mix: Everything(), Savepoint: 0.2, BigEvery: 50, BigRows: 20, Seed: 7})
		for range 200 {
			tx, err := g.writers[0].plan(t.Context(), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range tx.statement {
				statements = append(statements, s.sql)
			}
			for _, p := range tx.parts {
				p.m.commit(p, record{witness: 1})
			}
		}
		return statements
	}
	first, second := plan(), plan()
	if len(first) < 400 || !slices.Equal(first, second) {
		t.Errorf("%d and %d statements, not the same", len(first), len(second))
	}
}

// The log of each case is in the order of the commits; every transaction wrote row 1 unless it says otherwise.
func TestCutIsAMoment(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	wrote := func(seq uint64, began, ended int, witness int64, rows ...int64) record {
		r := record{seq: seq, began: at(began), ended: at(ended), witness: witness}
		for _, id := range rows {
			r.changes = append(r.changes, change{id, state{Row{Seq: seq - 1}, true}})
		}
		return r
	}
	first := wrote(1, 0, 10, 1, 1)
	for name, c := range map[string]struct {
		log   []record
		marks map[int64]mark
		cut   Cut
		fault string
	}{
		"all before":            {[]record{first, wrote(2, 20, 30, 1, 1)}, map[int64]mark{1: {0, 2}}, Cut{Before: 2}, ""},
		"all after":             {[]record{first, wrote(2, 20, 30, 1, 1)}, nil, Cut{After: 2}, ""},
		"between":               {[]record{first, wrote(2, 20, 30, 1, 1)}, map[int64]mark{1: {0, 1}}, Cut{1, 1}, ""},
		"at once, either":       {[]record{first, wrote(2, 5, 12, 2, 2)}, map[int64]mark{2: {0, 2}}, Cut{1, 1}, ""},
		"ended before, missing": {[]record{first, wrote(2, 20, 30, 2, 2)}, map[int64]mark{2: {0, 2}}, Cut{}, "began 10ms after"},
		"witness overwritten":   {[]record{first, wrote(2, 20, 30, 2, 1, 2)}, map[int64]mark{2: {0, 2}}, Cut{Before: 2}, ""},
		"other row overwritten": {[]record{wrote(1, 0, 10, 3, 1, 3), wrote(2, 5, 30, 2, 1, 2)}, map[int64]mark{2: {0, 2}}, Cut{}, "wrote over its row 1"},
	} {
		b := rewind{model: &Model{touched: make(map[int64]state)}, marks: c.marks, settled: make(map[int64]record)}
		var err error
		for i := len(c.log) - 1; i >= 0 && err == nil; i-- {
			err = b.step(c.log[i])
		}
		switch {
		case c.fault == "" && (err != nil || b.cut != c.cut):
			t.Errorf("%s: cut %v and error %v, want %v", name, b.cut, err, c.cut)
		case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)):
			t.Errorf("%s: error %v, want one with %q", name, err, c.fault)
		}
	}
}
