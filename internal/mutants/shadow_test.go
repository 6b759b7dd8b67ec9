//go:build mutants

package mutants

const changelogWriters = "internal/changelog/writers.go"

// shadowMutants let others write to the shadow unnoticed, or take the migration's own sessions for others.
var shadowMutants = []mutant{
	{
		Name:      "shadow: rows of others are passed over",
		Invariant: "the shadow is written by the migration alone",
		Edits:     []edit{{groupFile, "\t\terr = a.mayWrite(g, e)\n", ""}},
		Package:   binlogPackage,
		Tests:     []string{"TestWritesToTheShadow"},
		Servers:   true,
	},
	{
		Name:      "shadow: the statement of one change of rows counts for the next",
		Invariant: "the shadow is written by the migration alone",
		Edits:     []edit{{groupFile, "\ta.annotation = nil\n", ""}},
		Package:   binlogPackage,
		Tests:     []string{"TestWritesToTheShadow"},
		Servers:   true,
	},
	{
		Name:      "shadow: nobody watches it",
		Invariant: "the shadow is written by the migration alone",
		Edits: []edit{{
			"internal/migrate/prepare.go", "\twatch, err := r.watchShadow(ctx)\n",
			"\t_, err := r.watchShadow(ctx)\n\tvar watch *binlog.Watch\n",
		}},
		Package: "test/scenario",
		Tests:   []string{"TestShadowWrittenBeforeTheLock"},
		Servers: true,
	},
	{
		Name:      "shadow: threads of every server count as the one's that noted them",
		Invariant: "the shadow is written by the migration alone",
		Edits:     []edit{{changelogWriters, "return ok && s.mayBeOn(server)", "_ = s\n\t\treturn ok"}},
		Package:   "internal/changelog",
		Tests:     []string{"TestWritersOfAnotherServer"},
	},
	{
		Name:      "shadow: what a replica logs is judged by its thread",
		Invariant: "the migration's own writes are never taken for others'",
		Edits:     []edit{{changelogWriters, "\tif server == w.server {\n", "\tif server == w.server || server != 0 {\n"}},
		Package:   "internal/changelog",
		Tests:     []string{"TestWritersOfAnotherServer"},
	},
	{
		Name:      "shadow: threads of runs that have ended are trusted for ever",
		Invariant: "the shadow is written by the migration alone",
		Edits:     []edit{{changelogWriters, "\t\t\tif s.run < value {\n", "\t\t\tif s.run+1 < value {\n"}},
		Package:   "internal/changelog",
		Tests:     []string{"TestWriters"},
	},
	{
		Name:      "shadow: sessions noted before the place that is read from are strangers",
		Invariant: "the migration's own writes are never taken for others'",
		Edits:     []edit{{changelogEnlist, "w.sessions[uint32(id)] = writer{run: run}", "_, _ = id, run"}},
		Package:   "internal/changelog",
		Tests:     []string{"TestSessionsOfEarlierRuns"},
		Servers:   true,
	},
	{
		Name:      "shadow: sessions write though their statements are not logged",
		Invariant: "the migration's own writes are never taken for others'",
		Edits:     []edit{{"internal/conn/isolation.go", "\tif c.annotates {\n", "\tif false {\n"}},
		Package:   "internal/conn",
		Tests:     []string{"TestAnnotates"},
		Servers:   true,
	},
}
