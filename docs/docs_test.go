// Package docs_test keeps the documents true: what they name exists.
package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var root = ".."

// TestREADMEIsShort: at most 700 words, examples included.
func TestREADMEIsShort(t *testing.T) {
	if n := len(strings.Fields(mustRead(t, filepath.Join(root, "README.md")))); n > 700 {
		t.Errorf("README.md has %d words, more than 700", n)
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notSlug = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// TestLinks: every relative link leads to a file, and to a heading in it.
func TestLinks(t *testing.T) {
	for _, file := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(mustRead(t, file), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			path, anchor, _ := strings.Cut(m[1], "#")
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", file, m[1], err)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(mustRead(t, target)), anchor) {
				t.Errorf("%s links to %s: there is no such heading", file, m[1])
			}
		}
	}
}

// anchors are the headings as links name them.
func anchors(text string) []string {
	var slugs []string
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		slug := notSlug.ReplaceAllString(strings.ToLower(m[1]), "")
		slugs = append(slugs, strings.ReplaceAll(slug, " ", "-"))
	}
	return slugs
}

var (
	target  = regexp.MustCompile("(?m)(?:`|^    |^\\$ )make ([a-z-]+)")
	pathArg = regexp.MustCompile(`\./((?:internal|cmd|test)[a-z/-]*[a-z])`)
)

// TestCommands: make targets and package paths of the documents exist.
func TestCommands(t *testing.T) {
	makefile := mustRead(t, filepath.Join(root, "Makefile"))
	seen := 0
	for _, file := range documents(t) {
		text := mustRead(t, file)
		for _, m := range target.FindAllStringSubmatch(text, -1) {
			seen++
			if !regexp.MustCompile(`(?m)^` + m[1] + `:`).MatchString(makefile) {
				t.Errorf("%s: make %s: there is no such target", file, m[1])
			}
		}
		for _, m := range pathArg.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
	if seen == 0 {
		t.Error("no document names a make target")
	}
}

var (
	quoted   = regexp.MustCompile("`([^`\n]+)`")
	testName = regexp.MustCompile(`^(?:Test|Fuzz|Benchmark)[A-Z]\w*$`)
	scenario = regexp.MustCompile(`^(?:refuse|fail)-[a-z-]+$`)
	pathName = regexp.MustCompile(`^(?:internal|cmd|test|docs)/[\w./-]+$`)
)

// TestNames: tests, files and scenarios that the documents name exist, and mutants of docs/safety.md.
func TestNames(t *testing.T) {
	tests, mutants := declared(t)
	for _, file := range documents(t) {
		for _, line := range items(mustRead(t, file)) {
			isMutants := strings.HasPrefix(line, "- Mutants: ")
			names := quoted.FindAllStringSubmatch(line, -1)
			if isMutants && len(names) == 0 {
				t.Errorf("%s: no mutant is named in %q", file, line)
			}
			for _, m := range names {
				if why := missing(m[1], isMutants, tests, mutants); why != "" {
					t.Errorf("%s names %q: %s", file, m[1], why)
				}
			}
		}
	}
}

func missing(name string, isMutant bool, tests, mutants map[string]bool) string {
	path := ""
	switch {
	case isMutant && !mutants[name]:
		return "there is no such mutant"
	case isMutant:
	case testName.MatchString(name) && !tests[name]:
		return "there is no such test"
	case scenario.MatchString(name):
		path = filepath.Join("test", "scenarios", name)
	case pathName.MatchString(name) && !strings.Contains(name, "*"):
		path = name
	}
	if _, err := os.Stat(filepath.Join(root, path)); err != nil && !planned[name] {
		return err.Error()
	}
	return ""
}

// planned are packages that have a name and a place, and are not built yet.
var planned = map[string]bool{"internal/web": true, "internal/checkpoint": true, "internal/verify": true}

// items joins the lines of each paragraph and list item.
func items(text string) []string {
	var joined []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "  ") && len(joined) > 0 && joined[len(joined)-1] != "" {
			joined[len(joined)-1] += " " + strings.TrimSpace(line)
			continue
		}
		joined = append(joined, line)
	}
	return joined
}

// declared returns the names of all tests, and of all mutants.
func declared(t *testing.T) (tests, mutants map[string]bool) {
	t.Helper()
	tests, mutants = map[string]bool{}, map[string]bool{}
	for _, file := range files(t, "_test.go") {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				tests[f.Name.Name] = true
			}
		}
		if filepath.Base(filepath.Dir(file)) != "mutants" {
			continue
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if name, ok := mutantName(n); ok {
				mutants[name] = true
			}
			return true
		})
	}
	return tests, mutants
}

// mutantName returns the string of a field Name: "…".
func mutantName(n ast.Node) (string, bool) {
	field, ok := n.(*ast.KeyValueExpr)
	if !ok {
		return "", false
	}
	key, isIdent := field.Key.(*ast.Ident)
	value, isLiteral := field.Value.(*ast.BasicLit)
	if !isIdent || key.Name != "Name" || !isLiteral {
		return "", false
	}
	name, err := strconv.Unquote(value.Value)
	return name, err == nil
}

func documents(t *testing.T) []string { return files(t, ".md") }

// files are the project's files with that ending; hidden folders and test data are left out.
func files(t *testing.T, ending string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return fs.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(path, ending) {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatalf("no file ends with %s", ending)
	}
	return found
}

func mustRead(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
