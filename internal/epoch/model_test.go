package epoch_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/midstreamdb/midstream/internal/epoch"
)

// rules are what the books leave to their user. Each can be broken, to see that histories show it.
type rules struct {
	hasty    bool // a fence counts as committed before it is visible (I7, I9)
	careless bool // a lost statement is done again while it may still run (I8)
	ignoring bool // rows that another unique key refuses are left out of a chunk (I12)
	resuming bool // a resume does not look for the greatest key of the shadow (I11)
	waiting  bool // a copier waits for the epoch that its chunk is left to
	landing  bool // a chunk ends with its first piece (I10)
	trusting bool // a piece of a transaction says what the transaction leaves
	trustful bool // what was declared under a lock that was lost counts (I7)
	deaf     bool // rows that an added unique key refuses stay in the shadow as they were
}

const workers = 2

// history is one run of the model: a source, a shadow, and refresh between them, with every step in an order drawn by lot.
type history struct {
	*source
	rules   rules
	weights [steps]int
	now     int // steps taken
	mood    int // steps until they change

	shadow  rows
	orphans []func() // statements that run on without anybody waiting for them

	books           *epoch.Books[int]
	limit           int
	copiers         int           // chunks that are copied at once
	most            int           // keys of a batch
	code            [keys + 1]int // what the books call a key: in another order where the server's is not known
	whole           bool          // transactions are not read in pieces
	pieces          bool          // chunks are copied in pieces
	position, piece int           // entries read from the log, and keys of the next one
	points          []int         // by epoch: the entries that it stands for
	start           int           // the position that reading began at
	fences          []fence       // under way
	jobs            [workers]*job
	chunks          []*chunk
	refused         [keys + 1]int // times in a row
	real            bool          // a duplicate of the source stopped the run

	checkpoint, half record
	halves           int

	swap  swap
	upTo  int // the entries that the swap needs
	ended bool

	commits, crashes, losses, retreats int // that may still happen
	trace                              []string
	tracing                            bool
}

// fence is one being written; it is committed when so many entries are visible.
type fence struct {
	number uint64
	after  int
}

// record is a checkpoint.
type record struct {
	position int
	copied   []int
}

// swap is how far the cut-over is.
type swap int

const (
	open   swap = iota
	held        // workers are given nothing
	locked      // the source takes no writes, the last keys are applied
	lost        // the lock is, and who holds it does not know yet
)

// newHistory draws everything that is fixed for a history from its seed.
func newHistory(seed uint64, r rules) *history {
	rng := rand.New(rand.NewPCG(seed, 7))
	k, handing := kind(rng.IntN(int(kinds))), rng.IntN(8) == 0
	if handing {
		k = same
	}
	h := &history{source: newSource(rng, k), rules: r}
	h.limit, h.most, h.whole = 1+rng.IntN(6), 1+rng.IntN(3), rng.IntN(2) == 0
	h.copiers = 1 + rng.IntN(2)
	h.commits, h.crashes, h.losses, h.retreats = 2+rng.IntN(12), max(0, rng.IntN(6)-3), max(0, rng.IntN(6)-3), rng.IntN(2)
	h.pieces, h.handing = rng.IntN(2) == 0, handing
	h.begin(nil)
	return h
}

// begin starts the tool, at the start or from its checkpoint.
func (h *history) begin(greatest *int) {
	ordered := h.rng.IntN(4) > 0
	for key := range h.code {
		h.code[key] = key
		if !ordered {
			h.code[key] = keys - key
		}
	}
	if greatest != nil {
		greatest = &h.code[*greatest]
	}
	h.books = epoch.New(epoch.Config[int]{Limit: h.limit, Ordered: ordered, OtherUnique: h.kind != none, Greatest: greatest})
	h.position, h.piece, h.start = h.checkpoint.position, 0, h.checkpoint.position
	h.points, h.fences, h.jobs, h.halves, h.swap = nil, nil, [workers]*job{}, 0, open
	h.refused = [keys + 1]int{}
	h.chunks = []*chunk{{from: 1, to: 2}, {from: 3, to: keys, last: true}}
	if h.handing {
		h.chunks[1].asleep = h.now + 100 + h.rng.IntN(300)
	}
	for i, c := range h.chunks {
		if slices.Contains(h.checkpoint.copied, i) {
			h.books.Ended(h.books.Register(h.upper(c)))
			c.stage = copied
		}
	}
}

// low is the position that everything up to it is applied.
func (h *history) low() int {
	if n := h.books.Settled(); n > 0 {
		return h.points[n-1]
	}
	return h.start
}

// patience is the number of steps in which every history must end.
const patience = 20000

// run returns what is wrong with the history, or "".
func (h *history) run() string {
	for range patience {
		h.step()
		if h.real {
			if !h.dupes {
				return "stopped for a duplicate that the source never had"
			}
			return ""
		}
		if h.ended {
			if want := h.states[len(h.log)]; h.shadow != want {
				return fmt.Sprintf("the new table is %v, the source was %v", h.shadow, want)
			}
			return ""
		}
	}
	return "it does not end"
}

// TestRefreshHistories is the proof by experiment that refresh, as these books lead it, ends with a table equal to the
// source and never gets stuck: two chunks, copied in pieces, two workers, four rows, commits that are visible late, lost statements, crashes,
// and attempts to swap, in an order drawn by lot. MIDSTREAM_HISTORIES sets how many.
func TestRefreshHistories(t *testing.T) {
	histories := 100000
	if testing.Short() {
		histories = 5000
	}
	if text := os.Getenv("MIDSTREAM_HISTORIES"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		histories = n
	}
	for seed := range uint64(histories) {
		if wrong := newHistory(seed, rules{}).run(); wrong != "" {
			tell(t, seed, wrong)
		}
	}
}

// tell fails with the history's steps.
func tell(t *testing.T, seed uint64, wrong string) {
	t.Helper()
	h := newHistory(seed, rules{})
	h.tracing = true
	h.run()
	last := h.trace[max(0, len(h.trace)-200):]
	for _, line := range last {
		t.Log(line)
	}
	t.Fatalf("seed %d: %s", seed, wrong)
}

// TestHistoriesNeedTheRules breaks the rules that the books leave to their user, one at a time, and wants to see it.
func TestHistoriesNeedTheRules(t *testing.T) {
	for name, r := range map[string]rules{
		"a fence is not waited for":                   {hasty: true},
		"a lost statement is not made certain":        {careless: true},
		"refused rows of a chunk are ignored":         {ignoring: true},
		"a copier waits for what it left to an epoch": {waiting: true},
		"a chunk ends with its first piece":           {landing: true},
		"the greatest key is not read at a resume":    {resuming: true},
		"a piece is taken for the whole transaction":  {trusting: true},
		"what an added key refuses stays as it was":   {deaf: true},
		"a lock that was lost stands for a fence":     {trustful: true},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(20000) {
				if wrong := newHistory(seed, r).run(); wrong != "" {
					t.Logf("seed %d: %s", seed, wrong)
					return
				}
			}
			t.Error("no history shows it")
		})
	}
}
