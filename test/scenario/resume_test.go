package scenario_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/checkpoint"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox/proxy"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// How the command goes on from a checkpoint, and when it does not.

// rewrite changes the text of the checkpoint's record.
func rewrite(from, to string) string {
	return fmt.Sprintf("UPDATE t__checkpoint SET record = REPLACE(record, '%s', '%s')", from, to)
}

// TestCommandRefusesToGoOn: a checkpoint that does not fit what is there is refused, with the reason and what to do, and nothing
// is changed. What can be put right is, and the same command goes on; elsewhere it begins anew.
func TestCommandRefusesToGoOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		begun  []string // of the run that was killed, and of what goes on
		breaks string
		args   []string // of the command that is refused, besides the same
		says   string
		mends  string // so that the same command goes on
		clears string // so that a new one can begin
	}{
		"statement":      {args: []string{"--alter", "ADD COLUMN other INT"}, says: "--alter was \"MODIFY a BIGINT NOT NULL\", and is \"ADD COLUMN other INT\" now"},
		"apply replay":   {args: []string{"--apply=replay"}, says: "--apply was \"refresh\", and is \"replay\" now"},
		"apply refresh":  {begun: []string{"--apply=replay"}, args: []string{"--apply=refresh"}, says: "--apply was \"replay\", and is \"refresh\" now"},
		"native":         {args: []string{"--native=only"}, says: "--native=only copies no rows"},
		"source altered": {breaks: "ALTER TABLE t ADD KEY somebodys (b)", says: "the definition of .*`t` was changed since"},
		"shadow altered": {breaks: "ALTER TABLE t__new ADD KEY somebodys (b)", says: "the definition of .*`t__new` was changed since", clears: "ALTER TABLE t__new DROP KEY somebodys"},
		"no shadow":      {breaks: "DROP TABLE t__new", says: "t__new"},
		"no changelog":   {breaks: "DROP TABLE t__changelog", says: "t__changelog"},
		"time zone":      {breaks: rewrite(`"Zone":"`, `"Zone":"Mars/`), says: "time zone was Mars/", mends: rewrite(`"Zone":"Mars/`, `"Zone":"`)},
		"key":            {breaks: rewrite(`"Key":"PRIMARY"`, `"Key":"other"`), says: "migration key was other, and is PRIMARY now", mends: rewrite(`"Key":"other"`, `"Key":"PRIMARY"`)},
		"version": {
			breaks: "UPDATE t__checkpoint SET version = 99", args: []string{"--restart"}, says: "its version is 99", mends: fmt.Sprintf("UPDATE t__checkpoint SET version = %d", checkpoint.Version),
		},
		"damaged": {
			breaks: "UPDATE t__checkpoint SET record = LEFT(record, 40)", args: []string{"--restart"}, says: "read checkpoint",
			clears: "DROP TABLE IF EXISTS t__new, t__changelog, t__checkpoint", // as the refusal says
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
				createT(s)
				leaveKilled(t, s, c.begun...)
				if c.breaks != "" {
					s.MustExec(c.breaks)
				}
				before := readState(t, s)
				delete(before, "t__changelog") // where each run takes the number of its own
				refused := start(t, arguments(s, append([]string{"--alter", alterA}, c.args...)...)...)
				refused.exits(2)
				wayOut := "begin anew with --restart"
				if slices.Contains(c.args, "--restart") {
					wayOut = "drop it: DROP TABLE IF EXISTS .*`t__new`, .*`t__changelog`, .*`t__checkpoint`"
				}
				refused.says("cannot go on from checkpoint .*`t__checkpoint`.*" + c.says + ".*Put that right and start the same command again, or.*" + wayOut)
				after := readState(t, s)
				delete(after, "t__changelog")
				for _, line := range before.differences(after) {
					t.Errorf("after the refusal %s", line)
				}
				for _, statement := range []string{c.mends, c.clears} {
					if statement != "" {
						s.MustExec(statement)
					}
				}
				args := arguments(s, append(c.begun, "--alter", alterA)...)
				if c.mends == "" && c.args == nil && !strings.Contains(c.clears, "t__checkpoint") {
					args = append(args, "--restart")
				}
				start(t, args...).exits(0)
				if left := strings.Join(s.MustQueryRows("SHOW TABLES"), " "); !isAltered(s) || left != "n t t__old" {
					t.Errorf("in the end there are %s", left)
				}
			})
		})
	}
}

// TestCommandMeetsItsOwnSwap: the tables were swapped and somebody has renamed them back, which a checkpoint from before the swap
// does not know. The command meets its RENAME in the log and says so, instead of taking the work for done.
func TestCommandMeetsItsOwnSwap(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		leaveKilled(t, s)
		record, err := checkpoint.NewStore(s.DB, table.NamesFor(table.Name{Schema: s.Name, Table: "t"}).Checkpoint, 0).Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		own := conn.Config{Run: record.Migration}
		s.MustExec("RENAME TABLE t TO t__old, t__new TO t " + own.Mark())
		s.MustExec("RENAME TABLE t TO t__new, t__old TO t")
		p := start(t, arguments(s, "--alter", alterA)...)
		select {
		case <-p.ended:
		case <-time.After(20 * time.Second):
			t.Fatal("the command does not end")
		}
		p.exits(2)
		p.says("cannot go on from checkpoint .*`t__checkpoint`.*holds the swap.*--restart")
		start(t, arguments(s, "--alter", alterA, "--restart")...).exits(0)
		if !isAltered(s) {
			t.Error("the table is not altered")
		}
	})
}

// proxied are the arguments that migrate the schema's table t through a proxy.
func proxied(t *testing.T, s *sandboxtest.Schema, more ...string) (*proxy.Proxy, []string) {
	t.Helper()
	p, address := sandboxtest.Proxy(t, s.Server)
	there := *s
	there.Server = address
	return p, arguments(&there, append([]string{"--alter", alterA, "--ssl-mode=DISABLED"}, more...)...)
}

// TestCommandWithoutCheckpoints: checkpoints can no longer be written, and all else goes well. The command ends with an error in
// the time that it was given, and the next one goes on.
func TestCommandWithoutCheckpoints(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		postpone := t.TempDir() + "/postpone"
		mustWrite(t, postpone, "")
		through, args := proxied(t, s, "--postpone-cut-over-flag-file", postpone, "--reconnect-timeout=2s", "--checkpoint-interval=200ms")
		p := start(t, args...)
		p.await("it is postponed", func() bool { return strings.Contains(p.err.String(), "phase=postponed") })
		write := []byte("REPLACE INTO `" + s.Name + "`.`t__checkpoint`")
		var refused atomic.Int64
		through.SetFilter(func(_ proxy.ConnInfo, dir proxy.Direction, packet []byte) proxy.Verdict {
			if dir == proxy.ToServer && bytes.Contains(packet, write) {
				refused.Add(1)
				return proxy.CutBefore
			}
			return proxy.Forward
		})
		select {
		case <-p.ended:
		case <-time.After(40 * time.Second):
			t.Fatal("the command does not end")
		}
		p.exits(1)
		p.says("write checkpoint .*`t__checkpoint`.*The source table serves.*The same command goes on from the checkpoint")
		if refused.Load() == 0 || isAltered(s) {
			t.Errorf("%d checkpoints were refused; altered: %t", refused.Load(), isAltered(s))
		}
		through.SetFilter(nil)
		mustRemove(t, postpone)
		next := start(t, args...)
		next.exits(0)
		next.says("resuming")
		if !isAltered(s) {
			t.Error("the table is not altered")
		}
	})
}

// TestCommandServerAway: the server is out of reach for longer than the reconnect timeout. The command ends with an error, and the
// same command goes on when the server is back.
func TestCommandServerAway(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		postpone := t.TempDir() + "/postpone"
		mustWrite(t, postpone, "")
		through, args := proxied(t, s, "--postpone-cut-over-flag-file", postpone, "--reconnect-timeout=2s")
		p := start(t, args...)
		p.await("it is postponed", func() bool { return strings.Contains(p.err.String(), "phase=postponed") })
		through.Refuse(true)
		through.CutAll()
		p.exits(1)
		p.says("The same command goes on from the checkpoint")
		s.MustExec("UPDATE t SET b = 'meanwhile' WHERE id <= 10; DELETE FROM t WHERE id = 300")
		through.Refuse(false)
		mustRemove(t, postpone)
		next := start(t, args...)
		next.exits(0)
		next.says("resuming")
		if n := s.MustQueryInt("SELECT COUNT(*) FROM t WHERE b = 'meanwhile'"); !isAltered(s) || n != 10 || s.MustQueryInt("SELECT COUNT(*) FROM t") != 299 {
			t.Errorf("altered: %t; %d of the 10 rows that were changed meanwhile are", isAltered(s), n)
		}
	})
}
