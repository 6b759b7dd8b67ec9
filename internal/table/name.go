// Package table says what a table is: its columns, keys and options as the server shows them, and how the columns of a
// source table map onto those of its shadow. It asks the server and answers; it changes nothing.
package table

import "strings"

// Name is a table name with its schema, both unquoted and in the case the server stores.
type Name struct {
	Schema string
	Table  string
}

// String returns the name quoted for SQL: `schema`.`table`.
func (n Name) String() string { return Quote(n.Schema) + "." + Quote(n.Table) }

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
