package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// CacheVariable names the environment variable that moves the cache of servers elsewhere.
const CacheVariable = "MIDSTREAM_CACHE"

// CacheDir returns the folder that holds the fetched servers: $MIDSTREAM_CACHE, or .cache/servers in
// the project that the working directory belongs to. It is absolute and need not exist yet.
func CacheDir() (string, error) {
	if dir := os.Getenv(CacheVariable); dir != "" {
		return filepath.Abs(dir)
	}
	wd, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find cache of servers: %w", err)
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		if isFile(filepath.Join(dir, "go.mod")) {
			return filepath.Join(dir, ".cache", "servers"), nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("find cache of servers: no go.mod above %s: run inside the project or set %s", wd, CacheVariable)
		}
	}
}

// lockFile takes the exclusive lock on path, creating the file, and returns the function that gives it
// back. It waits for another process that holds it until ctx ends.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil // closing gives the lock back and cannot lose data
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("wait for lock %s: %w", path, ctx.Err()), f.Close())
		case <-tick.C:
		}
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// replaceDir puts the folder fresh in the place of old, which need not exist. Both are on one file system.
func replaceDir(fresh, old string) error {
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("remove outdated folder: %w", err)
	}
	if err := os.Rename(fresh, old); err != nil {
		return fmt.Errorf("put folder in place: %w", err)
	}
	return nil
}
