package cutover_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/cutover"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

func TestDetermineByWhatIsThere(t *testing.T) {
	const sentry = `CREATE TABLE t__old (midstream_sentry INT PRIMARY KEY) COMMENT='` + table.OwnershipMark + `'`
	cases := []struct {
		name  string
		after string
		want  cutover.Outcome
	}{
		{"nothing happened", "DO 1", cutover.NotSwapped},
		{"sentry left", sentry, cutover.NotSwapped},
		{"swapped", "RENAME TABLE t TO t__old, t__new TO t", cutover.Swapped},
		{"somebody's table in the way", "CREATE TABLE t__old (a INT)", cutover.Unknown},
		{"a copy of the source in the way", "CREATE TABLE t__old LIKE t", cutover.Unknown},
		{"source gone", "DROP TABLE t", cutover.Unknown},
		{"shadow gone", "DROP TABLE t__new", cutover.Unknown},
		{"source renamed only", "RENAME TABLE t TO t__old", cutover.Torn},
		{"swapped and retired table dropped", "RENAME TABLE t TO t__old, t__new TO t; DROP TABLE t__old", cutover.Unknown},
		{"swapped, with a sentry", "RENAME TABLE t TO x, t__new TO t; " + sentry, cutover.Unknown},
		{"swapped and altered again", "RENAME TABLE t TO t__old, t__new TO t; ALTER TABLE t ADD x INT", cutover.Unknown},
		{"shadow altered", "ALTER TABLE t__new ADD x INT", cutover.NotSwapped},
	}
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		names := table.NamesFor(table.Name{Schema: s.Name, Table: "t"})
		for _, same := range []bool{false, true} {
			for _, c := range cases {
				s.MustExec("DROP TABLE IF EXISTS t, t__new, t__old, x")
				s.MustExec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
				if same { // an ALTER that changes no column
					s.MustExec("CREATE TABLE t__new (id INT PRIMARY KEY, v INT)")
				} else {
					s.MustExec("CREATE TABLE t__new (id INT PRIMARY KEY, v BIGINT)")
				}
				before, err := cutover.Look(t.Context(), s.DB, names)
				if err != nil {
					t.Fatal(err)
				}
				if c.name == "shadow gone" && !same { // what serves is surely not the shadow
					c.want = cutover.NotSwapped
				}
				s.MustExec(c.after)
				got, err := cutover.Determine(t.Context(), s.DB, names, before)
				if got != c.want {
					t.Errorf("%s: %s, want %s (%v)", c.name, got, c.want, err)
				}
				if known := !errors.Is(err, cutover.ErrUnknownOutcome); known != (c.want != cutover.Unknown) {
					t.Errorf("%s: error %v", c.name, err)
				}
			}
		}
	})
}

func TestLookNeedsBothTables(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id INT PRIMARY KEY)")
		names := table.NamesFor(table.Name{Schema: s.Name, Table: "t"})
		if _, err := cutover.Look(t.Context(), s.DB, names); err == nil || !strings.Contains(err.Error(), "t__new") {
			t.Errorf("look without a shadow: %v", err)
		}
	})
}

// TestDetermineAfterASwapThatWasSeen: the retired table may be gone, and nothing else is believed for that.
func TestDetermineAfterASwapThatWasSeen(t *testing.T) {
	cases := []struct {
		name  string
		after string
		want  cutover.Outcome
	}{
		{"swapped", "RENAME TABLE t TO t__old, t__new TO t", cutover.Swapped},
		{"swapped and retired table dropped", "RENAME TABLE t TO t__old, t__new TO t; DROP TABLE t__old", cutover.Swapped},
		{"swapped, dropped, and altered again", "RENAME TABLE t TO t__old, t__new TO t; DROP TABLE t__old; ALTER TABLE t ADD x INT", cutover.Unknown},
		{"swapped, and somebody's table in the way", "RENAME TABLE t TO x, t__new TO t; CREATE TABLE t__old (a INT)", cutover.Unknown},
		{"undone by somebody", "DO 1", cutover.NotSwapped},
	}
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		names := table.NamesFor(table.Name{Schema: s.Name, Table: "t"})
		for _, c := range cases {
			s.MustExec("DROP TABLE IF EXISTS t, t__new, t__old, x")
			s.MustExec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
			s.MustExec("CREATE TABLE t__new (id INT PRIMARY KEY, v BIGINT)")
			before, err := cutover.Look(t.Context(), s.DB, names)
			if err != nil {
				t.Fatal(err)
			}
			before.Certain = true
			s.MustExec(c.after)
			if got, err := cutover.Determine(t.Context(), s.DB, names, before); got != c.want {
				t.Errorf("%s: %s, want %s (%v)", c.name, got, c.want, err)
			}
		}
	})
}
