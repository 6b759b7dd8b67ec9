// Command sandbox fetches the database servers that the demo and the tests run on, and runs commands
// beside them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/midstreamdb/midstream/internal/sandbox"
)

type cli struct {
	Fetch fetchCmd `cmd:"" help:"Fetch the servers into the cache folder and print their versions."`
	Run   runCmd   `cmd:"" help:"Start the servers, run a command with MIDSTREAM_SERVERS set, stop them, and exit as the command did."`
	Up    upCmd    `cmd:"" help:"Start the servers and keep them until interrupted; DIR/env tells where they are."`
}

// serverFlags choose the engines and their settings.
type serverFlags struct {
	Engines string   `help:"Comma-separated engines; all by default." placeholder:"LIST"`
	Arg     []string `help:"Argument added to every server's command line; may be repeated." placeholder:"ARG" sep:"none"`
	Durable bool     `help:"Wait for the disk at every commit, as a server in production does."`
}

func (f serverFlags) start(ctx context.Context) (sandbox.Set, error) {
	engines, err := sandbox.ParseEngines(f.Engines)
	if err != nil {
		return nil, err
	}
	return sandbox.StartSet(ctx, engines, sandbox.Options{Args: f.Arg, Durable: f.Durable})
}

type fetchCmd struct {
	Engines string `help:"Comma-separated engines; all by default." placeholder:"LIST"`
}

func (c fetchCmd) Run(ctx context.Context) error {
	engines, err := sandbox.ParseEngines(c.Engines)
	if err != nil {
		return err
	}
	return sandbox.Fetch(ctx, engines, os.Stdout)
}

type runCmd struct {
	serverFlags
	Command []string `arg:"" passthrough:"" help:"The command and its arguments."`
}

func (c runCmd) Run(ctx context.Context) (err error) {
	command := c.Command
	if command[0] == "--" {
		command = command[1:]
	}
	if len(command) == 0 {
		return errors.New("no command to run")
	}
	set, err := c.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, set.Stop()) }()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), sandbox.ServersVariable+"="+set.String())
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run %s: %w", command[0], err)
	}
	return nil
}

type upCmd struct {
	serverFlags
	Dir string `required:"" help:"Folder for the file env, to be sourced by a shell." placeholder:"DIR"`
}

func (c upCmd) Run(ctx context.Context) (err error) {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return fmt.Errorf("create folder for env: %w", err)
	}
	set, err := c.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, set.Stop()) }()
	env := filepath.Join(c.Dir, "env")
	text := fmt.Sprintf("export %s=%s\n", sandbox.ServersVariable, set)
	if err := os.WriteFile(env, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write env: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(env)) }()
	for _, s := range set {
		fmt.Printf("%-13s port %d  pid %d  %s\n", s.Engine, s.Port, s.Pid(), s.DataDir)
	}
	fmt.Printf("source %s; interrupt to stop\n", env)
	<-ctx.Done()
	return nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	parsed := kong.Parse(&cli{}, kong.Name("sandbox"), kong.BindTo(ctx, (*context.Context)(nil)))
	err := parsed.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() > 0 {
		os.Exit(exit.ExitCode())
	}
	parsed.FatalIfErrorf(err)
}
