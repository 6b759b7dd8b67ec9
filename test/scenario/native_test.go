package scenario_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// compareWithNative alters the retired table as the server itself does, and compares it with the new one: the definition and
// every value of every row.
func compareWithNative(t *testing.T, s *sandboxtest.Schema, sc *spec, alter string, retired, fresh table.Name) {
	t.Helper()
	c := s.MustConn()
	// A session that sets nothing, but for zero dates, which may stand in the table already; not strict where losses are accepted.
	lenient := `SET SESSION sql_mode = REPLACE(REPLACE(@@sql_mode, 'NO_ZERO_IN_DATE', ''), 'NO_ZERO_DATE', '')`
	if sc.options["allow-lossy"] != "" {
		lenient = `SET SESSION sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'`
	}
	for _, statement := range []string{lenient, "ALTER TABLE " + retired.String() + " " + alter} {
		if _, err := c.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("alter natively: %v", err)
		}
	}
	want, got := sc.definition(s, retired), sc.definition(s, fresh)
	if want != got {
		t.Errorf("the definition is\n%s\na native ALTER gives\n%s", got, want)
	}
	report, err := proof.Equal(t.Context(), s.DB, retired, fresh)
	if err != nil {
		t.Error(err)
		return
	}
	t.Log(report)
}

// definition is SHOW CREATE TABLE without the table's name and the parts that need not be the same.
func (s *spec) definition(schema *sandboxtest.Schema, name table.Name) string {
	_, text, _ := strings.Cut(schema.MustQueryRows("SHOW CREATE TABLE " + name.String())[0], "\t")
	_, text, _ = strings.Cut(text, "\n")
	for _, part := range s.dull {
		text = regexp.MustCompile(part).ReplaceAllString(text, "…")
	}
	return text
}
