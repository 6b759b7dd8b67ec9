//go:build mutants

package mutants

const (
	migrateResume   = "internal/migrate/resume.go"
	progressChunks  = "internal/progress/chunks.go"
	changelogEnlist = "internal/changelog/sessions.go"
)

var checkpointMutants = []mutant{
	{
		Name:      "checkpoint: the position of a heartbeat is stored",
		Invariant: "I3, I4: what is stored is applied",
		Edits: []edit{{
			progressApplied, "	return a.mark.Begin(a.begun)\n",
			`	if !heartbeat.IsZero() {
		a.mark.mu.Lock()
		a.mark.low = a.begun
		a.mark.mu.Unlock()
	}
	return a.mark.Begin(a.begun)
`,
		}},
		Package: "internal/migrate",
		Tests:   []string{"TestResumedHistories"},
	},
	{
		Name:      "checkpoint: work begun counts as done",
		Invariant: "I4: what a checkpoint counts as copied is committed",
		Edits: []edit{{
			progressWatermark, "			open = append(open, p.value)\n",
			"			_ = p.value\n",
		}},
		Package: "internal/migrate",
		Tests:   []string{"TestResumedHistories"},
	},
	{
		Name:      "checkpoint: the newest position is stored, not the low watermark",
		Invariant: "I2, I4: what is stored is applied, and all before it",
		Edits: []edit{{
			progressWatermark, "	w.low = w.pieces[n-1].value\n",
			"	w.low = w.pieces[len(w.pieces)-1].value\n",
		}},
		Package: "internal/migrate",
		Tests:   []string{"TestResumedHistories"},
	},
	{
		Name:      "checkpoint: open chunks count as copied",
		Invariant: "I4: what a checkpoint counts as copied is committed",
		Edits: []edit{{
			progressChunks, "		rest.Open = append(rest.Open, *planned)\n",
			"		_ = planned\n",
		}},
		Package: "internal/copier",
		Tests:   []string{"TestRestOfACopy"},
		Servers: true,
	},
	{
		Name:      "checkpoint: a run writes after another has taken over",
		Invariant: "one run works on a migration",
		Edits:     []edit{{"internal/checkpoint/store.go", "	if s.while != \"\" {\n", "	if s.while == \"no\" {\n"}},
		Package:   "internal/checkpoint",
		Tests:     []string{"TestARunThatWasSuperseded"},
		Servers:   true,
	},
	{
		Name:      "checkpoint: a run does not wait for one that takes over",
		Invariant: "one run works on a migration",
		Edits:     []edit{{"internal/checkpoint/store.go", " LOCK IN SHARE MODE)`", ")`"}},
		Package:   "internal/checkpoint",
		Tests:     []string{"TestARunThatWasSuperseded"},
		Servers:   true,
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
	{
		Name:      "resume: what no checkpoint tells of counts as progress",
		Invariant: "a run that can keep nothing ends",
		Edits:     []edit{{migrateResume, "if kept, _ := r.kept.Load().(string); kept", "if kept := r.Snapshot().Position; kept"}},
		Package:   "test/scenario",
		Tests:     []string{"TestCommandWithoutCheckpoints"},
		Servers:   true,
	},
	{
		Name:      "resume: definitions are not compared",
		Invariant: "I4: a checkpoint is of the definitions that it was written for",
		Edits:     []edit{{migrateResume, "if fingerprint(t.now.CreateSQL) != t.then {", "if fingerprint(t.now.CreateSQL) == \"\" {"}},
		Package:   "test/scenario",
		Tests:     []string{"TestCommandRefusesToGoOn"},
		Servers:   true,
	},
	{
		Name:      "resume: a cut-over that had begun is not looked at",
		Invariant: "I14: the same command ends what was begun",
		Edits:     []edit{{migrateResume, "	if !ending {", "	if ending || !ending {"}},
		Package:   "test/crash",
		Tests:     []string{"TestKilledInTheCutOver"},
		Servers:   true,
	},
	{
		Name:      "checkpoint: what is copied is not kept",
		Invariant: "no more is done again than what was done since the last checkpoint",
		Edits:     []edit{{"internal/migrate/keep.go", "now.Copied = copied(p)", "now.Copied = k.record.Copied"}},
		Package:   "test/crash",
		Tests:     []string{"TestWorkRepeated"},
		Servers:   true,
	},
}
