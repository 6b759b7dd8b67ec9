//go:build mutants

package mutants

const (
	indexFile    = "internal/migrate/indexes.go"
	deferralFile = "internal/migrate/deferral.go"
	resumeFile   = "internal/migrate/resume.go"
)

var indexMutants = []mutant{
	{
		Name:      "index: a lost answer counts as built",
		Invariant: "I14: the definition tells what became of it",
		Edits:     []edit{{indexFile, "built, err := r.lookForIndexes(ctx, id, failed != nil)", "_, _ = r.lookForIndexes(ctx, id, failed != nil)\n\tbuilt, err := true, error(nil)"}},
		Package:   "test/scenario",
		Tests:     []string{"TestIndexesGiveWay"},
		Servers:   true,
	},
	{
		Name:      "index: a statement is left at work",
		Invariant: "I8: a statement that was not answered is ended before anything else is done",
		Edits:     []edit{{indexFile, "		if unanswered {\n", "		if unanswered && len(r.left) == 0 {\n"}},
		Package:   "test/scenario",
		Tests:     []string{"TestIndexesGiveWay"},
		Servers:   true,
	},
	{
		Name:      "index: changes are written while indexes are built",
		Invariant: "the applier is held: what is written meanwhile is kept by the server in a log of bounded size",
		Edits:     []edit{{indexFile, "	defer hold.Release()\n", "	hold.Release()\n"}},
		Package:   "test/scenario",
		Tests:     []string{"TestIndexesUnderWrites"},
		Servers:   true,
	},
	{
		Name:      "index: a resumed run takes the indexes for built",
		Invariant: "the table that is swapped in has all its indexes",
		Edits:     []edit{{resumeFile, "r.deferred, r.indexed = record.Deferred, shadow != record.Shadow", "r.deferred, r.indexed = record.Deferred, true"}},
		Package:   "test/scenario",
		Tests:     []string{"TestIndexesGiveWay"},
		Servers:   true,
	},
	{
		Name:      "index: a shadow with some of its indexes is gone on with",
		Invariant: "a checkpoint accepts the shadow with all deferred indexes, or with none",
		Edits:     []edit{{"internal/checkpoint/record.go", "r.Deferred != nil && shadow == r.Deferred.Shadow", "r.Deferred != nil"}},
		Package:   "test/scenario",
		Tests:     []string{"TestIndexesBuiltPartly"},
		Servers:   true,
	},
	{
		Name:      "index: whatever comes back is taken",
		Invariant: "an index is deferred only if it comes back as it was",
		Edits: []edit{
			{"internal/table/deferrable.go", "	slices.Reverse(keys)\n", ""},
			{indexFile, "if i == 1 && fingerprint(bare) != deferred.Shadow {", "if i == 1 && len(bare) == 0 {"},
			{indexFile, "built = fingerprint(now) == r.deferred.Shadow", "built = len(now) > 0"},
		},
		Package: "test/scenario",
		Tests:   []string{"TestDeferredIndexes"},
		Servers: true,
	},
	{
		Name:      "index: replicas are not looked for",
		Invariant: "by default no replica is delayed by the building of indexes",
		Edits:     []edit{{deferralFile, "r.whyIndexed, err = r.followers(ctx)", "_ = r.followers"}},
		Package:   "test/scenario",
		Tests:     []string{"TestIndexesNotDeferred"},
		Servers:   true,
	},
}
