//go:build mutants

package mutants

var fidelityMutants = []mutant{
	{
		Name:      "fidelity: sessions read backslashes as they are",
		Invariant: "what a table computes is the same in our sessions as in the application's",
		Edits:     []edit{{"internal/conn/conn.go", `NO_ENGINE_SUBSTITUTION"`, `NO_ENGINE_SUBSTITUTION,NO_BACKSLASH_ESCAPES"`}},
		Package:   "internal/conn",
		Tests:     []string{"TestExpressionsAreReadAsWritten"},
		Servers:   true,
	},
	{
		Name:      "fidelity: backslashes stand in literals as they are",
		Invariant: "a literal is read back as exactly its value",
		Edits:     []edit{{"internal/sqlgen/literal.go", `if c == '\'' || c == '\\' {`, `if c == '\'' {`}},
		Package:   "internal/sqlgen",
		Tests:     []string{"TestLiteralsEndAtTheirQuote"},
	},
}
