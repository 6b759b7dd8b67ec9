package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// templateStamp changes when templates are made in another way, so that every cache makes its own again.
const templateStamp = "1\n"

// ensureTemplate returns an initialised data directory of the tree's server, with the sandbox's account
// and the time zones in it, making it once per cache.
func ensureTemplate(ctx context.Context, t tree) (string, error) {
	version, err := os.ReadFile(t.path("version"))
	if err != nil {
		return "", fmt.Errorf("read version of %s: %w", t.engine, err)
	}
	stamp := templateStamp + string(version)
	place := t.root + ".template"
	complete := func() bool {
		have, err := os.ReadFile(filepath.Join(place, "stamp"))
		return err == nil && string(have) == stamp
	}
	data := filepath.Join(place, "data")
	if complete() {
		return data, nil
	}
	unlock, err := lockFile(ctx, place+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if complete() { // another process made it while this one waited
		return data, nil
	}
	if err := t.makeTemplate(ctx, place, stamp); err != nil {
		return "", fmt.Errorf("make template of %s: %w", t.engine, err)
	}
	return data, nil
}

// makeTemplate initialises a data directory beside its place, completes it with a server running on a
// copy of it, and moves that copy to its place.
func (t tree) makeTemplate(ctx context.Context, place, stamp string) (err error) {
	work, err := os.MkdirTemp(filepath.Dir(place), filepath.Base(place)+".tmp-")
	if err != nil {
		return fmt.Errorf("create folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()

	bare := filepath.Join(work, "bare")
	if err := os.Mkdir(bare, 0o755); err != nil {
		return err
	}
	initialise := t.initialiseMySQL
	if t.engine.MariaDB() {
		initialise = t.initialiseMariaDB
	}
	if err := initialise(ctx, bare); err != nil {
		return err
	}
	fresh := filepath.Join(work, "fresh")
	if err := t.completeTemplate(ctx, bare, filepath.Join(fresh, "data")); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(fresh, "stamp"), []byte(stamp), 0o644); err != nil {
		return err
	}
	return replaceDir(fresh, place)
}

func (t tree) initialiseMySQL(ctx context.Context, dir string) error {
	args := append(t.baseArgs(), "--initialize-insecure", "--datadir="+dir, "--innodb-redo-log-capacity=8M")
	return runServer(ctx, t.command(t.server(), args...), "")
}

// initialiseMariaDB does what mariadb-install-db does, which is a script with a taste for installed paths.
func (t tree) initialiseMariaDB(ctx context.Context, dir string) error {
	if err := os.Mkdir(filepath.Join(dir, "mysql"), 0o755); err != nil {
		return err
	}
	script := "use mysql;\nSET @skip_auth_anonymous=NULL;\nSET @auth_root_socket=NULL;\n"
	for _, part := range []string{"system_tables", "performance_tables", "system_tables_data"} {
		text, err := t.systemSQL(part)
		if err != nil {
			return err
		}
		for line := range strings.Lines(text) {
			if !strings.Contains(line, "@current_hostname") { // accounts for this machine's name
				script += line
			}
		}
	}
	args := append(t.baseArgs(), "--bootstrap", "--datadir="+dir, "--skip-log-bin", "--innodb-log-file-size=8M")
	return runServer(ctx, t.command(t.server(), args...), script)
}

// systemSQL reads a file of MariaDB's system tables, whose prefix changed between the releases.
func (t tree) systemSQL(part string) (string, error) {
	text, err := os.ReadFile(filepath.Join(t.share(), "mariadb_"+part+".sql"))
	if errors.Is(err, os.ErrNotExist) {
		text, err = os.ReadFile(filepath.Join(t.share(), "mysql_"+part+".sql"))
	}
	if err != nil {
		return "", fmt.Errorf("read system tables: %w", err)
	}
	return string(text), nil
}

func runServer(ctx context.Context, command []string, input string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin = strings.NewReader(input)
	_, err := run(cmd)
	return err
}

// completeTemplate starts a server on bare, loads what is missing, and moves its data directory to place
// after a clean end. The start also makes MySQL write its certificates, which every copy then has.
func (t tree) completeTemplate(ctx context.Context, bare, place string) (err error) {
	accounts := filepath.Join(filepath.Dir(bare), "accounts.sql")
	if err := os.WriteFile(accounts, []byte(accountSQL), 0o644); err != nil {
		return err
	}
	redo := "--innodb-redo-log-capacity=8M"
	if t.engine.MariaDB() {
		redo = "--innodb-log-file-size=8M"
	}
	s, err := startSeeded(ctx, t, Options{
		FilePosition: true, Seed: bare,
		Args: []string{"--skip-log-bin", "--init-file=" + accounts, "--innodb-fast-shutdown=0", redo},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if err := t.loadTimeZones(ctx, s); err != nil {
		return err
	}
	if err := s.shutDown(); err != nil {
		return err
	}
	for _, own := range []string{"auto.cnf", "ib_buffer_pool"} { // each copy is a server of its own
		if err := os.RemoveAll(filepath.Join(s.DataDir, own)); err != nil {
			return err
		}
	}
	if err := os.CopyFS(place, os.DirFS(s.DataDir)); err != nil {
		return fmt.Errorf("copy data directory: %w", err)
	}
	return nil
}

// MariaDB brings accounts without a password for 127.0.0.1, which would win over the one for every host.
const accountSQL = `DROP USER IF EXISTS root@'127.0.0.1', root@'::1';
ALTER USER root@localhost IDENTIFIED BY '` + Password + `';
CREATE USER ` + User + `@'%' IDENTIFIED BY '` + Password + `';
GRANT ALL PRIVILEGES ON *.* TO ` + User + `@'%' WITH GRANT OPTION;
`

// loadTimeZones fills the server's time zone tables from the zones in the tree.
func (t tree) loadTimeZones(ctx context.Context, s *Server) error {
	command := t.command(t.tzinfo(), t.path("usr/share/zoneinfo"))
	zones, err := run(exec.CommandContext(ctx, command[0], command[1:]...))
	if err != nil {
		return fmt.Errorf("read time zones: %w", err)
	}
	db := s.Address().OpenMulti("mysql")
	defer func() { _ = db.Close() }() // its one statement has been answered
	if _, err := db.ExecContext(ctx, string(zones)); err != nil {
		return fmt.Errorf("load time zones: %w", err)
	}
	return nil
}
