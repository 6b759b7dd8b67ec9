package binlog

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// TestSilenceWhileSearching: reads outlast their deadlines until the first event that is not part of a file's opening.
func TestSilenceWhileSearching(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	s := &searching{Conn: ours, patience: time.Minute}
	read := func(within time.Duration) error {
		if err := s.SetReadDeadline(time.Now().Add(within)); err != nil {
			t.Fatal(err)
		}
		_, err := s.Read(make([]byte, 1))
		return err
	}
	go func() {
		time.Sleep(50 * time.Millisecond)
		_, _ = theirs.Write([]byte{1})
	}()
	s.note([]byte{0, 0, 0, 0, formatDescriptionEvent})
	if err := read(time.Millisecond); err != nil {
		t.Errorf("while the server searches, a read ended with %v", err)
	}
	if next := s.nextPatience(); next != 2*time.Minute {
		t.Errorf("after a search without success, the next has %s", next)
	}
	s.note([]byte{0, 0, 0, 0, heartbeatEvent})
	if err := read(time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("once the server has found its place, a read without an answer ended with %v", err)
	}
	if next := s.nextPatience(); next != firstPatience {
		t.Errorf("after a search with success, the next has %s", next)
	}
	s = &searching{Conn: ours, patience: time.Millisecond}
	if err := read(time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a search that took longer than its patience ended with %v", err)
	}
	if s.patience = longestPatience; s.nextPatience() != longestPatience {
		t.Errorf("patience grows to %s", s.nextPatience())
	}
}

// deadlines counts how often a deadline was set.
type deadlines struct {
	net.Conn
	set int
	at  time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.set, d.at = d.set+1, t
	return nil
}

// TestDeadlinesAreSetSeldom: the one that stands falls short of the one asked for by less than a step, and never exceeds it.
func TestDeadlinesAreSetSeldom(t *testing.T) {
	d := &deadlines{}
	s := &searching{Conn: d}
	s.found.Store(true)
	now := time.Now()
	ask := func(at time.Time) {
		t.Helper()
		if err := s.SetReadDeadline(at); err != nil {
			t.Fatal(err)
		}
		if short := at.Sub(d.at); short < 0 || short >= deadlineStep {
			t.Errorf("the deadline falls short by %s", short)
		}
	}
	for i := range 10_000 {
		ask(now.Add(time.Duration(i) * time.Millisecond))
	}
	if d.set != 10 {
		t.Errorf("set %d times in 10 s, want 10", d.set)
	}
	ask(now) // earlier
	ask(time.Time{})
	ask(now)
}
