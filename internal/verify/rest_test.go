package verify_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/chunk/chunktest"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
	"github.com/midstreamdb/midstream/internal/verify"
)

// gateAfter lets some chunks through, and then ends the comparing as a crash would.
type gateAfter struct{ left atomic.Int64 }

var errCrash = errors.New("crash")

func (g *gateAfter) Wait(context.Context) error {
	if g.left.Add(-1) < 0 {
		return errCrash
	}
	return nil
}

// goOn returns a Verifier that goes on with what is left.
func goOn(s *sandboxtest.Schema, db *sql.DB, m *table.Mapping, rows int, left *verify.Rest, gate verify.Gate, settle settling) *verify.Verifier {
	return verify.New(verify.Config{
		Workers: 3, ReconnectTimeout: 20 * time.Second, LastLook: time.Minute, Rest: left, Scratch: table.Name{Schema: s.Name, Table: m.Source.Name.Table + "__verify"},
	}, verify.Deps{
		DB: db, Mapping: m, Chunker: chunk.New(chunk.Config{Rows: rows, Rest: &left.Rest}, db, m), Gate: gate, Settler: settle,
		Log: slog.New(slog.DiscardHandler),
	})
}

// TestInterruptedComparisonGoesOn ends the comparison again and again after some chunks and goes on with the rest: in the end
// each row was compared, hardly any twice, and the one that differs is found, whichever run has met it.
func TestInterruptedComparisonGoesOn(t *testing.T) {
	const rows, size = 400, 9
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		for i, shape := range []string{chunktest.Dense, chunktest.Sparse, "utf8mb4 unicode", "mixed directions"} {
			t.Run(shape, func(t *testing.T) {
				name := fmt.Sprintf("t%d", i)
				m := chunktest.Find(shape).Create(t, s, name, rows)
				s.MustExec("SET sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', time_zone='+00:00'; INSERT INTO " + name + "__new SELECT * FROM " + name)
				there := uint64(s.MustQueryInt("SELECT COUNT(*) FROM " + name))
				if compared, runs, err := comeToAnEnd(t, s, db, m, size); err != nil || compared < there || compared > there+uint64(runs*8*size) {
					t.Errorf("equal tables: %d of %d rows compared in %d runs: %v", compared, there, runs, err)
				}
				one := s.MustQueryInt(fmt.Sprintf("SELECT v FROM %s ORDER BY v LIMIT 1 OFFSET %d", name, rand.IntN(int(there))))
				s.MustExec(fmt.Sprintf("UPDATE %s__new SET v = v + 1000000 WHERE v = %d", name, one))
				_, runs, err := comeToAnEnd(t, s, db, m, size)
				var defect *verify.DefectError
				if want := fmt.Sprintf("in column `v` %d instead of %d", one+1000000, one); !errors.As(err, &defect) || !strings.Contains(err.Error(), want) {
					t.Errorf("after %d runs: %v: want a defect that says %q", runs, err, want)
				}
			})
		}
		s.MustExec("SET sql_mode=DEFAULT, time_zone=DEFAULT")
	})
}

// comeToAnEnd compares in as many runs as it takes, and returns how many rows were compared, in how many runs.
func comeToAnEnd(t *testing.T, s *sandboxtest.Schema, db *sql.DB, m *table.Mapping, size int) (uint64, int, error) {
	t.Helper()
	left := &verify.Rest{}
	for runs := 1; runs < 200; runs++ {
		gate := &gateAfter{}
		gate.left.Store(rand.Int64N(12))
		v := goOn(s, db, m, size, left, gate, nothing)
		err := v.Run(t.Context())
		if !errors.Is(err, errCrash) {
			return v.Stats().Rows, runs, err
		}
		if left = v.Rest(); left == nil {
			t.Fatal("nothing is kept")
		}
	}
	t.Fatal("the comparison comes to no end")
	return 0, 0, nil
}

// TestChunkOfManyDifferencesStaysOpen: of a chunk, more rows differ than are noted at once; the run ends, and all that was noted
// comes right. What was not noted is found by the next run.
func TestChunkOfManyDifferencesStaysOpen(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		m := chunktest.Find(chunktest.Sparse).Create(t, s, "t", 3000)
		settles := 0
		v := goOn(s, db, m, 5000, &verify.Rest{}, open{}, func(context.Context) error {
			if settles++; settles > 1 {
				return errCrash
			}
			return nil
		})
		if err := v.Run(t.Context()); !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		left := v.Rest()
		if left == nil || len(left.Suspects) == 0 || len(left.Suspects) > 2000 {
			t.Fatalf("kept: %+v", left)
		}
		s.MustExec("INSERT INTO t__new SELECT * FROM t WHERE c0 IN (" + keys(left.Suspects) + ")")
		mustTell(t, goOn(s, db, m, 5000, left, open{}, nothing), "is missing in `"+s.Name+"`.`t__new`")
	})
}

// keys are those of a table with one integer for a key, as a list.
func keys(of [][]table.Value) string {
	texts := make([]string, len(of))
	for i, key := range of {
		texts[i] = fmt.Sprint(int64(key[0].Num))
	}
	return strings.Join(texts, ", ")
}

// TestNotedBeforeItGoesOn: a row of a chunk that an earlier run has compared is written before the comparison goes on.
func TestNotedBeforeItGoesOn(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		s.MustExec("CREATE TABLE t (id int PRIMARY KEY, v int); CREATE TABLE t__new LIKE t; INSERT INTO t VALUES (1, 1), (2, 2); INSERT INTO t__new VALUES (1, 1), (2, 3)")
		m := chunktest.MustMap(t, s, "t")
		all := &verify.Rest{Rest: chunk.Rest{Ended: true}}
		if err := goOn(s, db, m, 10, all, open{}, nothing).Run(t.Context()); err != nil {
			t.Fatalf("what was compared is compared again: %v", err)
		}
		v := goOn(s, db, m, 10, all, open{}, nothing)
		v.Note([][]table.Value{{table.IntValue(2)}})
		if left := v.Rest(); left == nil || len(left.Suspects) != 1 || !left.Ended {
			t.Errorf("kept: %+v", left)
		}
		mustTell(t, v, "where `id` = 2 has in column `v` 3 instead of 2")
	})
}

// TestTooMuchNotedBeforeItGoesOn: what cannot be kept is not; what cannot be noted has all compared anew.
func TestTooMuchNotedBeforeItGoesOn(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		s.MustExec("CREATE TABLE t (id int PRIMARY KEY, v int); CREATE TABLE t__new LIKE t")
		v := goOn(s, db, chunktest.MustMap(t, s, "t"), 10, &verify.Rest{Rest: chunk.Rest{Ended: true}}, open{}, nothing)
		note := func(from, to int64) {
			for id := from; id < to; id++ {
				v.Note([][]table.Value{{table.IntValue(id)}})
			}
		}
		note(0, 20_000)
		if left := v.Rest(); left != nil {
			t.Errorf("%d rows are kept", len(left.Suspects))
		}
		note(20_000, 50_002)
		if left := v.Rest(); left != nil {
			t.Errorf("kept: %+v", left)
		}
		if err := v.Run(t.Context()); !errors.Is(err, verify.ErrOverrun) {
			t.Errorf("%v: want %v", err, verify.ErrOverrun)
		}
	})
}

// gateUntil holds the comparing back, but for the first chunk.
type gateUntil struct {
	first chan struct{} // holds one token
	open  <-chan struct{}
}

func (g gateUntil) Wait(ctx context.Context) error {
	select {
	case <-g.first:
		return nil
	case <-g.open:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// TestSuspectsAreLookedAtMeanwhile: rows that differed are seen equal while chunks are still to be compared.
func TestSuspectsAreLookedAtMeanwhile(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		m := chunktest.Find(chunktest.Sparse).Create(t, s, "t", 300)
		looked := make(chan struct{})
		gate := gateUntil{make(chan struct{}, 1), looked}
		gate.first <- struct{}{}
		settles := 0
		v := goOn(s, db, m, 100, &verify.Rest{}, gate, func(context.Context) error {
			if settles++; settles == 2 {
				s.MustExec("INSERT INTO t__new SELECT * FROM t")
				close(looked)
			}
			return nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if err := v.Run(ctx); err != nil {
			t.Fatal(err)
		}
	})
}

// TestRowsThatStayHot: of some rows that are written now and then, one or the other has always been seen the same a few times. That
// is no reason to look without end.
func TestRowsThatStayHot(t *testing.T) {
	const hot, enough = 12, 200
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		s.MustExec("CREATE TABLE t (id int PRIMARY KEY, v int); CREATE TABLE t__new LIKE t")
		for id := range hot {
			s.MustExec(fmt.Sprintf("INSERT INTO t VALUES (%d, 0); INSERT INTO t__new VALUES (%[1]d, 1)", id))
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		round := 0
		v := newVerifier(s, db, chunktest.MustMap(t, s, "t"), 100, func(context.Context) error {
			if round++; round > enough {
				cancel(errCrash)
			}
			s.MustExec(fmt.Sprintf("UPDATE t__new SET v = v + 1 WHERE id = %d", round%hot))
			return nil
		})
		if err := v.Run(ctx); err != nil {
			t.Fatalf("after %d rounds: %v", round, err)
		}
		if stats := v.Stats(); stats.Suspects != hot {
			t.Errorf("%d rows are left to the last look, want %d", stats.Suspects, hot)
		}
	})
}

// endsEarly plans one chunk, and says that it was all.
type endsEarly struct{ *chunk.Chunker }

func (c endsEarly) Next(ctx context.Context) (chunk.Chunk, bool, error) {
	next, more, err := c.Chunker.Next(ctx)
	return next, more && next.ID == 0, err
}

// TestIncompletePlanIsNoProof: that no error came up does not mean that all was compared.
func TestIncompletePlanIsNoProof(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		m := chunktest.Find(chunktest.Sparse).Create(t, s, "t", 100)
		s.MustExec("INSERT INTO t__new SELECT * FROM t")
		v := verify.New(verify.Config{Workers: 2, ReconnectTimeout: time.Second}, verify.Deps{
			DB: db, Mapping: m, Chunker: endsEarly{chunk.New(chunk.Config{Rows: 20}, db, m)}, Gate: open{}, Settler: settling(nothing),
			Log: slog.New(slog.DiscardHandler),
		})
		if err := v.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "not every chunk was compared") {
			t.Errorf("%v: want an error", err)
		}
	})
}
