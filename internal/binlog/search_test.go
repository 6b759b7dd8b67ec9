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
	s := &searching{Conn: ours}
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
	s.note([]byte{0, 0, 0, 0, heartbeatEvent})
	if err := read(time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("once the server has found its place, a read without an answer ended with %v", err)
	}
}
