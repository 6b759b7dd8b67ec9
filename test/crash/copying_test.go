package crash_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// TestKilledWhileCopying: where the migration key is the shadow's only unique key, changes beyond what is copied are dropped, and
// left to the chunks to come. The command is killed while rows are copied, at any moment between two checkpoints: the shadow then
// holds rows of chunks that no checkpoint knows, and the next run must not drop what is changed there. Rows are inserted, deleted,
// and moved from one side of what is copied to the other all the time.
func TestKilledWhileCopying(t *testing.T) {
	for name, way := range map[string]struct {
		altered string // so, before its load begins
		written string // rows that the load has written, beyond all those of the beginning
	}{
		"one column": {written: "id > 20000"},
		// Whoever writes a row for the first time moves it beyond all those that nobody has written, whose w is -1.
		"two columns": {altered: "DROP PRIMARY KEY, ADD PRIMARY KEY (w, id), ADD KEY (id)", written: "w >= 0"},
	} {
		t.Run(name, func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
				postponed, permit := postpone(t)
				source := usual
				source.Unique = false
				r := beginOn(t, s, source, way.altered, postponed, "--apply=refresh", "--num-workers=4", "--copy-workers=1", "--chunk-size=10")
				copied, done := r.mustDieCopying(0, 200) // of so many changes some have written such rows
				if kept := s.MustQueryInt("SELECT COUNT(*) FROM sbtest1__new WHERE " + way.written); done || kept > 0 {
					t.Errorf("of the changes beyond what is copied %d are not dropped; all is copied: %v", kept, done)
				}
				resumed := 0
				for range kills(t) {
					if copied, done = r.mustDieCopying(copied, 0); done {
						break
					}
					resumed++
				}
				if resumed == 0 {
					t.Error("no run that went on was killed while it copied")
				}
				permit()
				r.args = append(r.args, "--chunk-size=1000") // the rest at once
				r.mustEnd()
				r.mustProve()
			})
		})
	}
}

// mustDieCopying kills the command some time after a checkpoint tells of more rows than those copied before, and of so many changes
// applied; or after all rows are copied. It returns what the last checkpoint tells: how many rows are copied, and whether all are.
func (r *trial) mustDieCopying(before, changes int64) (copied int64, done bool) {
	r.t.Helper()
	const all = `SELECT COUNT(*) FROM sbtest1__checkpoint WHERE record LIKE '%"Done":true%'`
	p := r.start()
	r.waitFor(p, "no more rows are copied", fmt.Sprintf(`%s OR JSON_EXTRACT(record, '$.Rows') > %d AND JSON_EXTRACT(record, '$.Changes') >= %d`, all, before, changes))
	time.Sleep(rand.N(400 * time.Millisecond)) // the next checkpoint is due after 300 ms
	r.mustKill(p)
	return r.s.MustQueryInt("SELECT JSON_EXTRACT(record, '$.Rows') FROM sbtest1__checkpoint"), r.s.MustQueryInt(all) > 0
}
