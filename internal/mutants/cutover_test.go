//go:build mutants

package mutants

const (
	cutoverPackage = "internal/cutover"
	cutoverLock    = cutoverPackage + "/underlock.go"
	cutoverSentry  = cutoverPackage + "/sentry.go"
	cutoverProof   = cutoverPackage + "/session.go"
	cutoverOutcome = cutoverPackage + "/outcome.go"
)

var cutoverMutants = []mutant{
	{
		Name:      "rename without proof of the table locks",
		Invariant: "I13: the swap happens under the same lock as the drain",
		Edits:     []edit{{cutoverProof, `return &givenUp{errors.New("prove table locks: the session has lost them")}`, `_ = errors.New("lost")`}},
		Package:   cutoverPackage,
		Tests:     []string{"TestLostTableLockStopsTheRename", "TestProofOfTableLocks"},
		Servers:   true,
	},
	{
		Name:      "permission is asked once",
		Invariant: "no attempt is made that nobody permits, however long it took to make it ready",
		Edits:     []edit{{cutoverPackage + "/ready.go", `err != nil || c.postponed(ctx) == ""`, `err != nil || c.deps.Applier != nil`}},
		Package:   cutoverPackage,
		Tests:     []string{"TestPermissionIsAskedBeforeEveryAttempt"},
		Servers:   true,
	},
	{
		Name:      "cut-over: what is left to apply is not predicted",
		Invariant: "the source is not locked while the stall would be longer than it may be",
		Edits:     []edit{{cutoverPackage + "/ready.go", "max(time.Since(started), c.deps.Applier.Predict())", "max(time.Since(started), min(0, c.deps.Applier.Predict()))"}},
		Package:   cutoverPackage,
		Tests:     []string{"TestPutOffWhileTheStallWouldBeLong"},
		Servers:   true,
	},
	{
		Name:      "cut-over: rows left to be compared do not postpone it",
		Invariant: "no attempt is made while more rows are to be compared than the look under the lock may take",
		Edits:     []edit{{"internal/migrate/verify.go", "!v.Bears(n) {", "!v.Bears(min(0, n)) {"}},
		Package:   "internal/migrate",
		Tests:     []string{"TestUnverifiedPostpones"},
	},
	{
		Name:      "cut-over: any number of rows is compared under the lock",
		Invariant: "an attempt is given up when too many rows were written since it was permitted",
		Edits:     []edit{{"internal/migrate/verify.go", "!v.Bears(n / 2) {", "!v.Bears(min(0, n/2)) {"}},
		Package:   "internal/migrate",
		Tests:     []string{"TestTooManyUnderTheLock"},
	},
	{
		Name:      "rename without the last drain",
		Invariant: "I13: everything written before the lock is in the shadow",
		Edits: []edit{
			{cutoverLock, "held.Drain(locked, s.conn, fence)", "held.Drain(locked, s.conn, fence-fence)"},
			{cutoverSentry, "c.deps.Applier.WaitApplied(ctx, fence)", "c.deps.Applier.WaitApplied(ctx, fence-fence)"},
		},
		Package: cutoverPackage,
		Tests:   []string{"TestSwapsUnderADozenWriters"},
		Servers: true,
	},
	{
		Name:      "rename without the last comparison",
		Invariant: "what verification leaves to the last look is looked at before the rename, on MariaDB too",
		Edits:     []edit{{cutoverSentry, "held.Compare(ctx)", "ctx.Err()"}},
		Package:   "test/underload",
		Tests:     []string{"TestCorruptionOfAHotRow"},
		Servers:   true,
	},
	{
		Name:      "lock let go before the rename waits",
		Invariant: "I13: no write enters the old table between the drain and the rename",
		Edits:     []edit{{cutoverSentry, "if err = c.awaitQueued(locked, rename); err == nil {", "if err == nil {"}},
		Package:   cutoverPackage,
		Tests:     []string{"TestSwapsUnderADozenWriters"},
		Servers:   true,
	},
	{
		Name:      "rename that waits for the shadow",
		Invariant: "I13: a rename that waits for the shadow lets writers into the source",
		Edits:     []edit{{cutoverSentry, "return c.proveShadowFree(ctx)", "return nil"}},
		Package:   cutoverPackage,
		Tests:     []string{"TestProofThatTheRenameDoesNotWaitForTheShadow"},
		Servers:   true,
	},
	{
		Name:      "a lost answer counts as not swapped",
		Invariant: "I14: an outcome that is not known is looked up",
		Edits:     []edit{{cutoverLock, "outcome, err := c.determine(ctx, before, sessions...)", "outcome, err := NotSwapped, c.kill(ctx, sessions[0])"}},
		Package:   cutoverPackage,
		Tests:     []string{"TestCutConnections", "TestOutcomeStaysUnknownWhenTheServerDoesNotAnswer"},
		Servers:   true,
	},
	{
		Name:      "a sentry counts as the retired table",
		Invariant: "I14: the tables themselves say what happened",
		Edits:     []edit{{cutoverOutcome, "source == before.Source && shadow != \"\" && (retired == \"\" || sentry):", "source == before.Source && shadow != \"\" && retired == \"\":"}},
		Package:   cutoverPackage,
		Tests:     []string{"TestDetermineByWhatIsThere"},
		Servers:   true,
	},
	{
		Name:      "names alone decide the outcome",
		Invariant: "I14: the definitions are compared with those before the swap",
		Edits:     []edit{{cutoverOutcome, "case source == before.Shadow && shadow == \"\" && retired == before.Source && !sentry:", "case source != \"\" && shadow == \"\" && retired != \"\" && !sentry:"}},
		Package:   cutoverPackage,
		Tests:     []string{"TestDetermineByWhatIsThere"},
		Servers:   true,
	},
	{
		Name:      "a swap that was seen is believed whatever is there",
		Invariant: "I14: the definitions are compared with those before the swap",
		Edits:     []edit{{cutoverOutcome, "case before.Certain && source == before.Shadow && shadow == \"\" && retired == \"\":", "case before.Certain && shadow == \"\":"}},
		Package:   cutoverPackage,
		Tests:     []string{"TestDetermineAfterASwapThatWasSeen"},
		Servers:   true,
	},
}
