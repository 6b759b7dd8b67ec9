package migrate

import "strings"

// How a migration ends other than well. Each kind has its exit code, and its text says what to do next.

// Exit codes of the command.
const (
	ExitDone     = 0 // swapped, and clean
	ExitFailed   = 1 // failed or stopped; the source serves
	ExitRefused  = 2 // refused before anything was done, or bad usage
	ExitUnknown  = 3 // it is not known whether the tables were swapped
	ExitLeftover = 4 // swapped; something is left to do
)

// Refusal says that the migration was not begun: the server is as it was.
type Refusal struct{ Err error }

// Error implements error.
func (e *Refusal) Error() string { return e.Err.Error() }

// Unwrap gives the reason.
func (e *Refusal) Unwrap() error { return e.Err }

// ExitCode is ExitRefused.
func (e *Refusal) ExitCode() int { return ExitRefused }

// Failure says that the migration ended before the swap, and has not changed the source.
type Failure struct {
	Err      error
	Source   string   // a sentence on the source table as it was found at the end
	Restarts bool     // the command said that it begins anew
	Left     []string // statements that remove what is left
}

// Error implements error.
func (e *Failure) Error() string {
	if len(e.Left) == 0 {
		return e.Err.Error() + "; nothing was changed"
	}
	again := "The same command goes on from the checkpoint; with --restart it begins anew."
	if e.Restarts {
		again = "The same command without --restart goes on from the checkpoint; with it, all that was done is dropped again."
	}
	return e.Err.Error() + "\n" + e.Source + " " + again + " To give up, remove what is left:\n  " + strings.Join(e.Left, "\n  ")
}

// Unwrap gives the reason.
func (e *Failure) Unwrap() error { return e.Err }

// ExitCode is ExitFailed.
func (e *Failure) ExitCode() int { return ExitFailed }

// Unknown says that it could not be found out whether the tables were swapped.
type Unknown struct{ Err error }

// Error implements error.
func (e *Unknown) Error() string { return e.Err.Error() }

// Unwrap gives the reason.
func (e *Unknown) Unwrap() error { return e.Err }

// ExitCode is ExitUnknown.
func (e *Unknown) ExitCode() int { return ExitUnknown }

// Leftover says that the table has its new definition, and what could not be done afterwards.
type Leftover struct {
	Err  error
	Left []string // statements that do the rest
}

// Error implements error.
func (e *Leftover) Error() string {
	return "the table has its new definition, but " + e.Err.Error() + "\nTo finish:\n  " + strings.Join(e.Left, "\n  ")
}

// Unwrap gives the reason.
func (e *Leftover) Unwrap() error { return e.Err }

// ExitCode is ExitLeftover.
func (e *Leftover) ExitCode() int { return ExitLeftover }
