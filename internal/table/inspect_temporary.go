package table

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
)

// InspectTemporary reads the columns, keys and CREATE statement of a temporary table of the session q, which no information
// schema lists. Its sql_mode must have names shown in backticks. The two kinds of inspection agree, but for how expressions and defaults are written: hold a temporary table
// against another one only.
func InspectTemporary(ctx context.Context, q *sql.Conn, n Name) (*Table, error) {
	i := &inspection{q: q, t: &Table{Name: n}}
	for _, step := range []func(context.Context) error{i.settle, i.readCreate, i.showColumns, i.readKeys} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("inspect temporary table %s: %w", n, err)
		}
	}
	return i.t, nil
}

// showColumns reads what SHOW tells of columns, and the expressions of generated ones from the CREATE statement.
func (i *inspection) showColumns(ctx context.Context) error {
	return i.each(ctx, "SHOW FULL COLUMNS FROM "+i.t.Name.String(), nil, func(scan scanner) error {
		c := Column{Ordinal: len(i.t.Columns)}
		var collation sql.NullString
		var null, key, privileges string
		if err := scan(&c.Name, &c.ColumnType, &collation, &null, &key, &c.Default, &c.Extra, &privileges, &c.Comment); err != nil {
			return err
		}
		if !strings.Contains(i.t.CreateSQL, "\n  "+Quote(c.Name)+" ") {
			return nil // MySQL shows what is behind a key of expressions
		}
		if c.Extra == "NULL" {
			c.Extra = ""
		}
		c.Nullable, c.Collation = null == "YES", collation.String
		c.Charset, _, _ = strings.Cut(c.Collation, "_")
		var size string
		c.DataType, size, _ = strings.Cut(strings.Fields(c.ColumnType)[0], "(")
		if err := c.interpret(sizesOf(c.DataType, size)); err != nil {
			return fmt.Errorf("read column %s: %w", Quote(c.Name), err)
		}
		if c.Generation != NotGenerated {
			c.Expression = expressionIn(i.t.CreateSQL, c.Name)
		}
		c.restoreDefault(i.t.CreateSQL, i.mariaDB)
		i.t.Columns = append(i.t.Columns, c)
		return nil
	})
}

// textLengths are what information_schema calls the most characters of the types that name no length.
var textLengths = map[string]int64{
	"tinytext": 1<<8 - 1, "text": 1<<16 - 1, "mediumtext": 1<<24 - 1, "longtext": 1<<32 - 1,
	"tinyblob": 1<<8 - 1, "blob": 1<<16 - 1, "mediumblob": 1<<24 - 1, "longblob": 1<<32 - 1,
}

// sizesOf returns the sizes that information_schema would give a type, from what its parentheses hold ("10,2)", "" for none).
func sizesOf(dataType, in string) sizes {
	whole, fraction, _ := strings.Cut(strings.TrimSuffix(in, ")"), ",")
	number := func(s string) (n sql.NullInt64) {
		if v, err := strconv.ParseInt(s, 10, 64); err == nil {
			n = sql.NullInt64{Int64: v, Valid: true}
		}
		return n
	}
	s := sizes{characters: number(whole), digits: number(whole), scale: number(fraction), fraction: number(whole)}
	if n, ok := textLengths[strings.ToLower(dataType)]; ok {
		s.characters = sql.NullInt64{Int64: n, Valid: true}
	}
	return s
}

// restoreDefault makes of the default that SHOW COLUMNS tells the one of information_schema: MariaDB puts texts in quotes there, and
// MySQL shows the expressions of base tables only.
func (c *Column) restoreDefault(create string, mariaDB bool) {
	text, found := defaultIn(create, c.Name)
	if !found {
		return
	}
	value, _, err := quoted(text)
	switch {
	case mariaDB && err == nil && c.Default != nil:
		*c.Default = literal(value)
	case !mariaDB && strings.HasPrefix(text, "("):
		c.Default = &text
		if !strings.Contains(c.Extra, "DEFAULT_GENERATED") {
			c.Extra = strings.TrimSpace("DEFAULT_GENERATED " + c.Extra)
		}
	}
}

// expressionIn returns what makes a generated column in a CREATE statement, as it stands there up to the line's end.
func expressionIn(create, column string) string {
	_, expression, _ := strings.Cut(definitionIn(create, column), " GENERATED ALWAYS AS ")
	return expression
}

// definitionIn returns the line of a CREATE statement that defines the column, from behind its name; "" where there is none.
func definitionIn(create, column string) string {
	for _, line := range strings.Split(create, "\n") {
		if definition, is := strings.CutPrefix(line, "  "+Quote(column)+" "); is {
			return " " + strings.TrimSuffix(definition, ",")
		}
	}
	return ""
}
