// Package status is what a migration shows of itself: one Snapshot, rendered by the terminal, the log, and later the
// web page alike.
package status

// Phase is the step of a migration that is under way.
type Phase string

// The phases in their order.
const (
	Preflight Phase = "preflight"
	Prepare   Phase = "prepare"
	Copy      Phase = "copy"
	Index     Phase = "index"    // deferred indexes are built
	CatchUp   Phase = "catch-up" // what was changed meanwhile is applied
	Verify    Phase = "verify"
	Postponed Phase = "postponed" // ready, waiting for permission to cut over
	CutOver   Phase = "cut-over"
	CleanUp   Phase = "clean-up"
	Done      Phase = "done"
)
