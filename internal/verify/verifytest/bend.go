package verifytest

import (
	"testing"

	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// Bend changes rows of the shadow of a migration under way as a mistake of the migration would: whoever looks for others' writes
// does not see it, for it is not logged. A row must be there to be changed.
func Bend(t *testing.T, s *sandboxtest.Schema, statement string) {
	t.Helper()
	session, err := s.DB.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = session.Close() }() // its work is done
	for _, query := range []string{
		"SET sql_log_bin = 0, sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', time_zone = '+00:00'",
		statement,
		"SET sql_log_bin = 1, sql_mode = DEFAULT, time_zone = DEFAULT",
	} {
		result, err := session.ExecContext(t.Context(), query)
		if err != nil {
			t.Fatalf("%v\n%s", err, query)
		}
		if changed, err := result.RowsAffected(); query == statement && (err != nil || changed == 0) {
			t.Fatalf("%d rows were changed: %v\n%s", changed, err, query)
		}
	}
}
