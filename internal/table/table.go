package table

// Table is a base table as the server showed it at one moment. It is not changed after Inspect returned it.
type Table struct {
	Name    Name
	Columns []Column // all of them, in order
	Keys    []Key    // the primary key first if there is one, then in the server's order

	Engine        string // e.g. "InnoDB"
	RowFormat     string
	Collation     string
	Comment       string
	CreateOptions string
	CreateSQL     string // SHOW CREATE TABLE
	AutoIncrement uint64 // the next value, 0 without such a column; read uncached
	Partitioned   bool
	Versioned     bool // system-versioned (MariaDB)

	ForeignKeys  []ForeignKey // of this table
	ReferencedBy []ForeignKey // of other tables, to this one
	Triggers     []string     // names
	Checks       []Check

	EstimatedRows uint64 // InnoDB's estimate
	DataBytes     uint64 // InnoDB's estimate
	IndexBytes    uint64 // InnoDB's estimate
}

// Key is an index of a table.
type Key struct {
	Name    string // "PRIMARY" for the primary key
	Unique  bool
	Type    string // BTREE, HASH, FULLTEXT, SPATIAL, VECTOR …
	Visible bool   // false also for MariaDB's IGNORED
	Parts   []KeyPart
}

// KeyPart is one column or expression of a key.
type KeyPart struct {
	Column     string // "" for an expression
	Prefix     int    // indexed characters or bytes; 0: the whole column
	Descending bool
	Expression string
}

// ForeignKey is a foreign key constraint; the columns of both sides pair up by index.
type ForeignKey struct {
	Name       string
	Child      Name
	Columns    []string
	Parent     Name
	References []string
	OnDelete   string // RESTRICT, CASCADE, SET NULL, NO ACTION …
	OnUpdate   string
}

// Check is a CHECK constraint.
type Check struct {
	Name       string
	Expression string
	Enforced   bool
}

// Column returns the column of that name, compared without case as the server does, or nil.
func (t *Table) Column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	for i := range t.Columns {
		if SameIdentifier(t.Columns[i].Name, name) {
			return &t.Columns[i]
		}
	}
	return nil
}

// PrimaryKey returns the primary key, or nil.
func (t *Table) PrimaryKey() *Key {
	for i := range t.Keys {
		if t.Keys[i].IsPrimary() {
			return &t.Keys[i]
		}
	}
	return nil
}

// IsPrimary says whether the key is the primary key.
func (k *Key) IsPrimary() bool { return k.Name == "PRIMARY" }

// Columns returns the names of the key's columns in order, "" for an expression.
func (k *Key) Columns() []string {
	names := make([]string, len(k.Parts))
	for i, p := range k.Parts {
		names[i] = p.Column
	}
	return names
}
