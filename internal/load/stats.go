package load

import (
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Stats are the figures of a load over some time.
type Stats struct {
	Elapsed      time.Duration
	Transactions uint64 // committed
	RolledBack   uint64 // as planned
	RowChanges   uint64 // rows that committed transactions left changed
	// Errors counts the errors that the application saw by the server's number; a lost connection is 2013. Those of the
	// transactions that succeeded when tried again are among them.
	Errors map[uint16]uint64

	P50, P95, P99, Max time.Duration // latencies of committed transactions, exact to 3 %
	// LongestPause is the longest time in which nothing was committed.
	LongestPause time.Duration
}

// lostConnection is the number under which the mysql client reports it.
const lostConnection = 2013

// Rate is the number of transactions committed in a second.
func (s *Stats) Rate() float64 {
	if s.Elapsed <= 0 {
		return 0
	}
	return float64(s.Transactions) / s.Elapsed.Seconds()
}

// ErrorCount is the number of all errors.
func (s *Stats) ErrorCount() uint64 {
	var n uint64
	for _, c := range s.Errors {
		n += c
	}
	return n
}

// String is one line for people.
func (s *Stats) String() string {
	failed := "no errors"
	if len(s.Errors) > 0 {
		var parts []string
		for _, number := range slices.Sorted(maps.Keys(s.Errors)) {
			parts = append(parts, fmt.Sprintf("%d × error %d", s.Errors[number], number))
		}
		failed = strings.Join(parts, ", ")
	}
	return fmt.Sprintf("%d transactions (%.0f/s), %d row changes, %d rolled back, %s; p50 %s, p99 %s, max %s, longest pause %s",
		s.Transactions, s.Rate(), s.RowChanges, s.RolledBack, failed, short(s.P50), short(s.P99), short(s.Max), short(s.LongestPause))
}

func short(d time.Duration) time.Duration {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}

// Snapshot returns the figures of the present run, or of the last one.
func (g *Generator) Snapshot() Stats { return g.stats.snapshot(false) }

// Lap returns the figures since the last call of Lap, or since the run's start, so that times before, during and after
// something can be compared.
func (g *Generator) Lap() Stats { return g.stats.snapshot(true) }

// recorder collects figures for the whole run and for the present lap.
type recorder struct {
	mu       sync.Mutex // guards what follows
	run, lap window
	end      time.Time // zero: running
}

type window struct {
	start, lastCommit time.Time
	pause             time.Duration
	stats             Stats
	latency           histogram
}

func newWindow(at time.Time) window { return window{start: at, lastCommit: at} }

func (r *recorder) start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end = time.Time{}
	r.run, r.lap = newWindow(time.Now()), newWindow(time.Now())
}

func (r *recorder) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end = time.Now()
}

func (r *recorder) both(f func(w *window)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.run)
	f(&r.lap)
}

func (r *recorder) committed(at time.Time, latency time.Duration, changes uint64) {
	r.both(func(w *window) {
		if gap := at.Sub(w.lastCommit); gap > 0 {
			w.pause = max(w.pause, gap)
			w.lastCommit = at
		}
		w.stats.Transactions++
		w.stats.RowChanges += changes
		w.latency.add(latency)
	})
}

func (r *recorder) rolledBack() { r.both(func(w *window) { w.stats.RolledBack++ }) }

func (r *recorder) failed(err error) {
	number := uint16(lostConnection)
	if e := (*mysql.MySQLError)(nil); errors.As(err, &e) {
		number = e.Number
	}
	r.both(func(w *window) {
		if w.stats.Errors == nil {
			w.stats.Errors = make(map[uint16]uint64)
		}
		w.stats.Errors[number]++
	})
}

func (r *recorder) snapshot(lap bool) Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	end := r.end
	if end.IsZero() {
		end = time.Now()
	}
	w := &r.run
	if lap {
		w = &r.lap
	}
	s := w.stats
	s.Errors = maps.Clone(s.Errors)
	s.Elapsed = end.Sub(w.start)
	s.LongestPause = max(w.pause, end.Sub(w.lastCommit))
	s.P50, s.P95, s.P99, s.Max = w.latency.at(0.50), w.latency.at(0.95), w.latency.at(0.99), w.latency.max
	if lap {
		r.lap = newWindow(end)
	}
	return s
}

// histogram counts durations in microseconds, 32 buckets for each power of two.
type histogram struct {
	buckets [32 * 40]uint64
	count   uint64
	max     time.Duration
}

func (h *histogram) add(d time.Duration) {
	h.count++
	h.max = max(h.max, d)
	h.buckets[bucket(uint64(max(d.Microseconds(), 0)))]++
}

// at returns the duration that the share q of all does not exceed.
func (h *histogram) at(q float64) time.Duration {
	rank := uint64(q * float64(h.count))
	var seen uint64
	for i, n := range h.buckets {
		if seen += n; n > 0 && seen > rank {
			return min(time.Duration(bucketTop(i))*time.Microsecond, h.max)
		}
	}
	return h.max
}

// bucket numbers the values below 32 one by one, then 32 for each power of two.
func bucket(us uint64) int {
	if us < 32 {
		return int(us)
	}
	shift := bits.Len64(us) - 6
	return min(32*(shift+1)+int(us>>shift)-32, 32*40-1)
}

// bucketTop is the greatest value of a bucket.
func bucketTop(i int) uint64 {
	if i < 32 {
		return uint64(i)
	}
	shift := i/32 - 1
	return uint64(i%32+32+1)<<shift - 1
}
