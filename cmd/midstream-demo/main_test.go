package main

import (
	"context"
	"os"
	"testing"
	"time"
)

// The demo's own checks are its test; here it is seen that they hold, and that nothing stays behind.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts servers of its own")
	}
	for _, engine := range []string{"mysql", "mariadb"} {
		t.Run(engine, func(t *testing.T) {
			folder := t.TempDir()
			t.Setenv("TMPDIR", folder)
			if err := run(t.Context(), cli{Engine: engine, Rows: 5000, Rate: 60, Connections: 4}); err != nil {
				t.Error(err)
			}
			mustBeEmpty(t, folder)
		})
	}
}

func TestInterruptedDemoLeavesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a server of its own")
	}
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	time.AfterFunc(lead+lead/2, cancel) // while the load runs, or the server starts on a busy machine
	if err := run(ctx, cli{Engine: "mysql", Rows: 5000, Rate: 60, Connections: 4}); err == nil {
		t.Error("no error from an interrupted demo")
	}
	mustBeEmpty(t, folder)
}

func mustBeEmpty(t *testing.T, folder string) {
	t.Helper()
	left, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		t.Errorf("left behind: %s", entry.Name())
	}
}
