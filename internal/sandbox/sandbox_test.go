package sandbox_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// childVariable makes the test binary a process that starts a server of the engine it names and waits.
const childVariable = "MIDSTREAM_SANDBOX_TEST_CHILD"

func TestMain(m *testing.M) {
	if e := os.Getenv(childVariable); e != "" {
		s, err := sandbox.Start(context.Background(), sandbox.Engine(e), sandbox.Options{})
		fmt.Println(s.Pid(), filepath.Dir(s.DataDir), err)
		select {}
	}
	os.Exit(m.Run())
}

func query(t *testing.T, db *sql.DB, q string) string {
	t.Helper()
	var v sql.NullString
	if err := db.QueryRowContext(t.Context(), q).Scan(&v); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return v.String
}

func open(t *testing.T, s *sandbox.Server) *sql.DB {
	t.Helper()
	db := s.Open("")
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestServerSettings(t *testing.T) {
	sandboxtest.EachPrivate(t, sandbox.Options{Args: []string{"--max-connections=77"}}, func(t *testing.T, s *sandbox.Server) {
		db := open(t, s)
		want := map[string]string{
			"SELECT @@log_bin": "1", "SELECT @@binlog_format": "ROW", "SELECT @@binlog_row_image": "FULL",
			"SELECT @@max_connections": "77", "SELECT @@sync_binlog": "0", "SELECT @@server_id": fmt.Sprint(s.Port),
			"SELECT @@bind_address": "127.0.0.1", "SELECT @@max_binlog_size": fmt.Sprint(16 << 20),
			"SELECT CONVERT_TZ('2024-07-01 12:00:00', 'Europe/Berlin', 'America/New_York')": "2024-07-01 06:00:00",
			"SELECT CONVERT_TZ('2024-01-01 12:00:00', 'UTC', 'Asia/Kolkata')":               "2024-01-01 17:30:00",
			"SELECT COUNT(*) FROM mysql.user WHERE user = ''":                               "0",
		}
		if !s.Engine.MariaDB() {
			want["SELECT @@gtid_mode"] = "ON"
			want["SELECT @@GLOBAL.gtid_executed"] = ""
			want["SELECT plugin FROM mysql.user WHERE user = 'root' AND host = '%'"] = "caching_sha2_password"
		}
		for q, v := range want {
			if got := query(t, db, q); got != v {
				t.Errorf("%s = %q, want %q", q, got, v)
			}
		}
		c := s.Address().Config("")
		c.Net, c.Addr = "unix", s.Socket
		connector, err := mysql.NewConnector(c)
		if err != nil {
			t.Fatal(err)
		}
		overSocket := sql.OpenDB(connector)
		defer func() { _ = overSocket.Close() }()
		if err := overSocket.PingContext(t.Context()); err != nil {
			t.Errorf("connect over the socket: %v", err)
		}
	})
}

func TestOptions(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Private(t, sandbox.MySQL97, sandbox.Options{FilePosition: true, Durable: true})
	db := open(t, s)
	for q, want := range map[string]string{
		"SELECT @@gtid_mode": "OFF", "SELECT @@sync_binlog": "1", "SELECT @@innodb_flush_log_at_trx_commit": "1",
	} {
		if got := query(t, db, q); got != want {
			t.Errorf("%s = %q, want %q", q, got, want)
		}
	}
}

func TestKillAndRestartKeepDataPortAndIdentity(t *testing.T) {
	sandboxtest.EachPrivate(t, sandbox.Options{}, func(t *testing.T, s *sandbox.Server) {
		db := open(t, s)
		identity := "SELECT @@port"
		if !s.Engine.MariaDB() {
			identity = "SELECT CONCAT(@@port, @@server_uuid)"
		}
		before := query(t, db, identity)
		if _, err := db.ExecContext(t.Context(), "CREATE DATABASE kept"); err != nil {
			t.Fatal(err)
		}
		pid := s.Pid()
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) || s.Pid() != 0 {
			t.Errorf("the killed server lives: %v, pid %d", err, s.Pid())
		}
		if err := db.PingContext(t.Context()); err == nil {
			t.Error("the killed server answers")
		}
		if err := s.Restart(t.Context(), "--max-connections=66"); err != nil {
			t.Fatal(err)
		}
		if after := query(t, db, identity); after != before {
			t.Errorf("identity %s, want %s", after, before)
		}
		if got := query(t, db, "SELECT @@max_connections"); got != "66" {
			t.Errorf("max_connections = %s, want 66", got)
		}
		if err := s.Restart(t.Context()); err != nil { // also while it runs
			t.Fatal(err)
		}
		if got := query(t, db, "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'kept'"); got != "1" {
			t.Error("the schema is lost")
		}
	})
}

func TestStopRemovesTheFolder(t *testing.T) {
	t.Parallel()
	s, err := sandbox.Start(t.Context(), sandbox.MariaDB118, sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pid := s.Pid()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(s.DataDir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("folder is left: %v", err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process is left: %v", err)
	}
}

func TestTwoServersAreTwoIdentities(t *testing.T) {
	t.Parallel()
	a := sandboxtest.Private(t, sandbox.MySQL97, sandbox.Options{})
	b := sandboxtest.Private(t, sandbox.MySQL97, sandbox.Options{})
	const q = "SELECT @@server_uuid"
	if one, two := query(t, open(t, a), q), query(t, open(t, b), q); one == two {
		t.Errorf("both have uuid %s", one)
	}
}

func TestStartErrorHoldsTheLog(t *testing.T) {
	for _, e := range sandbox.Engines() {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			_, err := sandbox.Start(t.Context(), e, sandbox.Options{Args: []string{"--no-such-option"}})
			if err == nil || !strings.Contains(err.Error(), "unknown option '--no-such-option'") {
				t.Errorf("error = %v, want the server's own", err)
			}
		})
	}
}

func TestServersEndWithTheProcessThatStartedThem(t *testing.T) {
	for _, e := range sandbox.Engines() {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), childVariable+"="+string(e))
			child.Stderr = os.Stderr
			out, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			var pid int
			var dir, failed string
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if _, err := fmt.Sscan(line, &pid, &dir, &failed); err != nil || failed != "<nil>" {
				t.Fatalf("child said %q: %v", line, err)
			}
			if err := syscall.Kill(pid, 0); err != nil {
				t.Fatalf("the server does not run: %v", err)
			}
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = child.Wait() // killed
			deadline := time.Now().Add(20 * time.Second)
			for {
				_, gone := os.Stat(dir)
				if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) && errors.Is(gone, os.ErrNotExist) {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("20 s after its parent: process %v, folder %v", syscall.Kill(pid, 0), gone)
				}
				<-time.After(20 * time.Millisecond)
			}
		})
	}
}

// A copy of the cache without its templates stands elsewhere; two starts at once make one template there.
func TestCacheMayBeCopiedAndUsedByTwo(t *testing.T) {
	e := sandbox.MariaDB118
	if err := sandbox.Fetch(t.Context(), []sandbox.Engine{e}, os.Stderr); err != nil {
		t.Fatal(err)
	}
	from, err := sandbox.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	if err := os.CopyFS(filepath.Join(to, string(e)), os.DirFS(filepath.Join(from, string(e)))); err != nil {
		t.Fatal(err)
	}
	t.Setenv(sandbox.CacheVariable, to)
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			s, err := sandbox.Start(t.Context(), e, sandbox.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			db := s.Open("")
			defer func() { _ = db.Close() }()
			var dir string
			if err := db.QueryRowContext(t.Context(), "SELECT @@basedir").Scan(&dir); err != nil || !strings.HasPrefix(dir, to) {
				t.Errorf("basedir %s, want below %s: %v", dir, to, err)
			}
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	names, err := filepath.Glob(filepath.Join(to, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		names[i] = filepath.Base(name)
	}
	const want = "[mariadb-11.8 mariadb-11.8.template mariadb-11.8.template.lock]"
	if fmt.Sprint(names) != want {
		t.Errorf("cache holds %v, want %s", names, want)
	}
}
