package scenario_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// spec is what a scenario's folder says. Without exit the migration must succeed: then every value and the definition are
// what a native ALTER of the retired table gives. With exit it must end with that code, with a message that matches, and
// leave the server as it was.
type spec struct {
	name, dir string

	way     string           // way: the flags that choose how it works; always given, and asserted; without --apply all of its values
	engines []sandbox.Engine // engines: kinds or names, by default all
	servers *servers         // server: odd, or by default usual
	table   string           // table: by default t
	exit    int              // exit: the code
	message *regexp.Regexp   // message: a regular expression
	options map[string]string
	untried bool     // dry-run: untried, where no temporary table can tell what the ALTER does
	loads   int      // connections: of load.sql
	beside  bool     // load: beside the copy, where rows must have changed while others were copied
	session string   // session: statement that each connection of the load begins with
	dull    []string // definition: parts of SHOW CREATE TABLE, as regular expressions, that need not be as a native ALTER's
}

// root is where the scenarios are.
var root = filepath.Join("..", "scenarios")

func readSpecs(t *testing.T) []*spec {
	t.Helper()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var specs []*spec
	for _, e := range entries {
		s, err := readSpec(e.Name())
		if err != nil {
			t.Fatalf("scenario %s: %v", e.Name(), err)
		}
		specs = append(specs, s)
	}
	return specs
}

func readSpec(name string) (*spec, error) {
	s := &spec{name: name, dir: filepath.Join(root, name), table: "t", servers: usual, loads: 3, options: make(map[string]string), engines: sandbox.Engines()}
	f, err := os.Open(filepath.Join(s.dir, "expect"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, _ := strings.Cut(line, ":")
		if err := s.set(key, strings.TrimSpace(value)); err != nil {
			return nil, fmt.Errorf("read expect: %s: %w", key, err)
		}
	}
	if s.way == "" {
		return nil, errors.New("read expect: it does not say which way the migration takes")
	}
	if (s.exit == 0) != (s.message == nil) {
		return nil, errors.New("read expect: exit and message belong together")
	}
	return s, lines.Err()
}

// ways returns the scenario for each way of applying that it leaves open. What is refused is refused by the default.
func (s *spec) ways() []*spec {
	if strings.Contains(s.way, "--apply=") {
		return []*spec{s}
	}
	applies := []migrate.Apply{migrate.Refresh, migrate.Replay}
	if s.exit == migrate.ExitRefused {
		applies = applies[:1]
	}
	var ways []*spec
	for _, apply := range applies {
		way := *s
		way.way += " --apply=" + string(apply)
		ways = append(ways, &way)
	}
	return ways
}

// applies is how the scenario's way has changes applied.
func (s *spec) applies() string {
	_, apply, _ := strings.Cut(s.way, "--apply=")
	return apply
}

// stored is the table's name in the case that the server stores.
func (s *spec) stored(t *testing.T, schema *sandboxtest.Schema) table.Name {
	t.Helper()
	name, err := table.Name{Schema: schema.Name, Table: s.table}.AsStored(t.Context(), schema.DB)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func (s *spec) set(key, value string) (err error) {
	switch key {
	case "way":
		s.way = value
	case "engines":
		s.engines, err = engines(value)
	case "server":
		if value != "odd" {
			return fmt.Errorf("no server is called %s", value)
		}
		s.servers = odd
	case "table":
		s.table = value
	case "exit":
		s.exit, err = strconv.Atoi(value)
	case "message":
		s.message, err = regexp.Compile(`(?s)` + value)
	case "connections":
		s.loads, err = strconv.Atoi(value)
	case "load":
		if s.beside = value == "beside the copy"; !s.beside {
			return fmt.Errorf("no load is %s", value)
		}
	case "session":
		s.session = value
	case "definition":
		s.dull = append(s.dull, value)
	case "dry-run":
		if s.untried = value == "untried"; !s.untried {
			return fmt.Errorf("no dry run is called %s", value)
		}
	case "chunk-size", "num-workers", "copy-workers", "timestamp-old-table", "allow-lossy", "allow-renamed-constraints":
		s.options[key] = value
	default:
		return errors.New("no such key")
	}
	return err
}

// engines reads a list of engines and kinds of them.
func engines(list string) ([]sandbox.Engine, error) {
	var found []sandbox.Engine
	for _, word := range strings.Fields(list) {
		before := len(found)
		for _, e := range sandbox.Engines() {
			if strings.HasPrefix(string(e), word) {
				found = append(found, e)
			}
		}
		if len(found) == before {
			return nil, fmt.Errorf("no engine is called %s", word)
		}
	}
	return found, nil
}

// file returns the text of the scenario's file for that engine, "" when there is none.
func (s *spec) file(t *testing.T, name string, e sandbox.Engine) string {
	t.Helper()
	base, extension, _ := strings.Cut(name, ".")
	kind := ".mysql"
	if e.MariaDB() {
		kind = ".mariadb"
	}
	own := base + kind
	if extension != "" {
		own += "." + extension
	}
	for _, candidate := range []string{own, name} {
		text, err := os.ReadFile(filepath.Join(s.dir, candidate))
		if err == nil {
			return string(text)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return ""
}
