//go:build mutants

package mutants

const (
	binlogPackage = "internal/binlog"
	assemblerFile = binlogPackage + "/assembler.go"
	groupFile     = binlogPackage + "/group.go"
	witnessFile   = binlogPackage + "/witness.go"
	heldFile      = binlogPackage + "/held.go"
	eventFile     = binlogPackage + "/event.go"
)

// binlogMutants break the assembler of the stream.
var binlogMutants = []mutant{
	{
		Name:      "position moves with the first event of a transaction",
		Invariant: "I1",
		Edits:     []edit{{groupFile, "\ta.group = g\n\treturn err\n", "\ta.group = g\n\tif g.after.form != noForm {\n\t\ta.read = g.after\n\t}\n\treturn err\n"}},
		Package:   binlogPackage,
		Tests:     []string{"TestPositionIsAfterTheCommit", "TestHistories"},
	},
	{
		Name:      "binlog: all connections of a stream have one id",
		Invariant: "a connection that is lost is in nobody's way",
		Edits:     []edit{{"internal/binlog/stream.go", "	id := r.cfg.ServerID\n", "	id := max(r.cfg.ServerID, 4242000000)\n"}},
		Package:   binlogPackage,
		Tests:     []string{"TestUnreachable"},
		Servers:   true,
	},
	{
		Name:      "witness: a log is not asked for it",
		Invariant: "a position goes on only in the log in which it was found",
		Edits:     []edit{{witnessFile, "if p.found || m != p.until.witness.Mark || !passed {", "if m.ID < 0 {"}},
		Package:   binlogPackage,
		Tests:     []string{"TestAnotherLogIsNotTaken"},
	},
	{
		Name:      "witness: what was read before is read again",
		Invariant: "each transaction once",
		Edits:     []edit{{witnessFile, "	if p.until.witness == nil {\n		return false, nil\n", "	if p.until.witness != nil || true {\n		return false, nil\n"}},
		Package:   binlogPackage,
		Tests:     []string{"TestHistories"},
	},
	{
		Name:      "witness: it begins where the mark ends",
		Invariant: "a position goes on only in the log in which it was found",
		Edits:     []edit{{groupFile, "&Witness{Before: before, ", "&Witness{Before: map[bool]Position{true: a.read.WithWitness(nil), false: before}[true], "}},
		Package:   binlogPackage,
		Tests:     []string{"TestHistories"},
	},
	{
		Name:      "witness: positions of MariaDB are passed by their numbers",
		Invariant: "each transaction once",
		Edits:     []edit{{witnessFile, "		if ahead && last == o.maria {\n", "		if ahead && last.domain == o.maria.domain {\n"}},
		Package:   binlogPackage,
		Tests:     []string{"TestHistories"},
	},
	{
		Name:      "a piece of a transaction has the end of the whole",
		Invariant: "I1",
		Edits:     []edit{{groupFile, "Clock: g.clock, CommittedAt: g.committedAt, More: true,", "Clock: g.clock, CommittedAt: g.committedAt, More: true, End: g.after,"}},
		Package:   binlogPackage,
		Tests:     []string{"TestPositionIsAfterTheCommit", "TestHistories"},
	},
	{
		Name:      "file position is where the last event ended",
		Invariant: "I1",
		Edits:     []edit{{assemblerFile, "\ta.offset = expected + uint64(gap)\n", "\ta.offset = expected + uint64(gap)\n\ta.read = FilePosition(a.file, a.offset)\n"}},
		Package:   binlogPackage,
		Tests:     []string{"TestHistories"},
	},
	{
		Name:      "the position passes XA transactions that are not decided",
		Invariant: "I1, XA",
		Edits:     []edit{{heldFile, "\treturn h.since\n", "\treturn p\n"}},
		Package:   binlogPackage,
		Tests:     []string{"TestHistories", "TestOverlappingXA"},
	},
	{
		Name:      "the position follows the earliest XA transaction not decided yet",
		Invariant: "I1, XA",
		Edits: []edit{
			{heldFile, "\tid    conn.XID\n\tgroup *group\n", "\tid     conn.XID\n\tgroup  *group\n\tbefore Position\n"},
			{heldFile, "heldGroup{id, g}", "heldGroup{id, g, before}"},
			{heldFile, "\treturn h.since\n", "\treturn h.prepared[0].before\n"},
		},
		Package: binlogPackage,
		Tests:   []string{"TestOverlappingXA"},
	},
	{
		Name:      "XA commits are not noted",
		Invariant: "I7: on MariaDB an XA COMMIT stands in the log before its rows can be seen, and a fence does not tell",
		Edits:     []edit{{heldFile, "\t\ta.xaCommits.note(id)\n", ""}},
		Package:   binlogPackage,
		Tests:     []string{"TestXACommitsAreNoted"},
	},
	{
		Name:      "an XA commit whose rows are not known is not noted",
		Invariant: "I7: what was prepared before the start is in what is copied only once it is visible",
		Edits:     []edit{{heldFile, "(rows == nil || len(rows.changes) > 0)", "rows != nil && len(rows.changes) > 0"}},
		Package:   binlogPackage,
		Tests:     []string{"TestXACommitsAreNoted"},
	},
	{
		Name:      "an xid that is prepared anew is waited for",
		Invariant: "I7: a name used again does not keep fences waiting",
		Edits:     []edit{{heldFile, "\ta.xaCommits.restarted(id)\n", ""}},
		Package:   binlogPackage,
		Tests:     []string{"TestXACommitsAreNoted"},
	},
	{
		Name:      "an XA commit that is listed is waited for once",
		Invariant: "I7: a commit is visible when XA RECOVER does not list it any more",
		Edits:     []edit{{binlogPackage + "/xacommits.go", "\t\tcase commit.listed.IsZero():\n", "\t\tcase !commit.listed.IsZero():\n\t\t\tdelete(awaited, id)\n\t\tdefault:\n"}},
		Package:   binlogPackage,
		Tests:     []string{"TestXACommitsAreAwaited"},
	},
	{
		Name:      "what another transaction of the xid does is waited for",
		Invariant: "I7: a name used again does not keep fences waiting",
		Edits:     []edit{{binlogPackage + "/xacommits.go", "case c.noted[id] != commit:", "case c.noted[id] == nil:"}},
		Package:   binlogPackage,
		Tests:     []string{"TestXACommitsAreAwaited"},
	},
	{
		Name:      "what MariaDB commits by a statement is handed out",
		Invariant: "I7: no fence covers a transaction beside Aria",
		Edits:     []edit{{groupFile, "\t\tif err := a.mustBeOrdered(); err != nil {\n\t\t\treturn err\n\t\t}\n", ""}},
		Package:   binlogPackage,
		Tests:     []string{"TestTransactionsOutOfOrder"},
	},
	{
		Name:      "XA rows are handed out when they are prepared",
		Invariant: "XA rows wait for their decision",
		Edits:     []edit{{heldFile, "\treturn a.handOut(&group{clock: g.clock, committedAt: g.committedAt})", "\treturn a.handOut(g)"}},
		Package:   binlogPackage,
		Tests:     []string{"TestHistories"},
	},
	{
		Name:      "a mark goes ahead of the transaction that it stands in",
		Invariant: "I3",
		Edits: []edit{{
			groupFile, "\tg.marks = append(g.marks, m)\n",
			"\tif err := a.emit(&Transaction{End: a.end(), Marks: []Mark{m}}); err != nil {\n\t\tpanic(err)\n\t}\n",
		}},
		Package: binlogPackage,
		Tests:   []string{"TestMarksStandInTheirPlace", "TestHistories"},
	},
	{
		Name:      "a mark has the position after its own transaction only once the next one is read",
		Invariant: "I3",
		Edits:     []edit{{groupFile, "\treturn a.emit(&Transaction{\n\t\tEnd: a.end(),", "\tend := a.read\n\tif len(g.changes) == 0 {\n\t\tend = Position{}\n\t}\n\treturn a.emit(&Transaction{\n\t\tEnd: end,"}},
		Package:   binlogPackage,
		Tests:     []string{"TestMarksStandInTheirPlace"},
	},
	{
		Name:      "made-up rotations count as files",
		Invariant: "I6",
		Edits:     []edit{{assemblerFile, "\tif file == a.file {\n\t\treturn a.reopen(offset)\n", "\tif file == a.file {\n\t\ta.epoch++\n\t\treturn a.reopen(offset)\n"}},
		Package:   binlogPackage,
		Tests:     []string{"TestClockFiles"},
	},
	{
		Name:      "a reconnect does not count as a file",
		Invariant: "I6",
		Edits:     []edit{{assemblerFile, "func (a *assembler) interrupt() error {\n\ta.epoch++\n", "func (a *assembler) interrupt() error {\n"}},
		Package:   binlogPackage,
		Tests:     []string{"TestClockFiles"},
	},
	{
		Name:      "an open transaction survives the start of a file",
		Invariant: "a transaction is handed out whole or not at all",
		Edits: []edit{
			{assemblerFile, "\t\treturn a.abandon() // a file starts: what was open there never ended\n", "\t\treturn nil\n"},
			{assemblerFile, "\tif err := a.abandon(); err != nil {\n\t\treturn err\n\t}\n\ta.file, a.offset, a.skipTo = file, offset, 0\n", "\ta.file, a.offset, a.skipTo = file, offset, 0\n"},
		},
		Package: binlogPackage,
		Tests:   []string{"TestHistories", "TestUndone"},
	},
	{
		Name:      "pieces of an interrupted transaction are not called back",
		Invariant: "a transaction is handed out whole or not at all",
		Edits:     []edit{{assemblerFile, "\tif g == nil || g.pieces == 0 {\n", "\tif g == nil || g.pieces >= 0 {\n"}},
		Package:   binlogPackage,
		Tests:     []string{"TestHistories", "TestUndone"},
	},
	{
		Name:      "unknown events are passed over",
		Invariant: "nothing unknown is skipped",
		Edits:     []edit{{assemblerFile, "\treturn fmt.Errorf(\"the event has type %d, which is not known\", e.kind)\n", "\treturn nil\n"}},
		Package:   binlogPackage,
		Tests:     []string{"TestDamagedStream"},
	},
	{
		Name:      "a wrong checksum is passed over",
		Invariant: "nothing damaged is read",
		Edits:     []edit{{eventFile, "\tif !right {\n\t\treturn errChecksum\n\t}\n", "\t_ = errChecksum\n"}},
		Package:   binlogPackage,
		Tests:     []string{"TestDamagedStream"},
	},
	{
		Name:      "ROLLBACK TO SAVEPOINT is passed over",
		Invariant: "rolled back rows are not handed out",
		Edits:     []edit{{groupFile, "\tcase rollbackToVerb:\n\t\treturn g.rollBackTo(argument)\n", "\tcase rollbackToVerb:\n"}},
		Package:   binlogPackage,
		Tests:     []string{"TestHistories"},
	},
	{
		Name:      "offsets have 32 bits",
		Invariant: "I1",
		Edits:     []edit{{assemblerFile, "\ta.offset = expected + uint64(gap)\n", "\ta.offset = uint64(e.logPos)\n"}},
		Package:   binlogPackage,
		Tests:     []string{"TestOffsetBeyond32Bits"},
	},
	{
		Name:      "binlog: each statement of the migration is its swap",
		Invariant: "the stream ends with the swap, and not before",
		Edits:     []edit{{"internal/binlog/guard.go", "own && g.swaps(q, s) {", "own {"}},
		Package:   "internal/binlog",
		Tests:     []string{"TestGuard"},
	},
}
