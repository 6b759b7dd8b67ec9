package sqlgen

import (
	"strings"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// Reading says how a chunk reads the source.
type Reading uint8

const (
	// Locking takes shared locks on the rows that are read, and waits for them.
	Locking Reading = iota
	// LockingNow takes shared locks on the rows that are read; it is refused at once if one cannot be had. MariaDB needs
	// the statement of Claim before it, in the same transaction.
	LockingNow
)

// Copy makes the statements that copy ranges of the source into the shadow.
type Copy struct {
	mapping *table.Mapping
	key     *Key
	server  *conn.Server
}

// NewCopy returns the copying statements of a mapping.
func NewCopy(m *table.Mapping, server *conn.Server) *Copy {
	return &Copy{mapping: m, key: NewKey(m), server: server}
}

// Statement returns the statement that copies the rows of the range which the shadow does not have yet. A row of the
// shadow under the same migration key stays as it is. Where the shadow has further unique keys, a row that one of these
// refuses fails the statement.
func (c *Copy) Statement(r Range, reading Reading) string {
	into, from := c.columns()
	var s strings.Builder
	s.WriteString("INSERT INTO " + c.mapping.Shadow.Name.String() + "\n")
	s.WriteString("       (" + strings.Join(into, ", ") + ")\n")
	s.WriteString("SELECT " + strings.Join(from, ", ") + "\n")
	s.WriteString(c.key.from() + where(c.conditions(r)))
	s.WriteString("\n ORDER BY " + c.key.order())
	s.WriteString("\n   " + c.server.SharedReadClause())
	if reading == LockingNow && !c.server.IsMariaDB() {
		s.WriteString(" NOWAIT")
	}
	if c.mapping.OnlyKey() {
		s.WriteString("\n    ON DUPLICATE KEY UPDATE " + c.unchanged())
	}
	return s.String()
}

// Claim returns the statement that takes the shared locks of the range's rows or is refused at once; "" where Statement does
// so itself. In MariaDB NOWAIT is for the whole statement: an INSERT with it would not wait for anything in the shadow
// either, such as the lock on AUTO_INCREMENT that a bulk insert there takes.
func (c *Copy) Claim(r Range) string {
	if !c.server.IsMariaDB() {
		return ""
	}
	return "SELECT COUNT(*)\n" + c.key.from() + where(c.key.within(r)) + "\n   " + c.server.SharedReadClause() + " NOWAIT"
}

// conditions are those of the range and, where a duplicate may be one of another unique key, that the row is missing.
func (c *Copy) conditions(r Range) []string {
	conditions := c.key.within(r)
	if !c.mapping.OnlyKey() {
		conditions = append(conditions, c.missing())
	}
	return conditions
}

// missing says that the shadow has no row under the source row's key. A scalar subquery is looked up row by row through
// the index; NOT EXISTS and LEFT JOIN may be turned into a scan of the whole shadow, whose statistics are always old.
func (c *Copy) missing() string {
	shadow, source := c.mapping.Shadow.Name.String(), c.mapping.Source.Name.String()
	equal := make([]string, len(c.mapping.Key.Columns))
	for i, p := range c.mapping.Key.Columns {
		value := p.Wrap.Around(source + "." + table.Quote(p.Source.Name))
		equal[i] = shadow + "." + table.Quote(p.Shadow.Name) + " = " + value
	}
	const indent = "\n          "
	return "(SELECT 1" +
		indent + " FROM " + shadow + " FORCE INDEX (" + table.Quote(c.mapping.Key.ShadowName) + ")" +
		indent + "WHERE " + strings.Join(equal, indent+"  AND ") + ") IS NULL"
}

func (c *Copy) columns() (into, from []string) {
	for _, p := range c.mapping.Columns {
		into = append(into, table.Quote(p.Shadow.Name))
		from = append(from, p.Wrap.Around(table.Quote(p.Source.Name)))
	}
	return into, from
}

// unchanged sets a column of the row that is there to its own value: that changes no row, writes nothing to the binary
// log and leaves columns with ON UPDATE CURRENT_TIMESTAMP alone.
func (c *Copy) unchanged() string {
	column := table.Quote(c.mapping.Key.Columns[0].Shadow.Name)
	return column + " = " + c.mapping.Shadow.Name.String() + "." + column
}
