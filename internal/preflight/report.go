package preflight

import (
	"errors"
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
	Copying  []Finding // rows cannot be copied; the server may do without, which is not known yet
	Warnings []Finding // it can, and may fail later on
	Notes    []Finding // good to know

	// Source is the table as inspected; nil where it cannot be used, which is a failure then.
	Source *table.Table
	Outcome
}

// Err returns nil without failures, else an error that holds them all, one block of lines each.
func (r *Report) Err() error {
	return refused("refused before the start, nothing was changed:", r.Failures)
}

// CopyErr is Err of what stands against copying rows.
func (r *Report) CopyErr() error {
	return refused("the server cannot alter the table by itself, and its rows cannot be copied:", r.Copying)
}

func refused(what string, findings []Finding) error {
	if len(findings) == 0 {
		return nil
	}
	for _, f := range findings {
		what += "\n" + f.String()
	}
	return errors.New(what)
}

// String renders failures, warnings and notes under a heading each; an empty report is "".
func (r *Report) String() string {
	var b strings.Builder
	for _, part := range []struct {
		heading  string
		findings []Finding
	}{{"refused", r.Failures}, {"refused, unless the server can alter the table by itself", r.Copying}, {"warnings", r.Warnings}, {"notes", r.Notes}} {
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
	case copying:
		r.Copying = append(r.Copying, f.Finding)
	case warning:
		r.Warnings = append(r.Warnings, f.Finding)
	default:
		r.Notes = append(r.Notes, f.Finding)
	}
}

type level uint8

const (
	failure level = iota
	copying
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

// againstCopy is a finding that stands against copying rows, and so against a migration that needs to.
func (in *inspection) againstCopy(text, fix string) finding {
	if in.MayBeNative {
		return finding{Finding{Text: text, Fix: fix}, copying}
	}
	return fail(text, fix)
}

func (f finding) of(check string) finding {
	f.Check = check
	return f
}
