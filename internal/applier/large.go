package applier

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/conn"
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
	var written []outcome
	refused := make(map[string]outcome) // by key: of all pieces, the newest
	for piece := d.large; ; {
		keys, rest, err := d.executePiece(ctx, &s, piece)
		if err != nil {
			return err
		}
		if d.serial {
			written = append(written, keys...)
			for _, key := range keys {
				delete(refused, key.id)
			}
			for _, out := range rest {
				refused[out.id] = out
			}
		}
		if !piece.More {
			return d.endLarge(ctx, &s, piece, written, slices.Collect(maps.Values(refused)))
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

// endLarge commits the transaction, or undoes it, after its last piece. What was owed for its keys is written by then, but for what
// was refused.
func (d *dispatcher) endLarge(ctx context.Context, s *session, last *binlog.Transaction, written, refused []outcome) error {
	end := "COMMIT"
	if last.Undone {
		end = "ROLLBACK"
	}
	if _, err := s.conn.ExecContext(ctx, end); err != nil {
		return fmt.Errorf("%s a large transaction up to %s: %w", end, last.End, err)
	}
	if !last.Undone {
		d.owed.note(written, refused)
	}
	d.large = nil
	d.finish(item{tx: last, ticket: d.begin(last)})
	return nil
}

// executePiece writes a piece and returns the keys that it touched, without their rows, and with them those that a unique key of
// the ALTER refused: a piece behind it may change the row in the way.
func (d *dispatcher) executePiece(ctx context.Context, s *session, piece *binlog.Transaction) (keys, refused []outcome, err error) {
	p := d.plan([]item{{tx: piece}})
	err = d.execute(ctx, s.conn, p)
	if d.serial && conn.IsDuplicate(err) {
		refused, err = d.writeApart(ctx, s.conn, p)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("apply a large transaction to %s: %w", d.deps.Mapping.Shadow.Name, err)
	}
	keys = make([]outcome, len(p.outs))
	for i, out := range p.outs {
		keys[i].id = out.id
	}
	return keys, refused, nil
}
