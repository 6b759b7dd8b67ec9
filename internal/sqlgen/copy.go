package sqlgen

import (
	"strconv"
	"strings"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// Reading says how a chunk reads the source.
type Reading uint8

const (
	// Locking takes shared locks on the rows that are read, and waits for them.
	Locking Reading = iota
	// SkipLocked takes shared locks on the rows that are read, and leaves out those that others have locked.
	SkipLocked
	// Plain reads what is visible, and takes no lock.
	Plain
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
	return c.statement(c.key.within(r), reading)
}

// Row returns the statement that copies the row with this key, if the source has it and the shadow has not. It waits for
// the row's lock, and holds no other meanwhile.
func (c *Copy) Row(key []table.Value) string {
	return c.statement([]string{c.key.DescribeRow(key)}, Locking)
}

func (c *Copy) statement(conditions []string, reading Reading) string {
	if !c.mapping.OnlyKey() { // a duplicate may be one of another unique key
		conditions = append(conditions, c.missing())
	}
	conditions = append(conditions, guard(c.mapping, sourceColumn)...)
	into, from := c.columns()
	var s strings.Builder
	s.WriteString("INSERT INTO " + written(c.mapping) + "\n")
	s.WriteString("       (" + strings.Join(into, ", ") + ")\n")
	s.WriteString("SELECT " + strings.Join(from, ", ") + "\n")
	s.WriteString(c.key.from() + where(conditions))
	s.WriteString("\n ORDER BY " + c.key.order())
	s.WriteString(c.lock(reading))
	if reading == SkipLocked {
		s.WriteString(" SKIP LOCKED")
	}
	if c.mapping.OnlyKey() {
		s.WriteString("\n    ON DUPLICATE KEY UPDATE " + c.unchanged())
	}
	return s.String()
}

// Count returns the statement that counts the rows of the range that are visible.
func (c *Copy) Count(r Range) string {
	return "SELECT COUNT(*)\n" + c.key.from() + where(c.key.within(r))
}

// Left returns the statement that reads, without a lock, the keys of at most limit rows of the range which the shadow does
// not have. ParseKey of the Key reads its rows.
func (c *Copy) Left(r Range, limit int) string {
	return "SELECT " + c.key.exact() + "\n" +
		c.key.from() + where(append(c.key.within(r), c.missing())) +
		"\n LIMIT " + strconv.Itoa(limit)
}

// End returns the statement that reads the last key of the range: with a shared lock, which waits for a row that is being
// inserted there, unless reading is Plain. No row: the range is empty. ParseKey of the Key reads it.
func (c *Copy) End(r Range, reading Reading) string {
	return "SELECT " + c.key.exact() + "\n" +
		c.key.from() + where(c.key.within(r)) +
		"\n ORDER BY " + c.key.reverse() +
		"\n LIMIT 1" + c.lock(reading)
}

func (c *Copy) lock(reading Reading) string {
	if reading == Plain {
		return ""
	}
	return "\n   " + c.server.SharedReadClause()
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
