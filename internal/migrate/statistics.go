package migrate

import (
	"context"
	"fmt"
)

// analyze gives the shadow table index statistics. It got none while it was filled, or those of a few rows; after the swap
// the application's statements would read the whole table where an index serves, and lock what they read.
func (r *Runner) analyze(ctx context.Context) error {
	rows, err := r.db.QueryContext(ctx, "ANALYZE NO_WRITE_TO_BINLOG TABLE "+r.names.Shadow.String())
	if err != nil {
		return fmt.Errorf("analyze shadow table %s: %w", r.names.Shadow, err)
	}
	defer func() { _ = rows.Close() }() // Err below has told what matters
	for rows.Next() {
		var name, operation, kind, text string
		if err := rows.Scan(&name, &operation, &kind, &text); err != nil {
			return fmt.Errorf("read result of ANALYZE: %w", err)
		}
		if kind == "Error" {
			return fmt.Errorf("analyze shadow table %s: %s", r.names.Shadow, text)
		}
	}
	return rows.Err()
}
