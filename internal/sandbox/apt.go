package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// apt is a private set of apt's folders: own sources, own lists, an empty status (so that every
// dependency counts as missing). The machine's settings for proxies and the like stay in force.
type apt struct{ dir string }

// download fetches the packages of a recipe into dir and returns the paths of their files.
func download(ctx context.Context, dir string, r recipe) ([]string, error) {
	a := apt{dir: dir}
	mirrors, err := debianMirrors(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.prepare(mirrors.sources(r)); err != nil {
		return nil, fmt.Errorf("prepare apt folders: %w", err)
	}
	if err := a.get(ctx, "update"); err != nil {
		return nil, err
	}
	install := append([]string{"--yes", "--download-only", "install"}, r.closure...)
	if err := a.get(ctx, install...); err != nil {
		return nil, err
	}
	if len(r.alone) > 0 {
		if err := a.get(ctx, append([]string{"download"}, r.alone...)...); err != nil {
			return nil, err
		}
	}
	debs, err := filepath.Glob(filepath.Join(a.archives(), "*.deb"))
	if err != nil {
		return nil, err
	}
	if len(debs) == 0 {
		return nil, errors.New("apt-get downloaded nothing")
	}
	return debs, nil
}

func (a apt) archives() string { return filepath.Join(a.dir, "cache", "archives") }

func (a apt) prepare(sources string) error {
	for _, sub := range []string{"etc/apt.conf.d", "etc/preferences.d", "lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(a.dir, sub), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(a.dir, "status"), nil, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(a.dir, "etc", "sources.list"), []byte(sources), 0o644)
}

func (a apt) get(ctx context.Context, args ...string) error {
	options := []string{
		"-qq",
		"-o", "Dir::Etc=" + a.dir + "/etc",
		"-o", "Dir::Etc::sourcelist=" + a.dir + "/etc/sources.list",
		"-o", "Dir::Etc::sourceparts=/dev/null",
		"-o", "Dir::State=" + a.dir,
		"-o", "Dir::State::status=" + a.dir + "/status",
		"-o", "Dir::State::lists=" + a.dir + "/lists",
		"-o", "Dir::Cache=" + a.dir + "/cache",
		"-o", "APT::Architecture=amd64",
		"-o", "APT::Install-Recommends=false",
		"-o", "APT::Sandbox::User=root",
		"-o", "Acquire::Languages=none",
		"-o", "Acquire::Retries=3",
		"-o", "Acquire::Check-Valid-Until=false",
	}
	cmd := exec.CommandContext(ctx, "apt-get", append(options, args...)...)
	cmd.Dir = a.archives() // where "download" leaves its files
	_, err := run(cmd)
	return err
}

// mirrors are the places of Debian's main and security archives.
type mirrors struct{ main, security string }

// debianMirrors reads the mirrors from the machine's own apt settings.
func debianMirrors(ctx context.Context) (mirrors, error) {
	// Without --no-release-info a machine that never ran "apt-get update" would name none.
	out, err := run(exec.CommandContext(ctx, "apt-get", "indextargets", "--no-release-info", "--format", "$(SITE)"))
	if err != nil {
		return mirrors{}, fmt.Errorf("read apt settings: %w", err)
	}
	return pickMirrors(strings.Fields(string(out)))
}

// pickMirrors chooses among the addresses of the machine's apt sources. A security archive that is not
// among them is looked for beside the main one, as on Debian's own servers.
func pickMirrors(sites []string) (mirrors, error) {
	var m mirrors
	ends := func(suffix string) string {
		at := slices.IndexFunc(sites, func(s string) bool { return strings.HasSuffix(strings.TrimRight(s, "/"), suffix) })
		if at < 0 {
			return ""
		}
		return strings.TrimRight(sites[at], "/")
	}
	if m.main = ends("debian.org/debian"); m.main == "" {
		m.main = ends("/debian")
	}
	if m.main == "" {
		return mirrors{}, errors.New("find a Debian mirror: none in the machine's apt sources, which need a line ending in /debian")
	}
	if m.security = ends("/debian-security"); m.security == "" {
		m.security = m.main + "-security"
	}
	return m, nil
}

func (m mirrors) sources(r recipe) string {
	s := fmt.Sprintf("deb [signed-by=%s] %s %s main\n", debianKeyring, m.main, r.suite)
	if r.security {
		s += fmt.Sprintf("deb [signed-by=%s] %s %s-security main\n", debianKeyring, m.security, r.suite)
	}
	return s
}
