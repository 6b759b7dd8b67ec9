package binlog

import (
	"database/sql"
	"testing"

	"github.com/midstreamdb/midstream/internal/chunk/chunktest"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestKeysAreSpelledAlike: a key that is read from the log and the same key asked of the server are the same bytes, unless a
// collation decides what is the same: refresh compares them to know which rows the source has.
func TestKeysAreSpelledAlike(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		for _, shape := range chunktest.Shapes {
			if !shape.Suits(s.Server.Engine) {
				continue
			}
			t.Run(shape.Name, func(t *testing.T) {
				name := "t_" + shape.Name
				c := newCapture(t, s)
				m := shape.Create(t, s, name, 60)
				key := sqlgen.NewKey(m)
				if !key.Exact() { // a collation decides
					return
				}
				asked := keysOf(t, s, key)
				var read int
				for _, change := range mustDecode(t, c.read()[name], m.Source) {
					values := m.Key.Of(change.After)
					if !asked[string(table.AppendKey(nil, values))] {
						t.Errorf("the log's key %s is spelled otherwise by the server", key.DescribeRow(values))
					}
					read++
				}
				if read == 0 || read != len(asked) {
					t.Errorf("%d keys in the log, %d asked", read, len(asked))
				}
			})
		}
	})
}

// keysOf asks for all keys of the table, and returns their encodings.
func keysOf(t *testing.T, s *sandboxtest.Schema, key *sqlgen.Key) map[string]bool {
	t.Helper()
	session := s.MustConn()
	if _, err := session.ExecContext(t.Context(), "SET time_zone = '+00:00'"); err != nil {
		t.Fatal(err)
	}
	keys := make(map[string]bool)
	texts, fields := make([][]byte, key.Len()), make([]any, key.Len())
	for i := range texts {
		fields[i] = &texts[i]
	}
	for n := 1; ; n++ {
		err := session.QueryRowContext(t.Context(), key.Boundary(sqlgen.Range{}, n)).Scan(fields...)
		if err == sql.ErrNoRows {
			return keys
		}
		if err != nil {
			t.Fatal(err)
		}
		values, err := key.ParseKey(texts)
		if err != nil {
			t.Fatal(err)
		}
		keys[string(table.AppendKey(nil, values))] = true
	}
}
