package conn_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

func TestExplainWhatServersRefuse(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		c := conn.Config{Host: s.Server.Host, Port: s.Server.Port, User: s.Server.User, Password: s.Server.Password}
		wrong := c
		wrong.Password = "wrong"
		nobody := c
		nobody.User = "nob'ody"
		for want, err := range map[string]error{
			fmt.Sprintf(`log in to %s as "root": refused: check the user name and the password`, s.Server.HostPort()): ask(t, wrong, "DO 0"),
			`as "nob'ody": refused: check the user name and the password`:                                             ask(t, nobody, "DO 0"),
			"there is no such database (the server says: Unknown database 'no_such_database')":                        ask(t, c, "USE no_such_database"),
		} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		}
		if err := ask(t, c, "SELEKT"); !conn.IsSyntax(err) || !strings.Contains(err.Error(), "You have an error in your SQL syntax") {
			t.Errorf("other errors stay as they are: got %v", err)
		}
	})
}

func TestExplainWhatTheNetworkRefuses(t *testing.T) {
	closed := listen(t, func(net.Conn) {})
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	babble := listen(t, func(c net.Conn) { _, _ = c.Write([]byte("SSH-2.0-OpenSSH\r\nand so on and on and on\r\n")) })
	hangUp := listen(t, func(net.Conn) {})
	silent := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	at := func(l net.Listener) conn.Config {
		return conn.Config{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, User: "u"}
	}
	for want, c := range map[string]conn.Config{
		"nothing listens there: check the address and that the server runs": at(closed),
		"what answers there is not a MySQL or MariaDB server":               at(babble),
		"is not a MySQL or MariaDB server, or it hung up":                   at(hangUp),
		"there is no such socket: check the path":                           {Socket: filepath.Join(t.TempDir(), "none")},
	} {
		err := ask(t, c, "DO 0")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "connect to "+c.Address()+": ") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 1)
	defer cancel()
	if err := askContext(ctx, t, at(silent), "DO 0"); err == nil || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("got %v, want no answer in time", err)
	}
}

func TestExplainNumbers(t *testing.T) {
	c := conn.Config{Host: "h", Port: 1, User: "u"}
	for number, want := range map[uint16]string{
		1044: `use h:1 as "u": no right to the database (the server says: words)`,
		1130: "does not accept connections from this host", 1129: "does not accept connections from this host",
		1040: "no connection free", 1203: "no connection free", 1226: "no connection free",
		1820: "the password has expired", 1862: "the password has expired",
		3118: "the account is locked", 4151: "the account is locked",
		3159: "insists on TLS: use --ssl-mode REQUIRED",
		1698: "check the user name and the password",
	} {
		cause := &mysql.MySQLError{Number: number, Message: "words"}
		err := conn.Explain(c, fmt.Errorf("ask: %w", cause))
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%d: got %v, want %q", number, err, want)
		}
		if !errors.Is(err, cause) {
			t.Errorf("%d: the cause is lost", number)
		}
	}
	if err := conn.Explain(c, mysql.ErrUnknownPlugin); !strings.Contains(err.Error(), "way of authentication is not supported") {
		t.Errorf("got %v", err)
	}
	unknown := &net.OpError{Op: "dial", Err: &net.DNSError{Name: "far.example", IsNotFound: true}}
	if err := conn.Explain(c, unknown); err.Error() != `connect to h:1: the host name "far.example" is not known` {
		t.Errorf("got %v", err)
	}
	if err := conn.Explain(c, nil); err != nil {
		t.Errorf("nil became %v", err)
	}
	if err := errors.New("x"); conn.Explain(c, err) != err {
		t.Error("an unknown error was changed")
	}
}

func ask(t *testing.T, c conn.Config, statement string) error {
	t.Helper()
	return askContext(t.Context(), t, c, statement)
}

func askContext(ctx context.Context, t *testing.T, c conn.Config, statement string) error {
	t.Helper()
	db, err := conn.Open(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // its one statement has been answered
	_, err = db.ExecContext(ctx, statement)
	return conn.Explain(c, err)
}

// listen answers every connection with f and closes it.
func listen(t *testing.T, f func(net.Conn)) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // may be closed already
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f(c)
			_ = c.Close() // the other side may have
		}
	}()
	return l
}
