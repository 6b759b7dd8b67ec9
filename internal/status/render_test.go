package status_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/status"
)

func TestCount(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := status.Count(n); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestPercentNeverClaimsTheEnd(t *testing.T) {
	s := status.Snapshot{Rows: 100, Copied: 250}
	if got := s.Percent(); got != 99.9 {
		t.Errorf("more rows than estimated: %v %%, want 99.9", got)
	}
	s.CopyDone = true
	if got := s.Percent(); got != 100 {
		t.Errorf("after the copy: %v %%, want 100", got)
	}
	if got := (&status.Snapshot{}).Percent(); got != 0 {
		t.Errorf("nothing known: %v %%, want 0", got)
	}
}

func TestViewShowsWhatMatters(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := status.Snapshot{
		At: start.Add(83 * time.Second), Started: start, Phase: status.Copy, Source: "shop.orders", Server: "MySQL 9.7.4",
		Rows: 1000000, Copied: 612000, CopyRate: 52310, ETA: 12 * time.Second, ChunkSize: 4000,
		ChangesApplied: 123456, ApplyRate: 4210, Backlog: 17, Lag: 120 * time.Millisecond,
		Workers: 4, Busy: 1, Waiting: 2, Retries: 3, Parallelism: 3.25,
		Throttled: "flag file /tmp/stop exists", Waits: "the copy",
	}
	view := s.View(80)
	for _, want := range []string{
		"shop.orders on MySQL 9.7.4", "copy  0:01:23", "61.2 %", "612,000 of about 1,000,000 rows", "52,310 rows/s",
		"ETA 0:00:12", "123,456 row changes", "backlog 17", "lag 120ms", "1 of 4 workers busy", "2 waiting", "3.2 transactions at once",
		"3 retries", "Throttled flag file /tmp/stop exists", "Waits for the copy",
	} {
		if !strings.Contains(view, want) {
			t.Errorf("view lacks %q:\n%s", want, view)
		}
	}
	for _, width := range []int{60, 72, 80, 200} {
		for _, line := range strings.Split(s.View(width), "\n") {
			if n := len([]rune(line)); n > width {
				t.Errorf("at %d a line of %d characters: %s", width, n, line)
			}
		}
	}
}

func TestViewBeforeThereIsAnythingToCount(t *testing.T) {
	s := status.Snapshot{Phase: status.Preflight, Source: "shop.orders"}
	if got, want := s.View(60), "shop.orders"+strings.Repeat(" ", 31)+"preflight  0:00:00\n\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAttrsAreNumbersInJSON(t *testing.T) {
	s := status.Snapshot{
		Phase: status.Copy, Rows: 3, Copied: 1, ETA: 90 * time.Second, Lag: 1234567 * time.Microsecond, Parallelism: 2.0 / 3,
		Throttled: "flag file /tmp/stop exists",
	}
	var line bytes.Buffer
	slog.New(slog.NewJSONHandler(&line, nil)).LogAttrs(t.Context(), slog.LevelInfo, "progress", s.Attrs()...)
	var got map[string]any
	if err := json.Unmarshal(line.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"phase": "copy", "percent_copied": 33.3, "rows_copied": 1.0, "eta_seconds": 90.0, "lag_seconds": 1.234, "clock_allows": 0.7,
		"throttled": "flag file /tmp/stop exists", "waits_for": nil,
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
}
