package conn_test

import (
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// TestWarningsThatAreNotShownCount: the server shows two of three, and may be told to show none.
func TestWarningsThatAreNotShownCount(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		c := s.MustConn()
		for _, statement := range []string{"CREATE TABLE t (v INT)", "SET sql_mode = '', max_error_count = 2", "INSERT INTO t VALUES (1)"} {
			if _, err := c.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		if found, err := conn.Warnings(t.Context(), c); err != nil || len(found) != 0 {
			t.Errorf("without a warning: got %v, %v", found, err)
		}
		for shown, statement := range []string{"SET max_error_count = 0", "SET max_error_count = 1", "SET max_error_count = 2", "SET max_error_count = 3"} {
			for _, sql := range []string{statement, "INSERT INTO t VALUES ('x'), ('y'), ('z')"} {
				if _, err := c.ExecContext(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			found, err := conn.Warnings(t.Context(), c)
			if err != nil || len(found) != min(shown+1, 3) {
				t.Fatalf("%s: got %v, %v", statement, found, err)
			}
			for _, w := range found {
				if !w.ChangesValue() {
					t.Errorf("%s: %v does not count", statement, w)
				}
			}
		}
	})
}
