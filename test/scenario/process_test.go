package scenario_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/sandbox"
)

// built is the command, built at the first need of a test.
var built struct {
	once sync.Once
	dir  string
	err  error
}

// binary returns the command's path.
func binary() (string, error) {
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "midstream-command-"); built.err != nil {
			return
		}
		out, err := exec.Command("go", "build", "-o", built.dir, "../../cmd/midstream").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("build command: %w\n%s", err, out)
		}
	})
	return filepath.Join(built.dir, "midstream"), built.err
}

// removeBinary removes what binary has built, if it was called.
func removeBinary() error {
	if built.dir == "" {
		return nil
	}
	return os.RemoveAll(built.dir)
}

// process is the command at work.
type process struct {
	t        *testing.T
	cmd      *exec.Cmd
	out, err buffer
	ended    chan struct{}
}

// start starts the command; the password of the sandbox's account is in its environment. It ends with the test at the latest.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(path, args...), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "MIDSTREAM_PASSWORD="+sandbox.Password)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.err
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // its state tells
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // mostly it has ended
		<-p.ended
		if t.Failed() {
			t.Logf("midstream %s\nstandard output:\n%s\nstandard error:\n%s", strings.Join(args, " "), &p.out, &p.err)
		}
	})
	return p
}

// exits waits for the end and asserts the exit code.
func (p *process) exits(code int) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(limit):
		p.t.Fatal("the command does not end")
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Fatalf("exit code %d, want %d", got, code)
	}
}

// says asserts that standard error contains the pattern.
func (p *process) says(pattern string) {
	p.t.Helper()
	if !regexp.MustCompile(`(?s)` + pattern).MatchString(p.err.String()) {
		p.t.Errorf("standard error does not say %s", pattern)
	}
}

// await waits until the condition holds; the command must not end before.
func (p *process) await(what string, holds func() bool) {
	p.t.Helper()
	deadline := time.After(limit)
	for !holds() {
		select {
		case <-p.ended:
			p.t.Fatalf("the command ended before %s", what)
		case <-deadline:
			p.t.Fatalf("in vain: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
