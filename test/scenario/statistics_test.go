package scenario_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// TestStatisticsAreThoseOfANativeALTER: histograms and MariaDB's other statistics of columns and indexes are there for the
// columns for which the server's own ALTER keeps them, made as they were.
func TestStatisticsAreThoseOfANativeALTER(t *testing.T) {
	t.Parallel()
	for _, deferred := range []migrate.Defer{migrate.DeferOff, migrate.DeferOn} {
		t.Run("--defer-indexes="+string(deferred), func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) { statisticsAreNative(t, s, deferred) })
		})
	}
}

func statisticsAreNative(t *testing.T, s *sandboxtest.Schema, deferred migrate.Defer) {
	t.Helper()
	s.MustExec(numbers)
	s.MustExec(`CREATE TABLE t (id INT PRIMARY KEY, same INT, automatic INT, typed INT, named VARCHAR(20), dropped INT, alone INT,
			computed INT AS (same + 1), commented INT, KEY k (same), KEY other (typed)) ENGINE = InnoDB`)
	s.MustExec("INSERT INTO t (id, same, automatic, typed, named, dropped, alone, commented) SELECT i, i % 7, i % 9, i, i, i, i, i FROM n")
	build := []string{"ANALYZE TABLE t UPDATE HISTOGRAM ON same, typed, named, dropped, alone, commented WITH 5 BUCKETS", "ANALYZE TABLE t UPDATE HISTOGRAM ON computed WITH 7 BUCKETS",
		"ANALYZE TABLE t UPDATE HISTOGRAM ON automatic WITH 4 BUCKETS AUTO UPDATE"}
	look := `SELECT COLUMN_NAME, HISTOGRAM->'$."number-of-buckets-specified"', HISTOGRAM->'$."auto-update"', HISTOGRAM->'$.buckets'
			FROM information_schema.COLUMN_STATISTICS WHERE SCHEMA_NAME = DATABASE() AND TABLE_NAME = ? ORDER BY 1`
	if s.Server.Engine.MariaDB() {
		build = []string{"SET STATEMENT histogram_size = 5 FOR ANALYZE TABLE t PERSISTENT FOR COLUMNS (same, typed, named, dropped, alone, commented) INDEXES (k, other, PRIMARY)",
			"SET STATEMENT histogram_size = 7 FOR ANALYZE TABLE t PERSISTENT FOR COLUMNS (computed) INDEXES ()",
			"SET STATEMENT histogram_size = 0 FOR ANALYZE TABLE t PERSISTENT FOR COLUMNS (automatic) INDEXES ()"}
		look = `SELECT column_name, hist_type, hist_size, min_value, max_value, avg_frequency FROM mysql.column_stats WHERE db_name = DATABASE() AND table_name = ?
				UNION ALL SELECT index_name, 'prefix', prefix_arity, '', '', avg_frequency FROM mysql.index_stats WHERE db_name = DATABASE() AND table_name = ? ORDER BY 1, 2, 3`
	}
	for _, statement := range build {
		s.MustExec(statement)
	}
	m := newMigration(t, &spec{name: "statistics", way: "--native=off --apply=refresh", table: "t", dir: t.TempDir()}, s)
	m.cfg.DeferIndexes = deferred
	m.cfg.Alter = "MODIFY typed BIGINT, CHANGE named called VARCHAR(20), DROP dropped, ADD UNIQUE KEY alone (alone), MODIFY commented INT COMMENT 'no other type', ADD added INT"
	summary, err := undisturbed(t, func() (*migrate.Summary, error) { return migrate.New(m.cfg).Run(t.Context()) })
	if err != nil {
		t.Fatal(err)
	}
	statistics := func(name string) []string {
		rows := s.MustQueryRows(look, slices.Repeat([]any{name}, strings.Count(look, "?"))...)
		return slices.DeleteFunc(rows, func(row string) bool { return strings.HasPrefix(row, "commented") }) // more than a native ALTER's on MySQL
	}
	s.MustExec("ALTER TABLE " + summary.Retired.String() + " " + m.cfg.Alter)
	got, want := strings.Join(statistics("t"), "\n"), strings.Join(statistics(summary.Retired.Table), "\n")
	if got != want || !strings.Contains(got, "same") {
		t.Errorf("the new table has\n%s\na native ALTER gives\n%s", got, want)
	}
}
