package preflight

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// setting is a way to set a server that a check has something to say about.
type setting struct {
	set, undo string
	options   Options
	find      func(*Report) []Finding // nil: the one failure
	check     string
	text, fix string
}

func warnings(r *Report) []Finding { return r.Warnings }
func notes(r *Report) []Finding    { return r.Notes }

var settings = []setting{
	{set: "SET GLOBAL binlog_format = 'MIXED'", check: "binary log", text: "binlog_format is MIXED: statements are logged", fix: "SET GLOBAL binlog_format = 'ROW', then"},
	{set: "SET GLOBAL binlog_row_image = 'MINIMAL'", check: "binary log", text: "binlog_row_image is MINIMAL: rows are logged without", fix: "SET GLOBAL binlog_row_image = 'FULL', then"},
	{set: "SET GLOBAL binlog_row_image = 'NOBLOB'", check: "binary log", text: "binlog_row_image is NOBLOB", fix: "SET GLOBAL binlog_row_image = 'FULL'"},
	{set: "SET GLOBAL max_allowed_packet = 65536", check: "packet size", text: "max_allowed_packet is 65536 bytes", fix: "SET GLOBAL max_allowed_packet = 67108864"},
	{set: "SET GLOBAL read_only = ON", undo: "SET GLOBAL read_only = OFF", find: warnings, check: "read only", text: "read_only is ON: the user may write all the same", fix: "the server that takes the writes"},
	{set: "SET GLOBAL binlog_expire_logs_seconds = 3600", find: warnings, check: "retention", text: "the server keeps binary logs for 1h0m0s only", fix: "SET GLOBAL binlog_expire_logs_seconds = 172800"},
	{set: "CREATE TABLE mysql.rds_configuration (name varchar(100), value varchar(100)); INSERT INTO mysql.rds_configuration VALUES ('binlog retention hours', NULL)",
		undo: "UPDATE mysql.rds_configuration SET value = '48'", find: warnings, check: "retention", text: "(RDS) removes binary logs as soon as it can", fix: "CALL mysql.rds_set_configuration('binlog retention hours', 48)"},
	{set: "DO 0", undo: "DROP TABLE mysql.rds_configuration", find: notes, check: "retention", text: "(RDS) keeps binary logs for 48 hours"},
}

var settingsOfMySQL = []setting{
	{set: "SET GLOBAL transaction_read_only = ON", check: "read only", text: "transaction_read_only is ON in new sessions", fix: "SET GLOBAL transaction_read_only = OFF"},
	{set: "SET GLOBAL binlog_row_value_options = 'PARTIAL_JSON'", check: "binary log", text: "binlog_row_value_options is PARTIAL_JSON: of JSON columns", fix: "SET GLOBAL binlog_row_value_options = '', then"},
	{set: "SET GLOBAL binlog_order_commits = OFF", undo: "SET GLOBAL binlog_order_commits = ON", find: warnings, check: "binary log", text: "binlog_order_commits is OFF: commits become visible", fix: "SET GLOBAL binlog_order_commits = ON"},
	{set: "SET GLOBAL super_read_only = ON", undo: "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF", check: "read only", text: "super_read_only is ON: nobody can write", fix: "the server that takes the writes"},
	{set: "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = 9", check: "replica", text: "the server is a replica of 127.0.0.1:9", fix: "RESET REPLICA ALL FOR CHANNEL ''"},
	{set: "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = 9 FOR CHANNEL 'far'", check: "replica", text: "the server is a replica of 127.0.0.1:9", fix: "RESET REPLICA ALL FOR CHANNEL 'far'"},
	{set: "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = 9", undo: "RESET REPLICA ALL FOR CHANNEL ''", options: Options{AllowReplica: true}, find: notes, check: "replica", text: "a replica of 127.0.0.1:9, as allowed"},
}

var settingsOfMariaDB = []setting{
	{set: "SET GLOBAL tx_read_only = ON", check: "read only", text: "_read_only is ON in new sessions", fix: "SET GLOBAL t"},
	{set: "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 9", check: "replica", text: "the server is a replica of 127.0.0.1:9", fix: "RESET SLAVE '' ALL"},
	{set: "CHANGE MASTER 'far' TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 9", check: "replica", text: "the server is a replica of 127.0.0.1:9", fix: "RESET SLAVE 'far' ALL"},
	{set: "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 9", undo: "RESET SLAVE '' ALL", options: Options{AllowReplica: true}, find: notes, check: "replica", text: "a replica of 127.0.0.1:9, as allowed"},
}

// TestRunOnServersSetWrongly has one server of its own per engine, set in one wrong way after the other.
func TestRunOnServersSetWrongly(t *testing.T) {
	sandboxtest.EachPrivate(t, sandbox.Options{Args: []string{"--binlog-ignore-db=ignored", "--log-slave-updates=ON"}}, func(t *testing.T, server *sandbox.Server) {
		s := sandboxtest.NewSchema(t, server.Address())
		s.MustExec("CREATE TABLE t (id int PRIMARY KEY); CREATE DATABASE ignored; CREATE TABLE ignored.t (id int PRIMARY KEY)")
		list := append(settings, settingsOfMySQL...)
		if server.Engine.MariaDB() {
			list = append(settings, settingsOfMariaDB...)
			s.MustExec("SET GLOBAL binlog_expire_logs_seconds = 0")
		}
		if server.Engine == sandbox.MariaDB118 {
			list = append(list, setting{set: "SET GLOBAL max_binlog_total_size = 1073741824", find: warnings, check: "retention", text: "when they exceed 1.0 GiB together", fix: "SET GLOBAL max_binlog_total_size = 0"})
		}
		for _, c := range list {
			tryOut(t, s, c)
		}
		mustFail(t, mustRunAlone(t, input(t, s.Server, "ignored", "t")), "binary log filter", "binlog-ignore-db=ignored keeps the database ignored out of", "without this filter")
		checkOwnSessionsSettings(t, s)
		checkReadOnlyForOthers(t, s)
		checkXATransactions(t, s)
		checkPresentForNull(t, s)
		if !server.Engine.MariaDB() {
			checkSettingsOfOthers(t, s)
			checkModesOfOthers(t, s)
			checkLogWriters(t, s)
		} else {
			checkDisks(t, s)
		}

		becomeReplica, updates := "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = 9", "--log-replica-updates=OFF"
		if server.Engine.MariaDB() {
			becomeReplica, updates = "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 9", "--log-slave-updates=OFF"
		}
		s.MustExec(becomeReplica)
		if err := server.Restart(t.Context(), updates, "--binlog-do-db=other"); err != nil {
			t.Fatal(err)
		}
		in := input(t, s.Server, s.Name, "t")
		in.AllowReplica = true
		r := mustRunAlone(t, in)
		mustFind(t, r.Failures, "replica", "log_replica_updates (log_slave_updates) is OFF", "start the replica with it ON")
		mustFind(t, r.Failures, "binary log filter", "binlog-do-db=other keeps the database "+s.Name+" out of", "without this filter")
		if len(r.Failures) != 2 {
			t.Errorf("want 2 failures, got:\n%s", r)
		}
		if err := server.Restart(t.Context(), "--skip-log-bin"); err != nil {
			t.Fatal(err)
		}
		mustFind(t, mustRunAlone(t, in).Failures, "binary log", "the binary log is off", "start the server with --log-bin")
	})
}

// checkPresentForNull: a column that may be NULL does not become a TIMESTAMP that may not be where the server takes the present time for
// NULL.
func checkPresentForNull(t *testing.T, s *sandboxtest.Schema) {
	t.Helper()
	s.MustExec("CREATE TABLE stamped (note varchar(10) NULL, id int PRIMARY KEY, at datetime NULL, since timestamp NULL, due datetime NOT NULL)")
	refused := func(alter, column string) {
		t.Helper()
		in := input(t, s.Server, s.Name, "stamped")
		in.Statement.Text = alter
		if r := mustRunAlone(t, in); column == "" && len(r.Failures) > 0 {
			t.Errorf("%s: %s", alter, r)
		} else if column != "" {
			mustFail(t, r, "new definition", "column `"+column+"` may be NULL, and explicit_defaults_for_timestamp is OFF", "ON for new sessions")
		}
	}
	s.MustExec("SET GLOBAL explicit_defaults_for_timestamp = OFF")
	refused("MODIFY at timestamp NOT NULL DEFAULT '2020-01-01'", "at")
	refused("MODIFY since timestamp NOT NULL DEFAULT '2020-01-01'", "since")
	refused("MODIFY due timestamp NOT NULL DEFAULT '2020-01-01'", "")
	refused("MODIFY at datetime NOT NULL", "")
	refused("ADD added timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP", "")
	s.MustExec("SET GLOBAL explicit_defaults_for_timestamp = ON")
	refused("MODIFY at timestamp NOT NULL DEFAULT '2020-01-01'", "")
}

// checkLogWriters: that sessions write the redo log themselves is noted, and hinders nothing.
func checkLogWriters(t *testing.T, s *sandboxtest.Schema) {
	t.Helper()
	const text, fix = "innodb_log_writer_threads is OFF: ", "SET GLOBAL innodb_log_writer_threads = ON"
	s.MustExec("SET GLOBAL innodb_log_writer_threads = OFF")
	r := mustRunAlone(t, input(t, s.Server, s.Name, "t"))
	mustFind(t, r.Notes, "redo log", text, fix)
	s.MustExec(fix)
	if r = mustRunAlone(t, input(t, s.Server, s.Name, "t")); strings.Contains(r.String(), text) || len(r.Failures) > 0 {
		t.Errorf("got %s", r)
	}
}

// checkModesOfOthers: a mode counts where the table, before or after the ALTER, has an expression that it changes.
func checkModesOfOthers(t *testing.T, s *sandboxtest.Schema) {
	t.Helper()
	s.MustExec(`CREATE TABLE plain (id int PRIMARY KEY, k char(5) DEFAULT 'x\\y' COMMENT 'a\\b', at timestamp DEFAULT CURRENT_TIMESTAMP);
		CREATE TABLE made (id int PRIMARY KEY, v varchar(60) AS (concat(id, 'x\\y')));
		CREATE TABLE padded (id int PRIMARY KEY, k char(5), KEY ((concat(k, '|'))));
		CREATE TABLE checked (id int PRIMARY KEY, k char(5), CHECK (k <> 'x'));
		CREATE TABLE said (id int PRIMARY KEY, k char(5), v varchar(60) DEFAULT (concat(k, 'x')))`)
	modes := s.MustQueryString("SELECT @@GLOBAL.sql_mode")
	for _, c := range []struct{ mode, table, alter string }{
		{"NO_BACKSLASH_ESCAPES", "plain", ""}, {"PAD_CHAR_TO_FULL_LENGTH", "plain", ""}, {"PAD_CHAR_TO_FULL_LENGTH", "made", ""},
		{"NO_BACKSLASH_ESCAPES", "padded", ""}, {"NO_BACKSLASH_ESCAPES", "made", "refused"}, {"PAD_CHAR_TO_FULL_LENGTH", "padded", "refused"},
		{"PAD_CHAR_TO_FULL_LENGTH", "checked", "refused"}, {"PAD_CHAR_TO_FULL_LENGTH", "said", "refused"},
		{"PAD_CHAR_TO_FULL_LENGTH", "plain", "ADD COLUMN g varchar(20) AS (concat(k, '|'))"},
		{"PAD_CHAR_TO_FULL_LENGTH", "plain", "ADD CHECK (k <> 'x')"},
		{"PAD_CHAR_TO_FULL_LENGTH", "plain", "ADD COLUMN c int COMMENT ' CHECK ('"},
	} {
		s.MustExec("SET GLOBAL sql_mode = '" + modes + "," + c.mode + "'")
		in := input(t, s.Server, s.Name, c.table)
		if strings.HasPrefix(c.alter, "ADD") {
			in.Statement.Text = c.alter
		}
		r := mustRunAlone(t, in)
		closeNow(t, s, in)
		if c.alter != "" && !strings.Contains(c.alter, "COMMENT") {
			mustFail(t, r, "sql_mode", "sql_mode is "+c.mode+" for sessions that set nothing", "SET GLOBAL sql_mode = '"+modes+"'")
		} else if len(r.Failures) > 0 {
			t.Errorf("%s, %s: got %s", c.mode, c.table, r)
		}
	}
	s.MustExec("SET GLOBAL sql_mode = '" + modes + "'")
}

// tryOut sets the server, looks for the finding, undoes it with the proposed statement where there is no other, and looks again.
func tryOut(t *testing.T, s *sandboxtest.Schema, c setting) {
	t.Helper()
	s.MustExec(c.set)
	in := input(t, s.Server, s.Name, "t")
	in.Options = c.options
	r := mustRunAlone(t, in)
	closeNow(t, s, in)
	found := r.Failures
	if c.find != nil {
		if len(r.Failures) > 0 {
			t.Errorf("%s: got %s", c.set, r)
		}
		found = c.find(r)
	} else {
		mustFail(t, r, c.check, c.text, c.fix)
	}
	mustFind(t, found, c.check, c.text, c.fix)
	if c.undo == "" {
		for _, f := range found {
			if f.Check == c.check {
				c.undo = f.Fix
			}
		}
		if _, reset, ok := strings.Cut(c.undo, "if this is no replica any more: "); ok {
			c.undo = reset
		}
		c.undo, _, _ = strings.Cut(c.undo, ", ")
	}
	s.MustExec(c.undo)
	in = input(t, s.Server, s.Name, "t")
	r = mustRunAlone(t, in)
	closeNow(t, s, in)
	if len(r.Failures)+len(r.Warnings) > 0 {
		t.Errorf("%s: after %s: %s", c.set, c.undo, r)
	}
}

func checkOwnSessionsSettings(t *testing.T, s *sandboxtest.Schema) {
	t.Helper()
	for _, c := range []struct {
		settings  conn.Settings
		text, fix string
	}{
		{conn.Settings{"binlog_format": "'STATEMENT'"}, "binlog_format is STATEMENT in new sessions of this user", "SET GLOBAL binlog_format = 'ROW'"},
		{conn.Settings{"binlog_row_image": "'MINIMAL'"}, "binlog_row_image is MINIMAL in new sessions of this user", "SET GLOBAL binlog_row_image = 'FULL'"},
		{conn.Settings{"sql_log_bin": "0"}, "sql_log_bin is OFF in new sessions of this user", "init_connect"},
	} {
		in := input(t, s.Server, s.Name, "t")
		in.DB = open(t, s.Server, c.settings)
		r, err := Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		closeNow(t, s, in)
		mustFind(t, r.Failures, "binary log", c.text, c.fix)
	}
}

// closeNow ends the sessions of an input, which may have begun with settings that the next test would find, and waits until
// they are gone.
func closeNow(t *testing.T, s *sandboxtest.Schema, in Input) {
	t.Helper()
	if err := errors.Join(in.DB.Close(), in.Statement.DB.Close()); err != nil {
		t.Fatal(err)
	}
	for {
		found, err := checkOtherSessions(t.Context(), &inspection{Input: Input{DB: s.DB, Server: in.Server}})
		if err == nil && len(found) == 0 {
			return
		}
		if err := errors.Join(err, conn.Pause(t.Context(), 5*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
}

func checkReadOnlyForOthers(t *testing.T, s *sandboxtest.Schema) {
	t.Helper()
	_, in := restricted(t, s, s.Name, "none")
	s.MustExec("SET GLOBAL read_only = ON")
	mustFail(t, mustRunAlone(t, in), "read only", "read_only is ON and the user has no right to write", "the server that takes the writes")
	s.MustExec("SET GLOBAL read_only = OFF")
}

func checkXATransactions(t *testing.T, s *sandboxtest.Schema) {
	t.Helper()
	xids := []string{"'order 7','b',1", "X'00ff27',X'',9"}
	for _, xid := range xids {
		db := s.Server.OpenMulti(s.Name) // ends with its session: MariaDB lets others decide then only
		_, err := db.ExecContext(t.Context(), "XA START "+xid+"; INSERT INTO t VALUES ("+xid[len(xid)-1:]+"); XA END "+xid+"; XA PREPARE "+xid)
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	in := input(t, s.Server, s.Name, "t")
	r := mustRunAlone(t, in)
	mustFail(t, r, "XA transactions", "XA transactions are prepared and not decided: ", "decide each of them: XA COMMIT or XA ROLLBACK ")

	var prepared *PreparedXA
	if err := AwaitNoPreparedXA(t.Context(), in.DB, 0); !errors.As(err, &prepared) || len(prepared.XIDs) != 2 {
		t.Fatalf("got %v", err)
	}
	for _, xid := range prepared.XIDs {
		if !strings.Contains(r.Failures[0].Text, xid.String()) {
			t.Errorf("%s does not name %s", r.Failures[0].Text, xid)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := AwaitNoPreparedXA(ctx, in.DB, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
	in.XAPatience = time.Minute
	waited := make(chan error)
	go func() {
		r, err := Run(t.Context(), in)
		if err == nil {
			err = r.Err()
		}
		waited <- err
	}()
	for _, xid := range prepared.XIDs {
		s.MustExec("XA ROLLBACK " + xid.String())
	}
	if err := <-waited; err != nil {
		t.Errorf("waited until they were decided, got %v", err)
	}
}

func checkSettingsOfOthers(t *testing.T, s *sandboxtest.Schema) {
	t.Helper()
	for set, text := range map[string]string{
		"binlog_format = 'STATEMENT'":               ") have binlog_format=STATEMENT: rows that they change",
		"binlog_row_image = 'MINIMAL'":              ") have binlog_row_image=MINIMAL: rows that they change",
		"binlog_row_value_options = 'PARTIAL_JSON'": ") have binlog_row_value_options=PARTIAL_JSON: rows that they change",
		"sql_log_bin = 0":                           ") have sql_log_bin=OFF: rows that they change",
	} {
		other, id, err := conn.Session(t.Context(), open(t, s.Server, nil))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.ExecContext(t.Context(), "SET SESSION "+set); err != nil {
			t.Fatal(err)
		}
		in := input(t, s.Server, s.Name, "t")
		r := mustRunAlone(t, in)
		mustFail(t, r, "other sessions", text, "KILL ")
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		_, kill, _ := strings.Cut(r.Failures[0].Fix, ": ")
		s.MustExec(strings.TrimSuffix(kill, ";"))
		if p, err := conn.FindProcess(t.Context(), s.DB, id); err != nil || p != nil && p.Command != "Killed" {
			t.Errorf("%s: the session goes on: %v, %v", kill, p, err)
		}
	}
}

func checkDisks(t *testing.T, s *sandboxtest.Schema) {
	t.Helper()
	in := input(t, s.Server, s.Name, "t")
	mustFind(t, mustRunAlone(t, in).Notes, "room", "the server does not tell how much room is left", "")
	s.MustExec("INSTALL SONAME 'disks'")
	inspected, err := inspect(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	disks, err := readDisks(t.Context(), inspected)
	if d := diskOf(disks, inspected.global["datadir"]); err != nil || d == nil || d.free == 0 {
		t.Errorf("disks %+v, %v: want that of %s", disks, err, inspected.global["datadir"])
	}
	if r := mustRunAlone(t, in); len(r.Failures)+len(r.Warnings) > 0 || strings.Contains(r.String(), "does not tell") {
		t.Errorf("got %s", r)
	}
	inspected.source.DataBytes = 1 << 60
	found, err := checkRoom(t.Context(), inspected)
	if err != nil || len(found) < 2 || found[1].level != failure || !strings.Contains(found[1].Text, "free: the copy takes about 1.0 EiB") {
		t.Errorf("got %+v, %v", found, err)
	}
}
