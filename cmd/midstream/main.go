// Command midstream changes the schema of a MySQL or MariaDB table while the application goes on using it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/midstreamdb/midstream/internal/migrate"
)

// version is set at build time, by -ldflags; a build without it tells what Go knows of it.
var version = ""

// known returns the version: that of the build, else that of the module as it was fetched, else "dev".
func known(build string) string {
	if build != "" {
		return build
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "dev"
	}
	return info.Main.Version
}

// cli is the command line: one field per command.
type cli struct {
	Migrate migrateCommand   `cmd:"" help:"Change the schema of a table while it is in use."`
	Status  statusCommand    `cmd:"" help:"Show the checkpoint of a migration; changes nothing."`
	Cleanup cleanupCommand   `cmd:"" help:"Remove what an abandoned migration has left."`
	Version kong.VersionFlag `help:"Show the version and exit."`
}

func main() {
	os.Exit(run(os.Args[1:]))
}

// run parses the arguments, executes the command and returns the exit code.
func run(args []string) int {
	var c cli
	parser, err := newParser(&c)
	if err != nil {
		fmt.Fprintln(os.Stderr, "midstream:", err)
		return migrate.ExitRefused
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "midstream: %v\nSee midstream --help, or midstream migrate --help.\n", err)
		return migrate.ExitRefused
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "midstream:", err)
		return exitCode(err)
	}
	return migrate.ExitDone
}

func newParser(c *cli) (*kong.Kong, error) {
	return kong.New(c,
		kong.Name("midstream"),
		kong.Description("Changes the schema of a MySQL or MariaDB table while the application goes on using it."),
		kong.Vars{"version": known(version)},
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
}

// exitCode is the code of the kind of error.
func exitCode(err error) int {
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return migrate.ExitFailed
}
