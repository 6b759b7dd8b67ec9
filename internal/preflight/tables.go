package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/midstreamdb/midstream/internal/table"
)

var systemSchemas = []string{"mysql", "information_schema", "performance_schema", "sys"}

// checkTable refuses what is not an ordinary InnoDB table that can be written.
func checkTable(ctx context.Context, in *inspection) ([]finding, error) {
	n := in.Names.Source
	if slices.Contains(systemSchemas, strings.ToLower(n.Schema)) {
		return []finding{fail(fmt.Sprintf("%s is a table of the server's own", n), "")}, nil
	}
	if in.source == nil {
		return absentFindings(ctx, in)
	}
	found := directoryFindings(in)
	if !strings.EqualFold(in.source.Engine, "InnoDB") {
		found = append(found, fail(fmt.Sprintf("%s is a table of the engine %s: rows can be followed on InnoDB only", n, in.source.Engine),
			fmt.Sprintf("ALTER TABLE %s ENGINE = InnoDB", n)))
	}
	if in.source.Versioned {
		found = append(found, fail(fmt.Sprintf("%s is system-versioned: its history cannot be copied", n), "use the server's own ALTER TABLE"))
	}
	if !in.Server.IsMariaDB() && in.Server.Version.AtLeast(8, 0, 22) {
		const query = "SELECT OPTIONS AS options FROM information_schema.SCHEMATA_EXTENSIONS WHERE SCHEMA_NAME = ?"
		rows, err := queryRows(ctx, in.DB, query, n.Schema)
		if err != nil {
			return nil, err
		}
		if len(rows) > 0 && strings.Contains(rows[0]["options"], "READ ONLY=1") {
			found = append(found, fail(fmt.Sprintf("the database %s is read only", table.Quote(n.Schema)),
				fmt.Sprintf("ALTER DATABASE %s READ ONLY = 0", table.Quote(n.Schema))))
		}
	}
	return found, nil
}

// absentFindings says why the table could not be inspected.
func absentFindings(ctx context.Context, in *inspection) ([]finding, error) {
	n := in.Names.Source
	schemas, err := queryRows(ctx, in.DB, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?", n.Schema)
	if err != nil {
		return nil, err
	}
	if len(schemas) == 0 {
		return []finding{fail(fmt.Sprintf("there is no database %s, or %s has no right to see it", table.Quote(n.Schema), in.account),
			"check --database, and that this is the right server")}, nil
	}
	kind, err := tableType(ctx, in, n)
	switch {
	case err != nil:
		return nil, err
	case kind == "":
		return []finding{fail(fmt.Sprintf("there is no table %s, or %s has no right to see it", n, in.account), "check --database and --table")}, nil
	case kind == "BASE TABLE":
		return nil, nil // hidden by a missing privilege, which is named
	case strings.Contains(kind, "VERSIONED"):
		return []finding{fail(fmt.Sprintf("%s is system-versioned: its history cannot be copied", n), "use the server's own ALTER TABLE")}, nil
	case kind == "VIEW":
		return []finding{fail(fmt.Sprintf("%s is a view, not a table", n), "name the table that it shows")}, nil
	default:
		return []finding{fail(fmt.Sprintf("%s is a %s, not a table", n, strings.ToLower(kind)), "check --database and --table")}, nil
	}
}

// tableType returns TABLE_TYPE of what has this name, "" for nothing.
func tableType(ctx context.Context, in *inspection, n table.Name) (string, error) {
	rows, err := queryRows(ctx, in.DB, "SELECT TABLE_TYPE AS kind FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?", n.Schema, n.Table)
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return rows[0]["kind"], nil
}
