package migrate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/preflight"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// plan reports what preflight found; in a dry run it tells what a run would do, and ends the migration there.
func (r *Runner) plan(ctx context.Context, report *preflight.Report) error {
	for _, f := range report.Warnings {
		r.cfg.Log.Warn(f.Text, "check", f.Check, "fix", f.Fix)
	}
	if !r.cfg.DryRun {
		for _, f := range report.Notes {
			r.cfg.Log.Info(f.Text, "check", f.Check)
		}
		return nil
	}
	db, err := r.openDDL()
	if err != nil {
		return err
	}
	defer db.Close()
	definition, err := trialDefinition(ctx, db, r.names, r.alter)
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return err
	}
	if err != nil {
		definition = "not known before the shadow table exists: no temporary one can be made (the server says: " + conn.Message(err) + ")"
	}
	r.writePlan(r.cfg.Plan, report, definition)
	return errPlanned
}

func (r *Runner) writePlan(w io.Writer, report *preflight.Report, definition string) {
	t := report.Source
	line := func(label, format string, args ...any) {
		fmt.Fprintf(w, "%-14s %s\n", label, fmt.Sprintf(format, args...))
	}
	line("Plan for", "%s on %s at %s (nothing is changed by this dry run)", t.Name, r.server, r.cfg.Conn.Address())
	line("Statement", "%s", r.alter.For(t.Name))
	line("Way", "shadow table (--native=%s), changes by --apply=%s", r.cfg.Native, r.cfg.Apply)
	line("Workers", "%s to apply changes, %s to copy rows", workers(r.cfg.Workers), workers(r.cfg.CopyWorkers))
	line("Size", "about %s rows, %s of data, %s of indexes", status.Count(t.EstimatedRows), size(t.DataBytes), size(t.IndexBytes))
	line("Key", "%s", candidateKeys(t))
	line("Columns", "%s", strings.Join(r.columnPlan(t), ", "))
	line("Creates", "%s, %s", r.names.Shadow, r.names.Changelog)
	line("Keeps", "%s as %s%s", t.Name, r.names.Retired, map[bool]string{true: ", and drops it at the end"}[r.cfg.DropOldTable])
	fmt.Fprintf(w, "\nDefinition before:\n%s\n\nDefinition after:\n%s\n", t.CreateSQL, definition)
	if text := report.String(); text != "" {
		fmt.Fprintf(w, "\n%s", text)
	}
}

func workers(n int) string {
	if n == 0 {
		return "as many as bring most (measured)"
	}
	return fmt.Sprint(n)
}

// candidateKeys lists the unique keys that may address the rows; which of them serves is known when the shadow exists.
func candidateKeys(t *table.Table) string {
	var keys []string
	for i := range t.Keys {
		if k := &t.Keys[i]; k.Unique {
			keys = append(keys, fmt.Sprintf("%s (%s)", table.Quote(k.Name), table.QuoteList(k.Columns())))
		}
	}
	return strings.Join(keys, ", or ")
}

// columnPlan says for each column of the source what becomes of it by name.
func (r *Runner) columnPlan(t *table.Table) []string {
	var lines []string
	for i := range t.Columns {
		c := &t.Columns[i]
		what := table.Quote(c.Name)
		for from, to := range r.alter.Renames {
			if table.SameIdentifier(from, c.Name) && from != to {
				what += " as " + table.Quote(to)
			}
		}
		for _, dropped := range r.alter.Drops {
			if table.SameIdentifier(dropped, c.Name) {
				what += " dropped"
			}
		}
		lines = append(lines, what)
	}
	return lines
}

// size returns bytes as a person reads them.
func size(bytes uint64) string {
	const unit = 1024
	value, prefix := float64(bytes), "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if value < unit {
			break
		}
		value, prefix = value/unit, next
	}
	if prefix == "B" {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %s", value, prefix)
}

// Summary is what a migration did.
type Summary struct {
	Source   table.Name
	Retired  table.Name // where the old rows are; zero when it was dropped
	Way      string     // e.g. "shadow table, --apply=replay"
	Rows     uint64     // copied
	Changes  uint64     // row changes applied
	Retries  uint64
	Attempts int // of the cut-over
	Stall    time.Duration
	Took     time.Duration
}

// String returns the summary as lines of text; "" for that of a dry run.
func (s *Summary) String() string {
	if s.Source == (table.Name{}) {
		return ""
	}
	retired := "dropped"
	if s.Retired != (table.Name{}) {
		retired = "kept as " + s.Retired.String()
	}
	return fmt.Sprintf(`%s has its new definition.
  way          %s
  copied       %s rows
  applied      %s row changes made meanwhile
  retries      %s
  cut-over     stalled writes for %s, attempt %d
  took         %s
  old table    %s
`, s.Source, s.Way, status.Count(s.Rows), status.Count(s.Changes), status.Count(s.Retries),
		s.Stall.Round(100*time.Microsecond), s.Attempts, s.Took.Round(10*time.Millisecond), retired)
}
