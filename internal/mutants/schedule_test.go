//go:build mutants

package mutants

const (
	schedulePackage = "internal/schedule"
	scheduleCore    = schedulePackage + "/scheduler.go"
	scheduleClock   = schedulePackage + "/clock.go"
)

var scheduleMutants = []mutant{
	{
		Name:      "wait for the parent only",
		Invariant: "I5: every transaction up to last_committed must have committed, not just the last of them",
		Edits: []edit{
			{scheduleCore, "if need <= s.low {", "if need <= s.low || s.is(need-1, done) {"},
			{
				scheduleCore, "for len(s.waiting) > 0 && s.waiting[0].key <= s.low {",
				"for len(s.waiting) > 0 && (s.waiting[0].key <= s.low || s.is(s.waiting[0].key-1, done)) {",
			},
		},
		Package: schedulePackage,
		Tests:   []string{"TestWaitEndsWithTheLastCovered", "TestRandomHistories"},
	},
	{
		Name:      "no wait when last_committed was never fed",
		Invariant: "I5: the number may be another table's, and still cover an earlier transaction of ours",
		Edits: []edit{{
			scheduleCore,
			"return first + sort.Search(len(since), func(i int) bool { return since[i].sequence > lastCommitted })",
			`i := sort.Search(len(since), func(i int) bool { return since[i].sequence > lastCommitted })
			if i > 0 && since[i-1].sequence == lastCommitted {
				return first + i
			}
			return first`,
		}},
		Package: schedulePackage,
		Tests:   []string{"TestWhatMayStartAtOnce", "TestWaitEndsWithTheLastCovered", "TestRandomHistories"},
	},
	{
		Name:      "wait for the one transaction with that number",
		Invariant: "I5: both mistakes together: no low watermark at all",
		Edits: []edit{
			{
				scheduleCore,
				"return first + sort.Search(len(since), func(i int) bool { return since[i].sequence > lastCommitted })",
				`i := sort.Search(len(since), func(i int) bool { return since[i].sequence > lastCommitted })
				if i > 0 && since[i-1].sequence == lastCommitted {
					return first + i
				}
				return first`,
			},
			{scheduleCore, "if need <= s.low {", "if need <= s.low || s.is(need-1, done) {"},
			{
				scheduleCore, "for len(s.waiting) > 0 && s.waiting[0].key <= s.low {",
				"for len(s.waiting) > 0 && (s.waiting[0].key <= s.low || s.is(s.waiting[0].key-1, done)) {",
			},
		},
		Package: schedulePackage,
		Tests:   []string{"TestWhatMayStartAtOnce", "TestRandomHistories"},
	},
	{
		Name:      "the watermark demands numbers without gaps",
		Invariant: "I5: one table's stream sees only some of the numbers; what the clock allows must start",
		Edits: []edit{{
			scheduleCore,
			"for len(s.entries) > 0 && s.entries[0].state == done {",
			"for len(s.entries) > 0 && s.entries[0].state == done && (len(s.entries) == 1 || s.entries[1].sequence <= s.entries[0].sequence+1) {",
		}},
		Package: schedulePackage,
		Tests:   []string{"TestWaitEndsWithTheLastCovered", "TestRandomHistories"},
	},
	{
		Name:      "rotation does not drain",
		Invariant: "I6: the numbers of two binlog files cannot be compared",
		Edits:     []edit{{scheduleClock, "if c.Epoch != prev.Epoch || c.Group != prev.Group {", "if c.Group != prev.Group {"}},
		Package:   schedulePackage,
		Tests:     []string{"TestWhatMayStartAtOnce", "TestRotationDrains", "TestRandomHistories"},
	},
	{
		Name:      "a clock that goes back is believed",
		Invariant: "I6: numbers that do not rise are those of another file",
		Edits:     []edit{{scheduleClock, "return c.Group != 0 || c.SequenceNumber > prev.SequenceNumber", "return true"}},
		Package:   schedulePackage,
		Tests:     []string{"TestWhatMayStartAtOnce"},
	},
	{
		Name:      "a commit group does not wait for the one before",
		Invariant: "MariaDB: a new group waits for the whole previous one",
		Edits:     []edit{{scheduleClock, "if c.Epoch != prev.Epoch || c.Group != prev.Group {", "if c.Epoch != prev.Epoch {"}},
		Package:   schedulePackage,
		Tests:     []string{"TestWhatMayStartAtOnce", "TestRandomHistories"},
	},
	{
		Name:      "the wait flag is ignored",
		Invariant: "MariaDB: a transaction that waited for a lock runs alone",
		Edits:     []edit{{scheduleClock, "const forbidden = MariaDBWaited | MariaDBDDL", "const forbidden = MariaDBDDL"}},
		Package:   schedulePackage,
		Tests:     []string{"TestMariaDBClock", "TestWhatMayStartAtOnce"},
	},
	{
		Name:      "nothing waits for a barrier",
		Invariant: "I5: what may not be compared runs alone",
		Edits:     []edit{{scheduleCore, "s.floor = number + 1", "s.floor = number"}},
		Package:   schedulePackage,
		Tests:     []string{"TestWhatMayStartAtOnce"},
	},
	{
		Name:      "a run passes over what is in flight elsewhere",
		Invariant: "I5: what a member of a batch needs has committed, or stands before it in the batch",
		Edits:     []edit{{scheduleCore, "case inFlight:\n\t\t\treturn true\n", "case inFlight:\n"}},
		Package:   schedulePackage,
		Tests:     []string{"TestRandomHistories"},
	},
	{
		Name:      "what is in flight counts as committed",
		Invariant: "I2, I5: committed means committed, not handed out",
		Edits: []edit{
			{scheduleCore, "for len(s.entries) > 0 && s.entries[0].state == done {", "for len(s.entries) > 0 && s.entries[0].state >= inFlight {"},
			{scheduleCore, "e := &s.entries[number-s.low]\n\t\te.state = done", "if number < s.low {\n\t\t\tcontinue\n\t\t}\n\t\te := &s.entries[number-s.low]\n\t\te.state = done"},
		},
		Package: schedulePackage,
		Tests:   []string{"TestWaitEndsWithTheLastCovered", "TestRotationDrains", "TestRandomHistories"},
	},
	{
		Name:      "conflicts on an added unique key are ignored",
		Invariant: "the source's clock knows the source's keys only",
		Edits:     []edit{{scheduleCore, "need = max(need, holder+1)", "need = max(need, min(holder, 0))"}},
		Package:   schedulePackage,
		Tests:     []string{"TestConflictKeys", "TestRandomHistories"},
	},
	{
		Name:      "a committed holder forgets the key of a later one",
		Invariant: "the source's clock knows the source's keys only",
		Edits:     []edit{{scheduleCore, "if s.holders[key] == s.low {\n\t\t\t\tdelete(s.holders, key)\n\t\t\t}", "delete(s.holders, key)"}},
		Package:   schedulePackage,
		Tests:     []string{"TestRandomHistories"},
	},
	{
		Name:      "serial is forgotten",
		Invariant: "section 4.1: the ALTER adds a unique key and its conflicts are not computed",
		Edits:     []edit{{scheduleCore, "barrier := s.cfg.Serial || clock.barrier()", "barrier := clock.barrier()"}},
		Package:   schedulePackage,
		Tests:     []string{"TestRandomHistories"},
	},
}
