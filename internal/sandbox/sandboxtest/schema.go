package sandboxtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/sandbox"
)

// Schema is an empty schema (utf8mb4) of one test, dropped at the test's end. Its Must methods fail the test.
type Schema struct {
	// DB is a pool of connections with the schema as default; several statements in one call are allowed.
	DB     *sql.DB
	Name   string
	Server sandbox.Address

	t *testing.T
}

// NewSchema creates a schema on that server for the test t.
func NewSchema(t *testing.T, server sandbox.Address) *Schema {
	t.Helper()
	admin := server.Open("")
	s := &Schema{Name: schemaName(t), Server: server, t: t}
	if _, err := admin.ExecContext(t.Context(), "CREATE DATABASE "+s.Name+" CHARACTER SET utf8mb4"); err != nil {
		t.Fatalf("create schema on %s: %v", server.Engine, err)
	}
	s.DB = server.OpenMulti(s.Name)
	t.Cleanup(func() {
		if err := s.DB.Close(); err != nil {
			t.Errorf("close pool: %v", err)
		}
		s.drop(admin)
		if err := admin.Close(); err != nil {
			t.Errorf("close pool: %v", err)
		}
	})
	return s
}

// schemaName returns an unused name that needs no quotes and tells whose it is.
func schemaName(t *testing.T) string {
	word := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, t.Name())
	var id [5]byte
	_, _ = rand.Read(id[:]) // never fails
	return fmt.Sprintf("t_%.40s_%s", word, hex.EncodeToString(id[:]))
}

// drop removes the schema; a session that still holds a lock in it is a fault of the test, and is named.
func (s *Schema) drop(admin *sql.DB) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := admin.Conn(ctx)
	if err != nil {
		s.t.Logf("drop schema %s: %v", s.Name, err) // the test may have ended with its server killed
		return
	}
	defer func() { _ = conn.Close() }() // only goes back to the pool
	if _, err := conn.ExecContext(ctx, "SET SESSION lock_wait_timeout=10"); err != nil {
		s.t.Errorf("set lock_wait_timeout: %v", err)
	}
	if _, err := conn.ExecContext(ctx, "DROP DATABASE "+s.Name); err != nil {
		s.t.Errorf("drop schema: %v; sessions:\n%s", err, s.sessions(admin))
	}
}

// Processlist is the table that lists the server's sessions. MySQL's information_schema has one too, which fails while
// anybody's statement holds a character beyond utf8mb3.
func (s *Schema) Processlist() string {
	if s.Server.Engine.MariaDB() {
		return "information_schema.processlist"
	}
	return "performance_schema.processlist"
}

// RowLocks counts the locks that sessions, chosen by a condition on the processlist, have on rows of a table, as the server
// shows them. Locks of rows that a transaction has written itself are shown only where somebody asked for them.
func (s *Schema) RowLocks(table, sessions string) (n int) {
	s.t.Helper()
	if !s.Server.Engine.MariaDB() {
		return int(s.MustQueryInt(`
			SELECT COUNT(*)
			  FROM performance_schema.data_locks l
			  JOIN performance_schema.threads th USING (thread_id)
			 WHERE l.object_schema = DATABASE() AND l.object_name = '` + table + `' AND l.lock_type = 'RECORD'
			   AND th.processlist_id IN (SELECT id FROM performance_schema.processlist WHERE ` + sessions + `)`))
	}
	// Its information_schema shows locks only where somebody waits.
	s.MustExec("SET GLOBAL innodb_status_output_locks = ON")
	status := strings.Join(s.MustQueryRows("SHOW ENGINE INNODB STATUS"), "\n")
	for _, id := range s.MustQueryRows("SELECT id FROM information_schema.processlist WHERE " + sessions) {
		for _, transaction := range strings.Split(status, "---TRANSACTION") {
			if strings.Contains(transaction, "MariaDB thread id "+id+",") {
				n += strings.Count(transaction, "of table `"+s.Name+"`.`"+table+"` ")
			}
		}
	}
	return n
}

func (s *Schema) sessions(admin *sql.DB) string {
	list := `
		SELECT id, user, COALESCE(db, ''), command, time, COALESCE(state, ''), COALESCE(info, '')
		  FROM ` + s.Processlist()
	rows, err := queryStrings(context.Background(), admin, list)
	if err != nil {
		return err.Error()
	}
	return strings.Join(rows, "\n")
}

// MustExec runs one or several statements.
func (s *Schema) MustExec(query string, args ...any) {
	s.t.Helper()
	if _, err := s.DB.ExecContext(s.t.Context(), query, args...); err != nil {
		s.t.Fatalf("%s: exec %.500s: %v", s.Server.Engine, query, err)
	}
}

// MustQueryRow scans the one row of a query into dest; no row, or more than one, fails the test.
func (s *Schema) MustQueryRow(query string, dest ...any) {
	s.t.Helper()
	rows, err := s.DB.QueryContext(s.t.Context(), query)
	if err != nil {
		s.t.Fatalf("%s: query %.500s: %v", s.Server.Engine, query, err)
	}
	defer func() { _ = rows.Close() }() // Err below has told what matters
	if !rows.Next() {
		s.t.Fatalf("%s: query %.500s: no row: %v", s.Server.Engine, query, rows.Err())
	}
	if err := rows.Scan(dest...); err != nil {
		s.t.Fatalf("%s: scan row of %.500s: %v", s.Server.Engine, query, err)
	}
	if rows.Next() {
		s.t.Fatalf("%s: query %.500s: more than one row", s.Server.Engine, query)
	}
	if err := rows.Err(); err != nil {
		s.t.Fatalf("%s: query %.500s: %v", s.Server.Engine, query, err)
	}
}

// MustQueryInt returns the one number that a query gives.
func (s *Schema) MustQueryInt(query string) int64 {
	s.t.Helper()
	var n int64
	s.MustQueryRow(query, &n)
	return n
}

// MustQueryString returns the one value that a query gives; NULL is "NULL".
func (s *Schema) MustQueryString(query string) string {
	s.t.Helper()
	var v sql.NullString
	s.MustQueryRow(query, &v)
	return orNULL(v)
}

// AwaitNoPreparedXA waits until no test has an XA transaction prepared on the server: who reads the binary log from now on
// could not tell whether it changes the tables of the schema.
func (s *Schema) AwaitNoPreparedXA() {
	s.t.Helper()
	for began := time.Now(); len(s.MustQueryRows("XA RECOVER")) > 0; time.Sleep(time.Millisecond) {
		if time.Since(began) > time.Minute {
			s.t.Fatalf("%s: an XA transaction stays prepared", s.Server.Engine)
		}
	}
}

// HeldCommits returns what has the server, a private one, hold the commits that follow for 1.5 s in all, between its log and its
// tables, as one does that waits for a replica: they can be read from the log, and not yet from the tables.
func (s *Schema) HeldCommits() (hold func()) {
	s.t.Helper()
	settings := "SET GLOBAL rpl_semi_sync_master_timeout = 1500, GLOBAL rpl_semi_sync_master_wait_point = 'AFTER_SYNC', " +
		"GLOBAL rpl_semi_sync_master_wait_no_slave = 1, GLOBAL rpl_semi_sync_master_enabled = "
	if !s.Server.Engine.MariaDB() {
		s.MustExec("INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'")
		settings = "SET GLOBAL rpl_semi_sync_source_timeout = 1500, GLOBAL rpl_semi_sync_source_wait_no_replica = 1, " +
			"GLOBAL rpl_semi_sync_source_enabled = "
	}
	return func() { // after the time is up the server has switched it off
		s.MustExec(settings + "0")
		s.MustExec(settings + "1")
	}
}

// MustQueryRows returns a query's rows, the values of each joined by tabs, NULL as "NULL".
func (s *Schema) MustQueryRows(query string, args ...any) []string {
	s.t.Helper()
	rows, err := queryStrings(s.t.Context(), s.DB, query, args...)
	if err != nil {
		s.t.Fatalf("%s: query %.500s: %v", s.Server.Engine, query, err)
	}
	return rows
}

// MustConn returns a session of its own, closed at the test's end.
func (s *Schema) MustConn() *sql.Conn {
	s.t.Helper()
	conn, err := s.DB.Conn(s.t.Context())
	if err != nil {
		s.t.Fatalf("%s: connect: %v", s.Server.Engine, err)
	}
	s.t.Cleanup(func() { _ = conn.Close() }) // only goes back to the pool, which is closed next
	return conn
}

func queryStrings(ctx context.Context, db *sql.DB, query string, args ...any) (result []string, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err below has told what matters
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values, dest := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range values {
		dest[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = orNULL(v)
		}
		result = append(result, strings.Join(texts, "\t"))
	}
	return result, rows.Err()
}

func orNULL(v sql.NullString) string {
	if !v.Valid {
		return "NULL"
	}
	return v.String
}
