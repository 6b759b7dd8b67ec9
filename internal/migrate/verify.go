package migrate

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/midstreamdb/midstream/internal/applier"
	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/checkpoint"
	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/cutover"
	"github.com/midstreamdb/midstream/internal/table"
	"github.com/midstreamdb/midstream/internal/verify"
)

// verifyWorkers is the number of chunks compared at once where the user has not set one for copying.
const verifyWorkers = 4

// newVerifier returns what compares the tables, or what earlier runs have left of that.
func (r *Runner) newVerifier(p *parts, left *verify.Rest) *verify.Verifier {
	return verify.New(verify.Config{
		Workers: cmp.Or(r.cfg.CopyWorkers, verifyWorkers), ReconnectTimeout: r.cfg.ReconnectTimeout,
		LastLook: r.cfg.MaxStall / 2, Scratch: r.names.Scratch, Rest: left,
	}, verify.Deps{
		DB: r.db, Mapping: r.mapping, Gate: p.gate, Settler: settler{r}, Bound: r.boundRows(), Log: r.cfg.Log,
		Chunker: chunk.New(chunk.Config{Target: r.cfg.ChunkTime, Rows: int(r.cfg.ChunkSize), Rest: &left.Rest}, r.db, r.mapping),
	})
}

// compared is what is verified, for the checkpoint; nil for nothing.
func compared(p *parts) *checkpoint.Verified {
	v := p.verifier.Load()
	if v == nil {
		return nil
	}
	left := v.Rest()
	if left == nil {
		return nil
	}
	return &checkpoint.Verified{Extent: extent(&left.Rest), Suspects: left.Suspects, Rows: left.Rows}
}

// goOnVerifying makes ready what goes on with the comparison of earlier runs, before any change is read: with replay, rows that
// are written from here on are to be compared again.
func (r *Runner) goOnVerifying(p *parts) {
	if r.record == nil || r.record.Verified == nil || !r.cfg.Verify {
		return
	}
	verified := r.record.Verified
	p.verifier.Store(r.newVerifier(p, &verify.Rest{Rest: *rest(verified.Extent), Suspects: verified.Suspects, Rows: verified.Rows}))
}

// verify shows that both tables have the same rows.
func (r *Runner) verify(ctx context.Context) error {
	if !r.cfg.Verify {
		return nil
	}
	defer r.budget.NoRows()
	p := r.parts.Load()
	if v := p.verifier.Load(); v != nil {
		if err := v.Run(ctx); !errors.Is(err, verify.ErrOverrun) {
			return err
		}
	}
	v := r.newVerifier(p, &verify.Rest{})
	p.verifier.Store(v)
	return v.Run(ctx)
}

// watch notes the rows that changes write, for those that replay writes are not taken from the source: they are compared again.
func (p *parts) watch(m *table.Mapping, feed func(context.Context, *binlog.Transaction) error) func(context.Context, *binlog.Transaction) error {
	if p.replay == nil {
		return feed
	}
	return func(ctx context.Context, tx *binlog.Transaction) error {
		if v := p.verifier.Load(); v != nil {
			var keys [][]table.Value
			for i := range tx.Changes {
				for _, image := range []table.Row{tx.Changes[i].Before, tx.Changes[i].After} {
					if image != nil {
						keys = append(keys, m.Key.Of(image))
					}
				}
			}
			v.Note(keys)
		}
		return feed(ctx, tx)
	}
}

// unverified is why the tables may not be swapped yet, "" for nothing: too many rows are left to be compared under the lock.
func (p *parts) unverified() string {
	if v := p.verifier.Load(); v != nil {
		if n := v.Stats().Suspects; !v.Bears(n) {
			return fmt.Sprintf("the comparison of %d rows that changed since they were compared", n)
		}
	}
	return ""
}

// heldBack is the applier as the cut-over sees it: when it has applied everything, the rows that are left are compared.
type heldBack struct {
	changes
	parts    *parts
	services *services
	stop     func() // ends the following under way
}

var _ cutover.Applier = (*heldBack)(nil)

// follow compares the rows that replay writes after they were compared, until the hold: under the table locks of MySQL only
// their session may read.
func (h *heldBack) follow() {
	v := h.parts.verifier.Load()
	if v == nil || h.parts.replay == nil {
		h.stop = func() {}
		return
	}
	following, cancel := context.WithCancelCause(h.services.ctx)
	done := make(chan struct{})
	h.services.start("compare rows that changed", func(context.Context) error {
		defer close(done)
		if err := v.Follow(following); following.Err() == nil {
			return err
		}
		return nil
	})
	h.stop = func() { cancel(errHeld); <-done }
}

// Predict implements cutover.Applier.
func (h *heldBack) Predict() time.Duration {
	predicted := h.changes.Predict()
	if v := h.parts.verifier.Load(); v != nil {
		predicted += v.Predict()
	}
	return predicted
}

var errHeld = errors.New("the cut-over looks at the last rows")

// Hold implements cutover.Applier.
func (h *heldBack) Hold(ctx context.Context) (cutover.Held, error) {
	h.stop()
	held, err := h.changes.Hold(ctx)
	if err != nil {
		h.follow()
		return nil, err
	}
	return &comparedHold{held, h}, nil
}

// comparedHold compares what is left after all is applied.
type comparedHold struct {
	*applier.Hold
	applier *heldBack
}

var _ cutover.Held = (*comparedHold)(nil)

// Drain implements cutover.Held.
func (h *comparedHold) Drain(ctx context.Context, session *sql.Conn, fence uint64) error {
	if err := h.Hold.Drain(ctx, session, fence); err != nil {
		return err
	}
	return h.last(func(v *verify.Verifier) error { return v.Last(ctx, session) })
}

// Compare implements cutover.Held.
func (h *comparedHold) Compare(ctx context.Context) error {
	return h.last(func(v *verify.Verifier) error { return v.LastBeside(ctx) })
}

// last has the rows that are left looked at, unless they are too many to be looked at while the table is locked.
func (h *comparedHold) last(look func(*verify.Verifier) error) error {
	v := h.applier.parts.verifier.Load()
	if v == nil {
		return nil
	}
	if n := v.Stats().Suspects; !v.Bears(n / 2) {
		return fmt.Errorf("%d rows are left to be compared under the table lock: %w", n, context.DeadlineExceeded)
	}
	return look(v)
}

// Release implements cutover.Held.
func (h *comparedHold) Release() {
	h.Hold.Release()
	h.applier.follow()
}
