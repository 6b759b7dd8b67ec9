package binlog

import (
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
	h := &history{script: newScript(rapid.Bool().Draw(rt, "mariadb")), pending: map[byte]string{}}
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
			events := h.dumped(t, cut.read)
			cut.mustFeed(t, events[:rapid.IntRange(0, len(events)).Draw(rt, "cut after")])
			if err := cut.interrupt(); err != nil {
				rt.Fatal(err)
			}
		}
		cut.mustFeed(t, h.dumped(t, cut.read))
		if got := outcomes(settle(t, cut.items)); !slices.Equal(got, h.want) {
			rt.Fatalf("with the connection cut the assembler says\n%v\ninstead of\n%v", got, h.want)
		}

		for i, item := range items {
			start, err := ParsePosition(item.End.String())
			if err != nil {
				rt.Fatal(err)
			}
			again := newCollector(t, start)
			again.mustFeed(t, h.dumped(t, start))
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
