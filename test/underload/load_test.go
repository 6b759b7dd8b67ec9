package underload_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// neutral leaves the columns alone, so that old and new rows can be compared as they are.
const neutral = "ENGINE=InnoDB, COMMENT='rebuilt'"

// zipf is the skew of the skewed runs.
var zipf = load.Skew{Zipf: 1.2}

// stopped is a run whose load stops before the swap: old = new.
func stopped(t *testing.T, set settings, loaded time.Duration) {
	t.Helper()
	t.Run(set.String(), func(t *testing.T) {
		sandboxtest.EachPosition(t, func(t *testing.T, s *sandboxtest.Schema) {
			r := begin(t, s, set)
			r.awaitPostponed()
			r.mustStay(time.Until(r.began.Add(loaded)))
			r.mustEqual()
		})
	})
}

// TestLoadStopped: the mix of sysbench's oltp_write_only, from before the migration until the cut-over.
func TestLoadStopped(t *testing.T) {
	all := []settings{
		{connections: 8, workers: 4, rate: calm()},
		{connections: 16, workers: 4, skew: zipf, rate: calm()},
		{connections: 16, workers: 16},
	}
	if _, ok := long(); ok {
		all = nil
		for _, set := range []settings{{connections: 8, workers: 4}, {connections: 16, workers: 4}, {connections: 16, workers: 16}} {
			skewed := set
			skewed.skew = zipf
			all = append(all, set, skewed)
		}
	}
	for _, set := range all {
		set.alter = neutral
		stopped(t, large(set), soak(5*time.Second))
	}
}

// TestLoadAgain: the same with 2 workers; in the long form with 4, too, again and again.
func TestLoadAgain(t *testing.T) {
	runs, loaded, each := 1, 3*time.Second, []int{2}
	if d, ok := long(); ok {
		runs, loaded, each = 5, d/4, []int{2, 4}
	}
	for _, workers := range each {
		for i := range runs {
			t.Run(fmt.Sprintf("run %d", i+1), func(t *testing.T) {
				stopped(t, large(settings{connections: 8, workers: workers, alter: neutral, rate: calm()}), loaded)
			})
		}
	}
}

// TestLoadOfSeveralTables has the log of other tables between, which the clock's numbers belong to; plain serial replay
// beside; and unique values that wander through the whole table.
func TestLoadOfSeveralTables(t *testing.T) {
	for _, set := range []settings{
		{connections: 8, workers: 1, rows: 5000, alter: neutral, rate: calm()},
		{connections: 8, workers: 4, rows: 5000, alter: neutral, tables: 2, rate: calm()},
		// At full speed this load writes more than two cores can replay.
		{connections: 16, workers: 4, rows: 5000, alter: neutral, unique: true, mix: load.Everything(), rate: 150, busy: true},
	} {
		stopped(t, set, soak(3*time.Second))
	}
}

// throughTheSwap is a run whose load goes on through the swap: new = model, old = model as of the rename.
func throughTheSwap(t *testing.T, set settings) {
	t.Helper()
	t.Run(set.String(), func(t *testing.T) {
		sandboxtest.EachPosition(t, func(t *testing.T, s *sandboxtest.Schema) {
			r := begin(t, s, set)
			r.awaitPostponed()
			r.mustSwapUnderLoad()
		})
	})
}

// mustSwapUnderLoad lets the load go on for a while, through the swap, and proves both tables.
func (r *run) mustSwapUnderLoad() {
	r.t.Helper()
	r.mustStay(soak(2 * time.Second))
	r.mustSwap()
	r.mustStay(500 * time.Millisecond)
	r.mustStopLoad()
	r.mustProve(proof.Model(r.t.Context(), r.s.DB, r.source.Name, r.generator.Model(0)))
	r.mustProve(proof.Retired(r.t.Context(), r.s.DB, table.NamesFor(r.source.Name).Retired, r.generator, 0))
	r.tell()
}

// TestLoadThroughTheSwap: new = model, old = model as of the rename.
func TestLoadThroughTheSwap(t *testing.T) {
	for _, set := range []settings{
		{connections: 8, workers: 4, rows: 5000, alter: "MODIFY k BIGINT NOT NULL DEFAULT 0, ADD COLUMN note VARCHAR(20)", unique: true, mix: load.Everything(), rate: 150, busy: true},
		{connections: 4, workers: 2, rows: 2000, alter: neutral, skew: load.Skew{HotShare: 0.9}, rate: calm()},
	} {
		throughTheSwap(t, set)
	}
}

// TestRotations: binary log files of the smallest size, and rotations by hand in a loop besides, hundreds while changes are
// applied, in the long form a thousand and more.
func TestRotations(t *testing.T) {
	rotations := 300
	if _, ok := long(); ok {
		rotations = 1000
	}
	for name, world := range map[string]struct {
		engine sandbox.Engine
		files  bool
	}{
		"mysql-9.7":                 {engine: sandbox.MySQL97},
		"mysql-9.7, file positions": {engine: sandbox.MySQL97, files: true},
		"mariadb-10.11":             {engine: sandbox.MariaDB1011},
		"mariadb-11.8":              {engine: sandbox.MariaDB118},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sandboxtest.Private(t, world.engine, sandbox.Options{FilePosition: world.files, Args: []string{"--max-binlog-size=4096"}})
			s := sandboxtest.NewSchema(t, server.Address())
			r := begin(t, s, settings{connections: 8, workers: 4, rows: 5000, alter: neutral, mix: load.Everything(), unique: true, rate: 150, busy: true})
			rotating, stop := context.WithCancel(t.Context())
			rotated := make(chan struct{})
			go func() { defer close(rotated); rotate(rotating, s) }()
			first := files(s)
			for begun := time.Now(); files(s)-first < rotations; {
				if time.Since(begun) > 3*time.Minute {
					t.Fatalf("only %d rotations", files(s)-first)
				}
				r.mustStay(500 * time.Millisecond)
			}
			r.awaitPostponed()
			r.mustStay(soak(0))
			last := files(s)
			stop()
			<-rotated
			r.mustEqual()
			t.Logf("%d rotations while changes were applied", last-first)
		})
	}
}

// files counts the binary log files that there have been, by the number in the present one's name.
func files(s *sandboxtest.Schema) int {
	names := s.MustQueryRows("SHOW BINARY LOGS")
	name := strings.Fields(names[len(names)-1])[0]
	number := name[strings.LastIndexByte(name, '.')+1:]
	n, err := strconv.Atoi(number)
	if err != nil {
		panic(fmt.Sprintf("the log file's name is %q", name))
	}
	return n
}

// rotate flushes the binary log again and again until ctx ends.
func rotate(ctx context.Context, s *sandboxtest.Schema) {
	for {
		if _, err := s.DB.ExecContext(ctx, "FLUSH BINARY LOGS"); err != nil {
			return
		}
	}
}
