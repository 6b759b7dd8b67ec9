package conn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
)

// TLSMode says how far a connection is encrypted and the server's certificate checked, named as in the mysql client.
type TLSMode string

// The modes of the mysql client. Preferred encrypts where the server can and checks nothing; Required also insists;
// VerifyCA checks who signed the certificate; VerifyIdentity checks the host name in it, too.
const (
	TLSDisabled       TLSMode = "DISABLED"
	TLSPreferred      TLSMode = "PREFERRED"
	TLSRequired       TLSMode = "REQUIRED"
	TLSVerifyCA       TLSMode = "VERIFY_CA"
	TLSVerifyIdentity TLSMode = "VERIFY_IDENTITY"
)

// TLSOptions are the options ssl-mode, ssl-ca, ssl-cert and ssl-key of the mysql client; the files are PEM.
type TLSOptions struct {
	Mode TLSMode // in any case; "" means PREFERRED, or VERIFY_CA when there is a CA
	CA   string
	Cert string
	Key  string
}

// Config returns the settings for a connection to host (nil: no TLS) and whether a server without TLS is accepted. host is
// "" for a socket, which PREFERRED leaves plain as the mysql client does. A CA is never ignored: with REQUIRED it is
// checked as with VERIFY_CA, with PREFERRED, which may end in a plain connection, it is an error.
func (o TLSOptions) Config(host string) (*tls.Config, bool, error) {
	mode, err := o.mode()
	if err != nil || mode == TLSDisabled || mode == TLSPreferred && host == "" {
		return nil, false, err
	}
	c := &tls.Config{}
	if (o.Cert == "") != (o.Key == "") {
		return nil, false, errors.New("configure TLS: ssl-cert and ssl-key belong together, give both")
	}
	if o.Cert != "" {
		pair, err := tls.LoadX509KeyPair(o.Cert, o.Key)
		if err != nil {
			return nil, false, fmt.Errorf("read client certificate %s: %w", o.Cert, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	switch mode {
	case TLSVerifyIdentity, TLSVerifyCA:
		if c.RootCAs, err = readCA(o.CA, mode); err != nil {
			return nil, false, err
		}
		if mode == TLSVerifyIdentity {
			c.ServerName = host
			break
		}
		c.InsecureSkipVerify = true // its check includes the host name: the chain is checked below
		c.VerifyConnection = func(s tls.ConnectionState) error { return verifyChain(s, c.RootCAs) }
	default:
		c.InsecureSkipVerify = true // encryption only, as the mode's name says
	}
	return c, mode == TLSPreferred, nil
}

func (o TLSOptions) mode() (TLSMode, error) {
	switch mode := TLSMode(strings.ToUpper(string(o.Mode))); mode {
	case "":
		if o.CA != "" {
			return TLSVerifyCA, nil
		}
		return TLSPreferred, nil
	case TLSPreferred:
		if o.CA != "" {
			return "", errors.New("configure TLS: ssl-ca checks nothing with ssl-mode PREFERRED: use VERIFY_CA or VERIFY_IDENTITY")
		}
		return mode, nil
	case TLSRequired:
		if o.CA != "" {
			return TLSVerifyCA, nil
		}
		return mode, nil
	case TLSDisabled, TLSVerifyCA, TLSVerifyIdentity:
		return mode, nil
	default:
		return "", fmt.Errorf("configure TLS: unknown ssl-mode %q: use DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY", o.Mode)
	}
}

func readCA(path string, mode TLSMode) (*x509.CertPool, error) {
	if path == "" {
		return nil, fmt.Errorf("configure TLS: ssl-mode %s needs ssl-ca, the file with the certificate of who signed the server's", mode)
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read ssl-ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read ssl-ca: no certificate in %s", path)
	}
	return pool, nil
}

// verifyChain checks that the server's certificate leads to one of the roots, whatever name it bears.
func verifyChain(s tls.ConnectionState, roots *x509.CertPool) error {
	options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, cert := range s.PeerCertificates[1:] {
		options.Intermediates.AddCert(cert)
	}
	if _, err := s.PeerCertificates[0].Verify(options); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
	}
	return nil
}
