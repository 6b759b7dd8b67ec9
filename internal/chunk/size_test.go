package chunk

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/midstreamdb/midstream/internal/table"
)

// TestReckonedBoundariesAscend draws keys up to the ends of both integer types: boundaries follow one another at the
// asked distance and none is beyond the greatest key.
func TestReckonedBoundariesAscend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		signed := rapid.Bool().Draw(t, "signed")
		low := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(math.MaxUint64-50, math.MaxUint64)).Draw(t, "low")
		high := low + rapid.Uint64Range(0, min(1000, math.MaxUint64-low)).Draw(t, "span")
		value := func(n uint64) table.Value {
			if signed {
				return table.IntValue(int64(n ^ signBit))
			}
			return table.UintValue(n)
		}
		r := newReckoner(value(low), value(high), 1001)
		if r == nil {
			t.Fatal("keys without gaps are not reckoned")
		}
		next, steps := low, 0
		for ; ; steps++ {
			size := rapid.IntRange(1, 300).Draw(t, "size")
			upper, ok := r.upper(size)
			if !ok {
				if next != 0 && next <= high && high-next >= uint64(size)-1 {
					t.Fatalf("no boundary for %d keys from %d to %d", size, next, high)
				}
				return
			}
			if upper.Num != value(next+uint64(size)-1).Num || upper.Kind != value(0).Kind || next+uint64(size)-1 > high {
				t.Fatalf("%v is the boundary of %d keys from %d to %d", upper, size, next, high)
			}
			if next += uint64(size); steps > 1001 {
				t.Fatal("no end")
			}
		}
	})
}

func TestSparseKeysAreNotReckoned(t *testing.T) {
	for name, c := range map[string]struct {
		low, high table.Value
		rows      uint64
		want      bool
	}{
		"dense":            {table.IntValue(1), table.IntValue(1000), 1000, true},
		"half":             {table.IntValue(1), table.IntValue(1999), 1000, true},
		"less than half":   {table.IntValue(1), table.IntValue(2100), 1000, false},
		"the whole type":   {table.IntValue(math.MinInt64), table.IntValue(math.MaxInt64), 1 << 40, false},
		"unsigned, all":    {table.UintValue(0), table.UintValue(math.MaxUint64), 1 << 40, false},
		"no estimate":      {table.IntValue(1), table.IntValue(1), 0, false},
		"across the zero":  {table.IntValue(-500), table.IntValue(500), 900, true},
		"one row, the top": {table.UintValue(math.MaxUint64), table.UintValue(math.MaxUint64), 1, true},
	} {
		if got := newReckoner(c.low, c.high, c.rows) != nil; got != c.want {
			t.Errorf("%s: reckoned: %v, want %v", name, got, c.want)
		}
	}
}

// TestSizeFollowsTheTime simulates a server of a constant speed.
func TestSizeFollowsTheTime(t *testing.T) {
	for _, perSecond := range []float64{300, 20_000, 400_000, 1e9} {
		s := NewSizer(Config{Target: 100 * time.Millisecond}, &table.Table{})
		previous := s.Rows()
		for range 40 {
			size := s.Rows()
			s.Report(size, time.Duration(float64(size)/perSecond*float64(time.Second)))
			if now := s.Rows(); now > previous*growth || now < previous/shrinkage || now < 1 || now > mostRows {
				t.Fatalf("%v rows/s: from %d to %d rows in one step", perSecond, previous, now)
			}
			previous = s.Rows()
		}
		if want := min(perSecond/10, mostRows); math.Abs(float64(s.Rows())-want) > 0.2*want+1 {
			t.Errorf("%v rows/s: %d rows, want about %v", perSecond, s.Rows(), want)
		}
	}
}

// TestShortenedTime: the size follows the part of the time that is allowed, and grows again with it.
func TestShortenedTime(t *testing.T) {
	part := time.Duration(1)
	s := NewSizer(Config{Target: 100 * time.Millisecond, Shortened: func(d time.Duration) time.Duration { return d / part }}, &table.Table{})
	for _, part = range []time.Duration{1, 4, 1} {
		for range 40 {
			size := s.Rows()
			s.Report(size, time.Duration(size)*time.Second/100_000)
		}
		if want := 10_000 / float64(part); math.Abs(float64(s.Rows())-want) > 0.2*want {
			t.Errorf("%d rows in a part of 1/%d, want about %v", s.Rows(), part, want)
		}
	}
}

func TestSizeHasBounds(t *testing.T) {
	wide := &table.Table{EstimatedRows: 100, DataBytes: 100 << 20}
	s := NewSizer(Config{}, wide)
	if s.Rows() != 16 {
		t.Errorf("%d rows of 1 MiB, want 16", s.Rows())
	}
	s.Report(16, time.Millisecond)
	if s.Rows() != 16 {
		t.Errorf("%d rows of 1 MiB after a fast chunk, want 16", s.Rows())
	}
	s.Report(2, time.Hour)
	s.Report(1, time.Hour)
	if s.Rows() != 1 {
		t.Errorf("%d rows after the slowest chunk, want 1", s.Rows())
	}
	fixed := NewSizer(Config{Rows: 777}, wide)
	fixed.Report(777, time.Hour)
	if fixed.Rows() != 777 {
		t.Errorf("%d rows, want the fixed 777", fixed.Rows())
	}
}

func TestMostRows(t *testing.T) {
	for _, c := range []struct {
		rows, bytes uint64
		want        int
	}{
		{rows: 0, bytes: 0, want: mostRows},
		{rows: 0, bytes: 1 << 60, want: mostRows},
		{rows: 1 << 40, bytes: 1, want: mostRows},
		{rows: 1000, bytes: 1000 << 10, want: 16 << 10},
		{rows: 1000, bytes: 1000 << 20, want: 16},
		{rows: 1, bytes: 1 << 60, want: wideRows},
	} {
		if n := MostRows(&table.Table{EstimatedRows: c.rows, DataBytes: c.bytes}); n != c.want {
			t.Errorf("%d rows of a table with %d rows in %d bytes, want %d", n, c.rows, c.bytes, c.want)
		}
	}
}

// TestLateReports has chunks of the same old size report one after another: together they move the size by one step.
func TestLateReports(t *testing.T) {
	s := NewSizer(Config{Target: 100 * time.Millisecond}, &table.Table{})
	for range 5 {
		s.Report(1000, time.Millisecond)
	}
	if s.Rows() != 2000 {
		t.Errorf("%d rows after five fast chunks of 1000, want 2000", s.Rows())
	}
	for range 5 {
		s.Report(1000, time.Minute)
	}
	if s.Rows() != 250 {
		t.Errorf("%d rows after five slow chunks of 1000, want 250", s.Rows())
	}
}
