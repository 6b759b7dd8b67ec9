package table

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// What Inspect says of a name that cannot be migrated.
var (
	ErrNotFound     = errors.New("no such table")
	ErrNotBaseTable = errors.New("not a base table")
)

// Querier asks a server: a *sql.DB, *sql.Conn or *sql.Tx.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Inspect reads the definition of a table; its name is returned as the server stores it. The session is told to answer
// from the table instead of a cache and to show hidden key columns, and stays so. ErrNotFound and ErrNotBaseTable come with
// the name.
func Inspect(ctx context.Context, q Querier, n Name) (*Table, error) {
	if db, ok := q.(*sql.DB); ok {
		c, err := db.Conn(ctx)
		if err != nil {
			return nil, fmt.Errorf("inspect table %s: %w", n, err)
		}
		defer func() { _ = c.Close() }() // it goes back to the pool
		q = c
	}
	i := &inspection{q: q, t: &Table{Name: n}}
	for _, step := range []func(context.Context) error{
		i.settle, i.readTable, i.readColumns, i.readKeys, i.readCreate, i.readForeignKeys, i.readTriggers, i.readChecks,
	} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("inspect table %s: %w", n, err)
		}
	}
	return i.t, nil
}

type inspection struct {
	q       Querier
	t       *Table
	mariaDB bool
	folded  bool // names are compared without case
}

// settle sets the session's switches that this server has, and learns how it compares names.
func (i *inspection) settle(ctx context.Context) error {
	const ask = `SHOW SESSION VARIABLES WHERE variable_name IN ('version', 'lower_case_table_names',
		'information_schema_stats_expiry', 'show_gipk_in_create_table_and_information_schema')`
	var settings []string
	err := i.each(ctx, ask, nil, func(scan scanner) error {
		var name, value string
		if err := scan(&name, &value); err != nil {
			return err
		}
		switch name {
		case "version":
			i.mariaDB = strings.Contains(value, "MariaDB")
		case "lower_case_table_names":
			i.folded = value != "0"
		case "information_schema_stats_expiry":
			settings = append(settings, "SESSION information_schema_stats_expiry = 0")
		default:
			settings = append(settings, "SESSION show_gipk_in_create_table_and_information_schema = ON")
		}
		return nil
	})
	if err != nil || len(settings) == 0 {
		return err
	}
	_, err = i.q.ExecContext(ctx, "SET "+strings.Join(settings, ", "))
	return err
}

func (i *inspection) readTable(ctx context.Context) error {
	const ask = `
		SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, COALESCE(ENGINE, ''), COALESCE(ROW_FORMAT, ''), COALESCE(TABLE_COLLATION, ''),
		       TABLE_COMMENT, COALESCE(CREATE_OPTIONS, ''), COALESCE(AUTO_INCREMENT, 0),
		       COALESCE(TABLE_ROWS, 0), COALESCE(DATA_LENGTH, 0), COALESCE(INDEX_LENGTH, 0)
		  FROM information_schema.TABLES
		 WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?`
	wanted, kind := i.t.Name, ""
	err := i.each(ctx, ask, []any{wanted.Schema, wanted.Table}, func(scan scanner) error {
		var t Table
		var found string
		err := scan(&t.Name.Schema, &t.Name.Table, &found, &t.Engine, &t.RowFormat, &t.Collation,
			&t.Comment, &t.CreateOptions, &t.AutoIncrement, &t.EstimatedRows, &t.DataBytes, &t.IndexBytes)
		if err == nil && found != "TEMPORARY" && i.same(t.Name, wanted) {
			*i.t, kind = t, found
		}
		return err
	})
	if err != nil {
		return err
	}
	i.t.Partitioned = strings.Contains(i.t.CreateOptions, "partitioned")
	i.t.Versioned = kind == "SYSTEM VERSIONED"
	switch {
	case kind == "":
		return ErrNotFound
	case kind != "BASE TABLE" && !i.t.Versioned:
		return fmt.Errorf("%w but a %s", ErrNotBaseTable, strings.ToLower(kind))
	}
	return nil
}

// same compares names as the server does; information_schema finds more, such as names that differ by an accent.
func (i *inspection) same(a, b Name) bool {
	return a == b || i.folded && SameIdentifier(a.Schema, b.Schema) && SameIdentifier(a.Table, b.Table)
}

func (i *inspection) readCreate(ctx context.Context) error {
	var name string
	return i.q.QueryRowContext(ctx, "SHOW CREATE TABLE "+i.t.Name.String()).Scan(&name, &i.t.CreateSQL)
}

// readKeys reads from SHOW INDEX, which keeps the order of the keys; engines and versions differ in its columns.
func (i *inspection) readKeys(ctx context.Context) error {
	rows, err := i.q.QueryContext(ctx, "SHOW INDEX FROM "+i.t.Name.String())
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	titles, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		var r indexRow
		if err := rows.Scan(r.fields(titles)...); err != nil {
			return err
		}
		i.addKeyPart(&r)
	}
	return rows.Err()
}

func (i *inspection) addKeyPart(r *indexRow) {
	n := len(i.t.Keys)
	if n == 0 || i.t.Keys[n-1].Name != r.key {
		i.t.Keys = append(i.t.Keys, Key{
			Name: r.key, Unique: !r.nonUnique, Type: r.kind,
			Visible: r.visible.String != "NO" && r.ignored.String != "YES",
		})
		n++
	}
	i.t.Keys[n-1].Parts = append(i.t.Keys[n-1].Parts, KeyPart{
		Column: r.column.String, Prefix: int(r.prefix.Int64), Descending: r.order.String == "D", Expression: r.expression.String,
	})
}

// indexRow is a row of SHOW INDEX.
type indexRow struct {
	key, kind                                   string
	nonUnique                                   bool
	column, order, visible, ignored, expression sql.NullString
	prefix                                      sql.NullInt64
}

func (r *indexRow) fields(titles []string) []any {
	known := map[string]any{
		"key_name": &r.key, "non_unique": &r.nonUnique, "index_type": &r.kind, "column_name": &r.column, "collation": &r.order,
		"sub_part": &r.prefix, "visible": &r.visible, "ignored": &r.ignored, "expression": &r.expression,
	}
	fields := make([]any, len(titles))
	for i, title := range titles {
		if fields[i] = known[strings.ToLower(title)]; fields[i] == nil {
			fields[i] = new(sql.RawBytes)
		}
	}
	return fields
}

type scanner func(dest ...any) error

// each asks and calls f for every row of the answer.
func (i *inspection) each(ctx context.Context, query string, args []any, f func(scanner) error) error {
	rows, err := i.q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
