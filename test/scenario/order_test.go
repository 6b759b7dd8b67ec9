package scenario_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// TestCommandOrderSwitchedOff: somebody lets commits become visible in another order than they are logged while rows are refreshed,
// which then proves nothing (I7). The command stops and says what to do; it does not go on before that is done, not by replay
// either; then it does, and nothing of what was written meanwhile is missing. MariaDB has no such setting.
func TestCommandOrderSwitchedOff(t *testing.T) {
	t.Parallel()
	s := sandboxtest.NewSchema(t, sandboxtest.Private(t, sandbox.MySQL97, sandbox.Options{}).Address())
	createT(s)
	postpone := t.TempDir() + "/postpone"
	mustWrite(t, postpone, "")
	args := arguments(s, "--alter", alterA, "--postpone-cut-over-flag-file", postpone)
	p := start(t, args...)
	p.await("it is postponed", func() bool { return strings.Contains(p.err.String(), "phase=postponed") })
	s.MustExec("SET GLOBAL binlog_order_commits = OFF")
	s.MustExec("UPDATE t SET b = 'then' WHERE id <= 10")
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		t.Fatal("the command goes on")
	}
	p.exits(1)
	p.says("binlog_order_commits was switched off during the run.*SET GLOBAL binlog_order_commits = ON, and start the same command again.*" +
		"The source table serves.*The same command goes on from the checkpoint")
	s.MustExec("UPDATE t SET b = 'later' WHERE id BETWEEN 6 AND 20; DELETE FROM t WHERE id = 300; INSERT INTO t VALUES (301, 1, 'later')")

	before := readState(t, s)
	delete(before, "t__changelog") // where each run takes the number of its own
	refused := start(t, args...)
	refused.exits(2)
	refused.says("cannot go on from checkpoint .*`t__checkpoint`.*--apply was \"refresh\", and is \"replay\" now; " +
		"binlog_order_commits is OFF: SET GLOBAL binlog_order_commits = ON for --apply=refresh.*Put that right and start the same command again, or")
	after := readState(t, s)
	delete(after, "t__changelog")
	for _, line := range before.differences(after) {
		t.Errorf("after the refusal %s", line)
	}

	s.MustExec("SET GLOBAL binlog_order_commits = ON")
	rows := s.MustQueryRows("SELECT * FROM t ORDER BY id")
	mustRemove(t, postpone)
	next := start(t, args...)
	next.exits(0)
	next.says("resuming")
	if got := s.MustQueryRows("SELECT * FROM t ORDER BY id"); !isAltered(s) || !slices.Equal(got, rows) {
		t.Errorf("altered: %t; the rows are\n%s\nand were\n%s", isAltered(s), strings.Join(got, "\n"), strings.Join(rows, "\n"))
	}
}
