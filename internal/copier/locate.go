package copier

import (
	"context"
	"errors"
	"fmt"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/loss"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// locate finds the row whose value was refused by copying halves of the part, undone again, until one row is left: what
// the server itself says of rows differs by error, engine and language. The error stays as it is if it is about something
// else, and names a range where the search was disturbed.
func (w *worker) locate(ctx context.Context, p part, refusal error) error {
	if !refused(refusal) {
		return refusal
	}
	r, rows := p.Range, 2*p.size // some may have come since it was planned
	for rows > 1 {
		middle, err := w.boundary(ctx, r, rows/2)
		if err != nil {
			break
		}
		if middle == nil {
			rows /= 2
			continue
		}
		lower := sqlgen.Range{Lower: r.Lower, Upper: middle}
		switch again := w.try(ctx, lower); {
		case again == nil:
			r.Lower, rows = middle, rows-rows/2
		case refused(again):
			r, rows = lower, rows/2
			refusal = again
		default:
			return w.somewhere(r, refusal)
		}
	}
	if key, err := w.boundary(ctx, r, 1); err == nil && key != nil && rows == 1 {
		// The row may have been put right, or be one behind those that were looked at.
		if again := w.try(ctx, sqlgen.Range{Lower: r.Lower, Upper: key}); refused(again) {
			return w.valueError(ctx, key, again)
		}
	}
	return w.somewhere(r, refusal)
}

// valueError says what of the row was refused.
func (w *worker) valueError(ctx context.Context, key []table.Value, refusal error) error {
	if err := w.open(ctx); err != nil {
		return errors.Join(refusal, err)
	}
	return &ValueError{Text: w.loss.Explain(ctx, w.session, key, refusal), Err: refusal}
}

// somewhere is the error for a row that was not found: it is in the range.
func (w *worker) somewhere(r sqlgen.Range, refusal error) error {
	return &ValueError{Text: fmt.Sprintf("a row with %s does not fit into the new table: %s", w.key.Describe(r), loss.Message(refusal)), Err: refusal}
}

// try copies a range and undoes it.
func (w *worker) try(ctx context.Context, r sqlgen.Range) error {
	if err := w.open(ctx); err != nil {
		return err
	}
	err := w.exec(ctx, "START TRANSACTION")
	if err == nil {
		err = w.exec(ctx, w.statements.Statement(r, w.reading()))
	}
	if err == nil {
		err = w.refuseWarnings(ctx)
	}
	if undone := w.exec(ctx, "ROLLBACK"); undone != nil {
		w.drop()
		return errors.Join(err, undone)
	}
	return err
}

func refused(err error) bool {
	var warned errWarning
	return conn.IsBadValue(err) || conn.IsLoss(err) || errors.As(err, &warned)
}
