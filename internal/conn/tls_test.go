package conn_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

func TestTLSConfigFollowsTheModes(t *testing.T) {
	ca, key := selfSigned(t, "localhost")
	for name, test := range map[string]struct {
		options              conn.TLSOptions
		host                 string
		tls, fallback, skips bool
		err                  string
	}{
		"unset":                  {conn.TLSOptions{}, "h", true, true, true, ""},
		"unset on a socket":      {conn.TLSOptions{}, "", false, false, false, ""},
		"unset with a CA":        {conn.TLSOptions{CA: ca}, "h", true, false, true, ""},
		"disabled":               {conn.TLSOptions{Mode: conn.TLSDisabled, CA: ca}, "h", false, false, false, ""},
		"preferred, lower case":  {conn.TLSOptions{Mode: "preferred"}, "h", true, true, true, ""},
		"preferred with a CA":    {conn.TLSOptions{Mode: conn.TLSPreferred, CA: ca}, "h", false, false, false, "ssl-ca checks nothing with ssl-mode PREFERRED"},
		"required":               {conn.TLSOptions{Mode: conn.TLSRequired}, "h", true, false, true, ""},
		"required on a socket":   {conn.TLSOptions{Mode: conn.TLSRequired}, "", true, false, true, ""},
		"verify CA":              {conn.TLSOptions{Mode: conn.TLSVerifyCA, CA: ca}, "h", true, false, true, ""},
		"verify CA without one":  {conn.TLSOptions{Mode: conn.TLSVerifyCA}, "h", false, false, false, "ssl-mode VERIFY_CA needs ssl-ca"},
		"verify identity":        {conn.TLSOptions{Mode: conn.TLSVerifyIdentity, CA: ca}, "h", true, false, false, ""},
		"identity without CA":    {conn.TLSOptions{Mode: conn.TLSVerifyIdentity}, "h", false, false, false, "ssl-mode VERIFY_IDENTITY needs ssl-ca"},
		"CA without certificate": {conn.TLSOptions{CA: key}, "h", false, false, false, "no certificate in "},
		"CA missing":             {conn.TLSOptions{CA: ca + "x"}, "h", false, false, false, "no such file"},
		"certificate, no key":    {conn.TLSOptions{Cert: ca}, "h", false, false, false, "ssl-cert and ssl-key belong together"},
		"certificate and key":    {conn.TLSOptions{Cert: ca, Key: key}, "h", true, true, true, ""},
		"key is no key":          {conn.TLSOptions{Cert: ca, Key: ca}, "h", false, false, false, "read client certificate"},
		"unknown":                {conn.TLSOptions{Mode: "YES"}, "h", false, false, false, `unknown ssl-mode "YES": use DISABLED`},
	} {
		c, fallback, err := test.options.Config(test.host)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: got %v, want %q", name, err, test.err)
			}
			continue
		}
		if err != nil || (c != nil) != test.tls || fallback != test.fallback || c != nil && c.InsecureSkipVerify != test.skips {
			t.Errorf("%s: got %+v, %v, %v", name, c, fallback, err)
		}
		if c != nil && len(c.Certificates) != min(1, len(test.options.Cert)) {
			t.Errorf("%s: %d client certificates", name, len(c.Certificates))
		}
	}
}

// TestTLSModesOnServers connects in every mode; MariaDB 10.11 is without TLS as started here, the others make certificates of
// their own.
func TestTLSModesOnServers(t *testing.T) {
	other, _ := selfSigned(t, "localhost")
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		offers := s.Server.Engine != sandbox.MariaDB1011
		for _, test := range []struct {
			options   conn.TLSOptions
			encrypted bool
			err       string
		}{
			{conn.TLSOptions{Mode: conn.TLSDisabled}, false, ""},
			{conn.TLSOptions{}, offers, ""},
			{conn.TLSOptions{Mode: conn.TLSRequired}, true, unless(offers, "TLS was asked for and the server offers none")},
			{conn.TLSOptions{Mode: conn.TLSVerifyCA, CA: other}, true, unless(!offers, "not signed by the given ssl-ca") + unless(offers, "the server offers none")},
			{conn.TLSOptions{Mode: conn.TLSVerifyIdentity, CA: other}, true, unless(!offers, "the server's certificate is not ") + unless(offers, "the server offers none")},
		} {
			cipher, err := cipherOf(t, s.Server, test.options)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("%s: got %v, want %q", test.options.Mode, err, test.err)
				}
				continue
			}
			if err != nil || (cipher != "") != test.encrypted {
				t.Errorf("%s: cipher %q, %v, want encrypted %v", test.options.Mode, cipher, err, test.encrypted)
			}
		}
	})
}

func TestTLSVerifiesTheServersOwnCA(t *testing.T) {
	sandboxtest.On(t, []sandbox.Engine{sandbox.MySQL97}, func(t *testing.T, s *sandboxtest.Schema) {
		ca := filepath.Join(s.MustQueryString("SELECT @@datadir"), "ca.pem")
		if _, err := os.Stat(ca); err != nil {
			sandboxtest.Skip(t, "the server's files are not on this machine")
		}
		if cipher, err := cipherOf(t, s.Server, conn.TLSOptions{Mode: conn.TLSVerifyCA, CA: ca}); err != nil || cipher == "" {
			t.Errorf("VERIFY_CA: cipher %q, %v", cipher, err)
		}
		_, err := cipherOf(t, s.Server, conn.TLSOptions{Mode: conn.TLSVerifyIdentity, CA: ca})
		if err == nil || !strings.Contains(err.Error(), "the server's certificate is not for this host") {
			t.Errorf("VERIFY_IDENTITY: got %v, want a refusal: the certificate names no host", err)
		}
	})
}

// TestPasswordOverPlainTCP logs in with caching_sha2_password as an account that the server has not cached: the password goes
// encrypted with the server's public key.
func TestPasswordOverPlainTCP(t *testing.T) {
	sandboxtest.On(t, []sandbox.Engine{sandbox.MySQL97}, func(t *testing.T, s *sandboxtest.Schema) {
		for _, mode := range []conn.TLSMode{conn.TLSDisabled, conn.TLSPreferred} {
			user := "u" + strings.ToLower(string(mode)) + s.Name[len(s.Name)-10:]
			s.MustExec("CREATE USER " + user + " IDENTIFIED WITH caching_sha2_password BY 'se cret'")
			t.Cleanup(func() { dropUser(t, s.Server, user) })
			address := s.Server
			address.User, address.Password = user, "se cret"
			if _, err := cipherOf(t, address, conn.TLSOptions{Mode: mode}); err != nil {
				t.Errorf("%s: %v", mode, err)
			}
		}
	})
}

func unless(condition bool, text string) string {
	if condition {
		return ""
	}
	return text
}

// cipherOf connects with these options and returns the cipher, "" for none, or the explained error.
func cipherOf(t *testing.T, a sandbox.Address, o conn.TLSOptions) (string, error) {
	t.Helper()
	c := conn.Config{Host: a.Host, Port: a.Port, User: a.User, Password: a.Password, Run: "test"}
	var err error
	if c.TLS, c.FallbackToPlain, err = o.Config(a.Host); err != nil {
		t.Fatal(err)
	}
	db, err := conn.Open(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // its one query has been answered
	var name, cipher string
	err = db.QueryRowContext(t.Context(), "SHOW SESSION STATUS LIKE 'Ssl_cipher'").Scan(&name, &cipher)
	return cipher, conn.Explain(c, err)
}

func dropUser(t *testing.T, a sandbox.Address, user string) {
	t.Helper()
	db := a.Open("")
	defer func() { _ = db.Close() }() // its one statement has been answered
	if _, err := db.ExecContext(context.Background(), "DROP USER "+user); err != nil {
		t.Errorf("drop user: %v", err)
	}
}

// selfSigned writes a certificate that signed itself, and its key, and returns both paths.
func selfSigned(t *testing.T, host string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
