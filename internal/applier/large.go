package applier

import (
	"context"
	"fmt"

	"github.com/midstreamdb/midstream/internal/binlog"
)

// applyLarge applies a transaction that comes in pieces, alone, as one open transaction on the shadow. Its pieces are not
// kept: an error, even one that passes, ends the run, to be begun before the transaction.
func (d *dispatcher) applyLarge(ctx context.Context) error {
	var s session
	defer s.close()
	if err := d.open(ctx, &s); err != nil {
		return fmt.Errorf("apply a large transaction: %w", err)
	}
	if _, err := s.conn.ExecContext(ctx, "START TRANSACTION"); err != nil {
		return fmt.Errorf("apply a large transaction: %w", err)
	}
	for piece := d.large; ; {
		if !piece.More {
			return d.endLarge(ctx, &s, piece)
		}
		if err := d.executePiece(ctx, &s, piece); err != nil {
			return err
		}
		d.counters.applied.Add(uint64(len(piece.Changes)))
		d.room.Release(d.weight(piece))
		select {
		case piece = <-d.queue:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// endLarge commits the transaction with its last piece, or undoes it.
func (d *dispatcher) endLarge(ctx context.Context, s *session, last *binlog.Transaction) error {
	end := "COMMIT"
	if last.Undone {
		end = "ROLLBACK"
	} else if err := d.executePiece(ctx, s, last); err != nil {
		return err
	}
	if _, err := s.conn.ExecContext(ctx, end); err != nil {
		return fmt.Errorf("%s a large transaction up to %s: %w", end, last.End, err)
	}
	d.large = nil
	d.finish(item{tx: last, ticket: d.begin(last)})
	return nil
}

func (d *dispatcher) executePiece(ctx context.Context, s *session, piece *binlog.Transaction) error {
	if err := d.execute(ctx, s.conn, d.plan([]item{{tx: piece}})); err != nil {
		return fmt.Errorf("apply a large transaction to %s: %w", d.deps.Mapping.Shadow.Name, err)
	}
	return nil
}
