package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/midstreamdb/midstream/internal/migrate"
)

// logInterval is the time between two lines about progress.
const logInterval = 5 * time.Second

// runLogged migrates with log lines on standard error and the summary on standard output.
func runLogged(ctx context.Context, cfg migrate.Config, log *slog.Logger) error {
	cfg.Log, cfg.Plan, cfg.Tool = log, os.Stdout, known(version)
	r := migrate.New(cfg)
	reporting, stop := context.WithCancel(ctx)
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		report(reporting, r, log)
	}()
	summary, err := r.Run(ctx)
	stop()
	<-reported
	if err != nil {
		return err
	}
	fmt.Print(summary)
	return nil
}

// report writes a line about progress now and then until ctx ends.
func report(ctx context.Context, r *migrate.Runner, log *slog.Logger) {
	tick := time.NewTicker(logInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s := r.Snapshot()
			log.LogAttrs(ctx, slog.LevelInfo, "progress", s.Attrs()...)
		case <-ctx.Done():
			return
		}
	}
}
