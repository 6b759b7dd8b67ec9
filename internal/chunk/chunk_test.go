package chunk_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/chunk/chunktest"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

const rows = 400

// TestChunksPartitionTheTable cuts tables with every shape of key into chunks: each row is in exactly one of them, and no
// chunk or boundary reads many more rows than are its own.
func TestChunksPartitionTheTable(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		for i, shape := range chunktest.Shapes {
			if !shape.Suits(s.Server.Engine) {
				continue
			}
			t.Run(shape.Name, func(t *testing.T) {
				m := shape.Create(t, s, fmt.Sprintf("t%d", i), rows)
				for _, size := range []int{17, 10 * rows} {
					chunks := mustPlan(t, chunk.New(chunk.Config{Rows: size}, db, m))
					mustPartition(t, db, m, chunks)
					if sqlgen.NewKey(m).Ordered() {
						mustAscend(t, db, m, chunks)
					}
					if shape.Name != chunktest.Set && shape.Name != chunktest.SetOf64 {
						mustReadLittle(t, db, m, chunks, size)
					}
				}
			})
		}
	})
}

// mustAscend checks that the encoding of keys has the server's order: the first and the last row of each chunk lie between its ends.
func mustAscend(t *testing.T, db *sql.DB, m *table.Mapping, chunks []chunk.Chunk) {
	t.Helper()
	key := sqlgen.NewKey(m)
	for _, c := range chunks {
		for _, n := range []int{1, mustCount(t, db, m, c.Range)} {
			found, err := chunk.Keys(t.Context(), db, key, key.Boundary(c.Range, max(n, 1)))
			if err != nil {
				t.Fatal(err)
			}
			for _, values := range found {
				id := table.AppendKey(nil, values)
				if c.Lower != nil && bytes.Compare(table.AppendKey(nil, c.Lower), id) >= 0 || c.Upper != nil && bytes.Compare(id, table.AppendKey(nil, c.Upper)) > 0 {
					t.Errorf("the encoding of %v is not between those of %v and %v", values, c.Lower, c.Upper)
				}
			}
		}
	}
}

// TestCompositeKeys is TestChunksPartitionTheTable for the keys that it takes most to compare.
func TestCompositeKeys(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		for i, name := range []string{"two ints", "mixed directions"} {
			m := chunktest.Find(name).Create(t, s, fmt.Sprintf("t%d", i), 150)
			mustPartition(t, db, m, mustPlan(t, chunk.New(chunk.Config{Rows: 11}, db, m)))
		}
	})
}

func TestEmptyTableIsOneChunk(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		for i, name := range []string{chunktest.Dense, "two ints", "utf8mb4 bin"} {
			m := chunktest.Find(name).Create(t, s, fmt.Sprintf("t%d", i), 0)
			chunks := mustPlan(t, chunk.New(chunk.Config{}, db, m))
			if len(chunks) != 1 || chunks[0].Lower != nil || chunks[0].Upper != nil {
				t.Errorf("%s: %v, want one chunk open at both ends", name, chunks)
			}
		}
	})
}

// TestRowsBeyondTheGreatestKey inserts behind the end while chunks are planned: the last chunk does not take them all.
func TestRowsBeyondTheGreatestKey(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		m := chunktest.Find(chunktest.Dense).Create(t, s, "t", 4*rows) // so many that the boundaries are reckoned
		c := chunk.New(chunk.Config{Rows: 50}, db, m)
		first, _, err := c.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var more []string
		for i := range 1000 {
			more = append(more, fmt.Sprintf("(%d, %d)", 1000+i, i))
		}
		s.MustExec("INSERT INTO t VALUES " + strings.Join(more, ", "))
		chunks := append([]chunk.Chunk{first}, mustPlan(t, c)...)
		mustPartition(t, db, m, chunks)
		for _, part := range chunks {
			if n := mustCount(t, db, m, part.Range); n > 50 {
				t.Errorf("chunk %d holds %d rows, want at most 50", part.ID, n)
			}
		}
	})
}

// TestDenseKeysAreNotRead checks that the boundaries of a dense key are reckoned.
func TestDenseKeysAreNotRead(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		m := chunktest.Find(chunktest.Dense).Create(t, s, "t", 3*rows)
		asked := &counter{Querier: db}
		chunks := mustPlan(t, chunk.New(chunk.Config{Rows: 10}, asked, m))
		if len(chunks) < 50 || asked.queries > 5 {
			t.Errorf("%d queries for %d chunks, want the two ends and the tail only", asked.queries, len(chunks))
		}
	})
}

type counter struct {
	conn.Querier
	queries int
}

func (c *counter) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	c.queries++
	return c.Querier.QueryRowContext(ctx, query, args...)
}

func mustOpen(t *testing.T, s *sandboxtest.Schema) *sql.DB {
	t.Helper()
	db, err := conn.Open(chunktest.Config(s), nil)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1) // statistics are the session's
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func mustPlan(t *testing.T, c *chunk.Chunker) []chunk.Chunk {
	t.Helper()
	var chunks []chunk.Chunk
	for {
		next, ok, err := c.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return chunks
		}
		chunks = append(chunks, next)
		c.Report(next, time.Millisecond)
	}
}

func mustPartition(t *testing.T, db *sql.DB, m *table.Mapping, chunks []chunk.Chunk) {
	t.Helper()
	total := mustCount(t, db, m, sqlgen.Range{})
	sum := 0
	for i, c := range chunks {
		if c.ID != uint64(i) {
			t.Fatalf("chunk %d has the id %d", i, c.ID)
		}
		if first, last := c.Lower == nil, c.Upper == nil; first != (i == 0) || last != (i == len(chunks)-1) {
			t.Fatalf("chunk %d of %d goes from %v to %v", i, len(chunks), c.Lower, c.Upper)
		}
		sum += mustCount(t, db, m, c.Range)
	}
	if sum != total {
		t.Errorf("the chunks hold %d rows together, want %d: some are in none or in several", sum, total)
	}
	mustExec(t, db, "DELETE FROM "+m.Shadow.Name.String())
	copying := sqlgen.NewCopy(m, mustInspect(t, db))
	for _, c := range chunks {
		mustExec(t, db, copying.Statement(c.Range, sqlgen.SkipLocked))
	}
	var copied int
	if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+m.Shadow.Name.String()).Scan(&copied); err != nil {
		t.Fatal(err)
	}
	if copied != total {
		t.Errorf("%d rows copied, want %d", copied, total)
	}
}

// mustReadLittle checks with the server's own counters that a range is read through the index.
func mustReadLittle(t *testing.T, db *sql.DB, m *table.Mapping, chunks []chunk.Chunk, size int) {
	t.Helper()
	key, copying := sqlgen.NewKey(m), sqlgen.NewCopy(m, mustInspect(t, db))
	for _, c := range []chunk.Chunk{chunks[len(chunks)/2], chunks[len(chunks)-1]} {
		own := mustCount(t, db, m, c.Range)
		if n := mustReads(t, db, copying.Statement(c.Range, sqlgen.SkipLocked)); n > 2*own+15 {
			t.Errorf("copying %d rows reads %d:\n%s", own, n, copying.Statement(c.Range, sqlgen.SkipLocked))
		}
		if m.Key.Columns[0].Source.Kind == table.Enum {
			continue // MySQL may find it cheaper to read the index from its beginning, up to the boundary
		}
		boundary := key.Boundary(sqlgen.Range{Lower: c.Lower}, min(size, own+1))
		if n := mustReads(t, db, boundary); n > 2*own+15 {
			t.Errorf("the boundary behind %d rows reads %d:\n%s", own, n, boundary)
		}
	}
}

func mustReads(t *testing.T, db *sql.DB, statement string) int {
	t.Helper()
	count := func() (sum int) {
		found, err := db.QueryContext(t.Context(), "SHOW SESSION STATUS LIKE 'Handler_read%'")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = found.Close() }()
		for found.Next() {
			var name string
			var n int
			if err := found.Scan(&name, &n); err != nil {
				t.Fatal(err)
			}
			switch name {
			case "Handler_read_next", "Handler_read_prev", "Handler_read_rnd", "Handler_read_rnd_next":
				sum += n
			}
		}
		return sum
	}
	own := -count()
	own += count() // what the counting itself reads
	before := count()
	mustExec(t, db, statement)
	return count() - before - own
}

func mustCount(t *testing.T, db *sql.DB, m *table.Mapping, r sqlgen.Range) (n int) {
	t.Helper()
	query := "SELECT COUNT(*) FROM " + m.Source.Name.String()
	if r.Lower != nil || r.Upper != nil {
		query += " WHERE " + sqlgen.NewKey(m).Describe(r)
	}
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func mustExec(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%v\n%s", err, statement)
	}
}

func mustInspect(t *testing.T, db *sql.DB) *conn.Server {
	t.Helper()
	server, err := conn.Inspect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return server
}
