//go:build mutants

package mutants

const (
	refreshPackage    = "internal/applier"
	refreshDispatcher = refreshPackage + "/refresh_dispatcher.go"
	refreshWorker     = refreshPackage + "/refresh_worker.go"
	refreshStatements = "internal/sqlgen/refresh.go"
)

var refreshMutants = []mutant{
	{
		Name:      "refresh: a fence is not written",
		Invariant: "I7: a change stands in the log before it can be seen",
		Edits:     []edit{{refreshPackage + "/refresh.go", "if _, err := r.fencer.Fence(ctx); err != nil {", "if err := ctx.Err(); err != nil {"}},
		Package:   refreshPackage,
		Tests:     []string{"TestHeldCommits"},
		Servers:   true,
	},
	{
		Name:      "refresh: a fence does not wait for XA commits",
		Invariant: "I7: on MariaDB an XA COMMIT stands in the log before its rows can be seen, and a fence does not tell",
		Edits:     []edit{{"internal/changelog/changelog.go", "if c.config.Unordered != nil {", "if c.config.Unordered != nil && ctx == nil {"}},
		Package:   refreshPackage,
		Tests:     []string{"TestXACommitsOutOfOrder"},
		Servers:   true,
	},
	{
		Name:      "what is prepared at a resume is not waited for",
		Invariant: "I7: the position of an earlier run may be behind an XA COMMIT that is still not visible",
		Edits:     []edit{{binlogPackage + "/xacommits.go", "\t\tc.note(id)\n", "\t\t_ = id\n"}},
		Package:   binlogPackage,
		Tests:     []string{"TestXACommitsOfEarlierRuns"},
		Servers:   true,
	},
	{
		Name:      "refresh: refused rows stay as they were",
		Invariant: "I12: two batches that exchange values would refuse each other for ever",
		Edits: []edit{{
			refreshWorker, "for _, statement := range r.sql.Deletes(keys, r.cfg.StatementBytes) {\n\t\tif err := r.execute(ctx, c, statement); err != nil {\n\t\t\treturn nil, err\n\t\t}\n\t}\n\tvar refused",
			"var refused",
		}},
		Package: refreshPackage,
		Tests:   []string{"TestRefreshUnderChurn"},
		Servers: true,
	},
	{
		Name:      "refresh: a row that is refused by an older version counts as a duplicate",
		Invariant: "I12: only what collides in the source, as of one moment, stops the run",
		Edits:     []edit{{refreshPackage + "/collision.go", "	return bytes.Equal(id, table.AppendKey(nil, pair[0])) || bytes.Equal(id, table.AppendKey(nil, pair[1])), nil", "	return len(id) > 0 || bytes.Equal(id, table.AppendKey(nil, pair[1])), nil"}, {refreshPackage + "/collision.go", "	pair = append(pair, holder)\n", ""}},
		Package:   refreshPackage,
		Tests:     []string{"TestRefreshUnderChurn"},
		Servers:   true,
	},
	{
		Name:      "refresh: a row that another one refuses is never judged",
		Invariant: "I12: a duplicate of the source is named",
		Edits:     []edit{{refreshWorker, "	if err := r.judge(ctx, s, res.refused); err != nil {\n		return res, r.locate(ctx, s, p.keys, err)\n	}\n", ""}},
		Package:   refreshPackage,
		Tests:     []string{"TestRefreshNamesDuplicates"},
		Servers:   true,
	},
	{
		Name:      "refresh: missing keys are told by their bytes",
		Invariant: "a row that the collation finds under the key is not missing",
		Edits:     []edit{{refreshWorker, "if !r.key.Exact() {", "if r.key == nil {"}},
		Package:   refreshPackage,
		Tests:     []string{"TestRefreshFollows"},
		Servers:   true,
	},
	{
		Name:      "refresh: missing rows are left in the shadow",
		Invariant: "a deleted row is deleted",
		Edits:     []edit{{refreshWorker, "if err != nil || len(missing) == 0 {", "if err != nil || len(missing) >= 0 {"}},
		Package:   refreshPackage,
		Tests:     []string{"TestRefreshFollows"},
		Servers:   true,
	},
	{
		Name:      "refresh: a key is not written as it is spelled",
		Invariant: "the migration key's values are written like any other column's",
		Edits:     []edit{{refreshStatements, "sets := make([]string, len(r.mapping.Columns))\n\tfor i, p := range r.mapping.Columns {", "sets := make([]string, len(r.mapping.Columns))\n\tfor i, p := range append(r.mapping.Columns[1:len(r.mapping.Columns):len(r.mapping.Columns)], r.mapping.Columns[1]) {"}},
		Package:   refreshPackage,
		Tests:     []string{"TestRefreshFollows"},
		Servers:   true,
	},
	{
		Name:      "refresh: an epoch that is read counts as applied",
		Invariant: "I2: applied is what is settled",
		Edits:     []edit{{refreshDispatcher, "settled := d.books.Settled()", "settled := d.books.Settled() + uint64(len(d.points))"}},
		Package:   refreshPackage,
		Tests:     []string{"TestRefreshUnderChurn"},
		Servers:   true,
	},
	{
		Name:      "refresh: chunks lock the rows that they read",
		Invariant: "no lock is ever taken on the source's rows",
		Edits:     []edit{{"internal/sqlgen/copy.go", "if reading != Plain {", "if reading <= Plain {"}},
		Package:   refreshPackage,
		Tests:     []string{"TestNoRowOfTheSourceIsLocked"},
		Servers:   true,
	},
	{
		Name:      "refresh: heartbeat sets the position",
		Invariant: "I3: a heartbeat stands for what was read before it, which may be collected only",
		Edits:     []edit{{refreshDispatcher, "		d.next.Heartbeat = heartbeat\n", "		d.deps.Applied.Complete(d.deps.Applied.Begin(tx.End, 0, heartbeat))\n"}},
		Package:   refreshPackage,
		Tests:     []string{"TestRefreshHeartbeatWaits"},
		Servers:   true,
	},
	{
		Name:      "refresh: the last keys wait for a fence that is under way",
		Invariant: "I13: nothing that the locking session waits for is told to somebody else",
		Edits:     []edit{{refreshDispatcher, "		d.books.Fenced(d.books.AskFence()) // also", "		if d.books.WantsFence() {\n			d.books.Fenced(d.books.AskFence())\n		} // not"}},
		Package:   refreshPackage,
		Tests:     []string{"TestDrainWithAFenceUnderWay"},
		Servers:   true,
	},
	{
		Name:      "refresh: what is refused once under the lock counts as a duplicate",
		Invariant: "I12: a row may be refused by an older version of another one",
		Edits:     []edit{{refreshPackage + "/collision.go", "known && before < now {", "!known || before < now {"}},
		Package:   refreshPackage,
		Tests:     []string{"TestRefreshUnderTheLock"},
		Servers:   true,
	},
	{
		Name:      "refresh: duplicates are not told under the lock",
		Invariant: "I12: a real duplicate stops the cut-over, also one of the last moment",
		Edits:     []edit{{refreshPackage + "/collision.go", "known && before < now {", "known && before > now {"}},
		Package:   refreshPackage,
		Tests:     []string{"TestDuplicateUnderTheLock"},
		Servers:   true,
	},
	{
		Name:      "refresh: refused rows are forgotten under the lock",
		Invariant: "I12, I13: what was refused is written before the rename",
		Edits:     []edit{{refreshWorker, "res.refused, err = r.writeApart(ctx, c, p.keys, false)", "_, err = r.writeApart(ctx, c, p.keys, false)"}},
		Package:   refreshPackage,
		Tests:     []string{"TestRefreshUnderTheLock"},
		Servers:   true,
	},
	{
		Name:      "refresh: a chunk reads without a fence",
		Invariant: "I9: a change that was left to the chunks to come is visible to them",
		Edits:     []edit{{epochFlight, "return b.fenced >= f.fence", "return b.flights[f.number]"}},
		Package:   refreshPackage,
		Tests:     []string{"TestHeldCommitsAndAChunk"},
		Servers:   true,
	},
	{
		Name:      "refresh: the position stands behind the newest mark",
		Invariant: "a position is stored at marks only, so that nothing unproven stands between witness and position",
		Edits:     []edit{{"internal/applier/refresh_dispatcher.go", "	if fence != 0 || !heartbeat.IsZero() {\n", "	if true {\n"}},
		Package:   "internal/applier",
		Tests:     []string{"TestRefreshHeartbeatWaits"},
		Servers:   true,
	},
	{
		Name:      "refresh: who waits for a fence does not hurry an epoch",
		Invariant: "an epoch collects no longer while somebody waits for what is in it",
		Edits:     []edit{{"internal/applier/refresh_dispatcher.go", "	case <-d.hurry:\n", ""}},
		Package:   "internal/applier",
		Tests:     []string{"TestWaitingHurriesAnEpoch"},
		Servers:   true,
	},
	{
		Name:      "refresh: a copier waits for what it left to an epoch",
		Invariant: "I12: held keys wait for chunks, and no chunk may wait for them",
		Edits: []edit{{
			"internal/copier/plain.go", "	w.adopted.Go(func() error {\n",
			"	select {\n	case <-settled:\n	case <-ctx.Done():\n		return context.Cause(ctx)\n	}\n	w.adopted.Go(func() error {\n",
		}},
		Package: refreshPackage,
		Tests:   []string{"TestAdoptedBehindHeldKeys"},
		Servers: true,
	},
}
