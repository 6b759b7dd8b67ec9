package copier

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// DuplicateError says that rows of the source have the same value in a unique key of the shadow.
type DuplicateError struct {
	Shadow table.Name
	Err    error // the server's, which names the value and the key
}

// Error implements error.
func (e *DuplicateError) Error() string {
	return fmt.Sprintf("two rows of the source collide in a unique key of %s: %v; make the values distinct in the source, "+
		"or leave the unique key (or what makes the values equal) out of the ALTER", e.Shadow, conn.Message(e.Err))
}

// Unwrap implements the errors package's interface.
func (e *DuplicateError) Unwrap() error { return e.Err }

// ValueError says that the shadow cannot hold a value of the source.
type ValueError struct {
	Row string // the source row's migration key as conditions
	Err error  // the server's, which names the column
}

// Error implements error.
func (e *ValueError) Error() string {
	return fmt.Sprintf("the row with %s does not fit into the new table: %v", e.Row, conn.Message(e.Err))
}

// Unwrap implements the errors package's interface.
func (e *ValueError) Unwrap() error { return e.Err }

// errWarning is a warning about a value that the server stored all the same.
type errWarning struct{ conn.Warning }

// Error implements error.
func (e errWarning) Error() string { return e.Message }

// refuseWarnings returns an error if the statement just carried out stored a value otherwise than it was.
func (w *worker) refuseWarnings(ctx context.Context, r sqlgen.Range) error {
	warnings, err := conn.Warnings(ctx, w.session)
	if err != nil {
		return err
	}
	for _, warning := range warnings {
		if warning.ChangesValue() {
			return w.name(ctx, r, errWarning{warning})
		}
	}
	return nil
}

// locate adds to an error about a row's value which row it is.
func (w *worker) locate(ctx context.Context, r sqlgen.Range, err error) error {
	if !answered(err) || conn.IsDuplicate(err) || conn.IsLockWait(err) || conn.IsDeadlock(err) {
		return err
	}
	return w.name(ctx, r, err)
}

var atRow = regexp.MustCompile(`at row (\d+)$`)

// name looks up the row that the server's message counts, in the transaction of the statement: the rows that it has read
// are locked still. The error stays as it is where the message counts none or the row cannot be read.
func (w *worker) name(ctx context.Context, r sqlgen.Range, err error) error {
	m := atRow.FindStringSubmatch(conn.Message(err))
	if m == nil {
		return err
	}
	n, convert := strconv.Atoi(m[1])
	if convert != nil || n < 1 {
		return err
	}
	texts := make([][]byte, w.key.Len())
	fields := make([]any, len(texts))
	for i := range texts {
		fields[i] = &texts[i]
	}
	if failed := w.session.QueryRowContext(ctx, w.statements.RowAt(r, n)).Scan(fields...); failed != nil {
		return errors.Join(err, fmt.Errorf("look up row %d: %w", n, failed))
	}
	key, failed := w.key.ParseKey(texts)
	if failed != nil {
		return errors.Join(err, failed)
	}
	return &ValueError{Row: w.key.DescribeRow(key), Err: err}
}
