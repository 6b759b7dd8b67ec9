//go:build mutants

package mutants

const (
	epochPackage = "internal/epoch"
	epochBooks   = epochPackage + "/books.go"
	epochFlight  = epochPackage + "/flight.go"
)

var epochMutants = []mutant{
	{
		Name:      "epoch: keys are handed out before the fence",
		Invariant: "I7: before an epoch reads, everything up to its position must be visible",
		Edits: []edit{
			{epochBooks, "if b.closed == nil || b.closed.fence > b.fenced {", "if b.closed == nil {"},
			{epochBooks, "len(e.keys) == 0 || e.fence > b.fenced {", "len(e.keys) == 0 {"},
		},
		Package: epochPackage,
		Tests:   []string{"TestRefreshHistories", "TestNextEpochWaits"},
	},
	{
		Name:      "epoch: a fence covers what came after it was asked for",
		Invariant: "I7, I9: a fence written before a change was read, or a chunk registered, says nothing about it",
		Edits:     []edit{{epochFlight, "b.wanted = b.asked + 1", "b.wanted = max(b.asked, 1)"}},
		Package:   epochPackage,
		Tests:     []string{"TestRefreshHistories", "TestFencesAreShared"},
	},
	{
		Name:      "epoch: what is left of a lost lock needs no fence",
		Invariant: "I7: a lock stands for a fence as long as it is held",
		Edits:     []edit{{epochFlight, "if e != nil && len(e.keys) > 0 {", "if e != nil && len(e.keys) > 1<<20 {"}},
		Package:   epochPackage,
		Tests:     []string{"TestRefreshHistories"},
	},
	{
		Name:      "refresh: a drain that failed stands for a fence",
		Invariant: "I7: a lock stands for a fence as long as it is held",
		Edits:     []edit{{"internal/applier/refresh_dispatcher.go", "defer d.books.Doubt()", "defer d.books.Looked()"}},
		Package:   "internal/applier",
		Tests:     []string{"TestDrainOfALostLockSaysNothing"},
	},
	{
		Name:      "epoch: two epochs run at once",
		Invariant: "I8: two epochs never touch the same key at once",
		Edits: []edit{
			{epochBooks, "if len(e.keys) > 0 || e.out > 0 {", "if len(e.keys) > 0 {"},
			{epochBooks, "if e == nil || e != b.running {", "if e == nil {"},
		},
		Package: epochPackage,
		Tests:   []string{"TestRefreshHistories", "TestNextEpochWaits"},
	},
	{
		Name:      "epoch: a chunk reads without a fence",
		Invariant: "I9: register, then fence, then read",
		Edits:     []edit{{epochFlight, "return b.fenced >= f.fence", "return b.flights[f.number]"}},
		Package:   epochPackage,
		Tests:     []string{"TestRefreshHistories", "TestFencesAreShared"},
	},
	{
		Name:      "epoch: a key's first change says whether its row is gone",
		Invariant: "section 4: a deleted row is looked for unless a later change left one",
		Edits:     []edit{{epochBooks, "b.dirty[key] = gone\n", "_, some := b.dirty[key]\n\t\tb.dirty[key] = gone && (!some || b.dirty[key])\n"}},
		Package:   epochPackage,
		Tests:     []string{"TestRefreshHistories", "TestGoneKeys"},
	},
	{
		Name:      "epoch: a row that is looked for again is taken to be there",
		Invariant: "I10: what was deleted while chunks were in flight is deleted again",
		Edits:     []edit{{epochBooks, "\t\tb.dirty[key] = true\n\t}\n\tb.working", "\t\tb.dirty[key] = b.dirty[key]\n\t}\n\tb.working"}},
		Package:   epochPackage,
		Tests:     []string{"TestRefreshHistories", "TestGoneKeys"},
	},
	{
		Name:      "epoch: missing keys are not looked at again",
		Invariant: "I10: a chunk in flight may have read the row",
		Edits:     []edit{{epochBooks, "if batch.flight != 0 && e.isFresh(key) {", "if batch.flight != 0 && e == nil {"}},
		Package:   epochPackage,
		Tests:     []string{"TestRefreshHistories"},
	},
	{
		Name:      "epoch: chunks that ended while a key was looked up do not count",
		Invariant: "I10: the ghost may have come after the deletion",
		Edits:     []edit{{epochBooks, "if batch.flight != 0 && e.isFresh(key) {", "if batch.flight != 0 && len(b.flights) > 0 && e.isFresh(key) {"}},
		Package:   epochPackage,
		Tests:     []string{"TestRefreshHistories"},
	},
	{
		Name:      "epoch: the second look comes before the chunk's end",
		Invariant: "I10: every chunk that was in flight must have ended",
		Edits:     []edit{{epochFlight, "if h.until >= earliest {", "if h.until > earliest {"}},
		Package:   epochPackage,
		Tests:     []string{"TestRefreshHistories"},
	},
	{
		Name:      "epoch: a key that is dirty anew is not fresh",
		Invariant: "I10: the second look for one change is the first for another",
		Edits:     []edit{{epochBooks, "return !again || fresh", "return !again || fresh && again != fresh"}},
		Package:   epochPackage,
		Tests:     []string{"TestKeyHeldForTwoEpochs"},
	},
	{
		Name:      "epoch: each look at a missing key is the first",
		Invariant: "I10: a deleted row would be looked at for as long as copying goes on",
		Edits:     []edit{{epochBooks, "return !again || fresh", "return again || !again || fresh"}},
		Package:   epochPackage,
		Tests:     []string{"TestSecondLookIsTheLast"},
	},
	{
		Name:      "epoch: the position passes held keys",
		Invariant: "I10: the position stays until the second look is written",
		Edits:     []edit{{epochBooks, "for b.settled < b.looked && b.owed[b.settled+1] == 0 {", "for b.settled < b.looked {"}},
		Package:   epochPackage,
		Tests:     []string{"TestRefreshHistories", "TestRefusedKeysComeAgain"},
	},
	{
		Name:      "epoch: the position passes keys that are back in an epoch",
		Invariant: "I10: also while the key is already back in an epoch",
		Edits: []edit{
			{epochBooks, "for key := range b.due {", "for key, since := range b.due {\n\t\tb.release(since)"},
			{epochBooks, "if since, ok := e.again[key]; ok {\n\t\t\tb.release(since)", "if since, ok := e.again[key]; ok {\n\t\t\t_ = since"},
		},
		Package: epochPackage,
		Tests:   []string{"TestRefreshHistories"},
	},
	{
		Name:      "epoch: a key held for two epochs is owed for the later",
		Invariant: "I10: the position stays before the first of them",
		Edits: []edit{
			{epochBooks, "b.release(max(since, other))", "b.release(min(since, other))"},
			{epochBooks, "since = min(since, other)", "since = max(since, other)"},
		},
		Package: epochPackage,
		Tests:   []string{"TestKeyHeldForTwoEpochs"},
	},
	{
		Name:      "epoch: the greatest key of a chunk lies beyond it",
		Invariant: "I11: a change may be dropped only beyond every registered chunk",
		Edits:     []edit{{epochBooks, "key > *b.frontier", "key >= *b.frontier"}},
		Package:   epochPackage,
		Tests:     []string{"TestRefreshHistories", "TestWhatIsDropped"},
	},
	{
		Name:      "epoch: changes are dropped though the last chunk is registered",
		Invariant: "I11: it has no upper end",
		Edits:     []edit{{epochBooks, "|| b.cfg.OtherUnique || b.complete {", "|| b.cfg.OtherUnique {"}},
		Package:   epochPackage,
		Tests:     []string{"TestRefreshHistories", "TestWhatIsDropped"},
	},
	{
		Name:      "epoch: changes are dropped where the order of keys is not known",
		Invariant: "I11: which chunk reads a key must be known exactly",
		Edits:     []edit{{epochBooks, "if !b.cfg.Ordered || b.cfg", "if b.cfg"}},
		Package:   epochPackage,
		Tests:     []string{"TestRefreshHistories", "TestWhatIsDropped"},
	},
	{
		Name:      "epoch: changes are dropped though rows may push each other out",
		Invariant: "I11: the shadow has no unique key besides the migration key",
		Edits:     []edit{{epochBooks, "|| b.cfg.OtherUnique || b.complete {", "|| b.complete {"}},
		Package:   epochPackage,
		Tests:     []string{"TestRefreshHistories", "TestWhatIsDropped"},
	},
	{
		Name:      "epoch: a resume forgets what the shadow holds",
		Invariant: "I11: after a resume the shadow may hold rows of chunks that no checkpoint knows",
		Edits:     []edit{{epochBooks, "cfg: cfg, frontier: cfg.Greatest,", "cfg: cfg,"}},
		Package:   epochPackage,
		Tests:     []string{"TestRefreshHistories", "TestWhatIsDropped"},
	},
	{
		Name:      "epoch: refused keys are not looked at again",
		Invariant: "I12: neither row disappears unnoticed",
		Edits:     []edit{{epochBooks, "b.owed[since]++\n\t\tb.expect(key, since)", "_ = since"}},
		Package:   epochPackage,
		Tests:     []string{"TestRefreshHistories", "TestRefusedKeysComeAgain"},
	},
	{
		Name:      "epoch: an adopted chunk counts as copied before its epoch is settled",
		Invariant: "I4, I12: its rows are in no chunk",
		Edits:     []edit{{epochBooks, "return b.last + 1", "return b.last"}},
		Package:   epochPackage,
		Tests:     []string{"TestRefreshHistories", "TestAdoptedKeysAreOfTheNextEpoch"},
	},
	{
		Name:      "epoch: held keys are not counted",
		Invariant: "what is kept of the log is bounded, however many rows are deleted while a chunk is in flight",
		Edits:     []edit{{epochBooks, "len(b.dirty)+len(b.due)+b.holding+b.working", "len(b.dirty)+len(b.due)+b.working"}},
		Package:   epochPackage,
		Tests:     []string{"TestReadingWaitsForHeldKeys"},
	},
	{
		Name:      "epoch: adopting waits for held keys",
		Invariant: "I12: held keys wait for chunks, and no chunk may wait for them",
		Edits:     []edit{{epochBooks, "{ return len(b.dirty) < b.cfg.Limit }", "{ return !b.Full() }"}},
		Package:   epochPackage,
		Tests:     []string{"TestReadingWaitsForHeldKeys", "TestRefreshHistories"},
	},
	{
		Name:      "epoch: keys count as held for ever",
		Invariant: "reading goes on when the chunks have ended",
		Edits:     []edit{{epochFlight, "		b.holding -= len(h.keys)\n", ""}},
		Package:   epochPackage,
		Tests:     []string{"TestReadingWaitsForHeldKeys", "TestRefreshHistories"},
	},
	{
		Name:      "epoch: keys that are written are not counted",
		Invariant: "what is kept of the log is bounded",
		Edits:     []edit{{epochBooks, "+b.holding+b.working >= b.cfg.Limit", "+b.holding >= b.cfg.Limit"}},
		Package:   refreshPackage,
		Tests:     []string{"TestReadingWaitsForRoom"},
	},
	{
		Name:      "epoch: keys count as written for ever",
		Invariant: "reading goes on when keys are written",
		Edits:     []edit{{epochBooks, "\t\t} else {\n\t\t\tb.working--\n", ""}},
		Package:   refreshPackage,
		Tests:     []string{"TestReadingWaitsForRoom"},
	},
	{
		Name:      "epoch: reading waits for keys that are looked at again",
		Invariant: "I12: what refuses them may be a row whose change is still to be read",
		Edits: []edit{
			{epochBooks, "b.working += len(b.dirty) - len(b.due)", "b.working += len(b.dirty)"},
			{epochBooks, "\t\t} else {\n\t\t\tb.working--\n\t\t}\n", "\t\t}\n\t\tb.working--\n"},
		},
		Package: epochPackage,
		Tests:   []string{"TestRefreshHistories"},
	},
}
