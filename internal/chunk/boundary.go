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
	texts, fields := scanned(key)
	err := q.QueryRowContext(ctx, key.Boundary(r, n)).Scan(fields...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read boundary: %w", err)
	}
	return key.ParseKey(texts)
}

// Keys reads the keys that a statement returns, as Key.ParseKey takes them; none if it returns no row.
func Keys(ctx context.Context, q conn.Querier, key *sqlgen.Key, statement string) (keys [][]table.Value, err error) {
	rows, err := q.QueryContext(ctx, statement)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	texts, fields := scanned(key)
	for rows.Next() {
		if err := rows.Scan(fields...); err != nil {
			return nil, fmt.Errorf("read key: %w", err)
		}
		values, err := key.ParseKey(texts)
		if err != nil {
			return nil, err
		}
		keys = append(keys, values)
	}
	return keys, rows.Err()
}

// scanned returns room for the texts of a key, and what to scan them into.
func scanned(key *sqlgen.Key) (texts [][]byte, fields []any) {
	texts = make([][]byte, key.Len())
	fields = make([]any, len(texts))
	for i := range texts {
		fields[i] = &texts[i]
	}
	return texts, fields
}
