//go:build mutants

package mutants

const (
	verifyPackage    = "internal/verify"
	verifySuspects   = verifyPackage + "/suspects.go"
	verifyStatements = "internal/sqlgen/verify.go"
)

var verifyMutants = []mutant{
	{
		Name:      "verify: the sign of zero is not seen",
		Invariant: "every value is compared exactly",
		Edits:     []edit{{verifyStatements, ` <=> " + b + " AND ATAN2(" + a + ", -1) <=> ATAN2(" + b + ", -1))"`, ` <=> " + b + ")"`}},
		Package:   verifyPackage, Tests: []string{"TestCorruptionsAreFound"}, Servers: true,
	},
	{
		Name:      "verify: spaces at the end are not seen",
		Invariant: "every value is compared exactly",
		Edits:     []edit{{verifyStatements, `_bin AND LENGTH(" + a + ") <=> LENGTH(" + b + "))"`, `_bin)"`}},
		Package:   verifyPackage, Tests: []string{"TestCorruptionsAreFound"}, Servers: true,
	},
	{
		Name:      "verify: types inside JSON are not seen",
		Invariant: "every value is compared exactly",
		Edits:     []edit{{verifyStatements, `"JSON_STORAGE_SIZE(JSON_ARRAY(" + a + ")) = JSON_STORAGE_SIZE(JSON_ARRAY(" + b + ")), FALSE))"`, `"TRUE, FALSE))"`}},
		Package:   verifyPackage, Tests: []string{"TestCorruptionsAreFound"}, Servers: true,
	},
	{
		Name:      "verify: rows of the shadow alone are not seen",
		Invariant: "both tables have the same rows",
		Edits:     []edit{{verifyPackage + "/compare.go", "source == alike && alike == shadow", "source == alike"}},
		Package:   verifyPackage, Tests: []string{"TestRowsOfEveryKey"}, Servers: true,
	},
	{
		Name:      "verify: nothing is looked at under the lock",
		Invariant: "what is left to the last look is looked at",
		Edits:     []edit{{verifySuspects, "if len(differing) == 0 {", "if true {"}},
		Package:   verifyPackage, Tests: []string{"TestWhatIsAppliedLaterIsNoDefect"}, Servers: true,
	},
	{
		Name:      "verify: what is noted while it is looked at is forgotten",
		Invariant: "what is written after a look is looked at again",
		Edits:     []edit{{verifySuspects, "case s.noted == s.asked:", "case true:"}},
		Package:   verifyPackage, Tests: []string{"TestNotedMeanwhile"}, Servers: true,
	},
}
