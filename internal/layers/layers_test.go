// Package layers_test keeps the layers: a package imports only packages of lower layers.
package layers_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/midstreamdb/midstream/"

// layers are all packages of the product. A package that is in none of these lists fails the test: give it its place.
var layers = map[string]int{
	"internal/table":  0,
	"internal/conn":   0,
	"internal/status": 0,

	"internal/sqlgen": 1,
	"internal/alter":  1,
	"internal/web":    1,

	"internal/binlog":     2,
	"internal/chunk":      2,
	"internal/changelog":  2,
	"internal/checkpoint": 2,
	"internal/loss":       2,
	"internal/throttle":   2,
	"internal/preflight":  2,

	"internal/adapt":    3,
	"internal/epoch":    3,
	"internal/schedule": 3,
	"internal/progress": 3,

	"internal/applier": 4,
	"internal/copier":  4,
	"internal/cutover": 4,
	"internal/verify":  4,

	"internal/migrate": 5,
}

// programs may import the packages named; the demo is made of the product and of what serves tests.
var programs = map[string][]string{
	"cmd/midstream":      {"internal/migrate", "internal/status", "internal/conn", "internal/table"},
	"cmd/midstream-demo": slices.Concat(support, []string{"internal/migrate", "internal/status", "internal/conn", "internal/table"}),
}

// support is imported by tests, the demo and each other only.
var support = []string{
	"internal/load",
	"internal/load/proof",
	"internal/chunk/chunktest",
	"internal/sandbox",
	"internal/sandbox/cmd/sandbox",
	"internal/sandbox/proxy",
	"internal/sandbox/sandboxtest",
	"internal/verify/verifytest",
}

// nobodys are packages that nothing imports: they hold tests.
var nobodys = []string{"docs", "internal/mutants", "internal/layers", "test/scenario", "test/bench", "test/underload", "test/crash"}

// keepers say which packages alone may know a library.
var keepers = map[string][]string{
	"github.com/go-mysql-org/go-mysql/": {"internal/binlog"},
}

// source is what a Go file of the project imports.
type source struct {
	file    string
	pkg     string // its folder in the project
	test    bool
	imports []string // packages of the project without the module's path, others whole
}

// fault says why the import is not allowed, "" if it is.
func fault(s source, imported string) string {
	for library, pkgs := range keepers {
		if strings.HasPrefix(imported, library) && !slices.Contains(pkgs, s.pkg) {
			return fmt.Sprintf("only %s may know this library", strings.Join(pkgs, ", "))
		}
	}
	layer, isLayered := layers[imported]
	isSupport := slices.Contains(support, imported)
	switch {
	case slices.Contains(nobodys, imported):
		return "nothing imports it"
	case !isLayered && !isSupport || s.test:
		return ""
	}
	if allowed, isProgram := programs[s.pkg]; isProgram {
		if slices.Contains(allowed, imported) {
			return ""
		}
		return "this program may not import it"
	}
	own, isOwnLayered := layers[s.pkg]
	switch {
	case isOwnLayered && isSupport:
		return "it is for tests and the demo"
	case isOwnLayered && layer >= own:
		return fmt.Sprintf("it is of layer %d, not below %d", layer, own)
	}
	return ""
}

func known(pkg string) bool {
	_, isLayered := layers[pkg]
	_, isProgram := programs[pkg]
	return isLayered || isProgram || slices.Contains(support, pkg) || slices.Contains(nobodys, pkg)
}

func TestLayers(t *testing.T) {
	sources := readSources(t, filepath.Join("..", ".."))
	seen := make(map[string]bool)
	for _, s := range sources {
		if !seen[s.pkg] && !known(s.pkg) {
			t.Errorf("package %s has no place: add it to the lists of this test", s.pkg)
		}
		seen[s.pkg] = true
		for _, imported := range s.imports {
			if why := fault(s, imported); why != "" {
				t.Errorf("%s imports %s: %s", s.file, imported, why)
			}
		}
	}
	if !seen["internal/table"] || !seen["internal/layers"] {
		t.Errorf("the project's packages were not found, only %v", seen)
	}
}

// readSources reads the imports of every Go file below root, whatever its build tags; other modules are left out.
func readSources(t *testing.T, root string) []source {
	t.Helper()
	var sources []source
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != root {
			_, missing := os.Stat(filepath.Join(file, "go.mod"))
			if missing == nil || strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" {
				return fs.SkipDir
			}
		}
		if d.IsDir() || !strings.HasSuffix(file, ".go") {
			return nil
		}
		s, err := readSource(root, file)
		sources = append(sources, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sources
}

func readSource(root, file string) (source, error) {
	relative, err := filepath.Rel(root, file)
	if err != nil {
		return source{}, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		return source{}, fmt.Errorf("read imports of %s: %w", relative, err)
	}
	s := source{file: relative, pkg: path.Dir(filepath.ToSlash(relative)), test: strings.HasSuffix(file, "_test.go")}
	for _, i := range parsed.Imports {
		imported, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return source{}, fmt.Errorf("read imports of %s: %w", relative, err)
		}
		s.imports = append(s.imports, strings.TrimPrefix(imported, module))
	}
	return s, nil
}

// TestLayersFindFaults shows that each rule can fail.
func TestLayersFindFaults(t *testing.T) {
	for _, c := range []struct {
		from, to string
		test     bool
		fault    bool
	}{
		{from: "internal/binlog", to: "internal/table"},
		{from: "internal/table", to: "internal/binlog", fault: true},
		{from: "internal/applier", to: "internal/copier", fault: true},
		{from: "internal/table", to: "internal/conn", fault: true},
		{from: "internal/table", to: "internal/conn", test: true},
		{from: "internal/migrate", to: "internal/sandbox", fault: true},
		{from: "internal/migrate", to: "internal/sandbox", test: true},
		{from: "internal/sandbox/sandboxtest", to: "internal/sandbox"},
		{from: "cmd/midstream", to: "internal/migrate"},
		{from: "cmd/midstream", to: "internal/applier", fault: true},
		{from: "cmd/midstream", to: "internal/sandbox", fault: true},
		{from: "cmd/midstream-demo", to: "internal/sandbox"},
		{from: "internal/migrate", to: "internal/mutants", fault: true},
		{from: "internal/migrate", to: "internal/mutants", test: true, fault: true},
		{from: "internal/binlog", to: "github.com/go-mysql-org/go-mysql/replication"},
		{from: "internal/applier", to: "github.com/go-mysql-org/go-mysql/mysql", fault: true},
		{from: "internal/applier", to: "context"},
	} {
		why := fault(source{pkg: c.from, test: c.test}, c.to)
		if (why != "") != c.fault {
			t.Errorf("%s imports %s (test %t): %q", c.from, c.to, c.test, why)
		}
	}
	if known("internal/util") {
		t.Error("a package without a place is known")
	}
}
