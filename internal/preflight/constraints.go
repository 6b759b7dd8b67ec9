package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/midstreamdb/midstream/internal/table"
)

// checkConstraints finds the names that the CHECK constraints will have. MySQL keeps them unique in the schema, and the retired
// table keeps those that a user chose: that they change is refused unless it is allowed, or the server may alter the table
// itself. MariaDB's are unique in a table only.
func checkConstraints(ctx context.Context, in *inspection) ([]finding, error) {
	if in.Server.IsMariaDB() {
		return nil, nil
	}
	others, err := otherChecks(ctx, in)
	if err != nil {
		return nil, err
	}
	in.outcome.Checks = table.CheckNames(in.source, in.Names.Shadow, others)
	if name := table.TooLong(in.outcome.Checks, in.Names); name != "" {
		return []finding{fail(fmt.Sprintf("a CHECK constraint of %s would have to be called %s, which is too long", in.source.Name, table.Quote(name)),
			"give the table a shorter name, or do without its CHECK constraints while it is migrated")}, nil
	}
	for _, c := range in.outcome.Checks {
		if !c.Kept() && (in.outcome.Alter == nil || !in.outcome.Alter.DropsConstraint(c.Source)) {
			in.outcome.Renamed = append(in.outcome.Renamed, c)
		}
	}
	text := renamedText(in.outcome.Renamed, in.source.Name)
	switch {
	case text == "":
		return nil, nil
	case in.AllowRenamed:
		return []finding{note(text, "")}, nil
	default:
		return []finding{in.againstCopy(text, allowRenamed)}, nil
	}
}

// otherChecks returns the names of CHECK constraints that other tables of the schema have, such as a table that an earlier
// migration retired. A migration that goes on finds its own in the shadow.
func otherChecks(ctx context.Context, in *inspection) ([]string, error) {
	const query = `
		SELECT CONSTRAINT_NAME AS name
		  FROM information_schema.TABLE_CONSTRAINTS
		 WHERE TABLE_SCHEMA = ? AND TABLE_NAME NOT IN (?, ?) AND CONSTRAINT_TYPE = 'CHECK'`
	n := in.Names
	rows, err := queryRows(ctx, in.DB, query, n.Source.Schema, n.Source.Table, n.Shadow.Table)
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r["name"]
	}
	return names, err
}

// allowRenamed is the way out.
const allowRenamed = "allow it with --allow-renamed-constraints; a second migration, when the retired table is dropped, gives the names back"

// renamedText says which CHECK constraints of the source get other names; "" for none.
func renamedText(renamed []table.CheckName, source table.Name) string {
	if len(renamed) == 0 {
		return ""
	}
	pairs := make([]string, len(renamed))
	for i, c := range renamed {
		pairs[i] = table.Quote(c.Source) + " would become " + table.Quote(c.Swapped)
	}
	return fmt.Sprintf("the names of CHECK constraints are unique in a schema, and the retired table keeps those of %s: %s", source, strings.Join(pairs, ", "))
}
