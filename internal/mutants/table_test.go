//go:build mutants

package mutants

var tableMutants = []mutant{
	{
		Name:      "table: numbers are converted as by an INSERT",
		Invariant: "what the ALTER converts is what the server's own ALTER gives",
		Edits:     []edit{{"internal/table/convert.go", "case from.isNumber() && asInALTER", "case false && asInALTER"}},
		Package:   "internal/table",
		Tests:     []string{"TestNumbersAreConvertedAsByAnALTER"},
		Servers:   true,
	},
	{
		Name:      "table: a key stays unique though its column becomes generated",
		Invariant: "I12: two rows that become equal under a unique key are named",
		Edits: []edit{{
			"internal/table/alike.go", "	if shadow.Generation != NotGenerated && (",
			"	if source.Generation != NotGenerated && shadow.Generation != NotGenerated && (",
		}},
		Package: "internal/table",
		Tests:   []string{"TestAddedUniqueKeys"},
		Servers: true,
	},
}
