package status

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// Attrs returns the snapshot as attributes of a log line. Keys are the same in every line.
func (s *Snapshot) Attrs() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("phase", string(s.Phase)),
		slog.String("copied", fmt.Sprintf("%.1f%%", s.Percent())),
		slog.Uint64("rows_copied", s.Copied),
		slog.Uint64("rows_estimated", s.Rows),
		slog.Int64("rows_per_second", int64(s.CopyRate)),
		slog.Uint64("changes_applied", s.ChangesApplied),
		slog.Int64("changes_per_second", int64(s.ApplyRate)),
		slog.Uint64("backlog", s.Backlog),
		slog.Duration("lag", s.Lag.Round(time.Millisecond)),
		slog.Int("workers_busy", s.Busy),
		slog.Int("transactions_waiting", s.Waiting),
		slog.Uint64("retries", s.Retries),
	}
	if s.ETA > 0 {
		attrs = append(attrs, slog.Duration("eta", s.ETA.Round(time.Second)))
	}
	if s.Throttled != "" {
		attrs = append(attrs, slog.String("throttled", s.Throttled))
	}
	if s.Waits != "" {
		attrs = append(attrs, slog.String("waits_for", s.Waits))
	}
	return attrs
}

// View returns the snapshot as lines of text for a terminal of the given width.
func (s *Snapshot) View(width int) string {
	width = max(width, 60)
	title := s.Source + " on " + s.Server
	right := string(s.Phase) + "  " + clock(s.At.Sub(s.Started))
	lines := []string{
		title + strings.Repeat(" ", max(1, width-len([]rune(title))-len([]rune(right)))) + right,
		"",
		fmt.Sprintf("  Copied    %s %5.1f %%", bar(s.Percent(), max(10, width-24)), s.Percent()),
		fmt.Sprintf("            %s of about %s rows · ETA %s", Count(s.Copied), Count(max(s.Rows, s.Copied)), s.eta()),
		fmt.Sprintf("            %s rows/s · chunks of %s rows · %d workers", Count(uint64(s.CopyRate)), Count(s.ChunkSize), s.CopyWorkers),
		fmt.Sprintf("  Applied   %s row changes · %s/s · backlog %s · lag %s",
			Count(s.ChangesApplied), Count(uint64(s.ApplyRate)), Count(s.Backlog), s.Lag.Round(10*time.Millisecond)),
		fmt.Sprintf("            %d of %d workers busy · %d waiting for an earlier one · %d retries", s.Busy, s.Workers, s.Waiting, s.Retries),
		"            " + s.clockAllows(),
	}
	if s.Throttled != "" {
		lines = append(lines, "  Throttled "+s.Throttled)
	}
	if s.Waits != "" {
		lines = append(lines, "  Waits for "+s.Waits)
	}
	return strings.Join(lines, "\n") + "\n"
}

func (s *Snapshot) eta() string {
	switch {
	case s.CopyDone:
		return "copied"
	case s.ETA == 0:
		return "not known yet"
	}
	return clock(s.ETA)
}

func (s *Snapshot) clockAllows() string {
	if s.Parallelism == 0 {
		return "the source's clock was not needed yet"
	}
	return fmt.Sprintf("the source's clock allows %.1f transactions at once", s.Parallelism)
}

// Count returns a number with its thousands apart: 1,234,567.
func Count(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

func bar(percent float64, width int) string {
	full := int(percent / 100 * float64(width))
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}

func clock(d time.Duration) string {
	d = d.Round(time.Second)
	return fmt.Sprintf("%d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}
