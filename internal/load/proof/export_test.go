package proof

import (
	"context"
	"database/sql"

	"github.com/midstreamdb/midstream/internal/table"
)

// Rows is Equal for tables that stay as they are defined: what it returns compares their rows, as often as it is called.
func Rows(ctx context.Context, db *sql.DB, a, b table.Name) (func(context.Context) (*Report, error), error) {
	ta, tb, err := inspectBoth(ctx, db, a, b)
	if err != nil {
		return nil, err
	}
	columns, err := commonColumns(ta, tb)
	if err != nil {
		return nil, err
	}
	key, err := orderKey(ta)
	return func(ctx context.Context) (*Report, error) {
		return compareTables(ctx, db, &comparison{what: "a = b", a: a, b: b}, columns, key)
	}, err
}
