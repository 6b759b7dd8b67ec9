// Package sandbox runs real MySQL and MariaDB servers for the demo and the tests: fetched into a cache
// folder without installing anything, each instance in a temporary folder and on a loopback port of its
// own, gone when the process that started it ends. It knows nothing of migrations.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
)

// The account that every sandbox server has, with all rights, over TCP and over the socket.
const (
	User     = "root"
	Password = "midstream"
)

const (
	startLimit = 2 * time.Minute
	stopLimit  = time.Minute
)

// Options say how a server differs from the usual one: ROW binlog, GTIDs on MySQL, small buffers, and
// no wait for the disk at commit.
type Options struct {
	// FilePosition turns GTIDs off on MySQL; MariaDB always has them.
	FilePosition bool
	// Durable makes every commit and the binlog wait for the disk.
	Durable bool
	// Args are added to the server's command line and win over the sandbox's own.
	Args []string
	// Seed is the data directory to copy; empty means a freshly initialised one.
	Seed string
}

// Server is a running server. Its methods may be called by several goroutines.
type Server struct {
	Engine Engine
	Host   string
	Port   int
	// Socket is the path of the server's Unix socket.
	Socket string
	// DataDir is the server's data directory, removed by Stop.
	DataDir string

	dir    string
	tree   tree
	args   []string
	reaper *reaper

	mu   sync.Mutex // guards proc
	proc *process
}

// Start starts a server of that engine and waits until it answers; the error ends with the tail of the
// server's log. The caller stops it; it also ends with the calling process.
func Start(ctx context.Context, e Engine, o Options) (*Server, error) {
	t, err := ensureTree(ctx, e)
	if err != nil {
		return nil, err
	}
	if o.Seed == "" {
		if o.Seed, err = ensureTemplate(ctx, t); err != nil {
			return nil, err
		}
	}
	return startSeeded(ctx, t, o)
}

// startSeeded starts a server on a copy of o.Seed. A port is free only until somebody else takes it, so a
// server that ends at its start is tried again on another one.
func startSeeded(ctx context.Context, t tree, o Options) (*Server, error) {
	const tries = 3
	var failed error
	for range tries {
		s, err := newServer(t, o)
		if err != nil {
			return nil, err
		}
		err = s.launch(ctx)
		if err == nil {
			return s, nil
		}
		failed = errors.Join(fmt.Errorf("start %s: %w", t.engine, err), s.reaper.close())
		if !errors.Is(err, errPortTaken) {
			return nil, failed
		}
	}
	return nil, failed
}

// newServer prepares folder, data directory and command line.
func newServer(t tree, o Options) (*Server, error) {
	dir, err := os.MkdirTemp("", "midstream-")
	if err != nil {
		return nil, fmt.Errorf("create temporary folder: %w", err)
	}
	r, err := newReaper(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s := &Server{
		Engine: t.engine, Host: "127.0.0.1", Socket: filepath.Join(dir, "sock"), DataDir: filepath.Join(dir, "data"),
		dir: dir, tree: t, reaper: r,
	}
	if err := s.prepare(o); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare %s: %w", t.engine, err), r.close())
	}
	return s, nil
}

func (s *Server) prepare(o Options) (err error) {
	if s.Port, err = freePort(); err != nil {
		return err
	}
	if err := os.CopyFS(s.DataDir, os.DirFS(o.Seed)); err != nil {
		return fmt.Errorf("copy data directory: %w", err)
	}
	if err := os.Mkdir(filepath.Join(s.dir, "tmp"), 0o700); err != nil {
		return err
	}
	s.args = append(s.instanceArgs(), settings(s.Engine, o)...)
	s.args = append(s.args, o.Args...)
	return nil
}

func (s *Server) instanceArgs() []string {
	return append(s.tree.baseArgs(),
		"--datadir="+s.DataDir,
		"--tmpdir="+filepath.Join(s.dir, "tmp"),
		"--socket="+s.Socket,
		"--pid-file="+filepath.Join(s.dir, "pid"),
		"--bind-address="+s.Host,
		"--port="+strconv.Itoa(s.Port),
		"--server-id="+strconv.Itoa(s.Port),
	)
}

// launch starts the process and waits until the server answers.
func (s *Server) launch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	proc, err := startProcess(s.tree.command(s.tree.server(), s.args...), s.dir, s.logPath())
	if err != nil {
		return err
	}
	if err := s.waitReady(ctx, proc); err != nil {
		killed, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
		defer cancel()
		return errors.Join(err, proc.signal(killed, syscall.SIGKILL))
	}
	s.proc = proc
	return nil
}

const accessDenied = 1045

var errPortTaken = errors.New("the port was taken by another process")

// waitReady returns when the server answers, or an error with the tail of its log.
func (s *Server) waitReady(ctx context.Context, proc *process) error {
	db := s.Open("")
	defer func() { _ = db.Close() }() // nothing is left to be told by its connections
	for {
		var dataDir string
		err := db.QueryRowContext(ctx, "SELECT @@datadir").Scan(&dataDir)
		if err == nil && filepath.Clean(dataDir) == s.DataDir {
			return nil
		}
		if err == nil || proc.ended() {
			return s.startError(err)
		}
		if refused := (*mysql.MySQLError)(nil); errors.As(err, &refused) && refused.Number == accessDenied {
			return fmt.Errorf("log in: %w\n%s", err, s.LogTail())
		}
		if !pause(ctx, 50*time.Millisecond) {
			return fmt.Errorf("wait for server: %w; its last error: %w\n%s", context.Cause(ctx), err, s.LogTail())
		}
	}
}

func (s *Server) startError(answered error) error {
	log := s.LogTail()
	if answered == nil || portTaken(log) {
		return fmt.Errorf("%w: port %d\n%s", errPortTaken, s.Port, log)
	}
	return fmt.Errorf("the server ended; its log:\n%s", log)
}

func (s *Server) logPath() string { return filepath.Join(s.dir, "log") }

// LogTail returns the last lines of the server's log.
func (s *Server) LogTail() string {
	text, err := os.ReadFile(s.logPath())
	if err != nil {
		return err.Error()
	}
	return string(tail(text, 40))
}

// Pid returns the process id of the server, or 0 when it does not run.
func (s *Server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil || s.proc.ended() {
		return 0
	}
	return s.proc.cmd.Process.Pid
}

// Stop shuts the server down and removes its folder. A server that runs no more is only removed.
func (s *Server) Stop() error {
	return errors.Join(s.shutDown(), s.reaper.close())
}

// Kill ends the server at once, as a crash would, and keeps its data for Restart.
func (s *Server) Kill() error { return s.end(syscall.SIGKILL) }

// shutDown ends the server in order and keeps its data.
func (s *Server) shutDown() error { return s.end(syscall.SIGTERM) }

// Restart starts the server again on the same data and port, with args added to its command line; one
// that still runs is shut down first.
func (s *Server) Restart(ctx context.Context, args ...string) error {
	if err := s.shutDown(); err != nil {
		return err
	}
	s.args = append(s.args, args...)
	if err := s.launch(ctx); err != nil {
		return fmt.Errorf("restart %s: %w", s.Engine, err)
	}
	return nil
}

func (s *Server) end(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	err := s.proc.signal(ctx, sig)
	s.proc = nil
	if err != nil {
		return fmt.Errorf("stop %s: %w", s.Engine, err)
	}
	return nil
}
