package preflight

import (
	"fmt"
	"strings"

	"github.com/midstreamdb/midstream/internal/table"
)

// Finding is one thing that a check found.
type Finding struct {
	Check string // the check's name, e.g. "binary log"
	Text  string // one sentence that names the object
	Fix   string // what to do: a statement or a sentence, "" where there is nothing to do
}

// Report is everything that the checks found, each list in the order of the checks.
type Report struct {
	Failures []Finding // the migration cannot start
	Warnings []Finding // it can, and may fail later on
	Notes    []Finding // good to know

	// Source is the table as inspected; nil where it cannot be used, which is a failure then.
	Source *table.Table
	Outcome
}

// Err returns nil without failures, else an error that holds them all, one block of lines each.
func (r *Report) Err() error {
	if len(r.Failures) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "refused before the start, nothing was changed:")
	for _, f := range r.Failures {
		b.WriteString("\n" + f.String())
	}
	return fmt.Errorf("%s", b.String())
}

// String renders failures, warnings and notes under a heading each; an empty report is "".
func (r *Report) String() string {
	var b strings.Builder
	for _, part := range []struct {
		heading  string
		findings []Finding
	}{{"refused", r.Failures}, {"warnings", r.Warnings}, {"notes", r.Notes}} {
		if len(part.findings) == 0 {
			continue
		}
		b.WriteString(part.heading + ":\n")
		for _, f := range part.findings {
			b.WriteString(f.String() + "\n")
		}
	}
	return b.String()
}

// String renders a finding as a bullet, what to do on a line of its own.
func (f Finding) String() string {
	s := "  - " + f.Check + ": " + f.Text
	if f.Fix != "" {
		s += "\n      " + f.Fix
	}
	return s
}

func (r *Report) add(f finding) {
	switch f.level {
	case failure:
		r.Failures = append(r.Failures, f.Finding)
	case warning:
		r.Warnings = append(r.Warnings, f.Finding)
	default:
		r.Notes = append(r.Notes, f.Finding)
	}
}

type level uint8

const (
	failure level = iota
	warning
	remark
)

// finding is a Finding on its way into one of the report's lists.
type finding struct {
	Finding
	level level
}

func fail(text, fix string) finding { return finding{Finding{Text: text, Fix: fix}, failure} }
func warn(text, fix string) finding { return finding{Finding{Text: text, Fix: fix}, warning} }
func note(text, fix string) finding { return finding{Finding{Text: text, Fix: fix}, remark} }

func (f finding) of(check string) finding {
	f.Check = check
	return f
}
