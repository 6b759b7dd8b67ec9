//go:build mutants

package mutants

const chunkPackage = "internal/chunk"

var chunkMutants = []mutant{
	{
		Name:      "chunk: descending keys count as ordered",
		Invariant: "I11: a change beyond the frontier is dropped only where the encoding orders keys as the index does",
		Edits: []edit{{
			File: "internal/sqlgen/key.go",
			Old:  "\t\t\treturn c.descending\n\t\tcase table.Set:",
			New:  "\t\t\treturn false\n\t\tcase table.Set:",
		}},
		Package: chunkPackage, Tests: []string{"TestChunksPartitionTheTable"}, Servers: true,
	},
	{
		Name:      "chunk: lower bound compares the first column only",
		Invariant: "every row is in exactly one chunk",
		Edits: []edit{{
			File: "internal/sqlgen/key.go",
			Old:  "return spread(c, c.beyond(), bound[0], after(columns[1:], bound[1:]))",
			New:  "return c.compare(c.beyond(), bound[0])",
		}},
		Package: chunkPackage, Tests: []string{"TestCompositeKeys"}, Servers: true,
	},
	{
		Name:      "chunk: upper bound is exclusive",
		Invariant: "every row is in exactly one chunk",
		Edits: []edit{{
			File: "internal/sqlgen/key.go",
			Old:  `return c.compare(c.before()+"=", bound[0])`,
			New:  `return c.compare(c.before(), bound[0])`,
		}},
		Package: chunkPackage, Tests: []string{"TestCompositeKeys"}, Servers: true,
	},
	{
		Name:      "chunk: a descending key column is taken for an ascending one",
		Invariant: "every row is in exactly one chunk",
		Edits: []edit{{
			File: "internal/sqlgen/key.go",
			Old:  "\t\treturn \"<\"\n\t}\n\treturn \">\"\n",
			New:  "\t\treturn \">\"\n\t}\n\treturn \">\"\n",
		}},
		Package: chunkPackage, Tests: []string{"TestCompositeKeys"}, Servers: true,
	},
	{
		Name:      "chunk: the last chunk takes all that was inserted behind the end",
		Invariant: "a chunk holds about as many rows as it was planned for",
		Edits:     []edit{{File: "internal/chunk/chunk.go", Old: "\t\tc.reckon = nil\n\t}\n\treturn Boundary", New: "\t\treturn nil, nil\n\t}\n\treturn Boundary"}},
		Package:   chunkPackage, Tests: []string{"TestRowsBeyondTheGreatestKey"}, Servers: true,
	},
	{
		Name:      "chunk: reckoning overflows behind the greatest number",
		Invariant: "chunks follow one another and end",
		Edits:     []edit{{File: "internal/chunk/reckoner.go", Old: "upper == r.greatest", New: "false"}},
		Package:   chunkPackage, Tests: []string{"TestReckonedBoundariesAscend"},
	},
}
