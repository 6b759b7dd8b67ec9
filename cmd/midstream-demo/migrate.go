package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/status"
)

// migrate runs the migration as the command would with its defaults, showing how it goes.
func (d *demo) migrate(ctx context.Context) (*migrate.Summary, error) {
	say("Migrate", "what a user types:")
	fmt.Printf("    MIDSTREAM_PASSWORD=%s midstream migrate --native=off --apply=replay --host=%s --port=%d --user=%s \\\n"+
		"      --database=%s --table=%s --alter=%q\n", sandbox.Password, d.server.Host, d.server.Port, sandbox.User, schema, tableName, alter)
	runner := migrate.New(d.config())
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		watch(watching, runner)
	}()
	summary, err := runner.Run(ctx)
	stop()
	<-watched
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	for _, way := range []string{"--native=off", "--apply=replay"} {
		if !strings.Contains(summary.Way, way) {
			return nil, fmt.Errorf("the migration did not go the way of %s but: %s", way, summary.Way)
		}
	}
	return summary, nil
}

// config is that of the command's defaults.
func (d *demo) config() migrate.Config {
	return migrate.Config{
		Conn: conn.Config{
			Host: d.server.Host, Port: d.server.Port, User: sandbox.User, Password: sandbox.Password, Run: "demo",
		},
		Database: schema, Table: tableName, Alter: alter,
		Apply: migrate.Replay, Native: migrate.NativeOff, Workers: 4, CopyWorkers: 4,
		ChunkTime: 100 * time.Millisecond, LockTimeout: 3 * time.Second, MaxStall: 500 * time.Millisecond,
		ReconnectTimeout: 10 * time.Minute, Heartbeat: 100 * time.Millisecond,
		Log:  slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Plan: os.Stdout,
	}
}

// watch shows the migration's state until ctx ends: on a terminal one picture that is drawn over, elsewhere a line now and
// then.
func watch(ctx context.Context, r *migrate.Runner) {
	live := term.IsTerminal(int(os.Stdout.Fd()))
	interval := 2 * time.Second
	if live {
		interval = 200 * time.Millisecond
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for first := true; ; first = false {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s := r.Snapshot()
		if live {
			draw(&s, first)
		} else {
			fmt.Println("   ", line(&s))
		}
	}
}

// draw draws the picture over the one before.
func draw(s *status.Snapshot, first bool) {
	width, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		width = 80
	}
	const lines = 10 // of a picture, so that the next one knows where to begin
	picture := strings.SplitN(s.View(min(width, 100)), "\n", lines+1)
	for len(picture) < lines {
		picture = append(picture, "")
	}
	if !first {
		fmt.Printf("\x1b[%dA", lines)
	}
	for _, text := range picture[:lines] {
		fmt.Printf("\r\x1b[K%s\n", text)
	}
}

// line is the state in a line.
func line(s *status.Snapshot) string {
	waits := ""
	if s.Waits != "" {
		waits = ", waits for " + s.Waits
	}
	return fmt.Sprintf("%-9s %5.1f %% copied (%s rows, %s/s), %s row changes applied, backlog %s, lag %s%s",
		s.Phase, s.Percent(), status.Count(s.Copied), status.Count(uint64(s.CopyRate)),
		status.Count(s.ChangesApplied), status.Count(s.Backlog), s.Lag.Round(time.Millisecond), waits)
}
