package scenario_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestHazards: every hazard of the list is shown by scenarios and tests that exist, or says why not; and no failure or
// refusal among the scenarios is unknown to the list.
func TestHazards(t *testing.T) {
	t.Parallel()
	known := goTests(t)
	for _, s := range readSpecs(t) {
		known[s.name] = true
	}
	named, ids := make(map[string]bool), make(map[string]bool)
	text, err := os.ReadFile(filepath.Join("..", "hazards.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, " | ")
		if len(fields) != 3 {
			t.Errorf("not three fields: %s", line)
			continue
		}
		id, shownBy := fields[0], strings.TrimSpace(fields[2])
		if ids[id] {
			t.Errorf("%s is there twice", id)
		}
		ids[id] = true
		for _, name := range shows(shownBy) {
			named[name] = true
			if !known[name] {
				t.Errorf("%s (%s): there is no %s", id, fields[1], name)
			}
		}
	}
	if len(ids) < 80 {
		t.Errorf("only %d hazards were found", len(ids))
	}
	for name := range known {
		if (strings.HasPrefix(name, "refuse-") || strings.HasPrefix(name, "fail-")) && !named[name] {
			t.Errorf("scenario %s is not in the list of hazards", name)
		}
	}
}

var (
	excuse   = regexp.MustCompile(`^not here: .+`)
	testName = regexp.MustCompile(`[a-z]+\.(Test|Fuzz)\w+`)
)

// shows returns the names of what shows a hazard; a line that says why nothing does may still name a test.
func shows(text string) []string {
	if excuse.MatchString(text) {
		return testName.FindAllString(text, -1)
	}
	return strings.Split(text, ", ")
}

// goTests are the tests and fuzz targets of the project, by package and name.
func goTests(t *testing.T) map[string]bool {
	t.Helper()
	found := make(map[string]bool)
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() != ".." && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
				found[filepath.Base(filepath.Dir(path))+"."+f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
