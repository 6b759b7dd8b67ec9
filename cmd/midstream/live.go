package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/midstreamdb/midstream/internal/migrate"
)

// refresh is the time between two pictures of the live view.
const refresh = 200 * time.Millisecond

// errInterrupted is why a migration stops whose live view was left.
var errInterrupted = errors.New("interrupted")

// runLive migrates with a live view on the terminal; warnings scroll above it.
func runLive(ctx context.Context, cfg migrate.Config) error {
	notices := &notices{}
	cfg.Log = slog.New(slog.NewTextHandler(notices, &slog.HandlerOptions{Level: slog.LevelWarn}))
	cfg.Plan, cfg.Tool = os.Stdout, known(version)
	ctx, cancel := context.WithCancelCause(ctx)
	stop := func() { cancel(errInterrupted) }
	defer stop()
	r := migrate.New(cfg)
	notices.program = tea.NewProgram(live{runner: r, stop: stop, width: 80}, tea.WithContext(context.WithoutCancel(ctx)), tea.WithoutSignalHandler())
	var summary *migrate.Summary
	var failed error
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		summary, failed = r.Run(ctx)
		notices.program.Send(done{})
	}()
	_, shown := notices.program.Run()
	if shown != nil { // without a view nobody watches; the migration ends cleanly
		cancel(fmt.Errorf("show live view: %w: use --progress=log where there is no terminal", shown))
	}
	<-finished
	if failed != nil {
		return failed
	}
	fmt.Print(summary)
	return nil
}

// live is the view: the snapshot, drawn again and again.
type live struct {
	runner *migrate.Runner
	stop   func()
	width  int
	ending bool
}

type (
	frame struct{} // time for the next picture
	done  struct{} // the migration has ended
)

func next() tea.Cmd { return tea.Tick(refresh, func(time.Time) tea.Msg { return frame{} }) }

// Init implements tea.Model.
func (l live) Init() tea.Cmd { return next() }

// Update implements tea.Model.
func (l live) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		l.width = msg.Width
	case tea.KeyPressMsg:
		if msg.String() == "ctrl+c" {
			l.ending = true
			l.stop()
		}
	case frame:
		return l, next()
	case done:
		return l, tea.Quit
	}
	return l, nil
}

// View implements tea.Model.
func (l live) View() tea.View {
	s := l.runner.Snapshot()
	text := s.View(l.width)
	if l.ending {
		text += "  Stopping …\n"
	}
	return tea.NewView(lipgloss.NewStyle().Width(l.width).Render(text))
}

// notices prints log lines above the live view.
type notices struct {
	program *tea.Program

	mu sync.Mutex
}

// Write implements io.Writer: one call per line.
func (n *notices) Write(line []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.program.Println(string(bytes.TrimRight(line, "\n")))
	return len(line), nil
}
