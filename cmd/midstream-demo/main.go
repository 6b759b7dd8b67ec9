// Command midstream-demo shows a migration as it is: it starts a server of its own, fills a table, writes to it as an
// application would, migrates it meanwhile, and proves that nothing was lost. It leaves nothing behind.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/midstreamdb/midstream/internal/sandbox"
)

type cli struct {
	Engine      string  `default:"mysql" help:"Server to run: mysql, mariadb, or one with its version, as mariadb-10.11."`
	Rows        int64   `default:"1000000" help:"Rows of the table."`
	Rate        float64 `default:"150" help:"Transactions that the application begins in a second."`
	Connections int     `default:"8" help:"Sessions of the application."`
}

func main() {
	var c cli
	parser := kong.Must(&c, kong.Name("midstream-demo"),
		kong.Description("Migrates a table on a server of its own while an application writes to it, and proves the result."))
	_, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, c); err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		fmt.Fprintln(os.Stderr, "midstream-demo:", err)
		stop()
		os.Exit(1)
	}
}

// run fetches and starts the server, runs the demo on it, and stops it, whatever happened.
func run(ctx context.Context, c cli) (err error) {
	if c.Rows < 1000 || c.Connections < 1 || c.Rate <= 0 {
		return errors.New("at least 1000 rows, one connection and a rate above 0 are needed")
	}
	engine, err := sandbox.ParseEngine(c.Engine)
	if err != nil {
		return err
	}
	say("Server", "fetched into the project's cache unless it is there (nothing is installed)")
	if err := sandbox.Fetch(ctx, []sandbox.Engine{engine}, indented{os.Stdout}); err != nil {
		return err
	}
	server, err := sandbox.Start(ctx, engine, sandbox.Options{Durable: true, Args: roomy(engine)})
	if err != nil {
		return err
	}
	defer func() {
		if failed := server.Stop(); failed != nil {
			say("End", "%v", failed)
			err = errors.Join(err, failed)
			return
		}
		say("End", "the server is stopped, its folder removed")
	}()
	d := &demo{cli: c, server: server}
	return d.run(ctx)
}

// roomy are settings of a server that is to hold a million rows in memory.
func roomy(e sandbox.Engine) []string {
	if e.MariaDB() {
		return []string{"--innodb-buffer-pool-size=1G", "--innodb-log-file-size=1G"}
	}
	return []string{"--innodb-buffer-pool-size=1G", "--innodb-redo-log-capacity=1G"}
}
