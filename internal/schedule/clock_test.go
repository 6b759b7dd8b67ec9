package schedule_test

import (
	"slices"
	"testing"

	"github.com/midstreamdb/midstream/internal/schedule"
)

// logical is a clock of MySQL's in the first epoch.
func logical(lastCommitted, sequence int64) schedule.Clock {
	return schedule.Clock{LastCommitted: lastCommitted, SequenceNumber: sequence}
}

// mustAdd feeds transactions that are told apart by their index, each too costly to share a batch.
func mustAdd(clocks ...schedule.Clock) *schedule.Scheduler[int] {
	s := schedule.New[int](schedule.Config{MaxCost: 1})
	for i, clock := range clocks {
		s.Add(clock, nil, 1, i)
	}
	return s
}

// starts takes all that may start, in batches of one.
func starts(s *schedule.Scheduler[int]) (batches []*schedule.Batch[int], items []int) {
	for batch := s.Next(1); batch != nil; batch = s.Next(1) {
		batches = append(batches, batch)
		items = append(items, batch.Items...)
	}
	return batches, items
}

func TestWhatMayStartAtOnce(t *testing.T) {
	mariadb := func(id uint64, flags schedule.MariaDBFlags) schedule.Clock {
		flags |= schedule.MariaDBGroupCommitID | schedule.MariaDBTransactional | schedule.MariaDBAllowParallel
		return schedule.MariaDB{Flags: flags, CommitID: id}.Clock(0)
	}
	tests := []struct {
		name   string
		clocks []schedule.Clock
		want   []int // with nothing committed
	}{
		{"independent", []schedule.Clock{logical(1, 2), logical(1, 3), logical(1, 4)}, []int{0, 1, 2}},
		{"the number of another table's transaction covers ours before it", []schedule.Clock{logical(0, 9), logical(10, 12)}, []int{0}},
		{"covers only those before it", []schedule.Clock{logical(0, 9), logical(8, 12)}, []int{0, 1}},
		{"what is skipped over holds back like what runs", []schedule.Clock{logical(0, 5), logical(5, 6), logical(6, 7), logical(4, 8)}, []int{0, 3}},
		{"prepared before the rotation, flushed after it", []schedule.Clock{logical(0, 1), logical(0, 2)}, []int{0, 1}},
		{"no numbers", []schedule.Clock{logical(0, 1), {}, logical(0, 2)}, []int{0}},
		{"no numbers at first", []schedule.Clock{{}, logical(0, 1)}, []int{0}},
		{"depends on itself", []schedule.Clock{logical(0, 1), logical(2, 2), logical(0, 3)}, []int{0}},
		{"nothing passes what depends on itself", []schedule.Clock{logical(2, 2), logical(0, 3)}, []int{0}},
		{"negative", []schedule.Clock{logical(0, 1), logical(-1, 2), logical(0, 3)}, []int{0}},
		{"a number that does not rise starts an epoch", []schedule.Clock{logical(0, 65553), logical(0, 1), logical(0, 2)}, []int{0}},
		{"new epoch", []schedule.Clock{logical(0, 1), {Epoch: 1, SequenceNumber: 2}}, []int{0}},
		{"commit group", []schedule.Clock{mariadb(7, 0), mariadb(7, 0), mariadb(8, 0)}, []int{0, 1}},
		{"waited", []schedule.Clock{mariadb(7, 0), mariadb(7, schedule.MariaDBWaited), mariadb(7, 0)}, []int{0}},
		{"same group in a new epoch", []schedule.Clock{mariadb(7, 0), {Epoch: 1, Group: 7}}, []int{0}},
		{"group after numbers", []schedule.Clock{logical(0, 1), {Group: 7}, {Group: 7}}, []int{0}},
		{"numbers after a group", []schedule.Clock{{Group: 7}, logical(0, 1)}, []int{0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := mustAdd(tt.clocks...)
			if _, got := starts(s); !slices.Equal(got, tt.want) {
				t.Errorf("start at once: %v, want %v", got, tt.want)
			}
		})
	}
}

func TestWaitEndsWithTheLastCovered(t *testing.T) {
	s := mustAdd(logical(0, 3), logical(0, 5), logical(6, 8))
	batches, _ := starts(s)
	s.Done(batches[1])
	if batch := s.Next(1); batch != nil {
		t.Fatalf("%v starts while a transaction that it covers runs", batch.Items)
	}
	s.Done(batches[0])
	if _, got := starts(s); !slices.Equal(got, []int{2}) {
		t.Errorf("start: %v, want [2]", got)
	}
}

func TestRotationDrains(t *testing.T) {
	next := schedule.Clock{Epoch: 2, LastCommitted: 0, SequenceNumber: 65600}
	s := mustAdd(logical(0, 65553), logical(0, 65554), next)
	batches, got := starts(s)
	if !slices.Equal(got, []int{0, 1}) {
		t.Fatalf("start: %v, want [0 1]", got)
	}
	s.Done(batches[0])
	if batch := s.Next(1); batch != nil {
		t.Fatalf("%v of the next file starts before the drain", batch.Items)
	}
	s.Done(batches[1])
	if _, got := starts(s); !slices.Equal(got, []int{2}) {
		t.Errorf("start: %v, want [2]", got)
	}
}

func TestConflictKeys(t *testing.T) {
	s := schedule.New[int](schedule.Config{MaxCost: 1})
	s.Add(logical(0, 1), []uint64{11, 12}, 1, 0)
	s.Add(logical(0, 2), []uint64{13}, 1, 1)
	s.Add(logical(0, 3), []uint64{12, 14}, 1, 2)
	s.Add(logical(0, 4), []uint64{15}, 1, 3)
	batches, got := starts(s)
	if !slices.Equal(got, []int{0, 1, 3}) {
		t.Fatalf("start: %v, want [0 1 3]", got)
	}
	s.Done(batches[0])
	if _, got := starts(s); !slices.Equal(got, []int{2}) {
		t.Fatalf("start: %v, want [2]", got)
	}
	s.Add(logical(0, 5), []uint64{11}, 1, 4)
	if _, got := starts(s); !slices.Equal(got, []int{4}) {
		t.Errorf("start: %v, want [4]: the holder of its key has committed", got)
	}
}

func TestMariaDBClock(t *testing.T) {
	const free = schedule.MariaDBGroupCommitID | schedule.MariaDBTransactional | schedule.MariaDBAllowParallel
	barrier, group := schedule.Clock{Epoch: 3}, schedule.Clock{Epoch: 3, Group: 9}
	tests := []struct {
		name  string
		flags schedule.MariaDBFlags
		want  schedule.Clock
	}{
		{"member of a group", free, group},
		{"unknown flag", free | 1, group},
		{"no group", free &^ schedule.MariaDBGroupCommitID, barrier},
		{"not transactional", free &^ schedule.MariaDBTransactional, barrier},
		{"skip_parallel_replication", free &^ schedule.MariaDBAllowParallel, barrier},
		{"waited", free | schedule.MariaDBWaited, barrier},
		{"DDL", free | schedule.MariaDBDDL, barrier},
		{"XA prepare", free | schedule.MariaDBPreparedXA, barrier},
		{"XA commit", free | schedule.MariaDBCompletedXA, barrier},
	}
	for _, tt := range tests {
		if got := (schedule.MariaDB{Flags: tt.flags, CommitID: 9}).Clock(3); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestBatchesUpToMaxCost(t *testing.T) {
	s := schedule.New[int](schedule.Config{MaxCost: 10})
	for i, cost := range []int{4, 4, 4, 50, 1, 0} {
		s.Add(logical(0, int64(i+1)), nil, cost, i)
	}
	for _, want := range [][]int{{0, 1}, {2}, {3}, {4, 5}} {
		if batch := s.Next(1); !slices.Equal(batch.Items, want) {
			t.Fatalf("batch %v, want %v", batch.Items, want)
		}
	}
}

func TestWorkIsDividedWhenThatIsFaster(t *testing.T) {
	tests := []struct {
		name     string
		width    int // transactions of cost 1 per group, each group after the one before
		groups   int
		overhead int
		want     []int // sizes of the batches for 4 idle workers
	}{
		{"wide", 1000, 1, 50, []int{100, 100, 100, 100}},
		{"less than four batches", 200, 1, 50, []int{50, 50, 50, 50}},
		{"too little to divide", 20, 1, 100, []int{20}},
		{"too little to divide, but transactions cost nothing", 20, 1, 0, []int{5, 5, 5, 5}},
		{"broad groups", 100, 10, 20, []int{25, 25, 25, 25}},
		{"narrow groups: one batch in sequence", 8, 100, 20, []int{100}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := schedule.New[int](schedule.Config{MaxCost: 100})
			s.SetOverhead(tt.overhead)
			for i := range tt.width * tt.groups {
				s.Add(logical(int64(i/tt.width*tt.width), int64(i+1)), nil, 1, i)
			}
			var got []int
			for idle := 4; idle > 0; idle-- {
				if batch := s.Next(idle); batch != nil {
					got = append(got, len(batch.Items))
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("batches of %v, want %v", got, tt.want)
			}
		})
	}
}

func TestDoneTwicePanics(t *testing.T) {
	s := mustAdd(logical(0, 1))
	batch := s.Next(1)
	s.Done(batch)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	s.Done(batch)
}

func TestFigures(t *testing.T) {
	s := mustAdd(logical(0, 1), logical(0, 2), logical(2, 3))
	if got := s.Figures().Width(); got != 0 {
		t.Errorf("width before the first batch = %v, want 0", got)
	}
	batches, _ := starts(s)
	for _, batch := range batches {
		s.Done(batch)
	}
	starts(s)
	want := schedule.Figures{Transactions: 3, Waited: 1, Batches: 3, Allowed: 5}
	if got := s.Figures(); got != want {
		t.Errorf("figures = %+v, want %+v", got, want)
	}
	if got := s.Figures().Width(); got != 5.0/3 {
		t.Errorf("width = %v, want 5/3", got)
	}
}
