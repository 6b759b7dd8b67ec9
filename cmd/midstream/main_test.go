package main

import (
	"os"
	"os/user"
	"path/filepath"
	"testing"
)

func TestVersion(t *testing.T) {
	for build, want := range map[string]string{"v1.2.3-4-gabc": "v1.2.3-4-gabc", "": "dev"} {
		if got := known(build); got != want {
			t.Errorf("a build with %q is version %q, want %q", build, got, want)
		}
	}
}

// TestUser: the flag, else the option file, else the login name, as the mysql client has it.
func TestUser(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Skip("the system does not tell who runs this")
	}
	options := filepath.Join(t.TempDir(), "my.cnf")
	if err := os.WriteFile(options, []byte("[client]\nuser = from_file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		f    connection
		want string
	}{
		{connection{User: "given", DefaultsFile: options}, "given"},
		{connection{DefaultsFile: options}, "from_file"},
		{connection{}, me.Username},
	} {
		if got, err := c.f.config(); err != nil || got.User != c.want {
			t.Errorf("%+v: user %q, %v, want %q", c.f, got.User, err, c.want)
		}
	}
}
