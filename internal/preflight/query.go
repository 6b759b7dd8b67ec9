package preflight

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/midstreamdb/midstream/internal/conn"
)

// queryRows returns a result by column name, NULL as "": SHOW statements have other columns on every server.
func queryRows(ctx context.Context, q conn.Querier, query string, args ...any) ([]map[string]string, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("ask %q: %w", query, err)
	}
	defer func() { _ = rows.Close() }() // Err below tells what matters
	columns, err := rows.Columns()
	if err != nil {
		return nil, fmt.Errorf("ask %q: %w", query, err)
	}
	var result []map[string]string
	values, dest := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range values {
		dest[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, fmt.Errorf("read answer to %q: %w", query, err)
		}
		row := make(map[string]string, len(columns))
		for i, c := range columns {
			row[c] = values[i].String
		}
		result = append(result, row)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read answer to %q: %w", query, err)
	}
	return result, nil
}
