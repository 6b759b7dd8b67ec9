package table

// Kind is the class of a column type: what a value of it is, apart from width, sign and precision.
type Kind uint8

// The kinds of both engines. JSON is MySQL's binary type only; MariaDB's JSON is a LongText with a check.
const (
	Unknown Kind = iota
	Int          // TINYINT … BIGINT, also BOOL
	Decimal
	Float  // 4 bytes
	Double // 8 bytes
	Bit
	Year
	Date
	Time
	DateTime
	Timestamp
	Char      // CHAR
	VarChar   // VARCHAR
	Text      // TINYTEXT … LONGTEXT
	Binary    // BINARY
	VarBinary // VARBINARY
	Blob      // TINYBLOB … LONGBLOB
	Enum
	Set
	JSON
	Geometry // and its subtypes
	Vector
	UUID  // MariaDB
	Inet6 // MariaDB
	Inet4 // MariaDB
)

// Generation says whether and how a column is computed by the server.
type Generation uint8

// A column is a plain one, or computed at reading (Virtual) or at writing (Stored; MariaDB also says PERSISTENT).
const (
	NotGenerated Generation = iota
	Virtual
	Stored
)

// Column is one column as information_schema shows it. All columns of the table are listed, in the order of the row
// images: invisible and generated ones too.
type Column struct {
	Name       string
	Ordinal    int // from 0, in the order of the table
	Kind       Kind
	DataType   string // lower case and bare, e.g. "bigint"
	ColumnType string // as the server writes it, e.g. "bigint unsigned", "enum('a','b')"

	Unsigned  bool
	ZeroFill  bool
	Length    int      // characters (Char, VarChar, Text), bytes (Binary, VarBinary, Blob), bits (Bit), dimensions (Vector); else 0
	Precision int      // digits of a Decimal; else 0
	Scale     int      // digits after the point: of a Decimal, of the seconds of a temporal type; of FLOAT(M,D) and DOUBLE(M,D)
	Charset   string   // of Char, VarChar, Text, Enum, Set; else ""
	Collation string   // the same
	Values    []string // members of an Enum or Set, decoded (unquoted), in order

	Nullable      bool
	Default       *string // as information_schema shows it; nil: none
	Extra         string  // information_schema's EXTRA, as it is
	Generation    Generation
	Expression    string // of a generated column
	Invisible     bool
	AutoIncrement bool
	Compressed    bool // MariaDB's COMPRESSED columns
	Comment       string
}

// IsString says whether values are characters in the column's charset.
func (c *Column) IsString() bool {
	return c.Kind == Char || c.Kind == VarChar || c.Kind == Text
}

// IsTemporal says whether the values are points in or lengths of time.
func (c *Column) IsTemporal() bool {
	return c.Kind == Date || c.Kind == Time || c.Kind == DateTime || c.Kind == Timestamp || c.Kind == Year
}
