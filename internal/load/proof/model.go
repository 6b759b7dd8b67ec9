package proof

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/table"
)

// Model shows that the table contains what the model says, in the model's columns; others are not looked at. The error is a
// *Difference when it does not.
func Model(ctx context.Context, db *sql.DB, name table.Name, m *load.Model) (*Report, error) {
	return compareModel(ctx, db, name, m, name.String()+" = the model of the load")
}

// Retired shows that the table contains what table t of the load contained at the moment at which it was renamed to that
// name: every transaction went wholly into the one table or the other. The load must have ended.
func Retired(ctx context.Context, db *sql.DB, name table.Name, g *load.Generator, t int) (*Report, error) {
	m, cut, err := g.AsOf(ctx, db, t, name)
	if err != nil {
		return nil, err
	}
	report, err := compareModel(ctx, db, name, m, name.String()+" = the model as of the rename")
	if err != nil {
		return nil, err
	}
	report.Cut = &cut
	return report, nil
}

func compareModel(ctx context.Context, db *sql.DB, name table.Name, m *load.Model, what string) (*Report, error) {
	began := time.Now()
	stream, err := openModelled(ctx, db, name, m)
	if err != nil {
		return nil, fmt.Errorf("read table %s: %w", name, err)
	}
	defer stream.close()
	next, stop := iter.Pull2(m.All())
	defer stop()
	c := modelComparison{what: what, name: name.String(), table: m.Table, stream: stream}
	id, row, more := next()
	for stream.next() {
		if !more {
			return nil, c.missing(stream.key(), "the model")
		}
		if err := c.row(id, row); err != nil {
			return nil, err
		}
		id, row, more = next()
	}
	if err := stream.failure(); err != nil {
		return nil, fmt.Errorf("read table %s: %w", name, err)
	}
	if more {
		return nil, c.missing("id = "+strconv.FormatInt(id, 10), c.name)
	}
	return &Report{What: what, Rows: stream.rows, Digest: stream.digest(), Took: time.Since(began)}, nil
}

// openModelled opens the stream of the model's columns, id first.
func openModelled(ctx context.Context, db *sql.DB, name table.Name, m *load.Model) (*stream, error) {
	columns := []column{{"id", "id"}, {"k", "k"}, {"c", "c"}, {"pad", "pad"}, {"w", "w"}, {"seq", "seq"}}
	if m.Table.Unique {
		columns = append(columns, column{"u", "u"})
	}
	return openStream(ctx, db, name, columns, []string{"id"})
}

type modelComparison struct {
	what, name string
	table      load.Table
	stream     *stream
	buffer     []byte
}

func (c *modelComparison) missing(key, where string) error {
	return &Difference{What: c.what, Key: key, Missing: where}
}

// row compares the stream's present row with the model's next one.
func (c *modelComparison) row(id int64, r load.Row) error {
	values := c.stream.values
	there, err := strconv.ParseInt(string(values[0]), 10, 64)
	if err != nil {
		return fmt.Errorf("read id of a row of %s: %w", c.name, err)
	}
	if there < id {
		return c.missing(c.stream.key(), "the model")
	}
	if there > id {
		return c.missing("id = "+strconv.FormatInt(id, 10), c.name)
	}
	var differing []Column
	check := func(at int, want []byte) {
		if !bytes.Equal(values[at], want) || (values[at] == nil) != (want == nil) {
			differing = append(differing, Column{
				Name: c.stream.columns[at].name, A: shown(values[at]), OfA: c.name, B: shown(want), Of: "the model",
			})
		}
	}
	b := c.buffer[:0]
	b = strconv.AppendInt(b, r.K, 10)
	check(1, b)
	b = r.AppendC(b[:0])
	check(2, b)
	b = r.AppendPad(b[:0])
	check(3, b)
	b = strconv.AppendInt(b[:0], int64(r.W), 10)
	check(4, b)
	b = strconv.AppendUint(b[:0], r.Seq, 10)
	check(5, b)
	if c.table.Unique {
		check(6, unique(b[:0], r))
	}
	c.buffer = b
	if len(differing) > 0 {
		return &Difference{What: c.what, Key: c.stream.key(), Columns: differing}
	}
	return nil
}

// unique is the row's unique value, nil for NULL.
func unique(dst []byte, r load.Row) []byte {
	if r.U == 0 {
		return nil
	}
	return r.AppendU(dst)
}
