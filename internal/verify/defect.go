package verify

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/midstreamdb/midstream/internal/table"
)

// DefectError says that the tables differ in a row, for good.
type DefectError struct {
	Source, Shadow table.Name
	Row            string // conditions that name it
	Missing        string // "" or the table that does not have it
	Columns        []Difference
}

// Difference is a column's value in both tables, as text.
type Difference struct{ Column, Expected, Actual string }

// Error implements error.
func (e *DefectError) Error() string {
	return fmt.Sprintf("verification: the new table %s differs from %s: the row where %s %s. Both tables stay as they are, to be looked at. "+
		"After that, the same command with --restart copies all rows again, and midstream cleanup removes the new table; without --restart the row is compared again",
		e.Shadow, e.Source, e.Row, e.difference())
}

func (e *DefectError) difference() string {
	if e.Missing != "" {
		return "is missing in " + e.Missing
	}
	parts := make([]string, len(e.Columns))
	for i, c := range e.Columns {
		parts[i] = fmt.Sprintf("in column %s %s instead of %s", table.Quote(c.Column), c.Actual, c.Expected)
		if c.Actual == c.Expected {
			parts[i] += " (they read the same: a type inside differs)"
		}
	}
	return "has " + strings.Join(parts, ", ")
}

// pair is a row in both tables, as texts; nil where a table does not have it.
type pair struct {
	expected, actual []sql.NullString
	differs          []bool // by column
}

// lookClosely reads a suspect's rows. The same difference, seen again and again, is a defect.
func (v *Verifier) lookClosely(ctx context.Context, s *session, suspect *suspect) error {
	var now *pair
	err := v.retry(ctx, s, func() (err error) {
		if err := v.execute(ctx, s.conn, v.sql.FillKeys([][]table.Value{suspect.key})); err != nil {
			return err
		}
		now, err = v.read(ctx, s.conn, suspect.key)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the row where %s in both tables: %w", v.key.DescribeRow(suspect.key), err)
	}
	before := suspect.seen
	suspect.seen = now
	if !reflect.DeepEqual(before, now) || !now.isDifferent() {
		suspect.same = 0
		return nil
	}
	if suspect.same++; suspect.same < certain {
		return nil
	}
	return v.defect(suspect.key, now)
}

func (p *pair) isDifferent() bool {
	if p.expected == nil || p.actual == nil {
		return (p.expected == nil) != (p.actual == nil)
	}
	for _, differs := range p.differs {
		if differs {
			return true
		}
	}
	return false
}

// read returns the row with the key in both tables.
func (v *Verifier) read(ctx context.Context, c *sql.Conn, key []table.Value) (*pair, error) {
	var p pair
	var err error
	if p.expected, err = v.row(ctx, c, v.sql.Expected(key)); err != nil {
		return nil, err
	}
	if p.actual, err = v.row(ctx, c, v.sql.Actual(key)); err != nil {
		return nil, err
	}
	if p.expected == nil || p.actual == nil {
		return &p, nil
	}
	var agreement sql.NullString
	err = c.QueryRowContext(ctx, v.sql.Agreement(key)).Scan(&agreement)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	p.differs = make([]bool, len(agreement.String)) // none where a table has lost the row meanwhile
	for i, same := range agreement.String {
		p.differs[i] = same != '1'
	}
	return &p, nil
}

// row returns the columns of the only row, nil if there is none.
func (v *Verifier) row(ctx context.Context, c *sql.Conn, query string) ([]sql.NullString, error) {
	columns := make([]sql.NullString, len(v.sql.Columns()))
	fields := make([]any, len(columns))
	for i := range columns {
		fields[i] = &columns[i]
	}
	err := c.QueryRowContext(ctx, query).Scan(fields...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return columns, err
}

func (v *Verifier) defect(key []table.Value, p *pair) *DefectError {
	m := v.deps.Mapping
	e := &DefectError{Source: m.Source.Name, Shadow: m.Shadow.Name, Row: v.key.DescribeRow(key)}
	switch {
	case p.expected == nil:
		e.Missing = m.Source.Name.String()
	case p.actual == nil:
		e.Missing = m.Shadow.Name.String()
	}
	for i, differs := range p.differs {
		if differs {
			from := where(p.expected[i].String, p.actual[i].String)
			e.Columns = append(e.Columns, Difference{v.sql.Columns()[i], shown(p.expected[i], from), shown(p.actual[i], from)})
		}
	}
	return e
}

// longest is the number of bytes of a value that are shown.
const longest = 200

// where is the place from which long values are shown: a little before the first difference, if that would not be seen
// otherwise.
func where(a, b string) int {
	same := 0
	for same < min(len(a), len(b)) && a[same] == b[same] {
		same++
	}
	if same < longest/2 {
		return 0
	}
	return atRune(a, same-longest/4)
}

// atRune is the beginning of the character in which the byte is.
func atRune(s string, at int) int {
	for at > 0 && at < len(s) && !utf8.RuneStart(s[at]) {
		at--
	}
	return at
}

func shown(s sql.NullString, from int) string {
	if !s.Valid {
		return "NULL"
	}
	text := s.String[from:]
	if from > 0 {
		text = "…" + text
	}
	if len(text) > longest {
		text = text[:atRune(text, longest)] + "…"
	}
	return text
}
