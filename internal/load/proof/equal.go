package proof

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midstreamdb/midstream/internal/table"
)

// Equal shows that two tables contain the same rows in the same columns, every value exactly: by comparing them row by row
// in the order of a's primary key (or, without one, of its first unique key without NULL), and by CHECKSUM TABLE where the
// columns have the same types. Columns of b alone are not looked at. The error is a *Difference when they are not equal.
// Nobody may write to the tables meanwhile.
func Equal(ctx context.Context, db *sql.DB, a, b table.Name) (*Report, error) {
	began := time.Now()
	what := a.String() + " = " + b.String()
	ta, tb, err := inspectBoth(ctx, db, a, b)
	if err != nil {
		return nil, err
	}
	columns, err := commonColumns(ta, tb)
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", what, err)
	}
	key, err := orderKey(ta)
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", what, err)
	}
	report, err := compareTables(ctx, db, &comparison{what: what, a: a, b: b}, columns, key)
	if err != nil {
		return nil, err
	}
	if report.Checksum, err = checksums(ctx, db, ta, tb); err != nil {
		return nil, fmt.Errorf("compare %s: %w", what, err)
	}
	report.Took = time.Since(began)
	return report, nil
}

func inspectBoth(ctx context.Context, db *sql.DB, a, b table.Name) (ta, tb *table.Table, err error) {
	session, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("compare tables: %w", err)
	}
	defer discard(session) // Inspect changes its settings
	if ta, err = table.Inspect(ctx, session, a); err != nil {
		return nil, nil, err
	}
	tb, err = table.Inspect(ctx, session, b)
	return ta, tb, err
}

// commonColumns returns what to read of a's columns, all of which b must have.
func commonColumns(a, b *table.Table) ([]column, error) {
	var columns []column
	for i := range a.Columns {
		c := &a.Columns[i]
		other := b.Column(c.Name)
		if other == nil {
			return nil, fmt.Errorf("column %s is missing in %s", table.Quote(c.Name), b.Name)
		}
		if len(exact(other)) != len(exact(c)) {
			return nil, fmt.Errorf("column %s is %s in one table and %s in the other: their values cannot be compared exactly",
				table.Quote(c.Name), c.ColumnType, other.ColumnType)
		}
		columns = append(columns, exact(c)...)
	}
	return columns, nil
}

// orderKey returns the columns of the key by which both tables are read.
func orderKey(t *table.Table) ([]string, error) {
	for i := range t.Keys {
		k := &t.Keys[i]
		usable := k.Unique && k.Visible && k.Type == "BTREE"
		for _, p := range k.Parts {
			usable = usable && p.Column != "" && p.Prefix == 0 && !t.Column(p.Column).Nullable
		}
		if usable {
			return k.Columns(), nil
		}
	}
	return nil, fmt.Errorf("table %s has no unique key without NULL to read it by", t.Name)
}

// comparison is two streams in step.
type comparison struct {
	what        string
	a, b        table.Name
	left, right *stream
}

func compareTables(ctx context.Context, db *sql.DB, c *comparison, columns []column, key []string) (report *Report, err error) {
	if c.left, err = openStream(ctx, db, c.a, columns, key); err != nil {
		return nil, fmt.Errorf("read table %s: %w", c.a, err)
	}
	defer c.left.close()
	if c.right, err = openStream(ctx, db, c.b, columns, key); err != nil {
		return nil, fmt.Errorf("read table %s: %w", c.b, err)
	}
	defer c.right.close()
	for {
		inA, inB := c.left.next(), c.right.next()
		if err := errors.Join(c.left.failure(), c.right.failure()); err != nil {
			return nil, fmt.Errorf("compare %s: %w", c.what, err)
		}
		switch {
		case !inA && !inB:
			return &Report{What: c.what, Rows: c.left.rows, Digest: c.left.digest()}, nil
		case !inB:
			return nil, &Difference{What: c.what, Key: c.left.key(), Missing: c.b.String()}
		case !inA:
			return nil, &Difference{What: c.what, Key: c.right.key(), Missing: c.a.String()}
		}
		if err := c.rows(); err != nil {
			return nil, err
		}
	}
}

// rows compares the present rows of both streams.
func (c *comparison) rows() error {
	for _, at := range c.left.keys {
		if !bytes.Equal(c.left.values[at], c.right.values[at]) {
			return c.whichIsMissing()
		}
	}
	var differing []Column
	for i, v := range c.left.values {
		if w := c.right.values[i]; !bytes.Equal(v, w) || (v == nil) != (w == nil) {
			differing = append(differing, Column{
				Name: c.left.columns[i].name, A: shown(v), OfA: c.a.String(), B: shown(w), Of: c.b.String(),
			})
		}
	}
	if len(differing) > 0 {
		return &Difference{What: c.what, Key: c.left.key(), Columns: differing}
	}
	return nil
}

// whichIsMissing reads on in both streams, a row of each in turn, until one of them meets the key at which the other
// stood: what the first passed over until then is missing in the other. So no order of keys need be known here.
func (c *comparison) whichIsMissing() error {
	const most = 100_000
	keyA, keyB := c.left.key(), c.right.key()
	for range most {
		inA, inB := c.left.next(), c.right.next()
		switch {
		case inA && c.left.key() == keyB, !inB:
			return &Difference{What: c.what, Key: keyA, Missing: c.b.String()}
		case inB && c.right.key() == keyA, !inA:
			return &Difference{What: c.what, Key: keyB, Missing: c.a.String()}
		}
	}
	return &Difference{What: c.what, Key: keyA, Missing: c.b.String()}
}

// checksums compares the server's own checksums where equal rows give equal ones.
func checksums(ctx context.Context, db *sql.DB, a, b *table.Table) (string, error) {
	sameTypes := slices.EqualFunc(a.Columns, b.Columns, func(x, y table.Column) bool {
		return x.ColumnType == y.ColumnType && x.Charset == y.Charset && x.Nullable == y.Nullable
	})
	if !sameTypes {
		return "not compared: it depends on the columns' types, which differ", nil
	}
	if slices.ContainsFunc(a.Columns, func(c table.Column) bool { return c.Generation == table.Virtual }) {
		return "not compared: MariaDB's differs for equal rows where a column is virtual", nil
	}
	rows, err := db.QueryContext(ctx, "CHECKSUM TABLE "+a.Name.String()+", "+b.Name.String())
	if err != nil {
		return "", fmt.Errorf("ask for checksums: %w", err)
	}
	defer func() { _ = rows.Close() }() // Err below has told what matters
	var sums []string
	for rows.Next() {
		var name, sum string
		if err := rows.Scan(&name, &sum); err != nil {
			return "", fmt.Errorf("read checksum: %w", err)
		}
		sums = append(sums, sum)
	}
	if err := rows.Err(); err != nil {
		return "", fmt.Errorf("read checksums: %w", err)
	}
	if len(sums) != 2 || sums[0] != sums[1] {
		return "", fmt.Errorf("the checksums of equal rows differ: %s", strings.Join(sums, ", "))
	}
	return sums[0] + " for both", nil
}
