package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Fetch makes the servers of these engines available in the cache and prints one line for each with
// its version. What is there already is kept. Nothing is installed in the system and no right of root
// is needed; it takes apt-get and dpkg-deb, and the network when something is missing. Two processes may
// fetch at once: one works, the other waits for it.
func Fetch(ctx context.Context, engines []Engine, out io.Writer) error {
	var mu sync.Mutex // guards out
	group, ctx := errgroup.WithContext(ctx)
	for _, e := range engines {
		group.Go(func() error {
			t, err := ensureTree(ctx, e)
			if err != nil {
				return err
			}
			version, err := os.ReadFile(t.path("version"))
			if err != nil {
				return fmt.Errorf("read version of %s: %w", e, err)
			}
			mu.Lock()
			defer mu.Unlock()
			_, err = fmt.Fprintf(out, "%-13s %s\n", e, bytes.TrimSpace(version))
			return err
		})
	}
	return group.Wait()
}

// ensureTree returns the tree of an engine in the cache, fetching it when it is missing or of another recipe.
func ensureTree(ctx context.Context, e Engine) (tree, error) {
	cache, err := CacheDir()
	if err != nil {
		return tree{}, err
	}
	t := tree{engine: e, root: filepath.Join(cache, string(e))}
	if t.complete() {
		return t, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return tree{}, fmt.Errorf("create cache of servers: %w", err)
	}
	unlock, err := lockFile(ctx, t.root+".lock")
	if err != nil {
		return tree{}, err
	}
	defer unlock()
	if t.complete() { // another process fetched it while this one waited
		return t, nil
	}
	if err := t.fetch(ctx); err != nil {
		return tree{}, fmt.Errorf("fetch %s: %w", e, err)
	}
	return t, nil
}

// complete tells whether the tree was fetched to its end by the present recipe.
func (t tree) complete() bool {
	stamp, err := os.ReadFile(t.path("recipe"))
	return err == nil && string(stamp) == recipes[t.engine].stamp()
}

// fetch downloads and unpacks the engine beside its place and moves it there when it is whole.
func (t tree) fetch(ctx context.Context) (err error) {
	work, err := os.MkdirTemp(filepath.Dir(t.root), string(t.engine)+".tmp-")
	if err != nil {
		return fmt.Errorf("create folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()

	r := recipes[t.engine]
	debs, err := download(ctx, filepath.Join(work, "apt"), r)
	if err != nil {
		return err
	}
	root := filepath.Join(work, "root")
	var version string
	for _, deb := range debs {
		if _, err := run(exec.CommandContext(ctx, "dpkg-deb", "--extract", deb, root)); err != nil {
			return err
		}
		if name := filepath.Base(deb); strings.HasPrefix(name, r.closure[0]+"_") {
			version = strings.TrimSuffix(name, "_amd64.deb")
		}
	}
	for _, copies := range []string{"right", "posix"} { // the same zones again, which only make the tables larger
		if err := os.RemoveAll(filepath.Join(root, "usr/share/zoneinfo", copies)); err != nil {
			return err
		}
	}
	version = strings.ReplaceAll(version, "%3a", ":")
	if err := os.WriteFile(filepath.Join(root, "version"), []byte(version+"\n"), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "recipe"), []byte(r.stamp()), 0o644); err != nil {
		return err
	}
	return replaceDir(root, t.root)
}

// run runs a command to its end and returns its output; the error names the program and holds what it said.
func run(cmd *exec.Cmd) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		said := tail(append(stdout.Bytes(), stderr.Bytes()...), 20)
		return nil, fmt.Errorf("run %s: %w\n%s", filepath.Base(cmd.Path), err, said)
	}
	return stdout.Bytes(), nil
}

// tail returns the last lines of a text.
func tail(text []byte, lines int) []byte {
	text = bytes.TrimRight(text, "\n")
	at := len(text)
	for ; lines > 0 && at >= 0; lines-- {
		at = bytes.LastIndexByte(text[:at], '\n')
	}
	return text[at+1:]
}
