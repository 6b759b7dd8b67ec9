package migrate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/checkpoint"
	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/cutover"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// keeper writes checkpoints. Its record holds what does not change in a run; what does is added at each writing.
type keeper struct {
	store  *checkpoint.Store
	record checkpoint.Record
	writes chan struct{} // holds one token: who has it may write
	safe   binlog.Position
}

func newKeeper(store *checkpoint.Store, record checkpoint.Record) *keeper {
	k := &keeper{store: store, record: record, writes: make(chan struct{}, 1)}
	k.writes <- struct{}{}
	return k
}

// keep writes a checkpoint. Everything that it claims was durable before it was looked at: the applied low watermark, the
// chunks that are committed, and the rows that are compared.
func (r *Runner) keep(ctx context.Context) error {
	k := r.keeper
	select {
	case <-k.writes:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { k.writes <- struct{}{} }()
	now := k.record
	now.Phase = r.view.now()
	if p := r.parts.Load(); p != nil {
		k.look(p, &now)
		f, c := p.applier.Figures(), p.copier.Stats()
		now.Rows, now.Changes, now.Retries = now.Rows+c.Rows, now.Changes+f.Applied, now.Retries+f.Retries+c.Retries
	}
	now.Position, now.Witness = written(k.safe)
	if err := k.store.Save(ctx, &now); err != nil {
		return err
	}
	r.kept.Store(now.Position)
	return nil
}

// written is a position as a checkpoint has it.
func written(p binlog.Position) (string, *checkpoint.Witness) {
	w := p.Witness()
	if w == nil {
		return p.String(), nil
	}
	return p.String(), &checkpoint.Witness{Before: w.Before.String(), ID: w.Mark.ID, Value: w.Mark.Value}
}

// provenPosition is the position of a checkpoint, with its witness.
func provenPosition(record *checkpoint.Record) (binlog.Position, error) {
	position, err := binlog.ParsePosition(record.Position)
	if err != nil || record.Witness == nil {
		return position, err
	}
	before, err := binlog.ParsePosition(record.Witness.Before)
	return position.WithWitness(&binlog.Witness{Before: before, Mark: binlog.Mark{ID: record.Witness.ID, Value: record.Witness.Value}}), err
}

// look takes down how far the work has come. The position comes first: what was applied up to there has been noted by the verifier
// before, and is among its suspects then, unless it was seen equal since.
func (k *keeper) look(p *parts, now *checkpoint.Record) {
	if low := p.applied.Low().Position; p.replay == nil || !p.replay.Owes() {
		k.safe = low
	}
	now.Copied, now.Verified = copied(p), compared(p)
}

// keepOn writes a checkpoint again and again until ctx ends.
func (r *Runner) keepOn(ctx context.Context) error {
	for conn.Pause(ctx, r.cfg.Checkpoint) == nil {
		if err := r.keep(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// copied is what the copier has done.
func copied(p *parts) checkpoint.Extent {
	if p.copyDone.Load() {
		return checkpoint.Extent{Done: true}
	}
	return extent(p.copier.Rest())
}

// extent is what is done where rest is left.
func extent(rest *chunk.Rest) checkpoint.Extent {
	e := checkpoint.Extent{After: rest.After, Ended: rest.Ended}
	for _, open := range rest.Open {
		e.Open = append(e.Open, checkpoint.Range{Lower: open.Lower, Upper: open.Upper, Size: open.Size})
	}
	return e
}

// rest is what is left to do by a checkpoint.
func rest(e checkpoint.Extent) *chunk.Rest {
	left := &chunk.Rest{After: e.After, Ended: e.Ended || e.Done}
	for _, open := range e.Open {
		left.Open = append(left.Open, chunk.Chunk{Range: sqlgen.Range{Lower: open.Lower, Upper: open.Upper}, Size: open.Size})
	}
	return left
}

// firstRecord is that of a migration whose tables are about to be created.
func (r *Runner) firstRecord() checkpoint.Record {
	return checkpoint.Record{
		Tool: r.cfg.Tool, Migration: r.cfg.Conn.Run, Phase: status.Prepare, Started: r.started,
		Server:    checkpoint.Server{UUID: r.server.UUID, StartedAt: r.server.StartedAt},
		Statement: r.cfg.Alter, Names: r.names,
		Settings: checkpoint.Settings{Apply: string(r.apply), Watch: r.watch, Lossy: strings.Join(r.cfg.AllowLossy, ",")},
	}
}

// complete adds what is known of a migration once its tables are there.
func (r *Runner) complete(ctx context.Context) error {
	record := &r.keeper.record
	before, err := cutover.Look(ctx, r.db, r.names)
	if err != nil {
		return err
	}
	record.SourceColumns, record.ShadowColumns = before.Source, before.Shadow
	record.Source, record.Shadow = fingerprint(r.mapping.Source.CreateSQL), fingerprint(r.mapping.Shadow.CreateSQL)
	record.Deferred = r.deferred
	record.Settings.Key = r.mapping.Key.Name
	record.Settings.Zone, err = table.GlobalTimeZone(ctx, r.db)
	return err
}

// fingerprint tells definitions apart, but for their AUTO_INCREMENT.
func fingerprint(create string) string {
	sum := sha256.Sum256([]byte(withoutCounter(create)))
	return hex.EncodeToString(sum[:])
}

// percent is how much of the table is done, for people.
func percent(done bool, of, rows uint64) string {
	if done {
		return "100 %"
	}
	s := status.Snapshot{Rows: rows, Copied: of}
	return fmt.Sprintf("%.0f %%", s.Percent())
}

// age says how old the record is.
func age(r *checkpoint.Record) string { return time.Since(r.Written).Round(time.Second).String() }
