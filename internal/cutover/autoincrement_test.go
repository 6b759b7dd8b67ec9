package cutover_test

import (
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

func TestAutoIncrementIsCarriedOver(t *testing.T) {
	cases := []struct {
		name   string
		before string
		sets   bool
		want   int64
	}{
		{"rows inserted and deleted in the source", "INSERT INTO t (id, v) VALUES (900, 1); DELETE FROM t WHERE id = 900", false, 901},
		{"the shadow is ahead", "ALTER TABLE t__new AUTO_INCREMENT = 5000", false, 5000},
		{"the ALTER sets it", "ALTER TABLE t__new AUTO_INCREMENT = 300; ALTER TABLE t AUTO_INCREMENT = 900", true, 300},
		{"no such column after the ALTER", "ALTER TABLE t__new MODIFY id BIGINT NOT NULL; ALTER TABLE t AUTO_INCREMENT = 900", false, 0},
	}
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		w := newWorld(t, s)
		for i, c := range cases {
			if i > 0 {
				s.MustExec("DROP TABLE t__old, t; CREATE TABLE t (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, v INT NOT NULL) ENGINE=InnoDB; INSERT INTO t VALUES (50, 0)")
				w.shadow()
				w.newPlayer(w.play.db, w.play.log)
			}
			s.MustExec(c.before)
			w.cfg.SetsAutoIncrement = c.sets
			if _, err := w.run(time.Minute); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			s.MustExec("ANALYZE TABLE t") // MySQL caches the value otherwise
			got := s.MustQueryInt("SELECT COALESCE(MAX(auto_increment), 0) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 't'")
			if got != c.want {
				t.Errorf("%s: the next value is %d, want %d", c.name, got, c.want)
			}
		}
	})
}
