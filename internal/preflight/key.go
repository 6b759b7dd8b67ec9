package preflight

import (
	"context"

	"github.com/midstreamdb/midstream/internal/table"
)

// checkKey refuses a table without a key that could be the migration key, and says of each what is in its way. Whether the
// key is still there after the ALTER is decided on the shadow table; here the table is held against itself.
func checkKey(_ context.Context, in *inspection) ([]finding, error) {
	if _, err := table.Map(in.source, in.source, table.Changes{}); err != nil {
		return []finding{fail(in.source.Name.String()+" cannot be migrated: "+err.Error(),
			"add a primary key, or a unique key over whole columns that are NOT NULL and neither FLOAT nor DOUBLE")}, nil
	}
	return nil, nil
}
