package underload_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/status"
)

// TestVerifierUnderLoad compares the tables over and over while a load writes to hot rows, hands unique values around and moves
// keys: anew, and going on from where it was stopped; directly, and with all rows converted once more. No row may be reported,
// for none is wrong, as the proofs at the end show.
func TestVerifierUnderLoad(t *testing.T) {
	sets := map[string]settings{
		"refresh":            {apply: migrate.Refresh, alter: neutral, rate: calm()},
		"refresh, converted": {apply: migrate.Refresh, alter: "MODIFY pad VARCHAR(60) NOT NULL DEFAULT ''", rate: calm()},
		"replay":             {apply: migrate.Replay, alter: neutral, rate: 200},
	}
	each := soak(9*time.Second) / time.Duration(len(sets))
	for name, set := range sets {
		set.connections, set.workers, set.rows, set.unique, set.mix = 8, 4, 10_000, true, load.Everything()
		set.skew = load.Skew{HotShare: 0.3, HotRows: 20}
		t.Run(name, func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) { verifyOverAndOver(t, s, set, each) })
		})
	}
}

func verifyOverAndOver(t *testing.T, s *sandboxtest.Schema, set settings, lasting time.Duration) {
	r := begin(t, s, set)
	r.awaitPostponed()
	cfg := r.config(set)
	anew, goneOn := 1, 0
	for until := time.Now().Add(lasting); time.Now().Before(until); {
		r.mustStopMigration()
		if rand.IntN(3) > 0 {
			s.MustExec("UPDATE sbtest1__checkpoint SET record = JSON_REMOVE(record, '$.Verified')")
			anew++
		} else {
			goneOn++
		}
		r.startMigration(cfg)
		if rand.IntN(2) == 0 {
			r.awaitPostponed()
			r.mustStay(rand.N(300 * time.Millisecond))
		} else {
			r.awaitCompared(rand.Uint64N(uint64(set.rows)))
		}
	}
	r.awaitPostponed()
	r.mustStopLoad()
	r.mustSwap()
	r.mustProve(proof.Model(t.Context(), s.DB, r.source.Name, r.generator.Model(0)))
	t.Logf("compared %d times anew, gone on %d times", anew, goneOn)
	r.tellOfLoad() // the last process may have applied little
}

// awaitCompared waits until so many rows were compared, or all.
func (r *run) awaitCompared(rows uint64) {
	r.t.Helper()
	for s := r.runner.Snapshot(); s.Phase != status.Postponed && (s.Phase != status.Verify || s.Verified < rows); s = r.runner.Snapshot() {
		r.mustStay(time.Millisecond)
	}
}

// mustStopMigration ends the process's part of it; nothing else may have ended it.
func (r *run) mustStopMigration() {
	r.t.Helper()
	r.stopMigration()
	err := <-r.migrated
	var failure *migrate.Failure
	if !errors.As(err, &failure) || !strings.Contains(err.Error(), "stopped") {
		r.t.Fatalf("the migration ended: %v", err)
	}
}
