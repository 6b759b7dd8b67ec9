package conn

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadDefaultsReadsTheFormatOfOptionFiles(t *testing.T) {
	const text = `
# a comment
; another
[mysqld]
user = nobody
port = not-a-number
[Client]
user=anna # who
password = "a#b\"c\\d\se" # quoted
host = 'db 1'
port=3307
loose-something = 1
default-character-set=utf8mb4
[mysql]
socket=/not/ours
[midstream]
socket = C:\q\x\n	
ssl_mode=verify_ca
ssl-ca=/ca.pem
user = ben
`
	got, err := readText(t, text)
	want := Defaults{
		User: "ben", Password: `a#b"c\d e`, HasPassword: true, Host: "db 1", Port: 3307, Socket: "C:\\q\\x\n",
		TLS: TLSOptions{Mode: "verify_ca", CA: "/ca.pem"},
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

func TestReadDefaultsValues(t *testing.T) {
	for line, want := range map[string]string{
		`password=plain`:             `plain`,
		`password =  two  words `:    `two  words`,
		`password=it's # not a word`: `it's # not a word`, // the quote is never closed: as the mysql client reads it
		`password="a'b"`:             `a'b`,
		`password='x`:                `'x`,
		`password="x'`:               `"x'`,
		`password=a=b`:               `a=b`,
		`password=\w\\n\`:            `\w\n\`,
		`password=\t\r\b\n\s.`:       "\t\r\b\n .",
		`password="a\"#b"`:           `a"#b`,
		`password=Ünï`:               `Ünï`,
		`password=`:                  ``,
	} {
		d, err := readText(t, "[client]\r\n"+line+"\r\n")
		if err != nil || d.Password != want || !d.HasPassword {
			t.Errorf("%s: got %q, %v, %v; want %q", line, d.Password, d.HasPassword, err, want)
		}
	}
	if d, err := readText(t, "[client]\npassword\n"); err != nil || d.HasPassword {
		t.Errorf("password without a value: got %+v, %v, want none", d, err)
	}
}

func TestReadDefaultsRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"user=x":                      "line 1: option without a group before it",
		"[client]\nport=x":            `line 2: port "x" is not a number`,
		"[client]\nport=65536":        `port "65536" is not a number from 0 to 65535`,
		"[client":                     `group "[client" has no closing bracket`,
		"[client]\n!include /etc/x":   "line 2: !include is not supported",
		"\n!includedir /etc/mysql":    "line 2: !includedir is not supported",
		"[client]\nssl-cipher=x":      `unknown option "ssl-cipher"`,
		"[client]\nskip-ssl":          `unknown option "skip-ssl"`,
		"[midstream]\ndefault-auth=x": `unknown option "default-auth"`,
	} {
		_, err := readText(t, text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
	if _, err := ReadDefaults(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("missing file: got %v", err)
	}
}

func TestFillPrefersWhatIsGiven(t *testing.T) {
	file := Defaults{User: "f", Password: "p", Host: "localhost", Port: 1, Socket: "/s", TLS: TLSOptions{Mode: "REQUIRED", CA: "ca"}}
	remote := file
	remote.Host = "far"
	for name, test := range map[string]struct {
		file        Defaults
		given, want Config
	}{
		"nothing given": {file, Config{}, Config{User: "f", Password: "p", Host: "localhost", Port: 1, Socket: "/s"}},
		"host given":    {file, Config{Host: "h"}, Config{User: "f", Password: "p", Host: "h", Port: 1}},
		"port given":    {file, Config{Port: 5}, Config{User: "f", Password: "p", Host: "localhost", Port: 5}},
		"socket given":  {file, Config{Socket: "/t", User: "u"}, Config{User: "u", Password: "p", Host: "localhost", Port: 1, Socket: "/t"}},
		"remote file":   {remote, Config{}, Config{User: "f", Password: "p", Host: "far", Port: 1}},
	} {
		c, tls := test.given, TLSOptions{CA: "mine"}
		test.file.Fill(&c, &tls)
		if c != test.want {
			t.Errorf("%s: got %+v, want %+v", name, c, test.want)
		}
		if tls != (TLSOptions{Mode: "REQUIRED", CA: "mine"}) {
			t.Errorf("%s: TLS %+v", name, tls)
		}
	}
}

func readText(t *testing.T, text string) (Defaults, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "my.cnf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return ReadDefaults(path)
}
