package binlog

import (
	"context"
	"net"
	"sync/atomic"
	"time"
)

// A server may be silent while it looks for the place in its log that was asked for: it reads the file from the start, and
// MariaDB says nothing meanwhile. A connection that is dead looks the same, so each search in a row is given twice the time of the one before,
// from firstPatience to longestPatience.
const (
	firstPatience   = 20 * time.Second
	longestPatience = 10 * time.Minute
)

// searching is a connection that waits longer for its next read, by its patience, until the server has found its place in the log.
type searching struct {
	net.Conn
	patience time.Duration
	found    atomic.Bool
	deadline atomic.Int64 // of reads, as it stands, in nanoseconds; 0: none
}

// deadlineStep is what a deadline may fall short of the one asked for: each packet asks anew, and setting it would take longer
// than reading most packets.
const deadlineStep = time.Second

// dial connects; it takes the place of a net.Dialer's DialContext.
func (s *searching) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	s.Conn = c
	return s, nil
}

// SetReadDeadline implements net.Conn: the deadlines of single reads are put off while the server searches, and set to within
// deadlineStep. The handshake is bounded by its context.
func (s *searching) SetReadDeadline(t time.Time) error {
	if t.IsZero() {
		s.deadline.Store(0)
		return s.Conn.SetReadDeadline(t)
	}
	if !s.found.Load() {
		t = t.Add(s.patience)
	}
	if later := t.UnixNano() - s.deadline.Load(); later >= 0 && later < int64(deadlineStep) {
		return nil
	}
	s.deadline.Store(t.UnixNano())
	return s.Conn.SetReadDeadline(t)
}

// note looks at an event: the first that does not merely open a file ends the search.
func (s *searching) note(raw []byte) {
	const kindAt = 4
	if len(raw) <= kindAt {
		return
	}
	switch raw[kindAt] {
	case rotateEvent, formatDescriptionEvent, previousGTIDsEvent, mariaGTIDListEvent, startEncryptionEvent, binlogCheckpointEvent:
	default:
		s.found.Store(true)
	}
}

// nextPatience returns how long the search of the next connection may take.
func (s *searching) nextPatience() time.Duration {
	if s.found.Load() {
		return firstPatience
	}
	return min(2*s.patience, longestPatience)
}
