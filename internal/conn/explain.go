package conn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/go-sql-driver/mysql"
)

// Explain returns err with one sentence in front that says why the server cannot be used with c and what to look at, or err
// itself when there is nothing to add; nil stays nil. errors.Is and errors.As still find the cause.
func Explain(c Config, err error) error {
	if err == nil {
		return nil
	}
	for _, explain := range []func(Config, error) string{explainServer, explainTLS, explainDriver, explainNetwork} {
		if s := explain(c, err); s != "" {
			return &explained{sentence: s, cause: err}
		}
	}
	return err
}

// explained shows the sentence only: it holds what matters of the cause.
type explained struct {
	sentence string
	cause    error
}

func (e *explained) Error() string { return e.sentence }
func (e *explained) Unwrap() error { return e.cause }

func explainServer(c Config, err error) string {
	says := Message(err)
	switch {
	case isNumber(err, 1045, 1698):
		return fmt.Sprintf("log in to %s as %q: refused: check the user name and the password (the server says: %s)", c.Address(), c.User, says)
	case isNumber(err, 1049):
		return fmt.Sprintf("use %s: there is no such database (the server says: %s)", c.Address(), says)
	case isNumber(err, 1044):
		return fmt.Sprintf("use %s as %q: no right to the database (the server says: %s)", c.Address(), c.User, says)
	case isNumber(err, 1130, 1129):
		return fmt.Sprintf("connect to %s: the server does not accept connections from this host (it says: %s)", c.Address(), says)
	case isNumber(err, 1040, 1203, 1226):
		return fmt.Sprintf("connect to %s: it has no connection free: raise its limit or end idle sessions (it says: %s)", c.Address(), says)
	case isNumber(err, 1820, 1862):
		return fmt.Sprintf("log in to %s as %q: the password has expired: set a new one with the mysql client", c.Address(), c.User)
	case isNumber(err, 3118, 4151):
		return fmt.Sprintf("log in to %s as %q: the account is locked", c.Address(), c.User)
	case isNumber(err, 3159):
		return fmt.Sprintf("connect to %s: the server insists on TLS: use --ssl-mode REQUIRED or stricter", c.Address())
	}
	return ""
}

func explainTLS(c Config, err error) string {
	var unknown x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, mysql.ErrNoTLS):
		return fmt.Sprintf("connect to %s: TLS was asked for and the server offers none", c.Address())
	case errors.As(err, &unknown):
		return fmt.Sprintf("connect to %s: the server's certificate is not signed by the given ssl-ca", c.Address())
	case errors.As(err, &hostname):
		return fmt.Sprintf("connect to %s: the server's certificate is not for this host (%v): use the name in it or --ssl-mode VERIFY_CA", c.Address(), hostname)
	case errors.As(err, &verification):
		return fmt.Sprintf("connect to %s: the server's certificate is not valid: %v", c.Address(), verification.Err)
	case errors.As(err, &record):
		return fmt.Sprintf("connect to %s: it does not speak TLS as MySQL and MariaDB do", c.Address())
	}
	return ""
}

func explainDriver(c Config, err error) string {
	switch {
	case errors.Is(err, mysql.ErrUnknownPlugin), errors.Is(err, mysql.ErrCleartextPassword), errors.Is(err, mysql.ErrOldPassword):
		return fmt.Sprintf("log in to %s as %q: the account's way of authentication is not supported (%v): use an account with caching_sha2_password, ed25519 or mysql_native_password",
			c.Address(), c.User, err)
	case errors.Is(err, mysql.ErrMalformPkt), errors.Is(err, mysql.ErrPktSync), errors.Is(err, mysql.ErrOldProtocol),
		errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, driver.ErrBadConn), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("connect to %s: what answers there is not a MySQL or MariaDB server, or it hung up (%v)", c.Address(), err)
	}
	return ""
}

func explainNetwork(c Config, err error) string {
	var dns *net.DNSError
	var network *net.OpError
	switch {
	case errors.As(err, &dns):
		return fmt.Sprintf("connect to %s: the host name %q is not known", c.Address(), dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("connect to %s: nothing listens there: check the address and that the server runs", c.Address())
	case errors.Is(err, syscall.ENOENT) && c.Socket != "":
		return fmt.Sprintf("connect to %s: there is no such socket: check the path and that the server runs", c.Address())
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return fmt.Sprintf("connect to %s: no answer in time: check the address, the network and the firewall", c.Address())
	case errors.As(err, &network):
		return fmt.Sprintf("connect to %s: %v", c.Address(), network.Err)
	}
	return ""
}
