package proof

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"

	"github.com/midstreamdb/midstream/internal/table"
)

// column is a column to read: its name, and the expression whose text is equal only for equal values.
type column struct {
	name string
	sql  string
}

// stream reads a table in the order of a key, and digests what it reads.
type stream struct {
	columns []column
	keys    []int // of columns: the key
	values  []sql.RawBytes
	rows    int64

	session *sql.Conn
	result  *sql.Rows
	dest    []any
	sum     hash.Hash
	broken  error
}

// openStream begins to read these columns of the table, ordered by the columns named in key, which are among them.
func openStream(ctx context.Context, db *sql.DB, name table.Name, columns []column, key []string) (s *stream, err error) {
	s = &stream{columns: columns, sum: sha256.New(), values: make([]sql.RawBytes, len(columns))}
	expressions := make([]string, len(columns))
	for i, c := range columns {
		expressions[i] = c.sql
		s.dest = append(s.dest, &s.values[i])
	}
	for _, k := range key {
		s.keys = append(s.keys, slices.IndexFunc(columns, func(c column) bool { return c.name == k }))
	}
	if s.session, err = db.Conn(ctx); err != nil {
		return nil, err
	}
	// Text arrives in the column's own charset, moments in UTC. The session does not go back to the pool with that.
	const settings = "SET SESSION character_set_results = NULL, time_zone = '+00:00', sql_mode = ''"
	if _, err := s.session.ExecContext(ctx, settings); err != nil {
		s.close()
		return nil, err
	}
	query := "SELECT " + strings.Join(expressions, ", ") + " FROM " + name.String() + " ORDER BY " + table.QuoteList(key)
	if s.result, err = s.session.QueryContext(ctx, query); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// next reads a row into values, which hold until the next call; false at the end and when failure says why.
func (s *stream) next() bool {
	if s.broken != nil || !s.result.Next() {
		return false
	}
	if s.broken = s.result.Scan(s.dest...); s.broken != nil {
		return false
	}
	s.rows++
	var length [8]byte
	for _, v := range s.values { // each with its length, and NULL apart, so that no two rows give the same bytes
		n := uint64(len(v)) + 1
		if v == nil {
			n = 0
		}
		binary.BigEndian.PutUint64(length[:], n)
		s.sum.Write(length[:])
		s.sum.Write(v)
	}
	return true
}

func (s *stream) failure() error { return errors.Join(s.broken, s.result.Err()) }

func (s *stream) digest() string { return hex.EncodeToString(s.sum.Sum(nil)) }

// key renders the key of the present row.
func (s *stream) key() string {
	parts := make([]string, len(s.keys))
	for i, at := range s.keys {
		value := shown(s.values[at])
		if plain := strings.Trim(value, `"`); isNumber(plain) {
			value = plain
		}
		parts[i] = fmt.Sprintf("%s = %s", s.columns[at].name, value)
	}
	return strings.Join(parts, ", ")
}

func isNumber(s string) bool {
	return s != "" && len(s) < 21 && strings.Trim(strings.TrimPrefix(s, "-"), "0123456789") == ""
}

// close ends the query and the session.
func (s *stream) close() {
	if s.result != nil {
		_ = s.result.Close() // failure has told what matters
	}
	discard(s.session)
}
