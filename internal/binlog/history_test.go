package binlog

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// history is a random log and what it does to the watched tables, in the order of the commits.
type history struct {
	*script
	piece   int // bytes, beyond which transactions come in pieces
	want    []string
	next    uint64
	pending map[byte]string
}

func (h *history) change() string {
	h.next++
	h.insert(h.next)
	return fmt.Sprintf("+%d|%d ", h.next, h.next)
}

func (h *history) done(text string) {
	if text != "" {
		h.want = append(h.want, text)
	}
}

// steps are the ways in which a log goes on.
var steps = []func(*rapid.T, *testing.T, *history){
	func(_ *rapid.T, _ *testing.T, h *history) { h.rotate() },
	func(_ *rapid.T, _ *testing.T, h *history) { h.crash() },
	func(_ *rapid.T, _ *testing.T, h *history) { h.open(); h.insert(999); h.mark(999); h.crash() }, // never committed
	func(_ *rapid.T, _ *testing.T, h *history) { h.open(); h.others(); h.commit() },
	func(_ *rapid.T, _ *testing.T, h *history) { h.statement("CREATE TABLE x2 (id INT)") },
	func(_ *rapid.T, _ *testing.T, h *history) { h.open(); h.insert(999); h.query("ROLLBACK") },
	func(rt *rapid.T, _ *testing.T, h *history) {
		h.open()
		text := ""
		for range rapid.IntRange(1, 5).Draw(rt, "rows") {
			text += h.change()
			h.others()
		}
		h.commit()
		h.done(text)
	},
	func(_ *rapid.T, _ *testing.T, h *history) {
		h.next++
		h.open()
		h.mark(h.next)
		h.commit()
		h.done(fmt.Sprintf("mark 2=%d ", h.next))
	},
	func(_ *rapid.T, _ *testing.T, h *history) {
		if h.piece < 1000 {
			return // what was handed out cannot be rolled back to a savepoint
		}
		h.open()
		text := h.change()
		h.query("SAVEPOINT `a b`")
		h.insert(999)
		h.query("ROLLBACK TO `a b`")
		text += h.change()
		h.query("COMMIT")
		h.done(text)
	},
	func(_ *rapid.T, t *testing.T, h *history) {
		if h.maria {
			return
		}
		h.next++
		h.compressed(t, func(s *script) { s.query("BEGIN"); s.others(); s.insert(h.next); s.commit() })
		h.done(fmt.Sprintf("+%d|%d ", h.next, h.next))
	},
	func(rt *rapid.T, _ *testing.T, h *history) {
		id := rapid.Byte().Draw(rt, "xid")
		if h.pending[id] != "" {
			return
		}
		h.next++
		h.xa(id, h.next)
		h.pending[id] = fmt.Sprintf("+%d|%d ", h.next, h.next)
	},
	decideStep, decideStep,
}

func decideStep(rt *rapid.T, _ *testing.T, h *history) {
	if len(h.pending) == 0 {
		return
	}
	ids := make([]byte, 0, len(h.pending))
	for id := range h.pending {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	id := rapid.SampledFrom(ids).Draw(rt, "decided")
	if rapid.Bool().Draw(rt, "commit") {
		h.decide("COMMIT", id)
		h.done(h.pending[id])
	} else {
		h.decide("ROLLBACK", id)
	}
	delete(h.pending, id)
}

func drawHistory(rt *rapid.T, t *testing.T) (*history, Position) {
	return goOn(rt, t, &history{script: newScript(rapid.Bool().Draw(rt, "mariadb")), pending: map[byte]string{}})
}

func goOn(rt *rapid.T, t *testing.T, h *history) (*history, Position) {
	h.piece = rapid.SampledFrom([]int{1, 500, 1 << 20}).Draw(rt, "piece")
	start := startOf(h.script)
	if !h.maria && rapid.Bool().Draw(rt, "file") {
		start = FilePosition(h.fileName(), 4)
	}
	for range rapid.IntRange(1, 40).Draw(rt, "steps") {
		if step := rapid.IntRange(0, len(steps)-1).Draw(rt, "step"); h.file < 9 || step > 2 {
			steps[step](rt, t, h)
		}
	}
	return h, start
}

// TestHistories feeds random logs: whole, with the connection cut at random places, and from the end of each transaction on
// as after a crash. The transactions are always the same, each once and in the order of their commits.
func TestHistories(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h, start := drawHistory(rt, t)
		whole := newCollector(t, start)
		whole.limits.transaction = h.piece
		whole.mustFeed(t, h.dumped(t, start))
		items := settle(t, whole.items)
		if got := outcomes(items); !slices.Equal(got, h.want) {
			rt.Fatalf("the log says\n%v\nand the assembler\n%v", h.want, got)
		}

		cut := newCollector(t, start)
		cut.limits = whole.limits
		for range rapid.IntRange(1, 5).Draw(rt, "cuts") {
			events := h.dumped(t, cut.read.origin())
			cut.mustFeed(t, events[:rapid.IntRange(0, len(events)).Draw(rt, "cut after")])
			if err := cut.interrupt(); err != nil {
				rt.Fatal(err)
			}
		}
		cut.mustFeed(t, h.dumped(t, cut.read.origin()))
		if got := outcomes(settle(t, cut.items)); !slices.Equal(got, h.want) {
			rt.Fatalf("with the connection cut the assembler says\n%v\ninstead of\n%v", got, h.want)
		}

		proven := rapid.Bool().Draw(rt, "with the witness")
		for i, item := range items {
			start, err := ParsePosition(item.End.String())
			if err != nil {
				rt.Fatal(err)
			}
			if proven {
				start = start.WithWitness(item.End.Witness())
			}
			again := newCollector(t, start)
			again.mustFeed(t, h.dumped(t, start.origin()))
			rest := outcomes(settle(t, again.items))
			if missing := len(h.want) - (i + 1) - len(rest); missing > 0 {
				rt.Fatalf("from %s on, %d transactions are lost:\n%v", start, missing, rest)
			}
			if !slices.Equal(rest, h.want[len(h.want)-len(rest):]) {
				rt.Fatalf("from %s on the assembler says\n%v\ninstead of the end of\n%v", start, rest, h.want)
			}
		}
	})
}

// TestAnotherLogIsNotTaken goes on, at each position of one log, in another that gives the same numbers to other
// transactions, as after a RESET or on a server that was restored: its first mark tells.
func TestAnotherLogIsNotTaken(t *testing.T) {
	refused := 0
	rapid.Check(t, func(rt *rapid.T) {
		h, _ := drawHistory(rt, t)
		first := newCollector(t, startOf(h.script))
		first.mustFeed(t, h.dumped(t, startOf(h.script)))
		other, _ := goOn(rt, t, &history{script: newScript(h.maria), pending: map[byte]string{}, next: 1 << 20})
		for _, item := range first.items {
			if item.End.Witness() == nil {
				continue
			}
			again := newCollector(t, item.End)
			err := again.feedAll(other.dumped(t, item.End.origin()))
			var lost *LostError
			if errors.As(err, &lost) {
				refused++
				continue
			}
			for _, taken := range again.items {
				if len(taken.Marks) > 0 {
					rt.Fatalf("from %s on, marks of another log were taken: %v (%v)", item.End, taken.Marks, err)
				}
			}
		}
	})
	if refused == 0 {
		t.Error("no position was refused")
	}
}

// TestWitnessStandsBeforeThePosition: what a position names as its witness was read before it; where nothing is held, it is
// the last mark of all.
func TestWitnessStandsBeforeThePosition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h, start := drawHistory(rt, t)
		c := newCollector(t, start)
		var last *Mark
		c.emit = func(item *Transaction) error {
			if n := len(item.Marks); n > 0 {
				last = &item.Marks[n-1]
			}
			w := item.End.Witness()
			switch {
			case item.More:
			case len(c.held.prepared) == 0 && (w == nil) != (last == nil), w != nil && last == nil:
				rt.Fatalf("%s has the witness %v after the mark %v", item.End, w, last)
			case w == nil:
			case len(c.held.prepared) == 0 && w.Mark != *last:
				rt.Fatalf("%s has the witness %v after the mark %v", item.End, w.Mark, *last)
			case !atOrAfter(rt, item.End, w.Before):
				rt.Fatalf("%s does not stand behind its witness, which begins at %s", item.End, w.Before)
			case w.Before.Witness() != nil:
				rt.Fatal("a witness keeps the one before it")
			}
			return nil
		}
		c.mustFeed(t, h.dumped(t, start))
	})
}

func atOrAfter(rt *rapid.T, p, o Position) bool {
	after, err := p.AtOrAfter(o)
	if err != nil {
		rt.Fatal(err)
	}
	return after
}
