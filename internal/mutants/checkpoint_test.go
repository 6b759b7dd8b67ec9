//go:build mutants

package mutants

const (
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
			changelogEnlist, "WHERE id = %[3]d AND value = %[4]d LOCK",
			"WHERE id = %[3]d AND %[4]d > 0 LOCK",
		}},
		Package: "internal/changelog",
		Tests:   []string{"TestSessionsOfEarlierRuns"},
		Servers: true,
	},
	{
		Name:      "checkpoint: a session does not wait for a run that takes over",
		Invariant: "I8: no session of an earlier run writes when a new one does",
		Edits:     []edit{{changelogEnlist, " LOCK IN SHARE MODE\"", "\""}},
		Package:   "internal/changelog",
		Tests:     []string{"TestSessionBesideATakeOver"},
		Servers:   true,
	},
	{
		Name:      "checkpoint: a server that may lose its log keeps its commits",
		Invariant: "a checkpoint is not followed on a server that may have lost commits",
		Edits:     []edit{{"internal/conn/server.go", "(flush == 1 || flush == 3) && sync == 1", "(flush == 1 || flush == 3) && sync >= 0"}},
		Package:   "test/crash",
		Tests:     []string{"TestServerThatLosesCommits/log"},
		Servers:   true,
	},
	{
		Name:      "checkpoint: a swap that the log holds is waited out",
		Invariant: "a run that meets its own swap before its cut-over ends",
		Edits:     []edit{{"internal/migrate/prepare.go", "errors.Is(err, binlog.ErrSwapped) && !ending(r.view.now())", "errors.Is(err, binlog.ErrSwapped) && ending(r.view.now())"}},
		Package:   "test/scenario",
		Tests:     []string{"TestCommandMeetsItsOwnSwap"},
		Servers:   true,
	},
	{
		Name:      "checkpoint: nothing says why refresh has become replay",
		Invariant: "a checkpoint written by one way of applying is resumed by it only, and what to do is said",
		Edits:     []edit{{"internal/migrate/resume.go", "record.Settings.Apply != string(r.apply) && r.apply != r.cfg.Apply {", "record.Settings.Apply != string(r.apply) && r.apply == r.cfg.Apply {"}},
		Package:   "test/scenario",
		Tests:     []string{"TestCommandOrderSwitchedOff"},
		Servers:   true,
	},
}
