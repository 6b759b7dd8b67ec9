//go:build mutants

package mutants

var lossMutants = []mutant{
	{
		Name:      "loss: copying has no guard",
		Invariant: "what a conversion loses stops the run",
		Edits:     []edit{{"internal/sqlgen/copy.go", "	conditions = append(conditions, guard(c.mapping, sourceColumn)...)\n", ""}},
		Package:   "internal/loss",
		Tests:     []string{"TestEveryWriteIsGuarded"},
	},
	{
		Name:      "loss: refreshing has no guard",
		Invariant: "what a conversion loses stops the run, whichever way it comes",
		Edits:     []edit{{"internal/sqlgen/refresh.go", "	return r.statement(keys, guard(r.mapping, sourceColumn))\n", "	return r.statement(keys, nil)\n"}},
		Package:   "internal/loss",
		Tests:     []string{"TestEveryWriteIsGuarded"},
	},
	{
		Name:      "loss: replay has no guard",
		Invariant: "what a conversion loses stops the run, whichever way it comes",
		Edits:     []edit{{"internal/sqlgen/replay.go", "	return append(r.Guards(rows, limit), r.insert", "	return append([]string(nil), r.insert"}},
		Package:   "internal/loss",
		Tests:     []string{"TestEveryWriteIsGuarded"},
	},
	{
		Name:      "loss: digits after the point are cut without a word",
		Invariant: "what a conversion loses stops the run",
		Edits:     []edit{{"internal/table/loss.go", "			l.Keeps = Wrap(fmt.Sprintf(\"%[1]s = TRUNCATE(%[1]s, %[2]d)\", Hole, to.Scale))\n", ""}},
		Package:   "internal/loss",
		Tests:     []string{"TestEveryWriteIsGuarded"},
	},
	{
		Name:      "loss: a loss in one column accepts those of all",
		Invariant: "losses are accepted in the columns that the user names",
		Edits:     []edit{{"internal/applier/refresh_worker.go", "return p.Lossy && loss.SaysColumn(w.Message, p.Shadow.Name)", "return loss.SaysColumn(w.Message, p.Shadow.Name)"}},
		Package:   "test/scenario",
		Tests:     []string{"TestScenarios/fail-lossy-other-column"},
		Servers:   true,
	},
	{
		Name:      "loss: a unique key whose values may become equal pushes rows out",
		Invariant: "rows that become equal where losses are accepted stop the run",
		Edits:     []edit{{"internal/table/alike.go", `unlike(source, shadow) != "" || p.mayLose(source)`, `unlike(source, shadow) != ""`}},
		Package:   "test/scenario",
		Tests:     []string{"TestScenarios/fail-allow-lossy-key-kept"},
		Servers:   true,
	},
	{
		Name:      "loss: rows are written at once that the server does not show all warnings of",
		Invariant: "losses are accepted in the columns that the user names: each is seen, and none counts as another's",
		Edits:     []edit{{"internal/applier/refresh_worker.go", "slices.Chunk(keys, max(mostWarnings/lossy, 1))", "slices.Chunk(keys, max(mostWarnings*lossy, 1))"}},
		Package:   "test/scenario",
		Tests:     []string{"TestScenarios/allow-lossy"},
		Servers:   true,
	},
	{
		Name:      "loss: what becomes of a value is tried under the lock",
		Invariant: "nothing releases the table locks before the rename",
		Edits:     []edit{{"internal/loss/loss.go", "return e.explain(ctx, c, key, refusal, untried)", "return e.explain(ctx, c, key, refusal, e.try)"}},
		Package:   "internal/applier",
		Tests:     []string{"TestLossUnderTheLock"},
		Servers:   true,
	},
	{
		Name:      "loss: a number in JSON loses its digits",
		Invariant: "what a conversion loses stops the run",
		Edits:     []edit{{"internal/table/loss.go", "exact+\" = TRUNCATE(\"+exact+\", 0)\", real+\" = FLOOR(\"+real+\")\")", "exact+\" = TRUNCATE(\"+exact+\", 0)\", \"TRUE\")"}},
		Package:   "internal/loss",
		Tests:     []string{"TestWhatALosslessCopyKeeps"},
		Servers:   true,
	},
	{
		Name:      "loss: texts become days that no month has",
		Invariant: "what the server's strict ALTER refuses stops the run",
		Edits:     []edit{{"internal/table/loss.go", "	if to.Kind == Time {\n		return \"\"\n	}\n	const date", "	if to.Kind != Unknown {\n		return \"\"\n	}\n	const date"}},
		Package:   "internal/loss",
		Tests:     []string{"TestWhatALosslessCopyKeeps"},
		Servers:   true,
	},
}
