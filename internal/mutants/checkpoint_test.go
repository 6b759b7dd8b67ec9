//go:build mutants

package mutants

const (
	copierRest      = "internal/copier/copier.go"
	changelogEnlist = "internal/changelog/sessions.go"
)

var checkpointMutants = []mutant{
	{
		Name:      "checkpoint: open chunks count as copied",
		Invariant: "I4: what a checkpoint counts as copied is committed",
		Edits: []edit{{
			copierRest, "		rest.Open = append(rest.Open, *planned)\n",
			"		_ = planned\n",
		}},
		Package: "internal/copier",
		Tests:   []string{"TestRestOfACopy"},
		Servers: true,
	},
	{
		Name:      "checkpoint: sessions of earlier runs go on",
		Invariant: "I8: no session of an earlier run writes when a new one does",
		Edits: []edit{{
			changelogEnlist, "WHERE id = %[3]d AND value = %[4]d\"",
			"WHERE id = %[3]d AND %[4]d > 0\"",
		}},
		Package: "internal/changelog",
		Tests:   []string{"TestSessionsOfEarlierRuns"},
		Servers: true,
	},
}
