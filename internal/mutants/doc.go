// Package mutants shows that the tests which guard the invariants can fail: each mutant is a textual change
// that breaks one invariant, and the tests it names must notice.
//
//	go test -tags mutants ./internal/mutants/                               all of them
//	go test -tags mutants -short ./internal/mutants/                        those that need no database server
//	go test -tags mutants -run 'TestMutants/rotation' ./internal/mutants/   one
//
// Mutants are data: production code has no hooks for them. A mutant's edits are applied to copies of the files, which the
// go command's -overlay puts in the place of the originals; the work tree is not touched. Those that need no servers run side by side.
//
// To add one, append a mutant to the list of its package (schedule_test.go holds those of internal/schedule; a new
// list is one more file, and one more line in lists):
//
//   - Name: a few words, what the mutant does.
//   - Invariant: what it breaks (I1 … I14, or in words).
//   - Edits: File below the module's root, Old text, New text. Old must occur exactly once in its file, else the mutant is stale and
//     the suite fails: bring it up to date when the code changes. Several edits, also of one file, are applied in order.
//   - Package and Tests: the tests that must kill it, each of them on its own. Name those that are meant to guard the invariant,
//     not whatever happens to fail.
//   - Servers: the tests need database servers.
//   - Everywhere: each subtest must fail, on every engine; otherwise one is enough.
//
// The suite fails when a named test does not exist or fails without the mutant, when a mutant does not compile (that would
// look like a kill), and when a mutant survives one of its tests. A panic, also the one of a test that hangs until its time is up, is a kill.
package mutants
