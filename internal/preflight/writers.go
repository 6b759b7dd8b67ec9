package preflight

import "context"

// checkOtherWriters warns where the binary log does not tell who writes the shadow: a MariaDB before 11.5 that does not log
// statements beside the rows that they change, and a user who may not set that.
func checkOtherWriters(_ context.Context, in *inspection) ([]finding, error) {
	if !in.Unwatched {
		return nil, nil
	}
	return []finding{warn("rows that somebody else writes to "+in.Names.Shadow.String()+" during the run are not noticed as such: binlog_annotate_row_events is OFF",
		"SET GLOBAL binlog_annotate_row_events = ON, before a new migration begins")}, nil
}
