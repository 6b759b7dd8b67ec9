package scenario_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestNothingIsRemovedWithoutTheLock: who is asked whether to remove a migration's tables may take long, and its lock may be lost
// meanwhile to a run that goes on.
func TestNothingIsRemovedWithoutTheLock(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		leaveKilled(t, s)
		before := readState(t, s)
		server := conn.Config{Host: s.Server.Host, Port: s.Server.Port, User: s.Server.User, Password: s.Server.Password, Run: s.Name}
		err := migrate.Abandon(t.Context(), server, table.Name{Schema: s.Name, Table: "t"}, func([]table.Name) bool {
			s.MustExec(fmt.Sprintf("KILL %d", s.MustQueryInt("SELECT IS_USED_LOCK('"+conn.LockName("`"+s.Name+"`.`t`")+"')")))
			return true
		})
		var refusal *migrate.Refusal
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), "nothing was removed") {
			t.Errorf("it ends with %v", err)
		}
		for _, line := range before.differences(readState(t, s)) {
			t.Errorf("after it %s", line)
		}
	})
}

// TestLeftoversOnAReplica: the tables of a migration are on replicas, too, and nobody who reaches one by mistake takes them over or
// drops them there.
func TestLeftoversOnAReplica(t *testing.T) {
	t.Parallel()
	sandboxtest.EachPrivate(t, sandbox.Options{}, func(t *testing.T, server *sandbox.Server) {
		s := sandboxtest.NewSchema(t, server.Address())
		createT(s)
		leaveKilled(t, s)
		become := "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = 9"
		if server.Engine.MariaDB() {
			become = "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 9"
		}
		s.MustExec(become + "; UPDATE t__checkpoint SET record = JSON_SET(record, '$.Server.UUID', 'another')")
		before := readState(t, s)
		for _, command := range [][]string{arguments(s, "--alter", alterA), arguments(s, "--alter", alterA, "--restart"), about(s, "cleanup", "--yes")} {
			p := start(t, command...)
			p.exits(2)
			p.says("replica: the server is a replica of 127.0.0.1:9")
		}
		for _, line := range before.differences(readState(t, s)) {
			t.Errorf("after it %s", line)
		}
	})
}

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
		shows(about(s, "cleanup", "--yes"), 0, "had left is removed")
		for _, line := range before.differences(readState(t, s)) {
			t.Errorf("after the cleanup %s", line)
		}
		shows(about(s, "status"), 0, "No migration of")
	})
}
