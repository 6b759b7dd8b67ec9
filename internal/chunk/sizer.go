package chunk

import (
	"cmp"
	"sync"
	"time"

	"github.com/midstreamdb/midstream/internal/table"
)

const (
	firstRows = 1000
	mostRows  = 100_000
	mostBytes = 16 << 20
	// wideRows is how many rows a commit may write however wide they are: statistics that are old, of a table that was emptied, say,
	// tell of rows that do not exist.
	wideRows = 4
	// A step of the size is at most by these factors.
	growth    = 2
	shrinkage = 4
)

// Sizer adapts the number of rows that are written at once to a target time. Any goroutine may call its methods.
type Sizer struct {
	target    time.Duration
	shortened func(time.Duration) time.Duration
	fixed     bool
	most      int

	mu  sync.Mutex // guards now
	now int
}

// NewSizer returns a Sizer for rows of the table.
func NewSizer(c Config, t *table.Table) *Sizer {
	s := &Sizer{target: cmp.Or(c.Target, DefaultTarget), shortened: c.Shortened, most: MostRows(t)}
	if s.shortened == nil {
		s.shortened = func(d time.Duration) time.Duration { return d }
	}
	if c.Rows > 0 {
		s.fixed, s.now = true, c.Rows
		return s
	}
	s.now = min(firstRows, s.most)
	return s
}

// MostRows returns how many rows of the table should be written at one commit at most, by the mean row: what they add to undo
// and binary log is written there.
func MostRows(t *table.Table) int {
	if t.EstimatedRows == 0 {
		return mostRows
	}
	row := max(t.DataBytes/t.EstimatedRows, 1)
	return int(min(max(mostBytes/row, wideRows), mostRows))
}

// Rows returns how many are to be written at once next.
func (s *Sizer) Rows() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Report moves the size by what a chunk of the given size took. Chunks planned ahead report late: a fast one can only
// enlarge, by its own size, and a slow one only reduce.
func (s *Sizer) Report(size int, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fixed {
		return
	}
	target := s.shortened(s.target)
	wanted := float64(size) * float64(target) / float64(max(took, time.Microsecond))
	if took < target {
		s.now = max(s.now, int(min(wanted, float64(size)*growth, float64(s.most))))
		return
	}
	s.now = min(s.now, max(int(wanted), size/shrinkage, 1))
}
