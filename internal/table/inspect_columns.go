package table

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
)

// kinds are the column types by information_schema's DATA_TYPE.
var kinds = map[string]Kind{
	"tinyint": Int, "smallint": Int, "mediumint": Int, "int": Int, "bigint": Int,
	"decimal": Decimal, "float": Float, "double": Double, "bit": Bit,
	"year": Year, "date": Date, "time": Time, "datetime": DateTime, "timestamp": Timestamp,
	"char": Char, "varchar": VarChar, "tinytext": Text, "text": Text, "mediumtext": Text, "longtext": Text,
	"binary": Binary, "varbinary": VarBinary, "tinyblob": Blob, "blob": Blob, "mediumblob": Blob, "longblob": Blob,
	"enum": Enum, "set": Set, "json": JSON,
	"geometry": Geometry, "point": Geometry, "linestring": Geometry, "polygon": Geometry, "multipoint": Geometry,
	"multilinestring": Geometry, "multipolygon": Geometry, "geometrycollection": Geometry, "geomcollection": Geometry,
	"vector": Vector, "uuid": UUID, "inet6": Inet6, "inet4": Inet4,
}

func (i *inspection) readColumns(ctx context.Context) error {
	const ask = `
		SELECT COLUMN_NAME, COLUMN_DEFAULT, IS_NULLABLE = 'YES', DATA_TYPE, COLUMN_TYPE, EXTRA, COLUMN_COMMENT,
		       COALESCE(GENERATION_EXPRESSION, ''), COALESCE(CHARACTER_SET_NAME, ''), COALESCE(COLLATION_NAME, ''),
		       CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, DATETIME_PRECISION
		  FROM information_schema.COLUMNS
		 WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?
		 ORDER BY ORDINAL_POSITION`
	return i.each(ctx, ask, []any{i.t.Name.Schema, i.t.Name.Table}, func(scan scanner) error {
		c := Column{Ordinal: len(i.t.Columns)}
		var sizes sizes
		err := scan(&c.Name, &c.Default, &c.Nullable, &c.DataType, &c.ColumnType, &c.Extra, &c.Comment,
			&c.Expression, &c.Charset, &c.Collation,
			&sizes.characters, &sizes.digits, &sizes.scale, &sizes.fraction)
		if err != nil {
			return err
		}
		if err := c.interpret(sizes); err != nil {
			return fmt.Errorf("read column %s: %w", Quote(c.Name), err)
		}
		i.t.Columns = append(i.t.Columns, c)
		return nil
	})
}

// sizes are what information_schema says of a column's size, each for some types only.
type sizes struct{ characters, digits, scale, fraction sql.NullInt64 }

// interpret derives the fields that information_schema gives as text.
func (c *Column) interpret(s sizes) error {
	c.DataType = strings.ToLower(c.DataType)
	c.Kind = kinds[c.DataType]
	extra := strings.ToUpper(c.Extra)
	c.AutoIncrement = strings.Contains(extra, "AUTO_INCREMENT")
	c.Invisible = strings.Contains(extra, "INVISIBLE")
	switch {
	case strings.Contains(extra, "VIRTUAL GENERATED"):
		c.Generation = Virtual
	case strings.Contains(extra, "STORED GENERATED"):
		c.Generation = Stored
	}
	attributes := strings.ToLower(c.ColumnType)
	switch c.Kind {
	case Int, Decimal, Float, Double:
		c.Unsigned = strings.Contains(attributes, " unsigned")
		c.ZeroFill = strings.Contains(attributes, " zerofill")
		c.Scale = int(s.scale.Int64)
		if c.Kind == Decimal {
			c.Precision = int(s.digits.Int64)
		}
	case Bit:
		c.Length = int(s.digits.Int64)
	case Time, DateTime, Timestamp:
		c.Scale = int(s.fraction.Int64)
	case Char, VarChar, Text, Binary, VarBinary, Blob:
		c.Length = int(s.characters.Int64)
		c.Compressed = strings.Contains(attributes, " compressed*/")
	case Vector:
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(attributes, "vector("), ")"))
		if err != nil {
			return fmt.Errorf("read dimensions of %s: %w", c.ColumnType, err)
		}
		c.Length = n
	case Enum, Set:
		values, err := members(c.ColumnType)
		if err != nil {
			return err
		}
		c.Values = values
	}
	if c.Kind != Char && c.Kind != VarChar && c.Kind != Text && c.Kind != Enum && c.Kind != Set {
		c.Charset, c.Collation = "", ""
	}
	return nil
}

// members decodes the list of an enum or set type as the servers print it: a quote is doubled; a backslash, a line end
// and a zero byte are escaped with a backslash.
func members(columnType string) ([]string, error) {
	_, list, found := strings.Cut(columnType, "(")
	if !found {
		return nil, fmt.Errorf("read members of %s: no list", columnType)
	}
	var values []string
	for {
		value, rest, err := quoted(list)
		if err != nil {
			return nil, fmt.Errorf("read members of %s: %w", columnType, err)
		}
		values = append(values, value)
		if strings.HasPrefix(rest, ")") {
			return values, nil
		}
		if !strings.HasPrefix(rest, ",") {
			return nil, fmt.Errorf("read members of %s: no comma before %q", columnType, rest)
		}
		list = rest[1:]
	}
}

// quoted reads a string in single quotes at the start of s and returns it with what follows.
func quoted(s string) (value, rest string, err error) {
	if !strings.HasPrefix(s, "'") {
		return "", "", fmt.Errorf("no quote before %q", s)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(unescaped(s[i]))
		case s[i] != '\'':
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '\'':
			i++
			b.WriteByte('\'')
		default:
			return b.String(), s[i+1:], nil
		}
	}
	return "", "", fmt.Errorf("no quote after %q", s)
}

func unescaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case '0':
		return 0
	case 'Z':
		return 26
	}
	return c
}
