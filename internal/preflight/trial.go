package preflight

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// trial is a temporary table like the source, before and after the ALTER.
type trial struct {
	before, after *table.Table
	definition    string // after the ALTER, under the source's name
	simplified    string // what the source has and a temporary table cannot, "" for nothing
}

// untriedError says that a temporary table cannot tell what the ALTER does to a real one.
type untriedError struct{ why string }

func (e *untriedError) Error() string { return e.why }

// try makes the trial. An error of the server is its refusal of the ALTER.
func try(ctx context.Context, in *inspection) (*trial, error) {
	for _, set := range []variables{in.global, in.session} {
		if format := set["binlog_format"]; format != "" && format != "ROW" {
			return nil, &untriedError{"a temporary table would be logged: binlog_format is " + format}
		}
	}
	session, err := in.Statement.DB.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("open session: %w", err)
	}
	defer func() { _ = session.Close() }()
	var mode string
	if err := session.QueryRowContext(ctx, "SELECT @@SESSION.sql_mode").Scan(&mode); err != nil {
		return nil, fmt.Errorf("ask session for its sql_mode: %w", err)
	}
	if err := read(ctx, session, plain); err != nil {
		return nil, err
	}
	name := in.Names.Shadow // it hides a base table of that name from this session only
	t := &trial{}
	if err := t.create(ctx, session, in.source, name); err != nil {
		if conn.IsRefused(err) {
			return nil, &untriedError{fmt.Sprintf("no temporary table like it can be made (the server says: %s)", conn.Message(err))}
		}
		return nil, fmt.Errorf("create temporary table %s: %w", name, err)
	}
	defer func() { // should it fail: the table ends with its session
		_, _ = session.ExecContext(context.WithoutCancel(ctx), "DROP TEMPORARY TABLE IF EXISTS "+name.String())
	}()
	if t.before, err = table.InspectTemporary(ctx, session, name); err != nil {
		return nil, err
	}
	renames, err := table.RenameChecks(in.source, t.before, in.outcome.Checks)
	if err != nil {
		return nil, err
	}
	for _, statement := range renames {
		if _, err := session.ExecContext(ctx, statement); err != nil {
			return nil, fmt.Errorf("name the constraints of temporary table %s: %w", name, err)
		}
	}
	if err := read(ctx, session, mode); err != nil {
		return nil, err
	}
	if _, err := session.ExecContext(ctx, in.outcome.Alter.Calling(in.outcome.Checks).For(name)); err != nil {
		if conn.IsRefused(err) && !conn.IsBadDefinition(err) {
			return nil, &untriedError{fmt.Sprintf("a temporary table does not tell (the server says of one: %s)", conn.Message(err))}
		}
		return nil, err
	}
	if err := read(ctx, session, plain); err != nil {
		return nil, err
	}
	if t.after, err = table.InspectTemporary(ctx, session, name); err != nil {
		return nil, err
	}
	t.definition = Renamed(t.after.CreateSQL, in.source.Name)
	return t, nil
}

// plain is the sql_mode in which definitions are shown, and accepted, in the form that Midstream reads.
const plain = ""

// read has the session read and show SQL in that mode.
func read(ctx context.Context, session *sql.Conn, mode string) error {
	if _, err := session.ExecContext(ctx, "SET SESSION sql_mode = ?", mode); err != nil {
		return fmt.Errorf("set sql_mode: %w", err)
	}
	return nil
}

// create makes the temporary table. Where it cannot be made LIKE the source it is made from the source's CREATE statement,
// without what a temporary table cannot have; none of that concerns how rows become rows.
func (t *trial) create(ctx context.Context, session *sql.Conn, source *table.Table, name table.Name) error {
	head := "CREATE TEMPORARY TABLE " + name.String()
	_, err := session.ExecContext(ctx, head+" LIKE "+source.Name.String())
	if !conn.IsRefused(err) || conn.IsAccessDenied(err) {
		return err
	}
	var shown, create string
	if err := session.QueryRowContext(ctx, "SHOW CREATE TABLE "+source.Name.String()).Scan(&shown, &create); err != nil {
		return err
	}
	simple, left := simplify(body(create))
	if len(left) == 0 {
		return err
	}
	t.simplified = strings.Join(left, ", ")
	_, err = session.ExecContext(ctx, head+simple)
	return err
}

// Renamed is a CREATE statement with another table's name.
func Renamed(create string, name table.Name) string {
	return "CREATE TABLE " + table.Quote(name.Table) + body(create)
}

// body is a CREATE statement from its opening parenthesis on.
func body(create string) string {
	if at := strings.Index(create, " (\n"); at >= 0 {
		return create[at:]
	}
	return create
}

var (
	specialKey = regexp.MustCompile("^  (?:FULLTEXT|VECTOR) KEY ((?:`[^`]*`)+) \\(((?:`[^`]*`,?)+)\\)")
	storage    = regexp.MustCompile(`(?i) (?:ROW_FORMAT=COMPRESSED|KEY_BLOCK_SIZE=\d+|COMPRESSION='\w*'|(?:/\*!80016 )?ENCRYPTION='Y'(?: \*/)?)`)
	column     = regexp.MustCompile("(?:`[^`]*`)+")
)

// simplify leaves out of a CREATE statement's body what temporary tables cannot have, and names it. A full-text or vector
// index becomes a plain one, so that an ALTER can still name it.
func simplify(create string) (simple string, left []string) {
	lines := strings.Split(create, "\n")
	last := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, ")") })
	if last < 0 {
		return create, nil
	}
	if last+1 < len(lines) {
		left = append(left, "partitions")
	}
	lines = lines[:last+1]
	if plain := storage.ReplaceAllString(lines[last], ""); plain != lines[last] {
		lines[last], left = plain, append(left, "compressed or encrypted storage")
	}
	keys := false
	for i, line := range lines[:last] {
		if m := specialKey.FindStringSubmatch(line); m != nil {
			comma := map[bool]string{true: ","}[i < last-1]
			lines[i] = "  KEY " + m[1] + " (" + column.ReplaceAllString(m[2], "$0(1)") + ")" + comma
			keys = true
		}
	}
	if keys {
		left = append(left, "full-text or vector indexes")
	}
	return strings.Join(lines, "\n"), left
}
