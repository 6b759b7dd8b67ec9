package changelog

import (
	"maps"
	"math/rand/v2"
	"testing"
)

// note is a row written to the changelog, or a row written to the shadow by a thread.
type note struct {
	id     int64
	value  uint64
	thread uint32 // of who writes the shadow; 0: it is a note
	own    bool
	unsure bool // the server was restarted, and no run has taken over since
}

// history is what a migration's runs, and others, write.
type history struct {
	log     []note
	table   map[uint32]uint64 // session → run, as the changelog has it
	open    []uint32
	run     uint64
	next    uint32 // thread id
	unsure  bool
	started int               // where the last run had taken over
	found   map[uint32]uint64 // what it found in the table
}

func (h *history) step(r *rand.Rand) {
	switch r.IntN(12) {
	case 0: // the server is restarted
		h.open, h.next, h.unsure = nil, 1, true
	case 1: // the next run begins
		h.open, h.unsure = nil, false
		h.run++
		h.log = append(h.log, note{id: RunID, value: h.run}, note{id: EndedID, value: h.run})
		h.started, h.found = len(h.log), maps.Clone(h.table)
	case 2, 3: // a session
		h.open = append(h.open, h.next)
		h.table[h.next] = h.run
		h.log = append(h.log, note{id: SessionID + int64(h.next), value: h.run})
		h.next++
	case 4: // somebody
		h.log = append(h.log, note{thread: h.next, unsure: h.unsure})
		h.next++
	case 5:
		h.log = append(h.log, note{id: FenceID, value: uint64(len(h.log))})
	default:
		if len(h.open) > 0 {
			h.log = append(h.log, note{thread: h.open[r.IntN(len(h.open))], own: true})
		}
	}
}

// TestWriters: the log of several runs, of a server that is restarted again and again, is read from any place before the last run
// took over. Every session of the migration may write; nobody else may behind that, until the server is restarted once more.
func TestWriters(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 7))
		h := &history{table: map[uint32]uint64{}, run: 1, next: 1}
		for range 10 + r.IntN(100) {
			h.step(r)
		}
		w := &Writers{server: 1, sessions: map[uint32]writer{}}
		from := 0
		if h.run > 1 {
			from = r.IntN(h.started - 1)
			for thread, run := range h.found {
				w.sessions[thread] = writer{run: run}
			}
		}
		for i, n := range h.log[from:] {
			switch {
			case n.thread == 0:
				w.Note(1, n.id, n.value)
			case n.own && !w.Has(1, n.thread):
				t.Fatalf("seed %d: thread %d, of a session of the migration, is not known: %+v", seed, n.thread, h.log[from:from+i+1])
			case !n.own && !n.unsure && from+i >= h.started && w.Has(1, n.thread):
				t.Fatalf("seed %d: thread %d is somebody else's and counts as the migration's: %+v", seed, n.thread, h.log[from:from+i+1])
			}
		}
	}
}

// TestWritersOfAnotherServer: a thread is one of the server that it is noted on. After a fail-over the log has what the migration
// wrote on the server that was, under threads of any number, until the next run has taken over.
func TestWritersOfAnotherServer(t *testing.T) {
	w := &Writers{server: 1, sessions: map[uint32]writer{}}
	has := func(what string, server, thread uint32, want bool) {
		t.Helper()
		if w.Has(server, thread) != want {
			t.Errorf("%s: thread %d of server %d: want %t", what, thread, server, want)
		}
	}
	w.Note(1, SessionID+6, 1)
	has("noted", 1, 6, true)
	has("noted", 1, 7, false)
	has("noted", 2, 6, false)
	w.Note(2, SessionID+7, 1)
	has("noted elsewhere", 1, 7, false)
	has("noted elsewhere", 2, 7, true)
	has("noted elsewhere", 2, 9, true)
	has("noted elsewhere", 3, 7, false)
	w.Note(1, EndedID, 2)
	w.Note(1, SessionID+7, 2)
	has("taken over", 1, 7, true)
	has("taken over", 2, 7, false)
	w.sessions[5] = writer{run: 1}
	has("noted before", 1, 5, true)
	has("noted before", 3, 8, true)
}
