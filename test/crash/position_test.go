package crash_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// mustRefuse runs the command, which must refuse to go on and say so.
func (r *trial) mustRefuse(says string) {
	r.t.Helper()
	p := r.start()
	var err error
	select {
	case err = <-p.ended:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill() // the test fails
		<-p.ended
		r.t.Fatalf("the command does not end:\n%s", &p.text)
	}
	if err == nil || p.cmd.ProcessState.ExitCode() != 2 {
		r.t.Fatalf("the command ended with %v:\n%s", err, &p.text)
	}
	for _, want := range []string{says, "cannot go on from checkpoint", "--restart"} {
		if !bytes.Contains(p.text.Bytes(), []byte(want)) {
			r.t.Errorf("the command does not say %q:\n%s", want, &p.text)
		}
	}
}

// mustHaveBegun kills the command when a checkpoint says that it has copied something.
func (r *trial) mustHaveBegun() {
	r.t.Helper()
	p := r.start()
	r.waitFor(p, "nothing is copied", copying)
	if err := p.cmd.Process.Kill(); err != nil {
		r.t.Fatal(err)
	}
	<-p.ended
}

// copying counts the checkpoints that say that something was copied.
const copying = `SELECT COUNT(*) FROM sbtest1__checkpoint WHERE record LIKE '%"Rows":_%' AND record NOT LIKE '%"Rows":0,%'`

// waitFor waits until the query, on the tables of a migration, counts something; else complains.
func (r *trial) waitFor(p *process, complaint, query string) {
	r.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case err := <-p.ended:
			r.t.Fatalf("the command ended with %v:\n%s", err, &p.text)
		case <-deadline:
			r.t.Fatal(complaint)
		case <-time.After(20 * time.Millisecond):
		}
		if len(r.s.MustQueryRows("SHOW TABLES LIKE 'sbtest1%new'")) > 0 && r.s.MustQueryInt(query) > 0 {
			return
		}
	}
}

// postpone returns the flag that postpones the cut-over until permit is called.
func postpone(t *testing.T) (flag string, permit func()) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "postpone")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return "--postpone-cut-over-flag-file=" + file, func() {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

// beginPostponed is begin with the cut-over postponed until permit is called.
func beginPostponed(t *testing.T, s *sandboxtest.Schema) (r *trial, permit func()) {
	t.Helper()
	postponed, permit := postpone(t)
	return begin(t, s, postponed), permit
}

// TestPositionLost: the log that a checkpoint needs is purged, or reset; nothing is dropped before somebody says so.
func TestPositionLost(t *testing.T) {
	for name, lose := range map[string]func(s *sandboxtest.Schema){
		"purged": func(s *sandboxtest.Schema) {
			s.MustExec("FLUSH BINARY LOGS")
			for logs := []string{"", ""}; len(logs) > 1; { // the server may still know the dead reader
				logs = s.MustQueryRows("SHOW BINARY LOGS")
				s.MustExec("PURGE BINARY LOGS TO '" + strings.Fields(logs[len(logs)-1])[0] + "'")
				logs = s.MustQueryRows("SHOW BINARY LOGS")
			}
		},
		"reset": reset,
		"reset, and as long as before": func(s *sandboxtest.Schema) {
			s.MustExec("CREATE TABLE filler (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(200))")
			reset(s)
			for range 12 { // 6000 transactions, more than the checkpoint knows
				s.MustExec(strings.Repeat("INSERT INTO filler (text) VALUES (REPEAT('x', 200));", 500))
			}
			s.MustExec("DROP TABLE filler")
		},
	} {
		t.Run(name, func(t *testing.T) {
			sandboxtest.EachPrivate(t, sandbox.Options{}, func(t *testing.T, server *sandbox.Server) {
				s := sandboxtest.NewSchema(t, server.Address())
				r, permit := beginPostponed(t, s)
				r.mustHaveBegun()
				r.mustStopLoad() // lose says what the log is to hold
				lose(s)
				r.mustRefuse("position")
				if left := s.MustQueryRows("SHOW TABLES"); len(left) != 4 {
					t.Errorf("after the refusal there are %v", left)
				}
				permit()
				r.args = append(r.args, "--restart")
				r.mustEnd()
				r.mustHold()
			})
		})
	}
}

func reset(s *sandboxtest.Schema) {
	if s.Server.Engine.MariaDB() {
		s.MustExec("RESET MASTER")
	} else {
		s.MustExec("RESET BINARY LOGS AND GTIDS")
	}
}

// TestServerThatLosesCommits: a server that does not flush its commits, or its log, is killed: what its log holds may be missing in
// its tables, or the other way round, and the checkpoint is refused; also by a server that bears another host name, as a
// container that was made anew does (MariaDB tells servers apart by that).
func TestServerThatLosesCommits(t *testing.T) {
	for name, lossy := range map[string]struct {
		args  []string
		after time.Duration // the checkpoint survives
	}{
		"tables": {[]string{"--innodb-flush-log-at-trx-commit=0", "--sync-binlog=1"}, 2 * time.Second}, // InnoDB writes its log every second
		"log":    {[]string{"--innodb-flush-log-at-trx-commit=1", "--sync-binlog=0"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			sandboxtest.EachPrivate(t, sandbox.Options{Args: lossy.args}, func(t *testing.T, server *sandbox.Server) {
				s := sandboxtest.NewSchema(t, server.Address())
				r, permit := beginPostponed(t, s)
				r.mustHaveBegun()
				time.Sleep(lossy.after)
				r.mustStopLoad()
				if err := errors.Join(server.Kill(), server.Restart(t.Context())); err != nil {
					t.Fatal(err)
				}
				r.mustRefuse("sync_binlog")
				s.MustExec("UPDATE sbtest1__checkpoint SET record = REPLACE(record, CONCAT('@', @@hostname, ':'), '@elsewhere:')")
				r.mustRefuse("innodb_flush_log_at_trx_commit")
				s.MustExec("SET GLOBAL innodb_flush_log_at_trx_commit = 1; SET GLOBAL sync_binlog = 1")
				permit()
				r.mustEnd()
			})
		})
	}
}

// followed returns a schema of the server, and the same on a replica that follows it.
func followed(t *testing.T, server *sandbox.Server) (s, follower *sandboxtest.Schema, replica *sandbox.Server) {
	t.Helper()
	var options sandbox.Options
	if server.Engine.MariaDB() {
		options.Args = []string{"--log-slave-updates=ON"}
	}
	replica = sandboxtest.Private(t, server.Engine, options)
	s = sandboxtest.NewSchema(t, server.Address())
	there := *s
	there.Server, there.DB = replica.Address(), replica.Open("")
	follow(&there, s.Server)
	return s, &there, replica
}

// TestPromotedReplica: the migration goes on at a replica that has taken the place of its source.
func TestPromotedReplica(t *testing.T) {
	sandboxtest.EachPrivate(t, sandbox.Options{}, func(t *testing.T, server *sandbox.Server) {
		s, follower, replica := followed(t, server)
		r, permit := beginPostponed(t, s)
		r.mustHaveBegun()
		r.stop()
		if err := <-r.loaded; err != nil {
			t.Fatal(err)
		}
		promote(follower, s)
		follower.DB = replica.Open(s.Name)
		r.s = follower
		r.connectTo(follower.Server.Port)
		permit()
		r.mustEnd()
		if _, err := proof.Model(t.Context(), follower.DB, r.source.Name, r.generator.Model(0)); err != nil {
			t.Error(err)
		}
		r.mustBeEqual()
	})
}

// connectTo gives the command another port.
func (r *trial) connectTo(port int) {
	for i, arg := range r.args {
		if arg == "--port" {
			r.args[i+1] = strconv.Itoa(port)
		}
	}
}

// TestFailOver: while the command runs, another server takes the place of the first behind the same address. What it knows of
// the first is not trusted: it goes on from the checkpoint that the other server has.
func TestFailOver(t *testing.T) {
	sandboxtest.EachPrivate(t, sandbox.Options{}, func(t *testing.T, server *sandbox.Server) {
		s, follower, replica := followed(t, server)
		r, permit := beginPostponed(t, s)
		address, at := sandboxtest.Proxy(t, s.Server)
		r.connectTo(at.Port)
		p := r.start()
		r.waitFor(p, "nothing is copied", copying)
		r.stop()
		if err := <-r.loaded; err != nil {
			t.Fatal(err)
		}
		promote(follower, s)
		address.SetTarget(replica.Address().HostPort()) // connections to both exist for a while
		time.Sleep(300 * time.Millisecond)
		address.CutAll()
		permit()
		select {
		case err := <-p.ended:
			if err != nil {
				t.Fatalf("the command ended with %v:\n%s", err, &p.text)
			}
		case <-time.After(patience):
			_ = p.cmd.Process.Kill() // the test fails
			<-p.ended
			t.Fatalf("the command does not end:\n%s", &p.text)
		}
		if !bytes.Contains(p.text.Bytes(), []byte("another server answers now")) {
			t.Errorf("the command does not tell that the server was changed:\n%s", &p.text)
		}
		follower.DB = replica.Open(s.Name)
		r.s = follower
		if _, err := proof.Model(t.Context(), follower.DB, r.source.Name, r.generator.Model(0)); err != nil {
			t.Error(err)
		}
		r.mustBeEqual()
	})
}

// follow makes a server the replica of another.
func follow(replica *sandboxtest.Schema, source sandbox.Address) {
	if source.Engine.MariaDB() {
		replica.MustExec(fmt.Sprintf("CHANGE MASTER TO MASTER_HOST = '%s', MASTER_PORT = %d, MASTER_USER = '%s', MASTER_PASSWORD = '%s', MASTER_USE_GTID = slave_pos",
			source.Host, source.Port, source.User, source.Password))
		replica.MustExec("START SLAVE")
		return
	}
	replica.MustExec(fmt.Sprintf("CHANGE REPLICATION SOURCE TO SOURCE_HOST = '%s', SOURCE_PORT = %d, SOURCE_USER = '%s', SOURCE_PASSWORD = '%s', SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1",
		source.Host, source.Port, source.User, source.Password))
	replica.MustExec("START REPLICA")
}

// promote waits until the replica has all that the source has, and ends the replication.
func promote(replica, source *sandboxtest.Schema) {
	if source.Server.Engine.MariaDB() {
		replica.MustExec("DO MASTER_GTID_WAIT('" + source.MustQueryString("SELECT @@gtid_binlog_pos") + "', 60)")
		replica.MustExec("STOP SLAVE")
		replica.MustExec("RESET SLAVE ALL")
		return
	}
	replica.MustExec("DO WAIT_FOR_EXECUTED_GTID_SET('" + source.MustQueryString("SELECT @@gtid_executed") + "', 60)")
	replica.MustExec("STOP REPLICA")
	replica.MustExec("RESET REPLICA ALL")
}
