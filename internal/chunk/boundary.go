package chunk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// Boundary reads the key of the n-th row (from 1) of the range in key order; nil if the range has fewer rows.
func Boundary(ctx context.Context, q conn.Querier, key *sqlgen.Key, r sqlgen.Range, n int) ([]table.Value, error) {
	texts := make([][]byte, key.Len())
	fields := make([]any, len(texts))
	for i := range texts {
		fields[i] = &texts[i]
	}
	err := q.QueryRowContext(ctx, key.Boundary(r, n)).Scan(fields...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read boundary: %w", err)
	}
	return key.ParseKey(texts)
}
