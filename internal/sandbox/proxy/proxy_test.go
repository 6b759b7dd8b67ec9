package proxy_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/proxy"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// query is the first byte of a packet that carries a statement.
const query = 3

// at gives verdict v to the packet with that statement, forwards the others, and counts.
func at(statement string, v proxy.Verdict, hits *atomic.Int64) proxy.Filter {
	return func(_ proxy.ConnInfo, dir proxy.Direction, packet []byte) proxy.Verdict {
		if dir == proxy.ToServer && len(packet) > 0 && packet[0] == query && bytes.HasSuffix(packet, []byte(statement)) {
			hits.Add(1)
			return v
		}
		return proxy.Forward
	}
}

// through returns one session of the schema that goes through a proxy, and the id of its server thread.
func through(t *testing.T, s *sandboxtest.Schema) (*proxy.Proxy, *sql.Conn, int64) {
	t.Helper()
	p, address := sandboxtest.Proxy(t, s.Server)
	db := address.Open(s.Name)
	t.Cleanup(func() { _ = db.Close() })
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var id int64
	if err := conn.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	return p, conn, id
}

func alive(s *sandboxtest.Schema, id int64) bool {
	return s.MustQueryInt(fmt.Sprintf("SELECT COUNT(*) FROM %s WHERE id = %d", s.Processlist(), id)) > 0
}

// eventually waits for a condition that must come to hold.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		select {
		case <-t.Context().Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestCutAtCommit(t *testing.T) {
	for _, c := range []struct {
		name      string
		verdict   proxy.Verdict
		committed int64
	}{
		{"before", proxy.CutBefore, 0},
		{"after", proxy.CutAfter, 1},
		{"strand", proxy.Strand, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
				s.MustExec("CREATE TABLE t (id int PRIMARY KEY)")
				p, conn, id := through(t, s)
				var hits atomic.Int64
				p.SetFilter(at("COMMIT", c.verdict, &hits))
				for _, statement := range []string{"BEGIN", "INSERT INTO t VALUES (1)"} {
					if _, err := conn.ExecContext(t.Context(), statement); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := conn.ExecContext(t.Context(), "COMMIT"); err == nil {
					t.Error("the client got an answer")
				}
				if hits.Load() != 1 {
					t.Errorf("filter saw %d COMMITs, want 1", hits.Load())
				}
				if c.verdict == proxy.Strand {
					eventually(t, "the row", func() bool { return s.MustQueryInt("SELECT COUNT(*) FROM t") == 1 })
					if !alive(s, id) {
						t.Error("the stranded session is gone")
					}
					if n := p.CutAll(); n != 1 {
						t.Errorf("cut %d connections, want the stranded one", n)
					}
				}
				eventually(t, "the end of the session", func() bool { return !alive(s, id) })
				if got := s.MustQueryInt("SELECT COUNT(*) FROM t"); got != c.committed {
					t.Errorf("%d rows, want %d", got, c.committed)
				}
			})
		})
	}
}

func TestCutOfAnAnswer(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		s.MustExec("CREATE TABLE t (id int PRIMARY KEY)")
		p, conn, _ := through(t, s)
		p.SetFilter(func(_ proxy.ConnInfo, dir proxy.Direction, _ []byte) proxy.Verdict {
			if dir == proxy.ToClient {
				return proxy.CutBefore
			}
			return proxy.Forward
		})
		if _, err := conn.ExecContext(t.Context(), "INSERT INTO t VALUES (1)"); err == nil {
			t.Error("the client got an answer")
		}
		if got := s.MustQueryInt("SELECT COUNT(*) FROM t"); got != 1 {
			t.Errorf("%d rows, want the one whose answer was lost", got)
		}
	})
}

// A server that answers at once wins every race against the cut that follows the packet.
func TestNothingArrivesAfterTheCut(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = echo.Close() }()
	go func() {
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); _ = conn.Close() }()
		}
	}()
	p, err := proxy.Listen(echo.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	p.SetFilter(func(_ proxy.ConnInfo, dir proxy.Direction, _ []byte) proxy.Verdict {
		if dir == proxy.ToServer {
			return proxy.CutAfter
		}
		return proxy.Forward
	})
	for range 500 {
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Port())))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte{1, 0, 0, 0, query}); err != nil {
			t.Fatal(err)
		}
		if answer, _ := io.ReadAll(conn); len(answer) > 0 {
			t.Fatalf("%d bytes came back", len(answer))
		}
		_ = conn.Close()
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestDelayHoldsBackWithoutLimitingThroughput(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		const each = 30 * time.Millisecond
		p, conn, _ := through(t, s)
		p.SetDelay(each, each)
		for range 3 {
			start := time.Now()
			if err := conn.PingContext(t.Context()); err != nil || time.Since(start) < 2*each {
				t.Errorf("a round trip took %v, want %v or more: %v", time.Since(start), 2*each, err)
			}
		}
		start := time.Now()
		rows, err := conn.QueryContext(t.Context(), `
			WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 900)
			SELECT REPEAT('x', 5000) FROM n`)
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for rows.Next() {
			count++
		}
		if err := rows.Err(); err != nil || count != 900 {
			t.Errorf("%d rows: %v", count, err)
		}
		if took := time.Since(start); took > 900*each/2 {
			t.Errorf("an answer of 900 packets took %v: they wait for one another", took)
		}
	})
}

func ping(t *testing.T, a sandbox.Address) error {
	t.Helper()
	db := a.Open("")
	defer func() { _ = db.Close() }()
	return db.PingContext(t.Context())
}

func TestRefuseAndCutAll(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		p, conn, id := through(t, s)
		p.Refuse(true)
		if err := ping(t, s.Server.At("127.0.0.1", p.Port())); err == nil {
			t.Error("a new connection came through")
		}
		if err := conn.PingContext(t.Context()); err != nil {
			t.Errorf("the present connection: %v", err)
		}
		if n := p.CutAll(); n != 1 {
			t.Errorf("cut %d connections, want 1", n)
		}
		if err := conn.PingContext(t.Context()); err == nil {
			t.Error("the cut connection answers")
		}
		eventually(t, "the end of the session", func() bool { return !alive(s, id) })
		p.Refuse(false)
		if err := ping(t, s.Server.At("127.0.0.1", p.Port())); err != nil {
			t.Errorf("a connection after the refusal: %v", err)
		}
	})
}

func TestTLSPassesUnseen(t *testing.T) {
	// MariaDB 10.11 makes no certificate of its own.
	sandboxtest.On(t, []sandbox.Engine{sandbox.MySQL97, sandbox.MariaDB118}, func(t *testing.T, s *sandboxtest.Schema) {
		p, address := sandboxtest.Proxy(t, s.Server)
		var hits atomic.Int64
		p.SetFilter(at("SELECT 1", proxy.CutBefore, &hits))
		config := address.Config(s.Name)
		config.TLSConfig = "skip-verify"
		connector, err := mysql.NewConnector(config)
		if err != nil {
			t.Fatal(err)
		}
		db := sql.OpenDB(connector)
		defer func() { _ = db.Close() }()
		var name, cipher string
		if err := db.QueryRowContext(t.Context(), "SHOW STATUS LIKE 'Ssl_cipher'").Scan(&name, &cipher); err != nil || cipher == "" {
			t.Fatalf("cipher %q: %v", cipher, err)
		}
		if _, err := db.ExecContext(t.Context(), "SELECT 1"); err != nil || hits.Load() != 0 {
			t.Errorf("filter saw %d packets inside TLS: %v", hits.Load(), err)
		}
	})
}

func TestPacketsOf16MiBPass(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		p, address := sandboxtest.Proxy(t, s.Server)
		var longest atomic.Int64
		p.SetFilter(func(_ proxy.ConnInfo, _ proxy.Direction, packet []byte) proxy.Verdict {
			longest.Store(max(longest.Load(), int64(len(packet))))
			return proxy.Forward
		})
		// The limit of MariaDB is 16 MiB by default, and a session takes it from the global value.
		limit := s.MustQueryInt("SELECT @@GLOBAL.max_allowed_packet")
		size := min(limit-1<<10, 20<<20)
		config := address.Config(s.Name)
		config.MaxAllowedPacket = int(limit)
		connector, err := mysql.NewConnector(config)
		if err != nil {
			t.Fatal(err)
		}
		db := sql.OpenDB(connector)
		defer func() { _ = db.Close() }()
		var got int64
		text := strings.Repeat("x", int(size))
		if err := db.QueryRowContext(t.Context(), "SELECT LENGTH('"+text+"')").Scan(&got); err != nil || got != size {
			t.Errorf("length %d, want %d: %v", got, size, err)
		}
		if want := min(size, 1<<24-1); longest.Load() < want {
			t.Errorf("longest packet %d, want %d", longest.Load(), want)
		}
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		p, err := proxy.Listen(s.Server.HostPort())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		db := s.Server.At("127.0.0.1", p.Port()).Open(s.Name)
		defer func() { _ = db.Close() }()
		if err := db.PingContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.SetDelay(time.Hour, time.Hour)
		slow := make(chan error, 1)
		go func() { slow <- db.PingContext(t.Context()) }()
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("Run did not end")
		}
		if err := <-slow; err == nil {
			t.Error("a packet held back came through at the end")
		}
	})
}
