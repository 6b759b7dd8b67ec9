package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/midstreamdb/midstream/internal/table"
)

// checkNames refuses when tables of the names that the migration needs exist. What is surely ours is named with the statements
// that remove it; nothing else is ever proposed for dropping without a doubt.
func checkNames(ctx context.Context, in *inspection) ([]finding, error) {
	if in.locked || in.Resumes {
		return nil, nil // they belong to the migration that runs, or goes on
	}
	const query = `
		SELECT TABLE_NAME AS name, TABLE_TYPE AS kind, TABLE_COMMENT AS comment
		  FROM information_schema.TABLES
		 WHERE TABLE_SCHEMA = ? AND TABLE_NAME IN (?, ?, ?, ?)`
	n := in.Names
	rows, err := queryRows(ctx, in.DB, query, n.Source.Schema, n.Shadow.Table, n.Retired.Table, n.Changelog.Table, n.Checkpoint.Table)
	if err != nil {
		return nil, err
	}
	there := make(map[string]leftover, len(rows))
	for _, r := range rows {
		there[r["name"]] = leftover{exists: true, table: r["kind"] == "BASE TABLE", marked: r["comment"] == table.OwnershipMark}
	}
	if in.Discards {
		old := there[n.Retired.Table]
		clear(there)
		if !old.marked { // a sentry will be dropped, too
			there[n.Retired.Table] = old
		}
	}
	return nameFindings(n, func(name table.Name) leftover { return there[name.Table] }), nil
}

// leftover is what stands under one of the names.
type leftover struct{ exists, table, marked bool }

func nameFindings(n table.Names, look func(table.Name) leftover) []finding {
	var found []finding
	var ours []table.Name
	for _, name := range []table.Name{n.Changelog, n.Checkpoint} {
		switch l := look(name); {
		case l.exists && l.marked:
			ours = append(ours, name)
		case l.exists:
			found = append(found, foreign(name))
		}
	}
	switch l := look(n.Shadow); {
	case !l.exists:
	case l.table && len(ours) > 0: // the changelog is created first: beside one of ours the shadow is ours, too
		ours = append(ours, n.Shadow)
	default:
		found = append(found, foreign(n.Shadow))
	}
	if len(ours) > 0 {
		found = append(found, leftBehind(n.Source, ours))
	}
	if look(n.Retired).exists {
		found = append(found, fail(fmt.Sprintf("%s stands in the way: the migration keeps the old table under this name", n.Retired),
			fmt.Sprintf("if it is what an earlier migration kept and nobody needs it: DROP TABLE %s; or use another name with --timestamp-old-table", n.Retired)))
	}
	return found
}

func foreign(name table.Name) finding {
	return fail(fmt.Sprintf("%s exists and is not Midstream's: the migration needs the name", name),
		"find out whose it is and rename it")
}

func leftBehind(source table.Name, ours []table.Name) finding {
	names, drops := make([]string, len(ours)), make([]string, len(ours))
	for i, name := range ours {
		names[i], drops[i] = name.String(), fmt.Sprintf("DROP TABLE %s;", name)
	}
	return fail(fmt.Sprintf("an earlier migration of %s that did not end left %s", source, strings.Join(names, ", ")), strings.Join(drops, " "))
}
