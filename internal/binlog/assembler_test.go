package binlog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/table"
)

// outcome is what a transaction does, for comparing.
func outcome(t *Transaction) string {
	var b strings.Builder
	for _, c := range t.Changes {
		fmt.Fprintf(&b, "+%s ", show(c.After))
	}
	for _, m := range t.Marks {
		fmt.Fprintf(&b, "mark %d=%d ", m.ID, m.Value)
	}
	return b.String()
}

func outcomes(items []*Transaction) []string {
	all := make([]string, len(items))
	for i, t := range items {
		all[i] = outcome(t)
	}
	return all
}

// collector is an assembler whose items are kept.
type collector struct {
	*assembler
	items []*Transaction
}

func newCollector(tb testing.TB, start Position) *collector {
	tb.Helper()
	c := &collector{}
	var err error
	c.assembler, err = newAssembler(start, sourceTable, changelogTable, func(t *Transaction) error {
		c.items = append(c.items, t)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	c.limits = limits{transaction: 1 << 20, held: 1 << 20}
	c.guard = newGuard(Config{Source: sourceTable, Changelog: changelogTable})
	return c
}

func (c *collector) mustFeed(tb testing.TB, events [][]byte) {
	tb.Helper()
	for _, raw := range events {
		if err := c.feed(raw); err != nil {
			tb.Fatal(err)
		}
	}
}

// feedAll feeds until an error, which it returns.
func (c *collector) feedAll(events [][]byte) error {
	for _, raw := range events {
		if err := c.feed(raw); err != nil {
			return err
		}
	}
	return nil
}

func startOf(s *script) Position {
	if s.maria {
		return Position{form: mariaForm}
	}
	return Position{form: gtidForm}
}

// TestOverlappingXA: a position between a PREPARE and its decision is not safe, also when that decision was read and only a
// later transaction still waits for its own.
func TestOverlappingXA(t *testing.T) {
	for _, maria := range []bool{false, true} {
		s := newScript(maria)
		s.open()
		s.insert(1)
		s.commit()
		s.xa('a', 2)
		s.xa('b', 3)
		s.decide("COMMIT", 'a')
		s.open()
		s.insert(4)
		s.commit()
		s.decide("COMMIT", 'b')
		want := []string{"+1|1 ", "+2|2 ", "+4|4 ", "+3|3 "}
		c := newCollector(t, startOf(s))
		c.mustFeed(t, s.log)
		if got := outcomes(c.items); !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		for i, rest := range [][]string{want[1:], want[1:], want[1:], nil} {
			again := newCollector(t, c.items[i].End)
			again.mustFeed(t, s.dumped(t, c.items[i].End))
			if got := outcomes(again.items); !slices.Equal(got, rest) {
				t.Errorf("from %s on came %q, want %q", c.items[i].End, got, rest)
			}
		}
	}
}

// TestPositionIsAfterTheCommit looks at the position after every event: it moves with the last event of a transaction and
// never inside one.
func TestPositionIsAfterTheCommit(t *testing.T) {
	for _, maria := range []bool{false, true} {
		s := newScript(maria)
		start := startOf(s)
		var ends []int // events after which the position may have moved
		ended := func() { ends = append(ends, len(s.log)-1) }
		for range 3 {
			s.open()
			for k := range uint64(50) {
				s.insert(k)
				s.others()
			}
			s.mark(1)
			s.commit()
			ended()
			s.statement("CREATE TABLE y (id INT)")
			ended()
			s.open()
			s.insert(1)
			s.query("ROLLBACK")
			ended()
		}
		c := newCollector(t, start)
		c.limits.transaction = 300
		for i, raw := range s.log {
			before := c.read
			if err := c.feed(raw); err != nil {
				t.Fatal(err)
			}
			if moved := !c.read.Equal(before); moved != slices.Contains(ends, i) {
				t.Errorf("event %d: moved %t, from %s to %s", i, moved, before, c.read)
			}
		}
		for _, item := range c.items {
			if item.More != item.End.IsZero() {
				t.Errorf("an item with More %t ends at %q", item.More, item.End)
			}
		}
	}
}

// TestMarksStandInTheirPlace: a mark is an item of the stream like any other, after all changes that precede it.
func TestMarksStandInTheirPlace(t *testing.T) {
	s := newScript(false)
	for n := range uint64(20) {
		s.open()
		s.insert(n)
		s.commit()
		s.open()
		s.mark(n)
		s.commit()
	}
	s.open()
	s.insert(100)
	s.mark(100)
	s.commit()
	c := newCollector(t, startOf(s))
	c.mustFeed(t, s.log)
	for n := range uint64(20) {
		change, mark := c.items[2*n], c.items[2*n+1]
		if outcome(change) != fmt.Sprintf("+%d|%d ", n, n) || outcome(mark) != fmt.Sprintf("mark 2=%d ", n) {
			t.Fatalf("items %d are %q and %q", n, outcome(change), outcome(mark))
		}
		if ok, err := mark.End.AtOrAfter(change.End); err != nil || !ok || mark.End.Equal(change.End) {
			t.Errorf("mark %d ends at %s, the change before it at %s: %v", n, mark.End, change.End, err)
		}
	}
	if last := c.items[len(c.items)-1]; len(last.Changes) != 1 || len(last.Marks) != 1 {
		t.Errorf("a transaction with both has %q", outcome(last))
	}
}

// TestClockFiles: the clock counts real ends of files and reconnects, not the events that a server makes up.
func TestClockFiles(t *testing.T) {
	s := newScript(false)
	write := func() { s.open(); s.insert(1); s.commit() }
	write()
	s.rotate()
	write()
	write()
	s.crash()
	write()
	c := newCollector(t, startOf(s))
	c.mustFeed(t, s.log)
	if err := c.interrupt(); err != nil {
		t.Fatal(err)
	}
	c.mustFeed(t, s.reopened(4))
	at := len(s.log)
	write()
	c.mustFeed(t, s.log[at:])
	var files []uint64
	var numbers []int64
	for _, i := range c.items {
		files, numbers = append(files, i.Clock.File), append(numbers, i.Clock.SequenceNumber)
	}
	if want := []uint64{0, 1, 1, 2, 3}; !slices.Equal(files, want) {
		t.Errorf("files %v, want %v", files, want)
	}
	if want := []int64{1, 1, 2, 1, 2}; !slices.Equal(numbers, want) {
		t.Errorf("sequence numbers %v, want %v", numbers, want)
	}
}

// TestOffsetBeyond32Bits: in a transaction of more than 4 GiB the log's offsets wrap around; the position does not.
func TestOffsetBeyond32Bits(t *testing.T) {
	s := newScript(false)
	start := FilePosition(s.fileName(), 4)
	c := newCollector(t, start)
	c.mustFeed(t, s.log)
	const wrap = 1<<32 + 1000
	s.offset, c.offset = wrap-500, wrap-500 // as after many events
	at := len(s.log)
	s.open()
	s.insert(1)
	s.commit()
	s.open()
	s.insert(2)
	s.commit()
	c.mustFeed(t, s.log[at:])
	if len(c.items) != 2 || !c.items[1].End.Equal(FilePosition(s.fileName(), s.offset)) || s.offset < 1<<32 {
		t.Fatalf("%d items, the last ends at %s, want %d", len(c.items), c.items[1].End, s.offset)
	}

	// A stream from there reads the file from its start, and passes over what came before.
	again := newCollector(t, c.items[0].End)
	again.mustFeed(t, s.reopened(4))
	again.offset = wrap - 500
	again.mustFeed(t, s.log[at:])
	if got := outcomes(again.items); !slices.Equal(got, []string{"+2|2 "}) {
		t.Errorf("after the first transaction came %q", got)
	}
}

// TestUndone: pieces that were handed out are called back when the transaction does not come to its end.
func TestUndone(t *testing.T) {
	for name, end := range map[string]func(*script, *collector) error{
		"rolled back": func(s *script, c *collector) error { s.query("ROLLBACK"); return c.feed(s.log[len(s.log)-1]) },
		"interrupted": func(_ *script, c *collector) error { return c.interrupt() },
		"crashed": func(s *script, c *collector) error {
			at := len(s.log)
			s.crash()
			return c.feedAll(s.log[at:])
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(false)
			c := newCollector(t, startOf(s))
			c.limits.transaction = 1
			s.open()
			s.insert(1)
			s.insert(2)
			c.mustFeed(t, s.log)
			if err := end(s, c); err != nil {
				t.Fatal(err)
			}
			if len(c.items) != 3 || !c.items[0].More || !c.items[1].More || !c.items[2].Undone || c.items[2].End.IsZero() {
				t.Errorf("items: %+v", c.items)
			}
		})
	}
}

// TestHeldTooMuch: rows of prepared transactions are held up to a limit, also across transactions.
func TestHeldTooMuch(t *testing.T) {
	s := newScript(false)
	s.xa(1, 1)
	s.xa(2, 2)
	c := newCollector(t, startOf(s))
	c.limits.held = 300
	if err := c.feedAll(s.log); err == nil || !strings.Contains(err.Error(), "300 bytes") {
		t.Errorf("the error is: %v", err)
	}
}

// TestEmptyItems: transactions of others let the position advance, now and then.
func TestEmptyItems(t *testing.T) {
	s := newScript(true)
	for range 2*emptyEvery + 1 {
		s.open()
		s.others()
		s.commit()
	}
	c := newCollector(t, startOf(s))
	c.mustFeed(t, s.log)
	if len(c.items) != 2 || outcome(c.items[1]) != "" || c.items[1].End.String() != fmt.Sprintf("mariadb:0-7-%d", 2*emptyEvery) {
		t.Errorf("%d items came", len(c.items))
	}
}

// TestAlterPhases: MariaDB's two-phase ALTER counts when it is done.
func TestAlterPhases(t *testing.T) {
	for phase, wrong := range map[byte]bool{mariaExtraStartAlter: false, mariaExtraRollbackAlter: false, mariaExtraCommitAlter: true, 0: true} {
		s := newScript(true)
		body := append(make([]byte, 12), mariaStandalone|mariaDDL, phase)
		s.add(mariaGTIDEvent, append(body, make([]byte, 8)...))
		s.query("ALTER TABLE t ADD x INT")
		err := newCollector(t, startOf(s)).feedAll(s.log)
		var changed *ChangedError
		if errors.As(err, &changed) != wrong {
			t.Errorf("phase %d: %v", phase, err)
		}
	}
}

// TestFoldedNames: a server that does not tell case in names may log them in another case than it shows.
func TestFoldedNames(t *testing.T) {
	for _, fold := range []bool{false, true} {
		s := newScript(false)
		s.open()
		s.add(tableMapEvent, tableMapBody(sourceID, table.Name{Schema: "D", Table: "T"}, 3))
		s.add(writeRowsV2, insertBody(sourceID, 1, 4, [2]uint64{1, 1}))
		s.commit()
		c := newCollector(t, startOf(s))
		c.foldCase = fold
		c.mustFeed(t, s.log)
		if (len(c.items) == 1) != fold {
			t.Errorf("names folded %t: %d items", fold, len(c.items))
		}
	}
}

// FuzzFeed: no bytes make the assembler panic or hang.
func FuzzFeed(f *testing.F) {
	for _, maria := range []bool{false, true} {
		s := newScript(maria)
		s.checksum = false
		s.log = nil
		s.begin()
		s.open()
		s.insert(1)
		s.others()
		s.mark(1)
		s.commit()
		s.xa(1, 1)
		s.decide("COMMIT", 1)
		s.statement("ALTER TABLE y ADD x INT")
		for _, raw := range s.log {
			f.Add(raw[4], raw[headerSize:])
		}
	}
	f.Add(byte(taggedGTIDEvent), []byte{2, 0x40, 0})
	f.Add(byte(compressedQueryEvent), append(make([]byte, 14), 0x81, 4, 1, 2, 3))
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		for _, maria := range []bool{false, true} {
			s := newScript(maria)
			s.checksum = false
			s.log = nil
			s.begin()
			c := newCollector(t, startOf(s))
			c.mustFeed(t, s.log)
			at := len(s.log)
			s.add(kind, body) // between transactions
			s.open()
			s.add(tableMapEvent, tableMapBody(sourceID, sourceTable.Name, 3))
			s.add(kind, body) // inside one
			s.commit()
			for _, raw := range s.log[at:] {
				_ = c.feed(raw) // an error is as good as none
			}
		}
	})
}
