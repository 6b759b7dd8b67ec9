//go:build mutants

package mutants

const (
	adaptPackage = "internal/adapt"
	budgetFile   = "internal/adapt/budget.go"
	yieldFile    = "internal/adapt/yield.go"
	courtesyFile = "internal/migrate/courtesy.go"
)

var adaptMutants = []mutant{
	{
		Name:      "budget: changes do not count what rows use",
		Invariant: "workers that copy and workers that apply are no more together than the budget",
		Edits:     []edit{{File: budgetFile, Old: "min(n, Most+1-max(1, min(b.rows.used, b.rows.bound)))", New: "min(n, Most)"}},
		Package:   adaptPackage, Tests: []string{"TestBudgetStarvesNobody"},
	},
	{
		Name:      "budget: rows go first while the backlog grows",
		Invariant: "changes are kept up with where the server can",
		Edits:     []edit{{File: budgetFile, Old: "b.rows.lower(now)", New: "b.rows.raise(now)"}},
		Package:   adaptPackage, Tests: []string{"TestBudgetFollowsTheBacklog", "TestBudgetUnderTooMuch"},
	},
	{
		Name:      "budget: a growing backlog takes the last worker from the rows",
		Invariant: "rows go on being copied, whatever is written",
		Edits:     []edit{{File: "internal/adapt/allowance.go", Old: "max(1, min(a.bound, a.used)/2), now", New: "min(a.bound, a.used)/2, now"}},
		Package:   adaptPackage, Tests: []string{"TestBudgetUnderTooMuch", "TestCourtesy"},
	},
	{
		Name:      "budget: a single look tells whether the backlog grows",
		Invariant: "changes that are applied in batches keep no rows back",
		Edits:     []edit{{File: budgetFile, Old: "b.least = min(b.least, backlog)", New: "b.least = backlog"}},
		Package:   adaptPackage, Tests: []string{"TestBudgetIsNotMovedByBatches"},
	},
	{
		Name:      "yield: what is written while nobody copies is not looked at",
		Invariant: "an application near the server's capacity keeps its throughput",
		Edits:     []edit{{File: yieldFile, Old: "if resting > noticeably*y.working {", New: "if false {"}},
		Package:   adaptPackage, Tests: []string{"TestYieldNearCapacity"},
	},
	{
		Name:      "yield: pauses know no bound",
		Invariant: "rows go on being copied, whatever is written",
		Edits:     []edit{{File: yieldFile, Old: "min(time.Duration(y.share)*took, longestPause)", New: "time.Duration(y.share) * took"}},
		Package:   adaptPackage, Tests: []string{"TestYieldNeverStopsTheCopy"},
	},
	{
		Name:      "budget: what grows while no rows are read holds back who reads them",
		Invariant: "rows give way to changes that grow beside them",
		Edits:     []edit{{"internal/adapt/budget.go", "if b.rows.used == 0 {", "if false {"}},
		Package:   "internal/adapt",
		Tests:     []string{"TestBudgetWhileNobodyReadsRows"},
	},
	{
		Name:      "budget: nobody bounds who reads rows",
		Invariant: "rows give way to changes that grow beside them, and to the application",
		Edits:     []edit{{courtesyFile, "return func(n int) int { return r.budget.Rows(r.courtesy.Limit(n)) }", "return nil"}},
		Package:   "internal/migrate",
		Tests:     []string{"TestNumbersOfTheUserStand", "TestWorkersFollowTheBacklog", "TestWorkersGiveWayToTheApplication"},
	},
	{
		Name:      "budget: nobody bounds who applies changes",
		Invariant: "workers that copy and workers that apply are no more together than the budget",
		Edits:     []edit{{courtesyFile, "return r.budget.Changes\n", "return nil\n"}},
		Package:   "internal/migrate",
		Tests:     []string{"TestNumbersOfTheUserStand", "TestWorkersFollowTheBacklog"},
	},
	{
		Name:      "budget: nobody looks at the backlog",
		Invariant: "rows give way to changes that grow beside them",
		Edits:     []edit{{courtesyFile, "		r.budget.Observe(f.Seen, f.Behind, now)\n", ""}},
		Package:   "internal/migrate",
		Tests:     []string{"TestWorkersFollowTheBacklog"},
	},
	{
		Name:      "budget: the application's commits bound nobody",
		Invariant: "rows give way to the application",
		Edits:     []edit{{courtesyFile, "r.budget.Rows(r.courtesy.Limit(n))", "r.budget.Rows(n)"}},
		Package:   "internal/migrate",
		Tests:     []string{"TestWorkersGiveWayToTheApplication"},
	},
	{
		Name:      "yield: nobody pauses",
		Invariant: "an application near the server's capacity keeps its throughput",
		Edits:     []edit{{courtesyFile, "return func(took time.Duration) time.Duration { return r.yield.Pause(took, time.Now()) }", "return nil"}},
		Package:   "internal/migrate",
		Tests:     []string{"TestNumbersOfTheUserStand", "TestWorkersGiveWayToTheApplication"},
	},
}
