package preflight

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// onTables are needed on the source and on every table that the migration creates.
var onTables = []string{"SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "INDEX", "TRIGGER"}

// checkPrivileges names every privilege that the user lacks. To end sessions of its own a user needs none.
func checkPrivileges(_ context.Context, in *inspection) ([]finding, error) {
	var found []finding
	if lacks := missingInSchema(in.grants, in.Names, in.Verify); len(lacks) > 0 {
		schema := in.Names.Source.Schema
		found = append(found, fail(fmt.Sprintf("%s lacks %s on the database %s", in.account, strings.Join(lacks, ", "), table.Quote(schema)),
			fmt.Sprintf("GRANT %s ON %s.* TO %s", strings.Join(in.grants.withPresent(lacks, schema, in.account), ", "), table.Quote(in.grants.pattern(schema)), in.account)))
	}
	if lacks := missingEverywhere(in.grants, in.Server); len(lacks) > 0 {
		found = append(found, fail(fmt.Sprintf("%s lacks %s", in.account, strings.Join(lacks, ", ")),
			fmt.Sprintf("GRANT %s ON *.* TO %s", strings.Join(lacks, ", "), in.account)))
	}
	in.lacksPrivileges = len(found) > 0
	return found, nil
}

func missingInSchema(g grants, n table.Names, verify bool) []string {
	var lacks []string
	for _, privilege := range onTables {
		for _, name := range []table.Name{n.Source, n.Shadow, n.Retired, n.Changelog, n.Checkpoint} {
			if !g.on(privilege, name) {
				lacks = append(lacks, privilege)
				break
			}
		}
	}
	schemaWide := []string{"LOCK TABLES"}
	if verify { // converted rows are compared in one
		schemaWide = append(schemaWide, "CREATE TEMPORARY TABLES")
	}
	for _, privilege := range schemaWide {
		if !g.on(privilege, table.Name{Schema: n.Source.Schema}) {
			lacks = append(lacks, privilege)
		}
	}
	return lacks
}

// missingEverywhere lists what is needed to read the binary log, to see what could stand in the way, and other sessions.
func missingEverywhere(g grants, s *conn.Server) []string {
	needed := []string{"REPLICATION SLAVE", "REPLICATION CLIENT", "PROCESS", "XA_RECOVER_ADMIN"}
	if s.IsMariaDB() {
		needed = []string{"REPLICATION SLAVE", "BINLOG MONITOR", "SLAVE MONITOR", "PROCESS"}
	}
	var lacks []string
	for _, privilege := range needed {
		if !g.everywhere(privilege) {
			lacks = append(lacks, privilege)
		}
	}
	return lacks
}

// withPresent adds to the missing privileges those that the account has by a wider pattern: a grant on the schema's own name
// puts such a one out of force.
func (g grants) withPresent(lacks []string, schema, account string) []string {
	var present []string
	for _, one := range g.inForce(schema) {
		if one.to == account && one.schema != g.pattern(schema) {
			present = slices.AppendSeq(present, maps.Keys(one.given))
		}
	}
	slices.Sort(present)
	return append(slices.Clone(lacks), slices.Compact(present)...)
}

// pattern returns a schema's name such that a GRANT matches it alone.
func (g grants) pattern(schema string) string {
	if g.literal {
		return schema
	}
	return strings.NewReplacer(`\`, `\\`, `_`, `\_`, `%`, `\%`).Replace(schema)
}

// checkLocksSeen says when it cannot be seen who holds the lock that a cut-over waits for.
func checkLocksSeen(ctx context.Context, in *inspection) ([]finding, error) {
	if in.Server.IsMariaDB() {
		return nil, nil
	}
	_, err := queryRows(ctx, in.DB, "SELECT 1 FROM performance_schema.metadata_locks LIMIT 1")
	if conn.IsAccessDenied(err) {
		return []finding{note("whoever holds the table while the cut-over waits for it cannot be named",
			fmt.Sprintf("to have it named: GRANT SELECT ON performance_schema.* TO %s", in.account))}, nil
	}
	return nil, err
}
