package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/midstreamdb/midstream/internal/table"
)

// checkForeignKeys refuses tables on either side of a foreign key: after the swap the constraint would go with the retired
// table, and rows that a cascade changes may not be in the binary log.
func checkForeignKeys(_ context.Context, in *inspection) ([]finding, error) {
	var found []finding
	for _, f := range in.source.ForeignKeys {
		found = append(found, in.againstCopy(fmt.Sprintf("%s refers to %s by the foreign key %s, which is not supported", in.source.Name, f.Parent, table.Quote(f.Name)),
			fmt.Sprintf("to do without it: ALTER TABLE %s DROP FOREIGN KEY %s", in.source.Name, table.Quote(f.Name))))
	}
	for _, f := range in.source.ReferencedBy {
		if f.Child == in.source.Name {
			continue // named above
		}
		found = append(found, in.againstCopy(fmt.Sprintf("%s refers to %s by the foreign key %s, which is not supported", f.Child, in.source.Name, table.Quote(f.Name)),
			fmt.Sprintf("to do without it: ALTER TABLE %s DROP FOREIGN KEY %s", f.Child, table.Quote(f.Name))))
	}
	return found, nil
}

// checkTriggers refuses tables with triggers: they would stay with the retired table.
func checkTriggers(_ context.Context, in *inspection) ([]finding, error) {
	var found []finding
	for _, name := range in.source.Triggers {
		trigger := table.Name{Schema: in.source.Name.Schema, Table: name}
		found = append(found, in.againstCopy(fmt.Sprintf("%s has the trigger %s, which is not supported", in.source.Name, table.Quote(name)),
			fmt.Sprintf("to do without it: DROP TRIGGER %s (keep SHOW CREATE TRIGGER to restore it)", trigger)))
	}
	return found, nil
}

// checkViews names the views that read the table, on MariaDB those of its own schema: they find the new one by its name, with
// the columns that it then has.
func checkViews(ctx context.Context, in *inspection) ([]finding, error) {
	n := in.source.Name
	query := `
		SELECT VIEW_SCHEMA AS view_schema, VIEW_NAME AS view_name
		  FROM information_schema.VIEW_TABLE_USAGE
		 WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY 1, 2`
	args := []any{n.Schema, n.Table}
	if in.Server.IsMariaDB() { // no such list, but every definition names its tables in full; other schemas take too long
		query = `
			SELECT TABLE_SCHEMA AS view_schema, TABLE_NAME AS view_name
			  FROM information_schema.VIEWS
			 WHERE TABLE_SCHEMA = ? AND LOCATE(?, VIEW_DEFINITION) > 0 ORDER BY 1, 2`
		args = []any{n.Schema, n.String()}
	}
	rows, err := queryRows(ctx, in.DB, query, args...)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = table.Name{Schema: r["view_schema"], Table: r["view_name"]}.String()
	}
	return []finding{note(fmt.Sprintf("views read %s: %s; they go on with the new table, and break if they use a column that the ALTER drops or renames",
		n, strings.Join(names, ", ")), "")}, nil
}
