//go:build mutants

package mutants

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// mutant is a change that breaks an invariant, and the tests that must notice. The package comment has the rules.
type mutant struct {
	Name      string
	Invariant string
	Edits     []edit
	Package   string
	Tests     []string
	Servers   bool
	// Everywhere wants every subtest to fail, on each engine, and not the first one alone.
	Everywhere bool
}

// edit replaces the one occurrence of Old in File.
type edit struct {
	File, Old, New string
}

// lists are all mutants; a package with its own file of them adds its list here.
var lists = [][]mutant{
	scheduleMutants,
	cutoverMutants,
	binlogMutants,
	chunkMutants,
	copierMutants,
	applierMutants,
	epochMutants,
	refreshMutants,
	checkpointMutants,
	verifyMutants,
	nativeMutants,
	shadowMutants,
	tableMutants,
	lossMutants,
	indexMutants,
	adaptMutants,
	fidelityMutants,
}

// patience bounds one run of one test.
const (
	patience        = 2 * time.Minute
	serversPatience = 10 * time.Minute
)

// root is the module's directory, as seen from this package's.
const root = "../.."

func TestMutants(t *testing.T) {
	originals := &originals{binaries: map[string]string{}, passed: map[string][]byte{}}
	originals.dir = t.TempDir()
	names := map[string]bool{}
	for _, list := range lists {
		for _, m := range list {
			if names[m.Name] {
				t.Errorf("mutant %q is listed twice", m.Name)
			}
			names[m.Name] = true
			t.Run(m.Name, func(t *testing.T) {
				overlay := mustOverlay(t, m.Edits)
				if m.Servers && testing.Short() {
					t.Skip("needs database servers")
				}
				if !m.Servers { // what is seen beside servers is a matter of the machine's load
					t.Parallel()
				}
				m.mustDie(t, originals, overlay)
			})
		}
	}
}

func (m mutant) mustDie(t *testing.T, originals *originals, overlay string) {
	if len(m.Edits) == 0 || len(m.Tests) == 0 || m.Invariant == "" {
		t.Fatal("a mutant has an invariant, edits, and tests that kill it")
	}
	originals.mustPass(t, m)
	binary := filepath.Join(t.TempDir(), "mutant.test")
	if out, err := build(t.Context(), m.Package, binary, "-overlay", overlay); err != nil {
		t.Fatalf("the mutant does not compile: %v\n%s", err, out)
	}
	for _, test := range m.Tests {
		out, err := run(t.Context(), m, binary, test, "GOFLAGS=-overlay="+overlay) // for the command that a test builds
		switch {
		case err == nil:
			t.Errorf("the mutant survives %s (%s)", test, m.Invariant)
		case !bytes.Contains(out, []byte("--- FAIL: "+test)) && !bytes.Contains(out, []byte("panic: ")):
			t.Errorf("%s neither passes nor fails: %v\n%s", test, err, out)
		case m.Everywhere && len(survived(originals.passed[m.Package+" "+test], out)) > 0:
			t.Errorf("the mutant survives %s (%s)", survived(originals.passed[m.Package+" "+test], out), m.Invariant)
		default:
			t.Logf("killed by %s", test)
		}
	}
}

// survived are the tests and subtests that pass without the mutant and do not fail with it.
func survived(without, with []byte) (names []string) {
	for _, m := range regexp.MustCompile(`--- PASS: (\S+)`).FindAllSubmatch(without, -1) {
		if name := string(m[1]); !bytes.Contains(with, []byte("--- FAIL: "+name+" ")) {
			names = append(names, name)
		}
	}
	return names
}

// originals are the packages without any mutant: their tests must pass, else a failure proves nothing.
type originals struct {
	dir string

	sync.Mutex                   // guards what follows
	binaries   map[string]string // by package
	passed     map[string][]byte // by package and test: what it said
}

func (o *originals) mustPass(t *testing.T, m mutant) {
	o.Lock()
	defer o.Unlock()
	binary, built := o.binaries[m.Package]
	if !built {
		binary = filepath.Join(o.dir, fmt.Sprintf("original%d.test", len(o.binaries)))
		if out, err := build(t.Context(), m.Package, binary); err != nil {
			t.Fatalf("%s does not compile without the mutant: %v\n%s", m.Package, err, out)
		}
		o.binaries[m.Package] = binary
	}
	var brief []string
	if testing.Short() { // CI runs these tests in full besides; the mutants have all histories, too
		brief = []string{"MIDSTREAM_HISTORIES=2000"}
	}
	for _, test := range m.Tests {
		if o.passed[m.Package+" "+test] != nil {
			continue
		}
		out, err := run(t.Context(), m, binary, test, brief...)
		if err != nil || !bytes.Contains(out, []byte("--- PASS: "+test+" ")) {
			t.Fatalf("%s of %s does not pass without the mutant: %v\n%s", test, m.Package, err, out)
		}
		o.passed[m.Package+" "+test] = out
	}
}

// mustOverlay applies the edits to copies, and returns the file that tells the go command of them.
func mustOverlay(t *testing.T, edits []edit) string {
	t.Helper()
	contents := map[string]string{}
	for _, e := range edits {
		path, err := filepath.Abs(filepath.Join(root, e.File))
		if err != nil {
			t.Fatal(err)
		}
		if _, read := contents[path]; !read {
			original, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			contents[path] = string(original)
		}
		if n := strings.Count(contents[path], e.Old); n != 1 {
			t.Fatalf("the mutant is stale: its text occurs %d times in %s, want once:\n%s", n, e.File, e.Old)
		}
		contents[path] = strings.Replace(contents[path], e.Old, e.New, 1)
	}
	dir := t.TempDir()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for path, content := range contents {
		overlay.Replace[path] = filepath.Join(dir, fmt.Sprintf("%d.go", len(overlay.Replace)))
		mustWrite(t, overlay.Replace[path], []byte(content))
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	mustWrite(t, path, list)
	return path
}

func mustWrite(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// build compiles a package's tests, without what only debuggers read. A mutant is for its tests to notice, not for vet.
func build(ctx context.Context, pkg, binary string, flags ...string) ([]byte, error) {
	args := append([]string{"test", "-c", "-vet=off", "-ldflags=-s -w", "-o", binary}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, "./"+pkg)...)
	cmd.Dir = root
	return cmd.CombinedOutput()
}

// run runs one test of a binary in its package's directory, as go test does.
func run(ctx context.Context, m mutant, binary, test string, environment ...string) ([]byte, error) {
	limit := patience
	if m.Servers {
		limit = serversPatience
	}
	cmd := exec.CommandContext(ctx, binary, "-test.v", fmt.Sprintf("-test.failfast=%t", !m.Everywhere), "-test.timeout", limit.String(), "-test.run", "^"+regexp.QuoteMeta(test)+"$")
	cmd.Dir = filepath.Join(root, m.Package)
	// A failure is all that is asked for: not the smallest one, nor one to be kept.
	cmd.Env = append(os.Environ(), "RAPID_SHRINKTIME=0s", "RAPID_NOFAILFILE=true")
	cmd.Env = append(cmd.Env, environment...)
	return cmd.CombinedOutput()
}
