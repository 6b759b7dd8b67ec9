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
}
