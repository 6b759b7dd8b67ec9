//go:build mutants

package mutants

const nativeFile = "internal/migrate/native.go"

var nativeMutants = []mutant{
	{
		Name:      "native: an index that is built counts as metadata",
		Invariant: "what the server would build is copied, throttled and verified, instead",
		Edits:     []edit{{nativeFile, "return !slices.Contains(before, id)", "return !slices.Contains(before, id) && false"}},
		Package:   "test/scenario",
		Tests:     []string{"TestNative"},
		Servers:   true,
	},
	{
		Name:      "native: an ALTER whose answer is lost counts as done",
		Invariant: "the definition tells what became of it",
		Edits:     []edit{{nativeFile, "case withoutCounter(now) != withoutCounter(before):", "case len(now) > 0:"}},
		Package:   "test/scenario",
		Tests:     []string{"TestNativeGivesWay"},
		Servers:   true,
	},
	{
		Name:      "native: everybody waits for the ALTER",
		Invariant: "an attempt waits for the table's lock for a short time only",
		Edits:     []edit{{nativeFile, "int(r.cfg.LockTimeout.Seconds())", "1000*int(r.cfg.LockTimeout.Seconds())"}},
		Package:   "test/scenario",
		Tests:     []string{"TestNativeGivesWay"},
		Servers:   true,
	},
	{
		Name:      "native: an ALTER of unknown outcome is tried again",
		Invariant: "what nobody knows the outcome of is told as that",
		Edits:     []edit{{nativeFile, "case errors.As(err, &unknown): // whatever it wraps", "case errors.As(err, &unknown) && err == nil:"}},
		Package:   "test/scenario",
		Tests:     []string{"TestNativeOutcomeUnknown"},
		Servers:   true,
	},
}
