package alter

import (
	"testing"

	"github.com/midstreamdb/midstream/internal/table"
)

func TestCalling(t *testing.T) {
	names := []table.CheckName{{Source: "x", Shadow: "s x"}, {Source: "t_chk_1", Shadow: "t__new_chk_1"}}
	for _, c := range []struct{ sql, want string }{
		{"DROP CHECK x", "DROP CHECK `s x`"},
		{"drop constraint `X` , add y int", "drop constraint `s x` , add y int"},
		{"ALTER TABLE t ALTER CHECK t_chk_1 NOT ENFORCED, ALTER CONSTRAINT x ENFORCED -- x", "ALTER CHECK `t__new_chk_1` NOT ENFORCED, ALTER CONSTRAINT `s x` ENFORCED"},
		{"DROP CHECK x, ADD CONSTRAINT x CHECK (x > 0), ADD COLUMN x int CONSTRAINT t_chk_1 CHECK (x > 1)",
			"DROP CHECK `s x`, ADD CONSTRAINT `s x` CHECK (x > 0), ADD COLUMN x int CONSTRAINT `t__new_chk_1` CHECK (x > 1)"},
		{"DROP x, ALTER x SET DEFAULT 1, ADD CONSTRAINT CHECK (x > 0), ADD CHECK (x), MODIFY x int CHECK (x)", ""},
		{"ADD CONSTRAINT x UNIQUE (x), ADD CONSTRAINT x FOREIGNER", ""},
		{"DROP CHECK z, ADD KEY x (x), RENAME KEY x TO x2, COMMENT 'CONSTRAINT x'", ""},
	} {
		a, err := Parse(c.sql, source, Dialect{})
		if err != nil {
			t.Fatal(err)
		}
		if c.want == "" {
			c.want = a.Clauses
		}
		if got := a.Calling(names).Clauses; got != c.want {
			t.Errorf("%s: got %s", c.sql, got)
		}
	}
}

func TestDropsConstraint(t *testing.T) {
	a, err := Parse("DROP CHECK gone, DROP CONSTRAINT again, ADD CONSTRAINT again CHECK (a > 0), ALTER CHECK kept ENFORCED", source, Dialect{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"gone": true, "GONE": true, "again": false, "kept": false, "other": false} {
		if a.DropsConstraint(name) != want {
			t.Errorf("%s: dropped is %t", name, !want)
		}
	}
}
