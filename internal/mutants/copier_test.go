//go:build mutants

package mutants

const (
	copierPackage = "internal/copier"
	copierPlain   = copierPackage + "/plain.go"
)

var copierMutants = []mutant{
	{
		Name:      "copier: rows are read without locks",
		Invariant: "a change of a copied row commits after its chunk",
		Edits: []edit{
			{File: "internal/sqlgen/copy.go", Old: `return "\n   " + c.server.SharedReadClause()`, New: `return ""`},
			{File: "internal/sqlgen/copy.go", Old: "if reading == SkipLocked {", New: "if false {"},
		},
		Package: copierPackage, Tests: []string{"TestLockedRowIsCopiedAsCommitted"}, Servers: true,
	},
	{
		Name:      "copier: rows that were locked are not looked for",
		Invariant: "a chunk is copied when every visible row of it is in the shadow",
		Edits:     []edit{{File: "internal/copier/worker.go", Old: "	if visible <= did.rows {", New: "	if true {"}},
		Package:   copierPackage, Tests: []string{"TestLockedRowIsCopiedAsCommitted"}, Servers: true,
	},
	{
		Name:      "copier: a lost statement is forgotten instead of ended",
		Invariant: "I8",
		Edits:     []edit{{File: "internal/copier/worker.go", Old: "if w.uncertain == 0 {\n\t\treturn nil\n\t}\n\tif err", New: "if true {\n\t\treturn nil\n\t}\n\tif err"}},
		Package:   copierPackage, Tests: []string{"TestStrandedStatementIsEnded"}, Servers: true,
	},
	{
		Name:      "copier: a duplicate in any unique key counts as copied",
		Invariant: "I12",
		Edits: []edit{
			{File: "internal/sqlgen/copy.go", Old: "	if c.mapping.OnlyKey() {\n", New: "	if true {\n"},
		},
		Package: copierPackage, Tests: []string{"TestRealDuplicate", "TestPassingDuplicate"}, Servers: true,
	},
	{
		Name:      "copier: INSERT IGNORE",
		Invariant: "I12",
		Edits:     []edit{{File: "internal/sqlgen/copy.go", Old: `s.WriteString("INSERT INTO "`, New: `s.WriteString("INSERT IGNORE INTO "`}},
		Package:   copierPackage, Tests: []string{"TestValueThatDoesNotFit", "TestRealDuplicate"}, Servers: true,
	},
	{
		Name:      "copier: rows that the shadow has are written again",
		Invariant: "a change that was applied is not undone by the copy",
		Edits: []edit{
			{File: "internal/sqlgen/copy.go", Old: `s.WriteString("INSERT INTO "`, New: `s.WriteString("REPLACE INTO "`},
			{File: "internal/sqlgen/copy.go", Old: `s.WriteString("\n    ON DUPLICATE KEY UPDATE " + c.unchanged())`, New: `_ = c.unchanged`},
		},
		Package: copierPackage, Tests: []string{"TestRowsOfTheShadowStay"}, Servers: true,
	},
	{
		Name:      "copier: a duplicate is not given time to pass",
		Invariant: "I12",
		Edits:     []edit{{File: "internal/copier/history.go", Old: "remedy{settle: true, ", New: "remedy{settle: false, "}},
		Package:   copierPackage, Tests: []string{"TestPassingDuplicate"}, Servers: true,
	},
	{
		Name:      "copier: no error means that everything was copied",
		Invariant: "success proves that every chunk was committed",
		Edits:     []edit{{File: progressChunks, Old: "last != nil && last.Last()", New: "last != nil"}},
		Package:   copierPackage, Tests: []string{"TestIncompletePlanIsAnError"}, Servers: true,
	},
	{
		Name:      "conn: another run of the server is taken",
		Invariant: "progress in memory is good only for the run of the server on which it was made",
		Edits:     []edit{{File: "internal/conn/identity.go", Old: "if uuid == s.UUID && started.Equal(s.StartedAt) {", New: "if uuid == s.UUID || !started.IsZero() {"}},
		Package:   "internal/conn", Tests: []string{"TestConnectionsReachOneRunOfOneServer"}, Servers: true,
	},
	{
		Name:      "conn: connections are not asked where they are",
		Invariant: "progress in memory is good only for the run of the server on which it was made",
		Edits:     []edit{{File: "internal/conn/isolation.go", Old: "if c.server != nil {", New: "if c.server != nil && c.server.UUID == \"\" {"}},
		Package:   copierPackage, Tests: []string{"TestAnotherRunOfTheServerStopsTheCopy"}, Servers: true,
	},
	{
		Name:      "copier: one at a time is not measured",
		Invariant: "the number of workers follows the server, up and down",
		Edits: []edit{{
			File: "internal/copier/pool.go", Old: "			p.active++\n",
			New: "			if p.active++; p.active == 1 {\n				p.begun = time.Time{}\n			}\n",
		}},
		Package: copierPackage, Tests: []string{"TestPoolFollowsTheServer"},
	},
	{
		Name:      "copier: a worker keeps its place behind the last chunk",
		Invariant: "the copy ends",
		Edits: []edit{{
			File: "internal/copier/worker.go", Old: "	defer func() { w.pool.leave(w.stats.rows.Load(), time.Now()) }()\n", New: "",
		}},
		Package: copierPackage, Tests: []string{"TestAllWorkersEndBehindTheLastChunk"},
	},
	{
		Name:      "copier: the gate is not asked before a chunk",
		Invariant: "no chunk is begun while the copy is held back",
		Edits:     []edit{{File: "internal/copier/worker.go", Old: "if err := w.deps.Gate.Wait(ctx); err != nil {", New: "if err := ctx.Err(); err != nil {"}},
		Package:   copierPackage, Tests: []string{"TestNoChunkIsBegunBehindAClosedGate"},
	},
	{
		Name:      "copier: a chunk is one transaction, whatever was inserted since it was planned",
		Invariant: "no transaction on the shadow has more rows than a chunk was planned for",
		Edits:     []edit{{File: copierPlain, Old: "if !t.Last() && time.Since(t.flight.planned) < fresh {", New: "if fresh > 0 {"}},
		Package:   copierPackage, Tests: []string{"TestGrownChunkIsCopiedInPieces", "TestGrownChunkIsAdoptedInPieces"}, Servers: true,
	},
	{
		Name:      "copier: a chunk runs after what is inserted behind it",
		Invariant: "the last chunk ends, whatever the application inserts",
		Edits:     []edit{{File: copierPlain, Old: "all, err := w.closed(ctx, *t.flight.rest)", New: "all, err := *t.flight.rest, ctx.Err()"}},
		Package:   copierPackage, Tests: []string{"TestLastChunkEndsUnderInserts"}, Servers: true,
	},
	{
		Name:      "copier: a chunk is in flight no longer than its first piece",
		Invariant: "I10: what is deleted while a later piece is read is deleted again",
		Edits:     []edit{{File: copierPlain, Old: "if t.flight.rest = rest; rest == nil {", New: "first := t.flight.rest.Lower == nil\n\tif t.flight.rest = rest; first {"}},
		Package:   copierPackage, Tests: []string{"TestGrownChunkIsCopiedInPieces"}, Servers: true,
	},
	{
		Name:      "copier: a chunk counts as copied while the applier has pieces of it",
		Invariant: "I12: an adopted chunk is copied when its keys are settled",
		Edits:     []edit{{File: copierPlain, Old: "\tt.flight.missing.Add(1)\n", New: ""}},
		Package:   copierPackage, Tests: []string{"TestGrownChunkIsAdoptedInPieces"}, Servers: true,
	},
	{
		Name:      "copier: the lock of AUTO_INCREMENT is not looked for",
		Invariant: "no worker waits for another one's insert, holding locks meanwhile",
		Edits:     []edit{{File: copierPackage + "/copier.go", Old: "	c.pool.one()\n", New: ""}},
		Package:   copierPackage, Tests: []string{"TestLockedCounterTakesOneWorker"}, Servers: true,
	},
	{
		Name:      "copier: one worker copies whatever has an AUTO_INCREMENT",
		Invariant: "several workers copy where none waits for another one's insert",
		Edits:     []edit{{File: copierPackage + "/copier.go", Old: "if mode == 2 {", New: "if mode > 2 {"}},
		Package:   copierPackage, Tests: []string{"TestLockedCounterTakesOneWorker"}, Servers: true,
	},
}
