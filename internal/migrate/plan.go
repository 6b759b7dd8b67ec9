package migrate

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/midstreamdb/midstream/internal/preflight"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// plan reports what preflight found; in a dry run it tells what a run would do, and ends the migration there.
func (r *Runner) plan(ctx context.Context, report *preflight.Report) error {
	for _, f := range report.Copying {
		r.cfg.Log.Warn("unless the server can alter the table by itself: "+f.Text, "check", f.Check, "fix", f.Fix)
	}
	for _, f := range report.Warnings {
		r.cfg.Log.Warn(f.Text, "check", f.Check, "fix", f.Fix)
	}
	if !r.cfg.DryRun {
		for _, f := range report.Notes {
			r.cfg.Log.Info(f.Text, "check", f.Check)
		}
		return nil
	}
	if r.cfg.Native != NativeOff {
		if err := r.ask(ctx, report); err != nil {
			return err
		}
	}
	r.writePlan(r.cfg.Plan, report)
	return errPlanned
}

// ask makes the tables of a migration, as a run would, and drops them again: the server says by the empty shadow what it can do by
// itself. What preflight's temporary table could not tell the shadow does.
func (r *Runner) ask(ctx context.Context, report *preflight.Report) error {
	if err := r.takeLock(ctx); err != nil {
		return err
	}
	if err := r.askShadow(ctx, report); err != nil {
		return r.undo(ctx, err)
	}
	return r.dropCreated(ctx)
}

func (r *Runner) askShadow(ctx context.Context, report *preflight.Report) error {
	if err := r.createTables(ctx); err != nil {
		return err
	}
	if r.algorithm == "" {
		if err := r.notNative(); err != nil {
			return err
		}
		if err := r.mayCopy(); err != nil {
			return err
		}
	}
	report.Definition, report.Simplified = preflight.Renamed(r.made, r.names.Source), ""
	if report.Mapping != nil {
		return nil
	}
	switch err := r.mapColumns(ctx); {
	case err == nil:
		report.Mapping, report.Untried = r.mapping, ""
	case r.algorithm == "":
		return &Refusal{Err: err}
	default:
		report.Untried = err.Error()
	}
	return nil
}

func (r *Runner) writePlan(w io.Writer, report *preflight.Report) {
	t := report.Source
	line := func(label, format string, args ...any) {
		fmt.Fprintf(w, "%-14s %s\n", label, fmt.Sprintf(format, args...))
	}
	line("Plan for", "%s on %s at %s (this dry run leaves everything as it was)", t.Name, r.server, r.cfg.Conn.Address())
	line("Statement", "%s", r.alter.For(t.Name))
	copies := fmt.Sprintf("shadow table (--native=%s), changes by --apply=%s, %s", r.cfg.Native, r.apply,
		map[bool]string{true: "all rows compared before the swap", false: "nothing compared (--verify=off)"}[r.cfg.Verify])
	switch {
	case r.algorithm == "":
		line("Way", "%s", copies)
		if r.whyCopy != "" {
			line("", "since the server cannot do it by itself: %s", r.whyCopy)
		}
	case r.cfg.Native == NativeOnly || r.againstCopy != nil:
		line("Way", "the server's own DDL, %s (--native=%s), which it accepts for an empty table like this", r.algorithm, r.cfg.Native)
	default:
		line("Way", "the server's own DDL, %s (--native=auto), which it accepts for an empty table like this", r.algorithm)
		line("", "if it refuses it for the table itself: %s", copies)
	}
	line("Workers", "%s to apply changes, %s to copy rows", workers(r.cfg.Workers), workers(r.cfg.CopyWorkers))
	line("Size", "about %s rows, %s of data, %s of indexes", status.Count(t.EstimatedRows), size(t.DataBytes), size(t.IndexBytes))
	definition := report.Definition
	if m := report.Mapping; m != nil {
		line("Key", "%s", keyPlan(&m.Key))
		for i, what := range columnPlan(m) {
			line(map[bool]string{true: "Columns"}[i == 0], "%s", what)
		}
		line("Order", "%s", r.orderPlan(m))
		line("Indexes", "%s", r.indexPlan(m.Shadow))
	} else {
		line("Not checked", "the key, the columns and the server's opinion of the ALTER: %s. The run checks them before it copies, and undoes what it has created.", report.Untried)
	}
	if definition == "" {
		definition = "not known before the shadow table exists"
	}
	if report.Simplified != "" {
		line("Not checked", "what becomes of %s, which no temporary table can have", report.Simplified)
	}
	for i := range r.renamed {
		line(map[bool]string{true: "Constraints"}[i == 0], "CHECK %s will be called %s", table.Quote(r.renamed[i].Source), table.Quote(r.renamed[i].Swapped))
	}
	line("Creates", "%s, %s, %s", r.names.Shadow, r.names.Changelog, r.names.Checkpoint)
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

// keyPlan names the migration key.
func keyPlan(k *table.MigrationKey) string {
	text := fmt.Sprintf("%s (%s)", table.Quote(k.Name), table.QuoteList(k.SourceNames()))
	if k.ShadowName != k.Name || !slices.Equal(k.ShadowNames(), k.SourceNames()) {
		text += fmt.Sprintf(", afterwards %s (%s)", table.Quote(k.ShadowName), table.QuoteList(k.ShadowNames()))
	}
	return text
}

// orderPlan says in which order changes will be applied.
func (r *Runner) orderPlan(m *table.Mapping) string {
	if r.apply == Refresh {
		return "rows whose keys the log names are written from the source, in any order"
	}
	if len(m.AddedUnique) == 0 {
		return "changes that the source's clock calls independent are applied side by side"
	}
	return fmt.Sprintf("changes are applied one after the other: the ALTER adds the unique key %s", table.Quote(m.AddedUnique[0].Name))
}

// columnPlan says what becomes of the columns: those copied as they are in one line, then one line for each other.
func columnPlan(m *table.Mapping) []string {
	var same, lines []string
	of, written := make(map[*table.Column]bool), make(map[*table.Column]bool)
	for i := range m.Columns {
		p := &m.Columns[i]
		written[p.Shadow] = true
		if p.IsConstant() {
			lines = append(lines, fmt.Sprintf("%s added, %s in the rows that exist", table.Quote(p.Shadow.Name), p.Wrap.Around("")))
			continue
		}
		of[p.Source] = true
		what := table.Quote(p.Source.Name)
		if p.Source.Name != p.Shadow.Name {
			what += " renamed to " + table.Quote(p.Shadow.Name)
		}
		if from, to := typeText(p.Source), typeText(p.Shadow); from != to {
			what += " converted from " + from + " to " + to
		}
		what += lossPlan(p)
		if what == table.Quote(p.Source.Name) {
			same = append(same, what)
		} else {
			lines = append(lines, what)
		}
	}
	for i := range m.Shadow.Columns {
		c := &m.Shadow.Columns[i]
		switch {
		case c.Generation != table.NotGenerated:
			lines = append(lines, table.Quote(c.Name)+" computed by the server")
		case !written[c]:
			lines = append(lines, table.Quote(c.Name)+" added, with its default in the rows that exist")
		}
	}
	for i := range m.Source.Columns {
		c := &m.Source.Columns[i]
		if !of[c] && (c.Generation == table.NotGenerated || m.Shadow.Column(c.Name) == nil) {
			lines = append(lines, table.Quote(c.Name)+" dropped")
		}
	}
	if len(same) > 0 {
		lines = append([]string{strings.Join(same, ", ") + " copied as they are"}, lines...)
	}
	return lines
}

// lossPlan says what the conversion may lose, and what happens then.
func lossPlan(p *table.Pair) string {
	switch {
	case p.Lossy:
		return "; losses are accepted: " + p.Loss.Why
	case p.Loss.May():
		return "; a row that would lose something stops the run: " + p.Loss.Why
	}
	return ""
}

// typeText is a column's type with its collation.
func typeText(c *table.Column) string {
	if c.Collation == "" {
		return c.ColumnType
	}
	return c.ColumnType + " " + c.Collation
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
	Why      string     // why the server did not do it by itself; "" if it was not asked
	Native   bool       // the server did it: nothing below but Attempts and Took
	Rows     uint64     // copied
	Verified string     // e.g. "1,000,000 rows, all equal"; "" by an earlier run
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
	if s.Native {
		return fmt.Sprintf("%s has its new definition.\n  way          %s, attempt %d\n  took         %s\n  old table    none: no rows were copied\n",
			s.Source, s.Way, s.Attempts, s.Took.Round(10*time.Millisecond))
	}
	retired := "dropped"
	if s.Retired != (table.Name{}) {
		retired = "kept as " + s.Retired.String()
	}
	why := ""
	if s.Why != "" {
		why = "\n               since the server cannot do it by itself: " + s.Why
	}
	cutOver := "by an earlier run"
	if s.Attempts > 0 {
		cutOver = fmt.Sprintf("stalled writes for %s, attempt %d", s.Stall.Round(100*time.Microsecond), s.Attempts)
	}
	return fmt.Sprintf(`%s has its new definition.
  way          %s%s
  copied       %s rows
  verified     %s
  applied      %s row changes made meanwhile
  retries      %s
  cut-over     %s
  took         %s
  old table    %s
`, s.Source, s.Way, why, status.Count(s.Rows), cmp.Or(s.Verified, "by an earlier run"), status.Count(s.Changes), status.Count(s.Retries),
		cutOver, s.Took.Round(10*time.Millisecond), retired)
}
