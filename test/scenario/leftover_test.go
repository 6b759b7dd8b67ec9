package scenario_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// about are the arguments of a command that looks at what a migration of the schema's table t has left.
func about(s *sandboxtest.Schema, command string, more ...string) []string {
	return append([]string{
		command, "--host", s.Server.Host, "--port", fmt.Sprint(s.Server.Port), "--user", s.Server.User, "--database", s.Name, "--table", "t",
	}, more...)
}

func TestCommandStatusAndCleanup(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		before := readState(t, s)
		shows := func(command []string, code int, texts ...string) {
			t.Helper()
			p := start(t, command...)
			p.exits(code)
			for _, text := range texts {
				if all := p.out.String() + p.err.String(); !strings.Contains(all, text) {
					t.Errorf("midstream %s does not say %q:\n%s", command[0], text, all)
				}
			}
		}
		shows(about(s, "status"), 0, "No migration of")
		shows(about(s, "cleanup", "--yes"), 2, "there is nothing to remove")
		p := startPostponed(t, s)
		shows(about(s, "status"), 0, "runs now: session", alterA, "300 rows, all")
		shows(about(s, "cleanup", "--yes"), 2, "another midstream is at work on the table")
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-p.ended
		shows(about(s, "status"), 0, alterA, "300 rows, all")
		during := readState(t, s)
		shows(about(s, "cleanup"), 2, "[y/N]", "nothing was removed")
		for _, line := range during.differences(readState(t, s)) {
			t.Errorf("after a cleanup that was not confirmed %s", line)
		}
		s.MustExec("ALTER TABLE t__new ADD COLUMN somebodys INT")
		shows(about(s, "cleanup", "--yes"), 2, "somebody has changed it")
		s.MustExec("ALTER TABLE t__new DROP COLUMN somebodys")
		shows(about(s, "cleanup", "--yes"), 0)
		for _, line := range before.differences(readState(t, s)) {
			t.Errorf("after the cleanup %s", line)
		}
		shows(about(s, "status"), 0, "No migration of")
	})
}
