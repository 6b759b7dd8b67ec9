package preflight

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/midstreamdb/midstream/internal/alter"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// Statement is the user's ALTER, and where it can be tried.
type Statement struct {
	Text    string // the clauses, or the whole ALTER TABLE statement
	Dialect alter.Dialect
	DB      *sql.DB // its sessions execute the ALTER as the migration will
}

// Outcome is what the ALTER makes of the table.
type Outcome struct {
	Alter *alter.Alter // nil: refused
	// Checks are the names of the source's CHECK constraints, nil where names are unique in a table only.
	Checks []table.CheckName
	// Renamed are those of Checks that will have another name after the swap.
	Renamed []table.CheckName
	// Mapping is how rows will become rows, held against a temporary table; nil where there was none to be had.
	Mapping *table.Mapping
	// Definition is the table's CREATE statement after the ALTER, less Simplified; "" without a Mapping.
	Definition string
	Simplified string // what the temporary table could not have, "" for nothing
	Untried    string // why there is no Mapping, "" where there is one or the ALTER is refused
}

// checkAlter refuses what the text of the ALTER alone tells.
func checkAlter(_ context.Context, in *inspection) ([]finding, error) {
	var err error
	dialect := in.Statement.Dialect
	dialect.FoldsNames = !in.global.off("lower_case_table_names")
	in.outcome.Alter, err = alter.Parse(in.Statement.Text, in.Names.Source, dialect)
	return failures(err), nil
}

// checkKey refuses a table without a key that could be the migration key, and says of each what is in its way: here the
// table is held against itself: no conversion, so no time zone, matters.
func checkKey(_ context.Context, in *inspection) ([]finding, error) {
	_, err := table.Map(in.source, in.source, table.Changes{TimeZone: "UTC"})
	in.keyless = err != nil
	if err != nil {
		return []finding{in.againstCopy(in.source.Name.String()+" cannot be migrated: "+err.Error(), "")}, nil
	}
	return nil, nil
}

// checkDefinition tries the ALTER on an empty temporary table, which only its session sees and the log does not hold, and
// refuses what the migration would refuse once it has a shadow table: the server's own objections, and rows that could
// not be mapped. Where no such table can be had the migration finds out by itself, and undoes what it has created.
func checkDefinition(ctx context.Context, in *inspection) ([]finding, error) {
	if in.outcome.Alter == nil || in.source.Versioned {
		return nil, nil
	}
	t, err := try(ctx, in)
	var untried *untriedError
	if errors.As(err, &untried) {
		in.outcome.Untried = untried.Error()
		return nil, nil
	}
	if conn.IsRefused(err) {
		return []finding{fail("the server refuses the ALTER: "+conn.Message(err), "")}, nil
	}
	if err != nil {
		return nil, err
	}
	zone, err := table.GlobalTimeZone(ctx, in.DB)
	if err != nil {
		return []finding{fail(err.Error(), "")}, nil
	}
	a := in.outcome.Alter
	m, err := table.Map(t.before, t.after, table.Changes{Renames: a.Renames, Drops: a.Drops, TimeZone: zone,
		Moment: time.Now(), MariaDB: in.Server.IsMariaDB(), AllowLossy: in.AllowLossy})
	if err != nil {
		return in.unmapped(err), nil
	}
	in.outcome.Mapping, in.outcome.Definition, in.outcome.Simplified = m, t.definition, t.simplified
	found := in.presentForNull(m)
	if in.Refresh {
		return found, nil
	}
	for _, refusal := range table.ReplayRefusals(m) {
		found = append(found, fail("--apply=replay: "+refusal, ""))
	}
	return found, nil
}

// presentForNull are the columns in which the server would write the present time for NULL, another one whenever a row is written,
// and say nothing.
func (in *inspection) presentForNull(m *table.Mapping) []finding {
	if !in.global.off("explicit_defaults_for_timestamp") {
		return nil
	}
	var found []finding
	for _, pair := range m.Columns {
		if !pair.IsConstant() && pair.Source.Nullable && pair.Shadow.Kind == table.Timestamp && !pair.Shadow.Nullable {
			found = append(found, in.againstCopy(fmt.Sprintf("column %s may be NULL, and explicit_defaults_for_timestamp is OFF: for NULL the server writes the present time into a TIMESTAMP that may not be", table.Quote(pair.Source.Name)),
				"set it to ON for new sessions, or fill the column and make it NOT NULL in its old type first"))
		}
	}
	return found
}

// unmapped are the findings about a mapping that failed, without those about a key that checkKey has told already. What only a copy
// would compute anew is no failure where the server may do without one.
func (in *inspection) unmapped(err error) []finding {
	var found []finding
	for _, e := range parts(err) {
		var key *table.KeyError
		var computed *table.ComputedError
		text := fmt.Sprintf("map %s to its new definition: %v", in.Names.Source, e)
		switch {
		case in.keyless && errors.As(e, &key):
		case errors.As(e, &computed):
			found = append(found, in.againstCopy(text, ""))
		default:
			found = append(found, fail(text, ""))
		}
	}
	return found
}

// failures makes a finding of each error that was joined; none of nil.
func failures(err error) []finding {
	var found []finding
	for _, e := range parts(err) {
		found = append(found, fail(e.Error(), ""))
	}
	return found
}

// parts are the errors that were joined, or err alone; nothing of nil.
func parts(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}
