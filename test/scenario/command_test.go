package scenario_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// arguments are those that migrate the schema's table t.
func arguments(s *sandboxtest.Schema, more ...string) []string {
	return append([]string{
		"migrate", "--host", s.Server.Host, "--port", fmt.Sprint(s.Server.Port), "--user", s.Server.User,
		"--database", s.Name, "--table", "t", "--native=off",
	}, more...)
}

const alterA = "MODIFY a BIGINT NOT NULL"

// createT creates t with 300 rows.
func createT(s *sandboxtest.Schema) {
	s.MustExec(numbers + `;
		CREATE TABLE t (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, a INT NOT NULL, b VARCHAR(40)) ENGINE = InnoDB;
		INSERT INTO t (a, b) SELECT i, CONCAT('b ', i) FROM n WHERE i <= 300`)
}

func isAltered(s *sandboxtest.Schema) bool {
	return strings.Contains(s.MustQueryRows("SHOW CREATE TABLE t")[0], "`a` bigint")
}

func exists(s *sandboxtest.Schema, name string) bool {
	return len(s.MustQueryRows("SHOW TABLES LIKE '"+name+"'")) > 0
}

func eachUsual(t *testing.T, f func(t *testing.T, s *sandboxtest.Schema)) {
	t.Helper()
	usual.each(t, sandbox.Engines(), f)
}

func TestCommandHelpAndUsage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--help"}, 0, ""},
		{[]string{"migrate", "--help"}, 0, ""},
		{[]string{"--version"}, 0, ""},
		{nil, 2, "expected"},
		{[]string{"migrate"}, 2, "missing flags"},
		{[]string{"migrate", "--no-such-flag"}, 2, "unknown flag --no-such-flag"},
		{[]string{"migrate", "--database=d", "--table=t", "--alter=x", "--alter-file=/dev/null"}, 2, "--alter and --alter-file"},
		{[]string{"migrate", "--database=d", "--table=t", "--alter=x", "--native=sometimes"}, 2, "--native must be one of"},
		{[]string{"migrate", "--database=d", "--table=t", "--alter=x", "--num-workers=0"}, 2, "neither a number from 1 on nor auto"},
		{[]string{"migrate", "--database=d", "--table=t", "--alter=x", "--chunk-time=1us"}, 2, "--chunk-time must be from"},
		{[]string{"migrate", "--database=d", "--table=t", "--alter-file=/no/such/file"}, 2, "/no/such/file"},
		{[]string{"migrate", "--database=d", "--table=t", "--alter=x", "--host=127.0.0.1", "--port=1"}, 2, "connect to 127.0.0.1:1"},
	} {
		p := start(t, c.args...)
		p.exits(c.code)
		p.says(c.says)
		if c.code == 0 && !strings.Contains(p.out.String(), "midstream") && !strings.Contains(p.out.String(), "dev") {
			t.Errorf("midstream %s says %q", c.args, &p.out)
		}
	}
}

func TestCommandMigrates(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		dir := t.TempDir()
		file, options := filepath.Join(dir, "alter.sql"), filepath.Join(dir, "my.cnf")
		mustWrite(t, file, "-- a whole statement\nALTER TABLE t\n  "+alterA+";\n")
		mustWrite(t, options, "[client]\nuser = "+s.Server.User+"\npassword = \""+s.Server.Password+"\"\nhost = "+s.Server.Host+"\nport = "+fmt.Sprint(s.Server.Port)+"\n")
		p := start(t, "migrate", "--defaults-file", options, "--database", s.Name, "--table", "t", "--alter-file", file, "--native=off", "--chunk-size=50")
		p.exits(0)
		for _, want := range []string{"has its new definition", "--native=off, --apply=refresh", "copied       300 rows", "`t__old`", "stalled writes for"} {
			if !strings.Contains(p.out.String(), want) {
				t.Errorf("the summary lacks %q:\n%s", want, &p.out)
			}
		}
		if !isAltered(s) || !exists(s, "t__old") || exists(s, "t__new") || exists(s, "t__changelog") {
			t.Errorf("the tables are %v", s.MustQueryRows("SHOW TABLES"))
		}
	})
}

func TestCommandOldTable(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		p := start(t, arguments(s, "--alter", alterA, "--timestamp-old-table")...)
		p.exits(0)
		if old := s.MustQueryRows("SHOW TABLES LIKE 't\\_\\_old\\_20%'"); len(old) != 1 || !strings.Contains(p.out.String(), old[0]) {
			t.Errorf("old tables with the time in their names: %v", old)
		}
		p = start(t, arguments(s, "--alter", "ADD COLUMN d INT", "--drop-old-table")...)
		p.exits(0)
		if !strings.Contains(p.out.String(), "old table    dropped") || exists(s, "t__old") {
			t.Errorf("the old table is not dropped:\n%s", &p.out)
		}
	})
}

func TestCommandDryRun(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		before := readState(t, s)
		p := start(t, arguments(s, "--alter", "CHANGE b `new name` VARCHAR(50), "+alterA, "--dry-run")...)
		p.exits(0)
		for _, want := range []string{"Plan for", "--native=off", "`PRIMARY` (`id`)", "`b` renamed to `new name`", "`t__new`", "`t__changelog`", "`t__old`", "`a` bigint"} {
			if !strings.Contains(p.out.String(), want) {
				t.Errorf("the plan lacks %s:\n%s", want, &p.out)
			}
		}
		for _, line := range before.differences(readState(t, s)) {
			t.Errorf("after the dry run %s", line)
		}
	})
}

// TestCommandPlans: the plan says what becomes of each column, how changes will be applied, and what could not be tried.
func TestCommandPlans(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec(`
			CREATE TABLE t (id INT NOT NULL, a INT NOT NULL, b VARCHAR(40), c INT, d INT, g INT AS (a + 1) VIRTUAL,
				PRIMARY KEY (id), FULLTEXT KEY ft (b)) ENGINE = InnoDB`)
		const clauses = "CHANGE a renamed BIGINT NOT NULL, DROP COLUMN c, ADD COLUMN e INT, ADD COLUMN f INT NOT NULL, ADD UNIQUE KEY added (d), DROP KEY ft, DROP COLUMN g, ADD COLUMN h INT AS (d + 1) VIRTUAL"
		p := start(t, arguments(s, "--alter", clauses, "--dry-run", "--apply=replay")...)
		p.exits(0)
		for _, want := range []string{
			"Key +`PRIMARY` \\(`id`\\)", "`id`, `b`, `d` copied as they are", "`a` renamed to `renamed` converted from int\\S* to bigint", "`c` dropped",
			"`g` dropped", "`e` added, with its default", "`f` added, 0 in the rows", "`h` computed by the server",
			"Order +changes are applied one after the other: the ALTER adds the unique key `added`",
			"Not checked +what becomes of full-text or vector indexes",
		} {
			if !regexp.MustCompile(want).MatchString(p.out.String()) {
				t.Errorf("the plan does not say %s", want)
			}
		}
		p = start(t, arguments(s, "--alter", "MODIFY a TINYINT NOT NULL, MODIFY b VARCHAR(9)", "--allow-lossy", "b", "--dry-run")...)
		p.exits(0)
		for _, want := range []string{
			"`a` converted from int\\S* to tinyint\\S*; a row that would lose something stops the run: numbers out of the new range",
			"`b` converted from varchar.*; losses are accepted: texts that are too long",
		} {
			if !regexp.MustCompile(want).MatchString(p.out.String()) {
				t.Errorf("the plan does not say %s", want)
			}
		}
		p = start(t, arguments(s, "--alter", "ADD FULLTEXT KEY more (b)", "--dry-run")...)
		p.exits(0)
		if !strings.Contains(p.out.String(), "Not checked    the key, the columns and the server's opinion of the ALTER") {
			t.Error("the plan does not say what it could not check")
		}
	})
}

func TestCommandLogsJSON(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		p := start(t, arguments(s, "--alter", alterA, "--log-format=json")...)
		p.exits(0)
		phases := 0
		for _, line := range strings.Split(strings.TrimSpace(p.err.String()), "\n") {
			var entry struct{ Time, Level, Msg, Phase string }
			if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Time == "" || entry.Level == "" || entry.Msg == "" {
				t.Errorf("not a log line in JSON: %s", line)
			}
			if entry.Phase != "" {
				phases++
			}
		}
		if phases < 5 {
			t.Errorf("%d phases are logged", phases)
		}
	})
}

// TestCommandStops: a signal stops the command cleanly; what it says removes what it leaves.
func TestCommandStops(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
				createT(s)
				before := readState(t, s)
				p := startPostponed(t, s)
				if err := p.cmd.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
				p.exits(1)
				p.says("stopped.*The source table serves, unchanged")
				for _, statement := range regexp.MustCompile(`(?m)^\s*(DROP TABLE .*);$`).FindAllStringSubmatch(p.err.String(), -1) {
					s.MustExec(statement[1])
				}
				for _, line := range before.differences(readState(t, s)) {
					t.Errorf("after the stop and the statements that it gives %s", line)
				}
			})
		})
	}
}

// TestCommandKilled: a run that was killed leaves the source whole; the next one is refused, with what removes the rest.
func TestCommandKilled(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		s.MustExec("ALTER TABLE t AUTO_INCREMENT = 1000")
		killed := func() {
			leaveKilled(t, s)
		}
		killed()
		other := start(t, arguments(s, "--alter", "ADD COLUMN other INT")...)
		other.exits(2)
		other.says("cannot go on from checkpoint .*`t__checkpoint`.*--alter was .*--restart")
		lossy := start(t, arguments(s, "--alter", alterA, "--allow-lossy", "a")...)
		lossy.exits(2)
		lossy.says(`cannot go on from checkpoint .*--allow-lossy was "", and is "a" now.*--restart`)
		killed()
		next := start(t, arguments(s, "--alter", alterA)...)
		next.exits(0)
		next.says("resuming.*copied=\"100 %\"")
		if !isAltered(s) || exists(s, "t__new") || exists(s, "t__changelog") || exists(s, "t__checkpoint") {
			t.Errorf("the tables are %v", s.MustQueryRows("SHOW TABLES"))
		}
		s.MustExec("ANALYZE TABLE t") // MySQL caches the value otherwise
		if id := s.MustQueryInt("SELECT auto_increment FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 't'"); id < 1000 {
			t.Errorf("the next id is %d: those below 1000 were given out", id)
		}
	})
}

func TestCommandRestart(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		leaveKilled(t, s)
		s.MustExec("ALTER TABLE t__new ADD COLUMN somebodys INT")
		next := start(t, arguments(s, "--alter", "ADD COLUMN other INT", "--restart")...)
		next.exits(2)
		next.says("`t__new` is not as the checkpoint .* says")
		s.MustExec("ALTER TABLE t__new DROP COLUMN somebodys")
		during := readState(t, s)
		delete(during, "t__changelog") // a new run counts itself in it
		wrong := start(t, arguments(s, "--alter", "ADD COLUM other INT", "--restart")...)
		wrong.exits(2)
		wrong.says("refused before the start.*new definition: the server refuses the ALTER")
		after := readState(t, s)
		delete(after, "t__changelog")
		for _, line := range during.differences(after) {
			t.Errorf("after a refused --restart %s", line)
		}
		start(t, arguments(s, "--alter", "ADD COLUMN other INT", "--restart")...).exits(0)
		if isAltered(s) || !strings.Contains(s.MustQueryRows("SHOW CREATE TABLE t")[0], "`other`") || exists(s, "t__checkpoint") {
			t.Errorf("the tables are %v", s.MustQueryRows("SHOW TABLES"))
		}
	})
}

// TestCommandRestartNamesTheOldTable: a migration that begins anew calls the retired table what its own flags say, not what those
// of the earlier run did.
func TestCommandRestartNamesTheOldTable(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		leaveKilled(t, s)
		start(t, arguments(s, "--alter", alterA, "--restart", "--timestamp-old-table")...).exits(0)
		if exists(s, "t\\_\\_old") || !exists(s, "t\\_\\_old\\_2%") {
			t.Errorf("the tables are %v", s.MustQueryRows("SHOW TABLES"))
		}
	})
}

func TestCommandPostponesAndThrottles(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		dir := t.TempDir()
		throttle, postpone := filepath.Join(dir, "throttle"), filepath.Join(dir, "postpone")
		mustWrite(t, throttle, "")
		mustWrite(t, postpone, "")
		p := start(t, arguments(s, "--alter", alterA, "--throttle-flag-file", throttle, "--postpone-cut-over-flag-file", postpone, "--chunk-size=20")...)
		p.await("the shadow table is there", func() bool { return exists(s, "t__new") })
		rows := func() int64 { return s.MustQueryInt("SELECT COUNT(*) FROM t__new") }
		stays(t, "copying while throttled: rows", 0, rows)
		mustRemove(t, throttle)
		p.await("the rows are copied", func() bool { return rows() == 300 })
		mustWrite(t, throttle, "")
		// What passed the gate before it closed is finished first.
		settle(t, s, p)
		changed := func() int64 { return s.MustQueryInt("SELECT COUNT(*) FROM t__new WHERE b = 'changed'") }
		s.MustExec("UPDATE t SET b = 'changed' WHERE id <= 30")
		stays(t, "applying while throttled: changed rows", 0, changed)
		mustRemove(t, throttle)
		p.await("the changes are applied", func() bool { return changed() == 30 })
		stays(t, "postponed: altered", 0, func() int64 { return boolean(isAltered(s)) })
		mustRemove(t, postpone)
		p.exits(0)
		if !isAltered(s) || s.MustQueryInt("SELECT COUNT(*) FROM t WHERE b = 'changed'") != 30 {
			t.Error("the new table is not there, whole")
		}
	})
}

// TestCommandWaitsWhileItCannotSeeTheFlagFile: a look at the flag file that fails postpones, with a warning, and ends nothing.
func TestCommandWaitsWhileItCannotSeeTheFlagFile(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		folder := filepath.Join(t.TempDir(), "folder")
		mustWrite(t, folder, "not a folder")
		p := start(t, arguments(s, "--alter", alterA, "--postpone-cut-over-flag-file", filepath.Join(folder, "flag"))...)
		p.await("it is postponed", func() bool { return strings.Contains(p.err.String(), "phase=postponed") })
		stays(t, "postponed: altered", 0, func() int64 { return boolean(isAltered(s)) })
		mustRemove(t, folder)
		p.exits(0)
		p.says("level=WARN msg=\"the cut-over is postponed until it can be seen whether the flag file exists\"")
		if n := strings.Count(p.err.String(), "until it can be seen"); n != 1 {
			t.Errorf("it warns %d times", n)
		}
	})
}

// settle waits until the throttle has seen its file: a change that was made before has come through, one after has not.
func settle(t *testing.T, s *sandboxtest.Schema, p *process) {
	t.Helper()
	last := s.MustQueryInt("SELECT COUNT(*) FROM t__new WHERE b = 'probe'")
	for id := 100; id < 200; id++ {
		s.MustExec(fmt.Sprintf("UPDATE t SET b = 'probe' WHERE id = %d", id))
		select {
		case <-p.ended:
			t.Fatal("the command ended")
		case <-time.After(500 * time.Millisecond):
		}
		now := s.MustQueryInt("SELECT COUNT(*) FROM t__new WHERE b = 'probe'")
		if now == last {
			return
		}
		last = now
	}
	t.Fatal("the flag file does not stop the changes")
}

// stays asserts that a number stays as it is for a while: nothing tells that a thing will not happen.
func stays(t *testing.T, what string, want int64, look func() int64) {
	t.Helper()
	end := time.After(700 * time.Millisecond)
	for {
		if got := look(); got != want {
			t.Fatalf("%s: %d, want %d", what, got, want)
		}
		select {
		case <-end:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func boolean(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// startPostponed starts a migration that waits before its cut-over, and returns when it does.
func startPostponed(t *testing.T, s *sandboxtest.Schema, more ...string) *process {
	t.Helper()
	postpone := filepath.Join(t.TempDir(), "postpone")
	mustWrite(t, postpone, "")
	p := start(t, arguments(s, append(more, "--alter", alterA, "--postpone-cut-over-flag-file", postpone)...)...)
	p.await("it is postponed", func() bool { return strings.Contains(p.err.String(), "phase=postponed") })
	return p
}

// leaveKilled leaves what a migration does that is killed when it waits before its cut-over.
func leaveKilled(t *testing.T, s *sandboxtest.Schema, more ...string) {
	t.Helper()
	p := startPostponed(t, s, more...)
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.ended
}

func mustWrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func mustRemove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}
