// Package table says what a table is: its columns, keys and options as the server shows them, and how the columns of a
// source table map onto those of its shadow. It asks the server and answers; it changes nothing.
package table

import (
	"context"
	"fmt"
	"strings"
)

// Name is a table name with its schema, both unquoted and in the case the server stores.
type Name struct {
	Schema string
	Table  string
}

// String returns the name quoted for SQL: `schema`.`table`.
func (n Name) String() string { return Quote(n.Schema) + "." + Quote(n.Table) }

// AsStored returns the name in the case that the server stores: lower, with lower_case_table_names=1.
func (n Name) AsStored(ctx context.Context, q Querier) (Name, error) {
	var stored Name
	const lower = "LOWER(CONVERT(? USING utf8mb3) COLLATE utf8mb3_general_ci)" // as the server does with names
	const ask = "SELECT IF(@@lower_case_table_names = 1, " + lower + ", ?), IF(@@lower_case_table_names = 1, " + lower + ", ?)"
	if err := q.QueryRowContext(ctx, ask, n.Schema, n.Schema, n.Table, n.Table).Scan(&stored.Schema, &stored.Table); err != nil {
		return n, fmt.Errorf("ask server for the case of table names: %w", err)
	}
	return stored, nil
}

// Quote returns the identifier between backticks, those inside doubled. It is the only quoter of identifiers.
func Quote(identifier string) string {
	return "`" + strings.ReplaceAll(identifier, "`", "``") + "`"
}

// QuoteList returns the quoted identifiers with ", " between them; an empty list gives "".
func QuoteList(identifiers []string) string {
	quoted := make([]string, len(identifiers))
	for i, s := range identifiers {
		quoted[i] = Quote(s)
	}
	return strings.Join(quoted, ", ")
}
