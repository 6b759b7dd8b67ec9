// Package preflight looks, before anything is done, at everything that could make a migration fail or lose rows: the
// server, its settings, the user's privileges, the table and its surroundings. It reads and changes nothing; what it
// finds it reports all at once. The ALTER is tried on a temporary table where one can be had.
package preflight

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// Input says what is to be migrated, where, and what the user allows.
type Input struct {
	DB     *sql.DB // from conn.Open, so that its sessions are like those of the migration
	Server *conn.Server
	Names  table.Names // the source, and the tables that the migration will create
	Statement
	Options
}

// Options are the choices of the user that change what is a failure.
type Options struct {
	AllowReplica bool     // the server may be a replica
	AllowRenamed bool     // CHECK constraints whose names a user chose may get others
	AllowLossy   []string // columns whose conversion may lose something
	MayBeNative  bool     // the server alters the table itself if it can, and nothing is renamed
	Resumes      bool     // the tables of its names are those of the migration that goes on from its checkpoint
	Discards     bool     // the tables of its names are what an earlier run has left, and will be dropped
	Locked       bool     // the one who asks holds the table's lock
	Verify       bool     // the tables are compared, for which temporary tables may be needed
	Refresh      bool     // changes are applied by refresh: the server converts each value
	Unwatched    bool     // nothing tells who writes the shadow
	// XAPatience is how long to wait for prepared XA transactions to be decided before they are a failure.
	XAPatience time.Duration
}

// check is one thing to look at. It returns an error only when the server could not be asked.
type check struct {
	name     string
	run      func(context.Context, *inspection) ([]finding, error)
	decisive bool // after its failure nothing else makes sense
	table    bool // it needs the inspected table and is left out without one
}

// serverChecks look at the server alone, and come first.
var serverChecks = []check{
	{name: "server", run: checkServer, decisive: true},
	{name: "replica", run: checkReplica},
	{name: "read only", run: checkReadOnly},
}

// checks are all checks in the order in which they run and report.
var checks = append(slices.Clone(serverChecks), []check{
	{name: "binary log", run: checkBinlog},
	{name: "binary log filter", run: checkBinlogFilter},
	{name: "other sessions", run: checkOtherSessions},
	{name: "other writers", run: checkOtherWriters},
	{name: "retention", run: checkRetention},
	{name: "packet size", run: checkPacketSize},
	{name: "redo log", run: checkRedoLog},
	{name: "privileges", run: checkPrivileges},
	{name: "locks seen", run: checkLocksSeen},
	{name: "own sessions", run: checkOwnSessions},
	{name: "second run", run: checkLock},
	{name: "ALTER", run: checkAlter},
	{name: "table", run: checkTable},
	{name: "constraints", run: checkConstraints, table: true},
	{name: "migration key", run: checkKey, table: true},
	{name: "new definition", run: checkDefinition, table: true},
	{name: "sql_mode", run: checkModes, table: true},
	{name: "foreign keys", run: checkForeignKeys, table: true},
	{name: "triggers", run: checkTriggers, table: true},
	{name: "views", run: checkViews, table: true},
	{name: "table names", run: checkNames},
	{name: "XA transactions", run: checkXA},
	{name: "room", run: checkRoom, table: true},
	{name: "statistics", run: checkStatistics, table: true},
}...)

// Run makes all checks and reports everything found; a failure is not an error. The error says that the server stopped
// answering. What a missing privilege hides is not reported besides the privilege.
func Run(ctx context.Context, input Input) (*Report, error) { return run(ctx, input, checks) }

// RunServer makes those checks alone that look at the server, for which DB, Server and Options.AllowReplica of the input are enough.
func RunServer(ctx context.Context, input Input) (*Report, error) {
	return run(ctx, input, serverChecks)
}

func run(ctx context.Context, input Input, checks []check) (*Report, error) {
	in, err := inspect(ctx, input)
	if err != nil {
		return nil, fmt.Errorf("preflight: %w", err)
	}
	report := &Report{Source: in.source}
	var hidden []finding
	for _, c := range checks {
		if c.table && in.source == nil {
			continue
		}
		found, err := c.run(ctx, in)
		if conn.IsAccessDenied(err) {
			hidden = append(hidden, fail(fmt.Sprintf("this could not be looked at (the server says: %s)", conn.Message(err)),
				"give "+in.account+" the right to look").of(c.name))
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("preflight: check %s: %w", c.name, err)
		}
		for _, f := range found {
			report.add(f.of(c.name))
		}
		if c.decisive && len(report.Failures) > 0 {
			return report, nil
		}
	}
	report.Outcome = in.outcome
	if !in.lacksPrivileges {
		for _, f := range hidden {
			report.add(f)
		}
	}
	return report, nil
}

// inspection is what several checks look at.
type inspection struct {
	Input
	global  variables
	session variables
	grants  grants
	account string       // the user as the server knows it, quoted for GRANT
	source  *table.Table // nil: not there, not a base table, or not to be seen

	lacksPrivileges bool // found by the check of privileges
	locked          bool // another run works on the table: found by the check of the lock
	keyless         bool // no key could be the migration key: found by the check of the key
	outcome         Outcome
}

func inspect(ctx context.Context, input Input) (*inspection, error) {
	in := &inspection{Input: input}
	var err error
	if in.global, err = readVariables(ctx, in.DB, "GLOBAL"); err != nil {
		return nil, err
	}
	if in.session, err = readVariables(ctx, in.DB, "SESSION"); err != nil {
		return nil, err
	}
	if in.account, err = readAccount(ctx, in.DB); err != nil {
		return nil, err
	}
	if in.grants, err = readGrants(ctx, in.DB, in.global); err != nil {
		return nil, err
	}
	in.source, err = table.Inspect(ctx, in.DB, in.Names.Source)
	if err != nil && !errors.Is(err, table.ErrNotFound) && !errors.Is(err, table.ErrNotBaseTable) && !conn.IsAccessDenied(err) {
		return nil, err
	}
	return in, nil
}
