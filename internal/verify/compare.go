package verify

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// session is a connection with its scratch table.
type session struct{ conn *sql.Conn }

func (s *session) close() {
	if s.conn == nil {
		return
	}
	// The scratch table must not go back to the pool with the connection.
	_ = s.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = s.conn.Close()
	s.conn = nil
}

// compare compares a chunk, and suspects the rows that differ.
func (v *Verifier) compare(ctx context.Context, s *session, c stretch) error {
	if err := v.deps.Gate.Wait(ctx); err != nil {
		return err
	}
	var source, alike, shadow uint64
	var keys [][]table.Value
	err := v.retry(ctx, s, func() error {
		began := time.Now()
		if err := v.execute(ctx, s.conn, v.sql.Fill(c.Range)); err != nil {
			return err
		}
		err := s.conn.QueryRowContext(ctx, v.sql.Compare(c.Range)).Scan(&source, &alike, &shadow)
		if err != nil {
			return err
		}
		v.deps.Chunker.Report(c.Chunk, time.Since(began))
		if keys = nil; source == alike && alike == shadow {
			return nil
		}
		keys, err = v.differing(ctx, s.conn, v.sql.Differing(c.Range, c.most), v.sql.Extra(c.Range, c.most))
		return err
	})
	if err != nil {
		return fmt.Errorf("compare rows where %s: %w", v.key.Describe(c.Range), err)
	}
	v.rows.Add(source)
	v.suspect(keys)
	if len(keys) < c.most {
		v.compared.Complete(c.Begun) // its suspects are noted: Rest has the one or the other
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.again = append(v.again, stretch{c.Begun, 10 * c.most})
	return nil
}

// mostOfChunk is the number of rows of a chunk that are suspected at once: with more, it is compared anew afterwards, and
// then ten times as many may be.
const mostOfChunk = sqlgen.MostKeys

// differing reads the keys of both statements.
func (v *Verifier) differing(ctx context.Context, c *sql.Conn, statements ...string) ([][]table.Value, error) {
	var keys [][]table.Value
	for _, statement := range statements {
		more, err := chunk.Keys(ctx, c, v.key, statement)
		if err != nil {
			return nil, err
		}
		keys = append(keys, more...)
	}
	return keys, nil
}

func (v *Verifier) execute(ctx context.Context, c *sql.Conn, statements []string) error {
	for _, statement := range statements {
		if _, err := c.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// retry does the work, on the session if there is one, until it is done or an error does not pass. Reading again does no harm.
func (v *Verifier) retry(ctx context.Context, s *session, work func() error) error {
	return conn.Retry(ctx, v.cfg.ReconnectTimeout, func() error {
		if s == nil {
			return work()
		}
		err := v.open(ctx, s)
		if err == nil {
			err = work()
		}
		if conn.IsBadValue(err) {
			// Who applies the change meets the row, too, and says which one it is. Else it has another value by now.
			if err = v.deps.Settler.Settle(ctx); err == nil {
				err = work()
			}
		}
		if conn.IsPassing(err) {
			v.deps.Log.Debug("verification tries again", "error", err)
			s.close()
		}
		return err
	})
}

// open makes sure of a connection, with the scratch table.
func (v *Verifier) open(ctx context.Context, s *session) error {
	if s.conn != nil {
		return nil
	}
	c, _, err := conn.Session(ctx, v.deps.DB)
	if err != nil {
		return err
	}
	s.conn = c
	if create := v.sql.Scratch(); create != "" {
		if err := v.execute(ctx, c, []string{create}); err != nil {
			s.close()
			return fmt.Errorf("create a temporary table to compare in: %w", err)
		}
	}
	return nil
}
