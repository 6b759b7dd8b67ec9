package copier_test

import (
	"testing"

	"github.com/midstreamdb/midstream/internal/chunk/chunktest"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// TestLockedCounterTakesOneWorker: by MariaDB's default each insert of many rows keeps all others from the table's AUTO_INCREMENT
// until it ends, so that one chunk is copied at a time. MySQL's default does not, and other tables have no such lock.
func TestLockedCounterTakesOneWorker(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		for name, attribute := range map[string]string{"counted": "AUTO_INCREMENT", "plain": ""} {
			s.MustExec("CREATE TABLE " + name + " (id INT " + attribute + " PRIMARY KEY, v INT); CREATE TABLE " + name + "__new LIKE " + name)
			s.MustExec("INSERT INTO " + name + " VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)")
			r := mustRig(t, s, chunktest.MustMap(t, s, name), 2)
			want := r.config.Workers
			if attribute != "" && s.Server.Engine.MariaDB() {
				want = 1
			}
			if stats := r.mustRun(t); stats.Workers != want {
				t.Errorf("%s: %d of %d workers copied at once, want %d", name, stats.Workers, r.config.Workers, want)
			}
			mustEqual(t, s, name)
		}
	})
}
