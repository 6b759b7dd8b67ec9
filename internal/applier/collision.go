package applier

import (
	"bytes"
	"context"
	"database/sql"
	"math/rand/v2"

	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// judge looks whether one of the refused rows, any, shares its value with another row of the source: a *DuplicateError. That
// a row is refused says little, for the one in the way may have another value by now, and not be written yet. Of rows that
// stay refused each is met sooner or later.
func (r *Refresh) judge(ctx context.Context, s *session, refused []refusedRow) error {
	if len(refused) == 0 {
		return nil
	}
	row := refused[rand.N(len(refused))]
	if !row.added {
		return nil
	}
	var collides bool
	err := r.retrying(ctx, s, func() (err error) { collides, err = r.collides(ctx, s.conn, row.key); return err })
	if err == nil && collides {
		err = &DuplicateError{Table: r.deps.Mapping.Source.Name, Message: conn.Message(row.err)}
	}
	return err
}

// collides says whether the row with the key and another one of the source collide in a unique key of the shadow: both are
// taken away and written by one statement, which reads them as of one moment, and one is in the way of the other. Nothing of
// that stays: retrying rolls back after an error.
func (r *Refresh) collides(ctx context.Context, c *sql.Conn, key []table.Value) (bool, error) {
	if err := r.execute(ctx, c, "START TRANSACTION"); err != nil {
		return false, err
	}
	collides, err := r.inTheWay(ctx, c, key)
	if err != nil {
		return false, err
	}
	return collides, r.execute(ctx, c, "ROLLBACK")
}

func (r *Refresh) inTheWay(ctx context.Context, c *sql.Conn, key []table.Value) (bool, error) {
	pair := [][]table.Value{key}
	holder, err := r.holder(ctx, c, pair)
	if err != nil || holder == nil {
		return false, err
	}
	pair = append(pair, holder)
	for _, statement := range r.collision.Deletes(pair, r.cfg.StatementBytes) {
		if err := r.execute(ctx, c, statement); err != nil {
			return false, err
		}
	}
	holder, err = r.holder(ctx, c, pair)
	if err != nil || holder == nil {
		return false, err
	}
	id := table.AppendKey(nil, holder)
	return bytes.Equal(id, table.AppendKey(nil, pair[0])) || bytes.Equal(id, table.AppendKey(nil, pair[1])), nil
}

// holder tries to write the rows and returns the key of one that stands in the way, nil for none.
func (r *Refresh) holder(ctx context.Context, c *sql.Conn, keys [][]table.Value) ([]table.Value, error) {
	for _, statement := range r.collision.Try(keys) {
		if err := r.execute(ctx, c, statement); err != nil {
			return nil, err
		}
	}
	found, err := chunk.Keys(ctx, c, r.key, r.collision.Holder())
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// refusals are the rows that are refused under the table lock when everything has been read from the log.
type refusals struct {
	first uint64            // the epoch then at work: of what refuses its rows, the next one may have the newer version
	in    map[string]uint64 // the epochs of the others, by encoded key
}

// add notes the portion's, and returns a *DuplicateError if one of them was refused in an epoch before, too.
func (r *refusals) add(source table.Name, res result) error {
	now := res.portion.epoch
	if r.in == nil {
		r.first, r.in = now, make(map[string]uint64)
	}
	for _, row := range res.refused {
		id := string(table.AppendKey(nil, row.key))
		if before, known := r.in[id]; known && before < now {
			return &DuplicateError{Table: source, Message: conn.Message(row.err)}
		}
		if now > r.first {
			r.in[id] = now
		}
	}
	return nil
}
