package applier_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/midstreamdb/midstream/internal/applier"
	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/copier"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// registry is refresh as a copier sees it, and counts.
type registry struct {
	*applier.Refresh
	registered, adopted atomic.Int64
}

// Register implements copier.Registry.
func (r *registry) Register(ctx context.Context, upper []table.Value) (copier.Flight, error) {
	defer r.registered.Add(1)
	return r.Refresh.Register(ctx, upper)
}

// Adopt implements copier.Registry.
func (r *registry) Adopt(ctx context.Context, keys [][]table.Value) (<-chan struct{}, error) {
	defer r.adopted.Add(1)
	return r.Refresh.Adopt(ctx, keys)
}

// TestAdoptedBehindHeldKeys: the only copier has two chunks registered, and a row of the first is refused by one that the source has
// no more. The keys of that chunk are adopted, while the key of the deleted row is held until the other chunk has ended, too: the
// copier must go on with it (I12).
func TestAdoptedBehindHeldKeys(t *testing.T) {
	for _, name := range []string{"another unique key", "an added unique key"} {
		t.Run(name, func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
				var rows []string
				for i := range 20 {
					rows = append(rows, fmt.Sprintf("('%02d', %d, 0)", i, i))
				}
				copying, applying, definition := newDoor(), newDoor(), uniqueTables[name]
				r := mustRefresh(t, s, definition[0], definition[1], strings.Join(rows, ", "),
					func(r *refreshing) { r.covered, r.gate = applier.Covered{}, applying })
				r.mustSettle()
				s.MustExec("DELETE FROM t__new WHERE id <> '19'") // the others are still to be copied
				copying.close()
				applying.close()
				chunks := &registry{Refresh: r.refresh}
				copied := r.copy(chunks, copying)
				eventually(t, "two chunks are registered", func() bool { return chunks.registered.Load() == 2 })
				s.MustExec("BEGIN; DELETE FROM t WHERE id = '19'; UPDATE t SET u = 19 WHERE id = '02'; COMMIT")
				eventually(t, "both keys are at a worker", func() bool { return applying.waiting.Load() == 1 })
				copying.pass <- struct{}{}
				eventually(t, "the first chunk is adopted", func() bool { return chunks.adopted.Load() == 1 })
				applying.open()
				eventually(t, "the deleted row is erased", func() bool { return s.MustQueryInt("SELECT COUNT(*) FROM t__new WHERE id = '19'") == 0 })
				copying.open()
				if err := <-copied; err != nil {
					t.Fatal(err)
				}
				r.mustMatch()
			})
		})
	}
}

// TestPieceAdoptedBehindHeldKeys: a row of the first piece of a chunk is refused by one that the source has no more. The keys of that
// piece are adopted, while the key of the deleted row is held until the chunk has ended: the copier must go on with its other pieces.
func TestPieceAdoptedBehindHeldKeys(t *testing.T) {
	for _, name := range []string{"another unique key", "an added unique key"} {
		t.Run(name, func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
				var rows []string
				for i := 3; i < 20; i++ {
					rows = append(rows, fmt.Sprintf("('%02d', %d, 0)", i, i))
				}
				copying, applying, definition := newDoor(), newDoor(), uniqueTables[name]
				r := mustRefresh(t, s, definition[0], definition[1], "('00', 0, 0), ('01', 1, 0), ('02', 2, 0), ('99', 99, 0)",
					func(r *refreshing) { r.covered, r.gate = applier.Covered{}, applying })
				r.mustSettle()
				s.MustExec("DELETE FROM t__new WHERE id <> '99'") // the others are still to be copied
				copying.close()
				applying.close()
				chunks := &registry{Refresh: r.refresh}
				copied := r.copy(chunks, copying)
				eventually(t, "the only chunk is registered", func() bool { return chunks.registered.Load() == 1 && copying.waiting.Load() == 1 })
				s.MustExec("BEGIN; DELETE FROM t WHERE id = '99'; UPDATE t SET u = 99 WHERE id = '02'; INSERT INTO t VALUES " + strings.Join(rows, ", ") + "; COMMIT")
				eventually(t, "the keys are at a worker", func() bool { return applying.waiting.Load() == 1 })
				copying.pass <- struct{}{}
				eventually(t, "the first piece is adopted", func() bool { return chunks.adopted.Load() == 1 })
				applying.open()
				eventually(t, "the deleted row is erased", func() bool { return s.MustQueryInt("SELECT COUNT(*) FROM t__new WHERE id = '99'") == 0 })
				if figures := r.refresh.Figures(); figures.Applied == figures.Seen {
					t.Error("the deletion counts as applied while the chunk that may have read the row is in flight")
				}
				copying.open()
				if err := <-copied; err != nil {
					t.Fatal(err)
				}
				r.mustMatch()
			})
		})
	}
}

// copy has one copier copy the source in chunks of five rows, behind the gate.
func (r *refreshing) copy(chunks copier.Registry, gate copier.Gate) <-chan error {
	r.t.Helper()
	db, err := conn.Open(r.conn, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	server, err := conn.Inspect(r.ctx, db)
	if err != nil {
		r.t.Fatal(err)
	}
	c := copier.New(copier.Config{Workers: 1}, copier.Deps{
		Conn: r.conn, Server: server, Mapping: r.mapping, Chunker: chunk.New(chunk.Config{Rows: 5}, db, r.mapping),
		Gate: gate, Settler: r, Registry: chunks, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithTimeout(r.ctx, patience) // a copy that waits for ever is a fault
	copied, ended := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(ended)
		copied <- c.Run(ctx)
	}()
	r.t.Cleanup(func() {
		cancel()
		<-ended
		_ = db.Close() // nothing is at work on it any more
	})
	return copied
}
