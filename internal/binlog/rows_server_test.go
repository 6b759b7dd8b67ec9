package binlog

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// Every type with every value: the row image that the server writes is decoded, its values are written as literals into a
// second table of the same definition, and the server's image of that row must be the same, byte for byte.
func TestValuesReturnToTheSameImage(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		roundTrip(t, s, typeCases())
	})
}

// Columns keep their old format until the table is rebuilt; the setting is one of the whole server.
func TestOldTemporalFormatsReturnToTheSameImage(t *testing.T) {
	for _, e := range []sandbox.Engine{sandbox.MariaDB1011, sandbox.MariaDB118} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			server := sandboxtest.Private(t, e, sandbox.Options{Args: []string{"--mysql56-temporal-format=OFF"}})
			s := sandboxtest.NewSchema(t, server.Address())
			for name, events := range roundTrip(t, s, oldTemporalCases()) {
				m, err := parseTableMap(events[0].tableMap)
				if err != nil {
					t.Fatal(err)
				}
				if typ := m.columns[1].typ; typ != wireTimestamp && typ != wireTime && typ != wireDateTime {
					t.Errorf("%s has the type %d, which is not an old one", name, typ)
				}
			}
		})
	}
}

// roundTrip returns the events of the first tables.
func roundTrip(t *testing.T, s *sandboxtest.Schema, all []typeCase) map[string][]rawEvent {
	t.Helper()
	var cases []typeCase
	for _, c := range all {
		if c.on == nil || c.on(s.Server.Engine) {
			cases = append(cases, c)
		}
	}
	first := newCapture(t, s)
	for _, c := range cases {
		fill(t, s, c)
	}
	sources := first.read()
	second := newCapture(t, s)
	defs := make(map[string]*table.Table)
	db := mustOpen(t, s)
	for _, c := range cases {
		defs[c.name] = mustInspect(t, s, "a_"+c.name)
		rewrite(t, db, c, defs[c.name], mustDecode(t, sources["a_"+c.name], defs[c.name]))
	}
	targets := second.read()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			compareImages(t, c, defs[c.name], sources["a_"+c.name], targets["b_"+c.name])
		})
	}
	return sources
}

// fill makes the two tables of a case and inserts its values into the first, and NULL.
func fill(t *testing.T, s *sandboxtest.Schema, c typeCase) {
	t.Helper()
	session := s.MustConn()
	defer func() { _ = session.Close() }()
	mustExec(t, session, "SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+02:00'")
	var script strings.Builder
	for _, name := range []string{"a_", "b_"} {
		fmt.Fprintf(&script, "CREATE TABLE %s%s (id INT PRIMARY KEY, c %s);\n", name, c.name, c.column)
	}
	for i, v := range append(c.values, "NULL") {
		fmt.Fprintf(&script, "INSERT INTO a_%s (id, c) VALUES (%d, %s);\n", c.name, i, v)
	}
	mustExec(t, session, script.String())
}

// rewrite writes the after images into the case's second table, and checks that their literals find their rows.
func rewrite(t *testing.T, db *sql.DB, c typeCase, def *table.Table, changes []RowChange) {
	t.Helper()
	column := &def.Columns[1]
	var script, find []byte
	finds := 0
	for _, change := range changes {
		if change.Before != nil || len(change.After) != len(def.Columns) {
			t.Fatalf("%s: an insert decodes as %+v", c.name, change)
		}
		script = fmt.Appendf(script, "INSERT INTO %s.b_%s (id, c) VALUES (", def.Name.Schema, c.name)
		script = sqlgen.AppendLiteral(script, &def.Columns[0], change.After[0])
		script = sqlgen.AppendStored(append(script, ", "...), column, change.After[1])
		script = append(script, ");\n"...)
		if isComparable(column, change.After[1]) {
			find = fmt.Appendf(find, "OR id = %d AND c = ", change.After[0].Num)
			find = append(sqlgen.AppendLiteral(find, column, change.After[1]), '\n')
			finds++
		}
	}
	if _, err := db.ExecContext(t.Context(), string(script)); err != nil {
		t.Errorf("%s: %v in\n%.1000s", c.name, err, script)
	}
	var found int
	query := fmt.Sprintf("SELECT COUNT(*) FROM %s WHERE FALSE %s", def.Name, find)
	if err := db.QueryRowContext(t.Context(), query).Scan(&found); err != nil || found != finds {
		t.Errorf("%s: %d rows of %d found, %v, by\n%.1000s", c.name, found, finds, err, query)
	}
}

// isComparable says whether the value is equal to something, and anybody would ask.
func isComparable(c *table.Column, v table.Value) bool {
	return v.Kind != table.Null && v.Kind != table.SQL && c.Kind != table.Geometry && c.Kind != table.Vector
}

func compareImages(t *testing.T, c typeCase, def *table.Table, sources, targets []rawEvent) {
	t.Helper()
	if len(sources) != len(c.values)+1 {
		t.Fatalf("%d events of the first table, want %d", len(sources), len(c.values)+1)
	}
	if len(targets) != len(sources) {
		t.Fatalf("%d events of the second table, want %d", len(targets), len(sources))
	}
	for i := range sources {
		want, err := sources[i].images(def)
		if err != nil {
			t.Fatal(err)
		}
		got, err := targets[i].images(def)
		if err != nil {
			t.Fatal(err)
		}
		change, again := mustDecode(t, sources[i:i+1], def)[0], mustDecode(t, targets[i:i+1], def)[0]
		if !reflect.DeepEqual(again, change) {
			t.Errorf("value %d:\n got %v\nwant %v", i, again.After, change.After)
		}
		if !bytes.Equal(got, want) {
			literal := sqlgen.AppendLiteral(nil, &def.Columns[1], change.After[1])
			t.Errorf("value %d, literal %.200s:\n got %.200x\nwant %.200x", i, literal, got, want)
		}
	}
}

func mustInspect(t *testing.T, s *sandboxtest.Schema, name string) *table.Table {
	t.Helper()
	def, err := table.Inspect(t.Context(), s.DB, table.Name{Schema: s.Name, Table: name})
	if err != nil {
		t.Fatal(err)
	}
	return def
}

func mustExec(t *testing.T, c *sql.Conn, query string) {
	t.Helper()
	if _, err := c.ExecContext(context.WithoutCancel(t.Context()), query); err != nil {
		t.Fatalf("%.300s: %v", query, err)
	}
}

func mustOpen(t *testing.T, s *sandboxtest.Schema) *sql.DB {
	t.Helper()
	db, err := conn.Open(conn.Config{Host: s.Server.Host, Port: s.Server.Port, User: s.Server.User, Password: s.Server.Password, MultiStatements: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
