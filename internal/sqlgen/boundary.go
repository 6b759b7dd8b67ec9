package sqlgen

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/midstreamdb/midstream/internal/table"
)

// Boundary returns the statement that reads the key of the n-th row (from 1) of the range, in key order: no row if the
// range has fewer. ParseKey reads its result.
func (k *Key) Boundary(r Range, n int) string {
	return "SELECT " + k.exact() + "\n" +
		k.from() + where(k.within(r)) +
		"\n ORDER BY " + k.order() +
		"\n LIMIT 1 OFFSET " + strconv.Itoa(n-1)
}

// Ends returns the statement that reads the least and the greatest value of a Dense key: both NULL if there is no row.
func (k *Key) Ends() string {
	c := table.Quote(k.columns[0].Name)
	return "SELECT MIN(" + c + "), MAX(" + c + ")\n" + k.from()
}

// exact is the list of expressions that ParseKey reads.
func (k *Key) exact() string {
	expressions := make([]string, len(k.columns))
	for i, c := range k.columns {
		expressions[i] = c.exact(table.Quote(c.Name))
	}
	return strings.Join(expressions, ", ")
}

// exact is an expression whose text says which value the column has, whatever charset the result is sent in.
func (c keyColumn) exact(column string) string {
	switch c.Kind {
	case table.Char, table.VarChar, table.Binary, table.VarBinary:
		return "HEX(" + column + ")"
	case table.Bit, table.Enum, table.Set:
		return "CAST(" + column + " AS UNSIGNED)"
	default:
		return column
	}
}

// ParseKey makes the key's values out of the texts that a statement of Boundary, Left or End returned, one for each column.
func (k *Key) ParseKey(texts [][]byte) ([]table.Value, error) {
	if len(texts) != len(k.columns) {
		return nil, fmt.Errorf("read key %s: %d values for %d columns", table.Quote(k.name), len(texts), len(k.columns))
	}
	values := make([]table.Value, len(texts))
	for i, c := range k.columns {
		v, err := c.parse(texts[i])
		if err != nil {
			return nil, fmt.Errorf("read key column %s: %w", table.Quote(c.Name), err)
		}
		values[i] = v
	}
	return values, nil
}

// parse makes the value that the binary log has: where the server spells it otherwise, in the log's spelling, since keys are
// compared by their bytes.
func (c keyColumn) parse(text []byte) (table.Value, error) {
	if text == nil {
		return table.Value{}, fmt.Errorf("it is NULL, and a migration key cannot be")
	}
	switch c.Kind {
	case table.Int:
		if !c.Unsigned {
			n, err := strconv.ParseInt(string(text), 10, 64)
			return table.IntValue(n), err
		}
		return parseNumber(text)
	case table.Bit, table.Enum, table.Set, table.Year:
		return parseNumber(text)
	case table.Char, table.VarChar, table.Binary, table.VarBinary:
		raw, err := hex.AppendDecode(nil, text)
		return table.Value{Kind: table.Bytes, Text: raw}, err
	case table.Inet6: // which MariaDB shortens where others do not, and writes partly as an IPv4 address
		address, err := netip.ParseAddr(string(text))
		return table.Value{Kind: table.Plain, Text: address.AppendTo(nil)}, err
	case table.Decimal: // with ZEROFILL it has zeros in front
		for len(text) > 1 && text[0] == '0' && text[1] != '.' {
			text = text[1:]
		}
		return table.Value{Kind: table.Plain, Text: append([]byte(nil), text...)}, nil
	case table.Date, table.Time, table.DateTime, table.Timestamp, table.UUID, table.Inet4:
		return table.Value{Kind: table.Plain, Text: append([]byte(nil), text...)}, nil
	default:
		return table.Value{}, fmt.Errorf("its type %s cannot address rows", c.ColumnType)
	}
}

func parseNumber(text []byte) (table.Value, error) {
	n, err := strconv.ParseUint(string(text), 10, 64)
	return table.UintValue(n), err
}
