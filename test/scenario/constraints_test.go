package scenario_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// TestRenamedConstraintsAreRefusedAfterNative: a CHECK constraint with a name of the user's own stands in the way only if the
// rows are to be copied, which is known when the server was asked; then everything is as it was.
func TestRenamedConstraintsAreRefusedAfterNative(t *testing.T) {
	t.Parallel()
	sandboxtest.On(t, []sandbox.Engine{sandbox.MySQL97}, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id INT PRIMARY KEY, a INT, CONSTRAINT mine CHECK (a > 0), CHECK (a < 9)); INSERT INTO t VALUES (1, 1)")
		m := newMigration(t, &spec{name: "constraints", way: "--native=auto --apply=refresh", table: "t", dir: t.TempDir()}, s)
		m.cfg.Alter = "MODIFY a BIGINT, ALTER CHECK mine NOT ENFORCED"
		before := readState(t, s)
		_, err := undisturbed(t, func() (*migrate.Summary, error) { return migrate.New(m.cfg).Run(t.Context()) })
		var refusal *migrate.Refusal
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), "`mine` would become `mine__new`\n      allow it with --allow-renamed-constraints") {
			t.Errorf("the run ends with %v", err)
		}
		cfg := m.cfg
		cfg.AllowRenamed = true
		plan, err := dryRun(t, s, before, cfg)
		if err != nil || !strings.Contains(plan, "CHECK `mine` will be called `mine__new`\n") {
			t.Errorf("the plan is %v\n%s", err, plan)
		}
		m.cfg.Alter = "DROP CHECK mine, ADD CONSTRAINT mine CHECK (a > 0) NOT ENFORCED"
		summary, err := undisturbed(t, func() (*migrate.Summary, error) { return migrate.New(m.cfg).Run(t.Context()) })
		if err != nil || !summary.Native {
			t.Fatalf("the server does not alter the table itself: %v", err)
		}
		if create := s.MustQueryRows("SHOW CREATE TABLE t")[0]; !strings.Contains(create, "CONSTRAINT `mine` CHECK ((`a` > 0)) /*!80016 NOT ENFORCED */") {
			t.Error(create)
		}
	})
}
