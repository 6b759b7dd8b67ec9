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
	fmt.Printf("    MIDSTREAM_PASSWORD=%s midstream migrate --native=off --host=%s --port=%d --user=%s \\\n"+
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
	for _, way := range []string{"--native=off", "--apply=refresh"} {
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
		Apply: migrate.Refresh, Native: migrate.NativeOff, DeferIndexes: migrate.DeferAuto, Verify: true,
		ChunkTime: 100 * time.Millisecond, LockTimeout: 3 * time.Second, MaxStall: 500 * time.Millisecond,
		ReconnectTimeout: 10 * time.Minute, Heartbeat: 100 * time.Millisecond, Checkpoint: 5 * time.Second,
		Log:  slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Plan: os.Stdout,
	}
}

// watch shows the migration's state until ctx ends: on a terminal one picture that is drawn over, elsewhere a line now and
// then.
func watch(ctx context.Context, r *migrate.Runner) {
	if !term.IsTerminal(int(os.Stdout.Fd())) {
		every(ctx, 2*time.Second, func() {
			s := r.Snapshot()
			fmt.Println("   ", line(&s))
		})
		return
	}
	var p picture
	draw := func() {
		s := r.Snapshot()
		p.draw(&s)
	}
	every(ctx, 200*time.Millisecond, draw)
	draw() // how it ended
}

// every calls f again and again until ctx ends.
func every(ctx context.Context, interval time.Duration, f func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f()
		}
	}
}

// picture is what was drawn last: its number of lines.
type picture int

// draw draws the state over the picture before.
func (p *picture) draw(s *status.Snapshot) {
	width, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		width = 80
	}
	lines := strings.Split(strings.TrimRight(s.View(min(width, 100)), "\n"), "\n")
	if *p > 0 {
		fmt.Printf("\x1b[%dA\r\x1b[J", *p)
	}
	for _, text := range lines {
		if runes := []rune(text); len(runes) > width { // a line that wraps would count as two
			text = string(runes[:width])
		}
		fmt.Println(text)
	}
	*p = picture(len(lines))
}

// line is the state in a line.
func line(s *status.Snapshot) string {
	waits := ""
	if s.Waits != "" {
		waits = ", waits for " + s.Waits
	}
	work := fmt.Sprintf("%5.1f %% copied (%s rows, %s/s)", s.Percent(), status.Count(s.Copied), status.Count(uint64(s.CopyRate)))
	if s.Phase == status.Verify {
		work = fmt.Sprintf("%s rows compared (%s/s)", status.Count(s.Verified), status.Count(uint64(s.VerifyRate)))
	}
	return fmt.Sprintf("%-9s %s, %s row changes applied, backlog %s, lag %s%s", s.Phase, work,
		status.Count(s.ChangesApplied), status.Count(s.Backlog), s.Lag.Round(time.Millisecond), waits)
}
