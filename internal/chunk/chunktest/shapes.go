// Package chunktest has tables of every shape of migration key, with random rows, for the tests of what walks over keys.
package chunktest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// Shape is a kind of migration key. The columns are c0, c1 … in the order of Columns.
type Shape struct {
	Name    string
	Columns []string // definitions without names
	Key     string   // key parts, "" for all columns in order
	Values  []func(r *rand.Rand) string
	Only    string // "mysql" or "mariadb"; "" for both
}

// Suits says whether the engine knows the shape.
func (s Shape) Suits(e sandbox.Engine) bool {
	return s.Only == "" || e.MariaDB() == (s.Only == "mariadb")
}

// Create makes the table in the schema and fills it with up to n random rows; some may collide. It has a column v beside
// the key, and a table like it, empty, named <table>__new. Both are returned mapped onto each other.
func (s Shape) Create(t *testing.T, schema *sandboxtest.Schema, name string, n int) *table.Mapping {
	t.Helper()
	s.CreateEmpty(t, schema, name)
	r := rand.New(rand.NewPCG(uint64(n), uint64(len(s.Name))))
	var rows []string
	for i := range n {
		rows = append(rows, s.Row(r, i))
	}
	if n > 0 {
		schema.MustExec("SET sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', time_zone='+00:00'; INSERT IGNORE INTO " +
			table.Quote(name) + " VALUES " + strings.Join(rows, ", ") +
			"; ANALYZE TABLE " + table.Quote(name) + "; SET sql_mode=DEFAULT, time_zone=DEFAULT")
	}
	return MustMap(t, schema, name)
}

// CreateEmpty makes both tables without rows.
func (s Shape) CreateEmpty(t *testing.T, schema *sandboxtest.Schema, name string) {
	t.Helper()
	var columns, keys []string
	for i, c := range s.Columns {
		columns = append(columns, fmt.Sprintf("c%d %s NOT NULL", i, c))
		keys = append(keys, fmt.Sprintf("c%d", i))
	}
	key := s.Key
	if key == "" {
		key = strings.Join(keys, ", ")
	}
	columns = append(columns, "v INT NOT NULL", "PRIMARY KEY ("+key+")")
	schema.MustExec("CREATE TABLE " + table.Quote(name) + " (" + strings.Join(columns, ", ") + ") ENGINE=InnoDB")
	schema.MustExec("CREATE TABLE " + table.Quote(name+"__new") + " LIKE " + table.Quote(name))
}

// Row returns a random row in parentheses, with v as given.
func (s Shape) Row(r *rand.Rand, v int) string {
	var values []string
	for _, value := range s.Values {
		values = append(values, value(r))
	}
	return "(" + strings.Join(values, ", ") + fmt.Sprintf(", %d)", v)
}

// MustMap inspects a table and its shadow and maps them.
func MustMap(t *testing.T, schema *sandboxtest.Schema, name string) *table.Mapping {
	t.Helper()
	var tables [2]*table.Table
	for i, n := range []string{name, name + "__new"} {
		var err error
		if tables[i], err = table.Inspect(t.Context(), schema.DB, table.Name{Schema: schema.Name, Table: n}); err != nil {
			t.Fatal(err)
		}
	}
	m, err := table.Map(tables[0], tables[1], table.Changes{TimeZone: "+00:00"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Config returns how Midstream reaches the schema's server.
func Config(schema *sandboxtest.Schema) conn.Config {
	s := schema.Server
	return conn.Config{Host: s.Host, Port: s.Port, User: s.User, Password: s.Password, Run: schema.Name}
}

// MustServer returns who the schema's server is.
func MustServer(t *testing.T, schema *sandboxtest.Schema) *conn.Server {
	t.Helper()
	server, err := conn.Inspect(context.Background(), schema.DB)
	if err != nil {
		t.Fatal(err)
	}
	return server
}
