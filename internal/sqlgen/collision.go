package sqlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// Collision makes the statements that tell which row of the shadow stands in the way of rows of the source: the server
// itself says it, so that conversions, collations, prefixes and expressions of the key count as they do for the key. They
// belong into one transaction.
type Collision struct {
	write *Refresh
	there *Key
	set   string
}

// NewCollision returns the statements of a mapping.
func NewCollision(m *table.Mapping, server *conn.Server) *Collision {
	c := &Collision{write: &Refresh{mapping: m, copy: NewCopy(m, server), deletes: NewReplay(m, server), verb: "INSERT"}, there: shadowKey(m)}
	// Only the assignment of a column is evaluated for the row that stands in the way, and in a mode that is not strict MySQL
	// does not evaluate what it knows to be no NULL.
	holder := make([]string, len(c.there.columns))
	for i, column := range c.there.columns {
		holder[i] = variable(i) + " := " + column.exact(m.Shadow.Name.String()+"."+table.Quote(column.Name))
	}
	c.set = m.Shadow.Name.String() + "." + table.Quote(m.Columns[0].Shadow.Name)
	c.write.after = "\n    ON DUPLICATE KEY UPDATE " + c.set + " = IF(LENGTH(CONCAT_WS('', " + strings.Join(holder, ", ") + ")) < 0, " + c.set + ", " + c.set + ")"
	return c
}

// shadowKey is the migration key's columns in the shadow, with the directions that they have in the source. ParseKey of the
// source's Key reads its rows, too.
func shadowKey(m *table.Mapping) *Key {
	k := *NewKey(m)
	k.table, k.name, k.columns = m.Shadow.Name, m.Key.ShadowName, slices.Clone(k.columns)
	for i, p := range m.Key.Columns {
		k.columns[i].Column = p.Shadow
	}
	return &k
}

func variable(i int) string { return fmt.Sprintf("@midstream_holder%d", i+1) }

// Try returns the statements that write the rows that the source has under the keys, at least one, as of one moment, and
// note the row that stood in the way of the last one that could not be written.
func (c *Collision) Try(keys [][]table.Value) []string {
	clear := make([]string, len(c.there.columns))
	for i := range clear {
		clear[i] = variable(i) + " = NULL"
	}
	write := c.write.Write(keys)
	if c.write.mapping.Lossy() {
		write = leniently(write)
	}
	return []string{"SET " + strings.Join(clear, ", "), write}
}

// Holder returns the statement that reads the key of the row that Try has noted; no row if there was none.
func (c *Collision) Holder() string {
	variables := make([]string, len(c.there.columns))
	for i := range variables {
		variables[i] = variable(i)
	}
	return "SELECT " + strings.Join(variables, ", ") + "\n  FROM DUAL\n WHERE " + variables[0] + " IS NOT NULL"
}

// Deletes is Refresh.Deletes.
func (c *Collision) Deletes(keys [][]table.Value, limit int) []string {
	return c.write.Deletes(keys, limit)
}
