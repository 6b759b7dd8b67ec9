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
	{
		Name:      "fidelity: constraints that are not shown are forgotten",
		Invariant: "the shadow has every CHECK constraint of the source",
		Edits:     []edit{{"internal/table/checks.go", "if len(adds) != len(names) || len(drops) != len(names) {", "if len(adds) > len(names) {"}},
		Package:   "internal/table",
		Tests:     []string{"TestRenameChecksNeedsAllThatAreKnown"},
	},
	{
		Name:      "fidelity: the ALTER names the source's constraints",
		Invariant: "an ALTER that names a constraint means the shadow's",
		Edits:     []edit{{"internal/alter/constraint.go", "text.WriteString(a.Clauses[at:m.at] + table.Quote(names[i].Shadow))", "text.WriteString(a.Clauses[at:m.at] + table.Quote(names[i].Source))"}},
		Package:   "internal/alter",
		Tests:     []string{"TestCalling"},
	},
	{
		Name:      "fidelity: histograms of columns with another type",
		Invariant: "the new table has the statistics that a native ALTER leaves",
		Edits:     []edit{{"internal/migrate/histograms.go", "from.ColumnType == to.ColumnType && ", ""}},
		Package:   "test/scenario",
		Tests:     []string{"TestStatisticsAreThoseOfANativeALTER"},
		Servers:   true,
	},
	{
		Name:      "fidelity: the server's modes are not looked at",
		Invariant: "what the table computes comes out as in the application's sessions",
		Edits:     []edit{{"internal/preflight/modes.go", "if ok && slices.ContainsFunc(", "if false && ok && slices.ContainsFunc("}},
		Package:   "internal/preflight",
		Tests:     []string{"TestRunOnServersSetWrongly"},
		Servers:   true,
	},
	{
		Name:      "fidelity: an added column is left to its ON UPDATE",
		Invariant: "rows that exist get the default of an added column, whenever they are written",
		Edits:     []edit{{"internal/table/moment.go", "	if !isMoment || !updates {", "	if !isMoment || updates || !updates {"}},
		Package:   "internal/table",
		Tests:     []string{"TestAddedMomentIsThatOfTheALTER"},
		Servers:   true,
	},
	{
		Name:      "fidelity: the moment of an ALTER is that of each row",
		Invariant: "rows that exist get one moment, as the server's zone shows it",
		Edits:     []edit{{"internal/table/moment.go", "isMoment && found != nil {", "isMoment && found != nil && len(found) == 0 {"}},
		Package:   "internal/table",
		Tests:     []string{"TestAddedMomentIsThatOfTheALTER"},
		Servers:   true,
	},
	{
		Name:      "fidelity: keys are computed in the time zone of our sessions",
		Invariant: "what the table computes comes out as in the application's sessions",
		Edits:     []edit{{"internal/table/computed.go", "if c != nil && c.Generation == Virtual && zoned[c] || part.Expression", "if c != nil && part.Expression"}},
		Package:   "internal/table",
		Tests:     []string{"TestMapRefuses"},
		Servers:   true,
	},
	{
		Name:      "fidelity: what is computed from a computed column is not followed",
		Invariant: "what the table computes comes out as in the application's sessions",
		Edits:     []edit{{"internal/table/computed.go", "(c.Kind == Timestamp || zoned[c])", "c.Kind == Timestamp"}},
		Package:   "internal/table",
		Tests:     []string{"TestMapRefuses"},
		Servers:   true,
	},
}
