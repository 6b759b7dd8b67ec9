//go:build mutants

package mutants

const (
	applierPackage    = "internal/applier"
	applierWorker     = applierPackage + "/worker.go"
	applierToil       = applierPackage + "/toil.go"
	applierPlan       = applierPackage + "/plan.go"
	progressPackage   = "internal/progress"
	progressApplied   = progressPackage + "/applied.go"
	progressWatermark = progressPackage + "/watermark.go"
)

var applierMutants = []mutant{
	{
		Name:      "completion before commit",
		Invariant: "I2: complete is what is committed on the shadow",
		Edits: []edit{{
			applierWorker, `			if err := r.apply(ctx, &s, batch); err != nil {
				return err
			}
			committed <- batch`,
			`			committed <- batch
			if err := r.apply(ctx, &s, batch); err != nil {
				return err
			}`,
		}},
		Package: applierPackage,
		Tests:   []string{"TestCompletionIsReportedAfterCommit"},
		Servers: true,
	},
	{
		Name:      "heartbeat sets the position",
		Invariant: "I3: a heartbeat moves the position only when all before it is complete",
		Edits: []edit{{
			progressApplied, "	return a.mark.Begin(a.begun)\n",
			`	if fence == 0 && !heartbeat.IsZero() {
		a.mark.mu.Lock()
		a.mark.low = a.begun
		a.mark.mu.Unlock()
	}
	return a.mark.Begin(a.begun)
`,
		}},
		Package: applierPackage,
		Tests:   []string{"TestHeartbeatWaitsForWhatStandsBeforeIt", "TestRefreshHeartbeatWaits"},
		Servers: true,
	},
	{
		Name:      "heartbeat enqueued past the queue",
		Invariant: "I3: what moves the position travels in the one ordered stream",
		Edits: []edit{{
			applierToil, "	r.counters.seen.Add(uint64(len(tx.Changes)))\n",
			`	if len(tx.Changes) == 0 {
		r.deps.Applied.Complete(r.begin(tx))
		return nil
	}
	r.counters.seen.Add(uint64(len(tx.Changes)))
`,
		}},
		Package: applierPackage,
		Tests:   []string{"TestHeartbeatWaitsInTheQueue", "TestRefreshHeartbeatWaits"},
		Servers: true,
	},
	{
		Name:      "a key change leaves the old row",
		Invariant: "a retry, and the first try, replay the whole row change",
		Edits: []edit{{
			applierPlan, `			if change.Before != nil {
				set(change.Before, nil)
			}`, `			if change.Before != nil && change.After == nil {
				set(change.Before, nil)
			}`,
		}},
		Package: applierPackage,
		Tests:   []string{"TestReplayIsTheSourcesHistory"},
		Servers: true,
	},
	{
		Name:      "the last image does not win",
		Invariant: "a batch leaves each row as its last transaction left it",
		Edits:     []edit{{applierPlan, "		p.outs[i].row = row\n", "		if !ok {\n			p.outs[i].row = row\n		}\n"}},
		Package:   applierPackage,
		Tests:     []string{"TestReplayIsTheSourcesHistory"},
		Servers:   true,
	},
	{
		Name:      "an undone transaction is committed",
		Invariant: "I1: pieces of a transaction count for nothing before its end",
		Edits:     []edit{{applierPackage + "/large.go", "		end = \"ROLLBACK\"\n", "		end = \"COMMIT\"\n"}},
		Package:   applierPackage,
		Tests:     []string{"TestLargeTransactionIsOne"},
		Servers:   true,
	},
	{
		Name:      "watermark over incomplete work",
		Invariant: "I2: the low watermark moves over the completed prefix only",
		Edits:     []edit{{progressWatermark, "for n < len(w.pieces) && w.pieces[n].done {", "for n < len(w.pieces) && (w.pieces[n].done || n == 0) {"}},
		Package:   progressPackage,
		Tests:     []string{"TestWatermarkIsTheCompletedPrefix"},
	},
	{
		Name:      "refused rows of an added unique key are forgotten",
		Invariant: "no row is pushed out or left out unnoticed by a unique key that the ALTER adds",
		Edits:     []edit{{applierPackage + "/owed.go", "	for _, out := range refused {\n		o.rows[out.id] = out.row\n	}\n", ""}},
		Package:   applierPackage,
		Tests:     []string{"TestAddedUniqueKey"},
		Servers:   true,
	},
	{
		Name:      "replay: duplicates are not told at a fence",
		Invariant: "I12: two rows that become equal under an added unique key are named, whenever that happens",
		Edits:     []edit{{applierPackage + "/owed.go", "	o.from = fence\n", "	o.from = fence - fence\n"}},
		Package:   "test/scenario",
		Tests:     []string{"TestDuplicateAppears/verifying,_both_compared/replay"},
		Servers:   true,
	},
	{
		Name:      "replay: duplicates are not told under the lock",
		Invariant: "I12: a real duplicate stops the cut-over by its name, also one of the last moment",
		Edits:     []edit{{applierPackage + "/hold.go", "err = d.settle(ctx, session, p)", "err = ctx.Err()"}},
		Package:   "test/scenario",
		Tests:     []string{"TestDuplicateAppears/before_the_lock,_under_load/replay"},
		Servers:   true,
	},
	{
		Name:      "what a lost session goes on with is not ended",
		Invariant: "I8: what is done again is done when the first try is over",
		Edits:     []edit{{applierPackage + "/worker.go", "	if !s.unsure {\n", "	if true {\n"}},
		Package:   applierPackage,
		Tests:     []string{"TestRefreshLosesConnections"},
		Servers:   true,
	},
}
