package binlog

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// randomJSON returns an SQL expression of a document, with every type of value that a server puts into one.
func randomJSON(r *rand.Rand, depth int) string {
	switch n := r.IntN(14); {
	case depth > 0 && n < 3:
		return "JSON_ARRAY(" + joined(r.IntN(6), func(int) string { return randomJSON(r, depth-1) }) + ")"
	case depth > 0 && n < 7:
		return "JSON_OBJECT(" + joined(r.IntN(6), func(i int) string {
			return fmt.Sprintf("'%s%d', %s", randomText(r), i, randomJSON(r, depth-1))
		}) + ")"
	case n < 7:
		return "'" + randomText(r) + "'"
	case n == 7:
		return strconv.FormatInt(int64(r.Uint64())>>r.IntN(64), 10)
	case n == 8:
		return fmt.Sprintf("CAST(%d AS UNSIGNED)", r.Uint64()>>r.IntN(64))
	case n == 9:
		return strconv.FormatFloat(randomDouble(r), 'e', -1, 64)
	case n == 10 && depth%2 == 0:
		return fmt.Sprintf("CAST(%d.%d AS DECIMAL(%d,%d))", r.IntN(100), r.IntN(100), 32+r.IntN(34), r.IntN(31))
	case n == 10:
		return fmt.Sprintf("%d.%0*d", r.IntN(1000)-500, 1+r.IntN(9), r.IntN(10))
	case n == 11:
		return []string{"TRUE", "FALSE", "NULL"}[r.IntN(3)]
	case n == 12:
		return fmt.Sprintf("CAST('20%02d-%02d-%02d %02d:%02d:%02d.%06d' AS %s)", r.IntN(100), 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60),
			r.IntN(1000000), []string{"DATETIME(6)", "DATE", "TIME(6)", "DATETIME(2)"}[r.IntN(4)])
	}
	return fmt.Sprintf("_binary x'%02x'", r.Uint64()>>r.IntN(64)|1<<60)
}

func joined(n int, element func(int) string) string {
	elements := make([]string, n)
	for i := range elements {
		elements[i] = element(i)
	}
	return strings.Join(elements, ", ")
}

func randomText(r *rand.Rand) string {
	return strings.Repeat([]string{"a", "é", "''", "\"", "😀", "\t", "{", "", "long "}[r.IntN(9)], 1+r.IntN(40))
}

func randomDouble(r *rand.Rand) float64 {
	if r.IntN(2) == 0 {
		return float64(r.Int64N(1e15)) / math.Pow10(r.IntN(30))
	}
	for {
		if f := math.Float64frombits(r.Uint64()); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
	}
}

func TestRandomDocumentsReturnToTheSameImage(t *testing.T) {
	sandboxtest.On(t, []sandbox.Engine{sandbox.MySQL97}, func(t *testing.T, s *sandboxtest.Schema) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		c := typeCase{name: "random", column: "JSON"}
		for range 300 {
			c.values = append(c.values, "JSON_EXTRACT(JSON_ARRAY("+randomJSON(r, 5)+"), '$[0]')")
		}
		roundTrip(t, s, []typeCase{c})
	})
}

// What a server stores for the shortest text of a number is that number.
func TestRandomFloatsAreReadExactly(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		s.MustExec("CREATE TABLE t (d DOUBLE, f FLOAT)")
		doubles, singles := make([]float64, 2000), make([]float32, 2000)
		rows := joined(len(doubles), func(i int) string {
			doubles[i] = randomDouble(r)
			for {
				singles[i] = math.Float32frombits(r.Uint32())
				if f := float64(singles[i]); !math.IsNaN(f) && !math.IsInf(f, 0) {
					return fmt.Sprintf("(%s, %s)", strconv.FormatFloat(doubles[i], 'e', -1, 64), strconv.FormatFloat(f, 'e', -1, 64))
				}
			}
		})
		c := newCapture(t, s)
		s.MustExec("INSERT INTO t VALUES " + rows)
		for i, change := range mustDecode(t, c.read()["t"], mustInspect(t, s, "t")) {
			if got := math.Float64frombits(change.After[0].Num); math.Float64bits(got) != math.Float64bits(doubles[i]) {
				t.Errorf("DOUBLE %v came back as %v", doubles[i], got)
			}
			if got := uint32(change.After[1].Num); got != math.Float32bits(singles[i]) {
				t.Errorf("FLOAT %v came back as %v", singles[i], math.Float32frombits(got))
			}
		}
	})
}
