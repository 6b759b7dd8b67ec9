package status

import (
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"
)

// Attrs returns the snapshot as attributes of a log line: plain numbers and texts, the same in every form of the log. What is
// not known yet, or does not apply, is left out.
func (s *Snapshot) Attrs() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("phase", string(s.Phase)),
		slog.Float64("percent_copied", tenth(s.Percent())),
		slog.Uint64("rows_copied", s.Copied),
		slog.Uint64("rows_estimated", s.Rows),
		slog.Int64("rows_per_second", int64(s.CopyRate)),
		slog.Uint64("rows_verified", s.Verified),
		slog.Uint64("changes_applied", s.ChangesApplied),
		slog.Int64("changes_per_second", int64(s.ApplyRate)),
		slog.Uint64("backlog", s.Backlog),
		slog.Float64("lag_seconds", float64(s.Lag.Milliseconds())/1000),
		slog.Int("workers_busy", s.Busy),
		slog.Int("transactions_waiting", s.Waiting),
		slog.Uint64("retries", s.Retries),
	}
	if s.ETA > 0 {
		attrs = append(attrs, slog.Float64("eta_seconds", math.Round(s.ETA.Seconds())))
	}
	if s.Parallelism > 0 {
		attrs = append(attrs, slog.Float64("clock_allows", tenth(s.Parallelism)))
	}
	if s.Throttled != "" {
		attrs = append(attrs, slog.String("throttled", s.Throttled))
	}
	if s.Waits != "" {
		attrs = append(attrs, slog.String("waits_for", s.Waits))
	}
	return attrs
}

func tenth(f float64) float64 { return math.Round(f*10) / 10 }

// View returns the snapshot as lines of text for a terminal of the given width, of which it takes at least 60 characters.
func (s *Snapshot) View(width int) string {
	width = max(width, 60)
	title := s.Source
	if s.Server != "" {
		title += " on " + s.Server
	}
	right := string(s.Phase) + "  " + clock(s.At.Sub(s.Started))
	lines := []string{title + strings.Repeat(" ", max(1, width-len([]rune(title))-len([]rune(right)))) + right, ""}
	row := func(label string, items ...string) { lines = append(lines, wrap(label, items, width)...) }
	if s.Workers > 0 { // before, there is nothing to count
		row("Copied", fmt.Sprintf("%s %5.1f %%", bar(s.Percent(), max(10, width-24)), s.Percent()))
		row("", fmt.Sprintf("%s of about %s rows", Count(s.Copied), Count(max(s.Rows, s.Copied))), s.eta())
		row("", Count(uint64(s.CopyRate))+" rows/s", "chunks of "+Count(s.ChunkSize)+" rows", fmt.Sprintf("%d workers", s.CopyWorkers))
		if s.Verified > 0 || s.Phase == Verify {
			row("Verified", Count(s.Verified)+" rows", fmt.Sprintf("%d to be looked at again", s.Suspects), s.verifyETA())
		}
		row("Applied", Count(s.ChangesApplied)+" row changes", Count(uint64(s.ApplyRate))+"/s",
			"backlog "+Count(s.Backlog), "lag "+s.Lag.Round(10*time.Millisecond).String())
		row("", fmt.Sprintf("%d of %d workers busy", s.Busy, s.Workers), fmt.Sprintf("%d waiting for an earlier one", s.Waiting),
			fmt.Sprintf("%d retries", s.Retries))
		row("", s.clockAllows())
	}
	if s.Throttled != "" {
		row("Throttled", s.Throttled)
	}
	if s.Waits != "" {
		row("Waits for", s.Waits)
	}
	return strings.Join(lines, "\n") + "\n"
}

// wrap puts items, with dots between, behind a label, in as many lines as the width demands. An item is never divided.
func wrap(label string, items []string, width int) []string {
	lines := []string{fmt.Sprintf("  %-9s %s", label, items[0])}
	for _, item := range items[1:] {
		last := &lines[len(lines)-1]
		if longer := *last + " · " + item; len([]rune(longer)) <= width {
			*last = longer
			continue
		}
		lines = append(lines, strings.Repeat(" ", 12)+item)
	}
	return lines
}

func (s *Snapshot) eta() string {
	switch {
	case s.CopyDone:
		return "all copied"
	case s.ETA == 0:
		return "ETA not known yet"
	}
	return "ETA " + clock(s.ETA)
}

// verifyETA says how long comparing will take.
func (s *Snapshot) verifyETA() string {
	switch {
	case s.VerifyDone:
		return "all compared"
	case s.ETA == 0:
		return "ETA not known yet"
	}
	return "ETA " + clock(s.ETA)
}

func (s *Snapshot) clockAllows() string {
	if s.Parallelism == 0 {
		return "source's clock not needed yet"
	}
	return fmt.Sprintf("source's clock allows %.1f transactions at once", s.Parallelism)
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
