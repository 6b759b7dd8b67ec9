package proof

import "github.com/midstreamdb/midstream/internal/table"

// exact returns what to read of a column so that equal texts mean equal values. What is not named here the servers send
// as it is stored: bytes in the column's charset, digits of decimals, fractions of seconds.
func exact(c *table.Column) []column {
	name := table.Quote(c.Name)
	switch c.Kind {
	case table.Float, table.Double:
		// A FLOAT's own text has six digits, a DOUBLE(M,D)'s is rounded; the product's is the shortest that reads back
		// to the same bits, and keeps the sign of zero.
		return []column{{c.Name, name + " * 1e0"}}
	case table.Enum, table.Set:
		// The number too: the empty string may be a member, or what the server put for an invalid value.
		return []column{{c.Name, name}, {c.Name + " (number)", name + " + 0"}}
	case table.JSON:
		// The text does not tell a DECIMAL inside the document from a DOUBLE, nor a DATE from a string; the size mostly
		// does. It is asked of a fresh document, for the stored one may have holes left by partial updates.
		return []column{{c.Name, name}, {c.Name + " (size)", "JSON_STORAGE_SIZE(JSON_OBJECT('d', " + name + "))"}}
	case table.Date, table.Time, table.DateTime, table.Timestamp, table.Year:
		return []column{{c.Name, "CAST(" + name + " AS CHAR)"}} // a text, also for a pool that turns times into Go's
	}
	return []column{{c.Name, name}}
}
