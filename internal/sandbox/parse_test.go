package sandbox

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestPickMirrors(t *testing.T) {
	for _, c := range []struct {
		name  string
		sites []string
		want  mirrors
		fails bool
	}{
		{"debian's own", []string{"http://deb.debian.org/debian-security", "http://deb.debian.org/debian"},
			mirrors{"http://deb.debian.org/debian", "http://deb.debian.org/debian-security"}, false},
		{"slash at the end", []string{"https://ftp.de.debian.org/debian/", "https://security.debian.org/debian-security/"},
			mirrors{"https://ftp.de.debian.org/debian", "https://security.debian.org/debian-security"}, false},
		{"a mirror in the house, no security", []string{"https://packages.example/apt", "http://mirror.example/debian"},
			mirrors{"http://mirror.example/debian", "http://mirror.example/debian-security"}, false},
		{"debian.org before another", []string{"http://other.example/debian", "http://deb.debian.org/debian"},
			mirrors{"http://deb.debian.org/debian", "http://deb.debian.org/debian-security"}, false},
		{"none", []string{"https://packages.example/apt"}, mirrors{}, true},
	} {
		got, err := pickMirrors(c.sites)
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
}

func TestMirrorsAreKnownBeforeTheFirstUpdate(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "apt.conf")
	if err := os.WriteFile(config, []byte("Dir::State::lists \""+dir+"/lists\";\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("APT_CONFIG", config)
	if m, err := debianMirrors(t.Context()); err != nil {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestParseServersReadsWhatASetPrints(t *testing.T) {
	set := Set{{Engine: MySQL97, Host: "127.0.0.1", Port: 15001}, {Engine: MariaDB118, Host: "127.0.0.1", Port: 15002}}
	got, err := ParseServers(set.String())
	if err != nil {
		t.Fatal(err)
	}
	if want := []Address{set[0].Address(), set[1].Address()}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, bad := range []string{"", "mysql-9.7", "mysql-9.7=127.0.0.1", "mysql-9.7=127.0.0.1:x", "mysql-9.7=h:70000", "oracle=h:1"} {
		if got, err := ParseServers(bad); err == nil {
			t.Errorf("ParseServers(%q) = %v, want an error", bad, got)
		}
	}
}

func TestParseEngines(t *testing.T) {
	for list, want := range map[string]string{
		"": fmt.Sprint(Engines()), "mysql": "[mysql-9.7]", "mariadb, mariadb-10.11": "[mariadb-11.8 mariadb-10.11]",
	} {
		if got, err := ParseEngines(list); err != nil || fmt.Sprint(got) != want {
			t.Errorf("ParseEngines(%q) = %v, %v, want %s", list, got, err, want)
		}
	}
	if _, err := ParseEngines("mysql,mysql-5"); err == nil {
		t.Error("mysql-5 was accepted")
	}
}

func TestTail(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""}, {"a", "a"}, {"a\n", "a"}, {"a\nb", "a\nb"}, {"a\nb\nc\n", "b\nc"}, {"\n\n\nx", "\nx"},
	} {
		if got := string(tail([]byte(c.text), 2)); got != c.want {
			t.Errorf("tail(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

func TestLockFileExcludes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lockFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	brief, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := lockFile(brief, path); err == nil {
		t.Error("the lock was given twice")
	}
	unlock()
	again, err := lockFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	again()
}
