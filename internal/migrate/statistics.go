package migrate

import (
	"context"
	"fmt"

	"github.com/midstreamdb/midstream/internal/conn"
)

// analyze gives the shadow table statistics: of its indexes, and those of columns that a native ALTER would keep. It got none
// while it was filled, or those of a few rows; after the swap the application's statements would read the whole table where
// an index serves, and lock what they read.
func (r *Runner) analyze(ctx context.Context) error {
	statements := []string{"ANALYZE NO_WRITE_TO_BINLOG TABLE " + r.names.Shadow.String()}
	more, err := r.columnStatistics(ctx)
	if err != nil && !conn.IsAccessDenied(err) { // preflight has told of that
		return err
	}
	for _, statement := range append(statements, more...) {
		if err := r.analyzeBy(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// analyzeBy executes an ANALYZE statement, whose failures are rows.
func (r *Runner) analyzeBy(ctx context.Context, statement string) error {
	rows, err := r.db.QueryContext(ctx, statement)
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
