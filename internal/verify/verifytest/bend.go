package verifytest

import (
	"fmt"
	"testing"

	"github.com/midstreamdb/midstream/internal/changelog"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// mark stands in the statement as in the migration's own.
const mark = " /* midstream */"

// Bend changes rows of the shadow of a migration under way as a mistake of the migration would: by a session that is noted as
// one of its own. A row must be there to be changed.
func Bend(t *testing.T, s *sandboxtest.Schema, names table.Names, statement string) {
	t.Helper()
	session, err := s.DB.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = session.Close() }() // its work is done
	for _, query := range []string{
		"SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', time_zone = '+00:00'",
		fmt.Sprintf("REPLACE INTO %[1]s (id, value) SELECT %[2]d + CONNECTION_ID(), value FROM %[1]s WHERE id = %[3]d", names.Changelog, changelog.SessionID, changelog.RunID),
		statement + mark,
		"SET sql_mode = DEFAULT, time_zone = DEFAULT",
	} {
		result, err := session.ExecContext(t.Context(), query)
		if err != nil {
			t.Fatalf("%v\n%s", err, query)
		}
		if changed, err := result.RowsAffected(); query == statement+mark && (err != nil || changed == 0) {
			t.Fatalf("%d rows were changed: %v\n%s", changed, err, query)
		}
	}
}
