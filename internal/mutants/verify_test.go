//go:build mutants

package mutants

const (
	verifyPackage    = "internal/verify"
	verifySuspects   = verifyPackage + "/suspects.go"
	verifyRest       = verifyPackage + "/rest.go"
	keepFile         = "internal/migrate/keep.go"
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
	{
		Name:      "verify: a chunk counts as compared though not all that differs is noted",
		Invariant: "what an earlier run has compared was equal, but for the rows that are kept",
		Edits:     []edit{{verifyPackage + "/compare.go", "if len(keys) < c.most {", "if true {"}},
		Package:   verifyPackage, Tests: []string{"TestChunkOfManyDifferencesStaysOpen"}, Servers: true,
	},
	{
		Name:      "verify: rows to be looked at again are not kept",
		Invariant: "what an earlier run has compared was equal, but for the rows that are kept",
		Edits:     []edit{{verifyRest, "rest.Suspects = append(rest.Suspects, s.key)", "_ = s.key"}},
		Package:   verifyPackage, Tests: []string{"TestInterruptedComparisonGoesOn"}, Servers: true,
	},
	{
		Name:      "verify: rows that an earlier run has kept are forgotten",
		Invariant: "what an earlier run has compared was equal, but for the rows that are kept",
		Edits:     []edit{{verifyRest, "v.suspect(rest.Suspects)", "v.suspect(nil)"}},
		Package:   verifyPackage, Tests: []string{"TestInterruptedComparisonGoesOn"}, Servers: true,
	},
	{
		Name:      "verify: too much to keep is kept in part",
		Invariant: "what an earlier run has compared was equal, but for the rows that are kept",
		Edits:     []edit{{verifyRest, "			return nil\n		}\n		rest.Suspects", "			break\n		}\n		rest.Suspects"}},
		Package:   verifyPackage, Tests: []string{"TestTooMuchNotedBeforeItGoesOn"}, Servers: true,
	},
	{
		Name:      "verify: what is written before the comparison goes on is not looked at",
		Invariant: "rows that replay writes after they were compared are compared again",
		Edits:     []edit{{verifyRest, "v.begun.Store(rest.After != nil || rest.Ended)", "v.begun.Store(false)"}},
		Package:   verifyPackage, Tests: []string{"TestNotedBeforeItGoesOn"}, Servers: true,
	},
	{
		Name:      "verify: no error means that everything was compared",
		Invariant: "success proves that every chunk was compared",
		Edits:     []edit{{verifyPackage + "/verify.go", "len(left) == 0 && v.compared.All()", "len(left) == 0"}},
		Package:   verifyPackage, Tests: []string{"TestIncompletePlanIsNoProof"}, Servers: true,
	},
	{
		Name:      "verify: what another server has compared counts",
		Invariant: "only what was compared on the server that holds the checkpoint is trusted",
		Edits:     []edit{{"internal/migrate/resume.go", "record.Verified = nil //", "_ = record.Verified //"}},
		Package:   "test/scenario", Tests: []string{"TestVerificationOfAnotherServer"}, Servers: true,
	},
	{
		Name:      "verify: suspects are looked at before the position",
		Invariant: "a change up to a checkpoint's position is among its suspects, or its row was seen equal",
		Edits: []edit{
			{keepFile, "	if low := p.applied", "	verified := compared(p)\n	if low := p.applied"},
			{keepFile, "now.Copied, now.Verified = copied(p), compared(p)", "now.Copied, now.Verified = copied(p), verified"},
		},
		Package: "internal/migrate", Tests: []string{"TestPositionIsLookedAtBeforeSuspects"},
	},
	{
		Name:      "verify: a defect names columns that agree",
		Invariant: "a defect names key and columns with both values",
		Edits:     []edit{{"internal/verify/defect.go", "p.differs[i] = same != '1'", "p.differs[i] = same == '1'"}},
		Package:   "internal/verify",
		Tests:     []string{"TestDefectShowsWhatDiffers"},
		Servers:   true,
	},
	{
		Name:      "verify: generated columns are not compared",
		Invariant: "all rows are compared, every value",
		Edits:     []edit{{"internal/sqlgen/verify.go", "\tv.compareGenerated()\n\treturn v\n", "\treturn v\n"}},
		Package:   "internal/verify",
		Tests:     []string{"TestGeneratedColumnsAreCompared"},
		Servers:   true,
	},
	{
		Name:      "verify: a value that no longer fits ends the comparison",
		Invariant: "a value that does not fit is told with its key, whoever meets it first",
		Edits:     []edit{{"internal/verify/compare.go", "if conn.IsBadValue(err) {", "if false && conn.IsBadValue(err) {"}},
		Package:   "internal/verify",
		Tests:     []string{"TestValueThatNoLongerFits"},
		Servers:   true,
	},
}
