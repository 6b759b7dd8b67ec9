package copier_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/chunk/chunktest"
	"github.com/midstreamdb/midstream/internal/copier"
	"github.com/midstreamdb/midstream/internal/sandbox/proxy"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// single is a Chunker of one chunk, of more rows than it was planned for.
type single struct {
	copier.Chunker
	chunk.Chunk
	planned bool
}

func (c *single) Next(context.Context) (chunk.Chunk, bool, error) {
	more := !c.planned
	c.planned = true
	return c.Chunk, more, nil
}

// meter notes the rows that each transaction of one worker brings into the shadow.
type meter struct {
	s    *sandboxtest.Schema
	mu   sync.Mutex
	seen int64
	most int64
}

// mustMeter has the copier's connections lead through a meter.
func (r *rig) mustMeter(t *testing.T, s *sandboxtest.Schema) *meter {
	t.Helper()
	p, m := mustProxy(t, s), &meter{s: s}
	r.deps.Conn.Port, r.config.Workers = p.Port(), 1
	m.seen = s.MustQueryInt("SELECT COUNT(*) FROM t__new")
	p.SetFilter(func(_ proxy.ConnInfo, dir proxy.Direction, packet []byte) proxy.Verdict {
		if dir == proxy.ToServer && len(packet) > 1 && bytes.HasPrefix(packet[1:], []byte("COMMIT")) {
			m.look()
		}
		return proxy.Forward
	})
	return m
}

// look reads what all transactions have brought that are committed, and returns the most that one has.
func (m *meter) look() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.s.MustQueryInt("SELECT COUNT(*) FROM t__new")
	m.most = max(m.most, n-m.seen)
	m.seen = n
	return m.most
}

// mustInsert gives the source rows with the keys from one to another.
func mustInsert(s *sandboxtest.Schema, from, to int) {
	var rows []string
	for id := from; id <= to; id++ {
		rows = append(rows, fmt.Sprintf("(%d, %d)", id, id))
	}
	s.MustExec("INSERT INTO t VALUES " + strings.Join(rows, ", "))
}

// TestGrownChunkIsCopiedInPieces: a chunk gets fifty times as many rows as it was planned for before it is copied. No transaction
// has more rows than that, and the chunk is in flight until all are copied.
func TestGrownChunkIsCopiedInPieces(t *testing.T) {
	t.Run("the last, behind a closed gate", func(t *testing.T) {
		sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
			s.MustExec("CREATE TABLE t (id INT PRIMARY KEY, v INT); CREATE TABLE t__new LIKE t")
			mustInsert(s, 1, 15)
			r, chunks := mustRig(t, s, chunktest.MustMap(t, s, "t"), 10), &registry{s: s}
			grown := make(chan struct{})
			r.deps.Registry, r.deps.Gate = chunks, gate(func(ctx context.Context) error {
				select {
				case <-grown:
					return nil
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			})
			m := r.mustMeter(t, s)
			done := make(chan error, 1)
			go func() { _, err := r.run(t.Context()); done <- err }()
			for end := time.Now().Add(20 * time.Second); chunks.registered.Load() < 2 && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
			mustInsert(s, 16, 515)
			close(grown)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			mustHaveLanded(t, s, m, chunks, 2)
		})
	})
	t.Run("of an earlier run", func(t *testing.T) {
		sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
			s.MustExec("CREATE TABLE t (id INT PRIMARY KEY, v INT); CREATE TABLE t__new LIKE t")
			mustInsert(s, 1, 500)
			s.MustExec("INSERT INTO t__new SELECT * FROM t WHERE id % 7 = 0") // pieces that it has copied, and rows that were applied
			r, chunks := mustRig(t, s, chunktest.MustMap(t, s, "t"), 10), &registry{s: s}
			upper := []table.Value{table.IntValue(500)}
			r.config.Rest = &chunk.Rest{Open: []chunk.Chunk{{Range: sqlgen.Range{Upper: upper}, Size: 10}, {ID: 1, Range: sqlgen.Range{Lower: upper}, Size: 10}}, Ended: true}
			r.deps.Registry, r.deps.Chunker = chunks, &single{Chunker: r.deps.Chunker, planned: true}
			m := r.mustMeter(t, s)
			if stats := r.mustRun(t); stats.Rows != 500-500/7 {
				t.Errorf("%d rows counted, want %d", stats.Rows, 500-500/7)
			}
			mustHaveLanded(t, s, m, chunks, 2)
		})
	})
}

func mustHaveLanded(t *testing.T, s *sandboxtest.Schema, m *meter, chunks *registry, want int64) {
	t.Helper()
	mustEqual(t, s, "t")
	if most := m.look(); most == 0 || most > 10 {
		t.Errorf("a transaction has %d rows, planned were 10", most)
	}
	if chunks.registered.Load() != want || chunks.ended.Load() != want {
		t.Errorf("%d chunks were registered and %d have ended, want %d", chunks.registered.Load(), chunks.ended.Load(), want)
	}
	if rows, all := chunks.landed.Load(), s.MustQueryInt("SELECT COUNT(*) FROM t"); rows != all {
		t.Errorf("the last chunk ended when %d of %d rows were copied", rows, all)
	}
}

// TestLastChunkEndsUnderInserts: with each piece of it as many rows are inserted behind. It ends all the same, with the rows that it
// began with: the others come through the log.
func TestLastChunkEndsUnderInserts(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id INT PRIMARY KEY, v INT); CREATE TABLE t__new LIKE t")
		mustInsert(s, 1, 95)
		r := mustRig(t, s, chunktest.MustMap(t, s, "t"), 10)
		next, turns := 96, 0
		r.config.Workers = 1
		r.deps.Registry, r.deps.Chunker = &registry{s: s}, &single{Chunker: r.deps.Chunker, Chunk: chunk.Chunk{Size: 10}}
		r.deps.Gate = gate(func(ctx context.Context) error {
			if turns++; turns <= 30 {
				mustInsert(s, next, next+9)
				next += 10
			}
			return ctx.Err()
		})
		r.mustRun(t)
		if rows := s.MustQueryInt("SELECT COUNT(*) FROM t__new"); rows != 105 || turns < 11 {
			t.Errorf("%d rows were copied in %d turns, want those 105 that were there in the first", rows, turns)
		}
	})
}

// adopter is a registry that takes keys, and has them settled when the test says so.
type adopter struct {
	*registry
	mu      sync.Mutex
	most    int
	keys    []int
	settled []chan struct{}
}

func (a *adopter) Adopt(_ context.Context, keys [][]table.Value) (<-chan struct{}, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.most = max(a.most, len(keys))
	for _, key := range keys {
		a.keys = append(a.keys, int(key[0].Num))
	}
	a.settled = append(a.settled, make(chan struct{}))
	return a.settled[len(a.settled)-1], nil
}

func (a *adopter) has(key int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Contains(a.keys, key)
}

// TestGrownChunkIsAdoptedInPieces: an added unique key refuses rows of some pieces of the last chunk. No more keys are adopted at
// once than the chunk was planned for, the other pieces are copied, and the chunk is copied when all of that is settled.
func TestGrownChunkIsAdoptedInPieces(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id INT PRIMARY KEY, v INT); CREATE TABLE t__new LIKE t; ALTER TABLE t__new ADD UNIQUE KEY (v)")
		mustInsert(s, 1, 500)
		s.MustExec("INSERT INTO t__new VALUES (1000, 5), (1001, 205), (1002, 210), (1003, 500)") // not what they are by now
		r := mustRig(t, s, chunktest.MustMap(t, s, "t"), 10)
		a := &adopter{registry: &registry{s: s}}
		r.deps.Registry, r.deps.Chunker = a, &single{Chunker: r.deps.Chunker, Chunk: chunk.Chunk{Size: 10}}
		c := copier.New(r.config, r.deps)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		for ctx.Err() == nil && (a.ended.Load() == 0 || !a.has(500)) {
			time.Sleep(time.Millisecond)
		}
		for i, settled := range a.settled {
			if open := c.Rest().Open; len(open) != 1 {
				t.Errorf("%d of %d parts are settled, and %d chunks open", i, len(a.settled), len(open))
			}
			close(settled)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if a.most > 10 {
			t.Errorf("%d keys were adopted at once, planned were 10", a.most)
		}
		var want []int
		for id := range 500 {
			if id < 10 || id >= 200 && id < 210 || id >= 490 {
				want = append(want, id+1)
			}
		}
		if slices.Sort(a.keys); !slices.Equal(a.keys, want) {
			t.Errorf("%d keys were adopted, want the %d of the pieces that are refused", len(a.keys), len(want))
		}
		if rows := s.MustQueryInt("SELECT COUNT(*) FROM t__new WHERE id <= 500"); rows != int64(500-len(want)) || c.Stats().Rows != 500 || c.Stats().Chunks != 1 {
			t.Errorf("%d rows copied, counted: %+v", rows, c.Stats())
		}
	})
}
