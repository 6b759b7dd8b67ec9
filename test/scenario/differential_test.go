package scenario_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestDifferential migrates random tables with random data by random ALTERs while random statements change them, and
// compares each with the server's own ALTER of the same rows: the definition, byte for byte, and every value. Where the
// migration does not come to an end, the server must refuse the ALTER as well, or the reason must be one that is documented.
// Without MIDSTREAM_DIFFERENTIAL, a duration for which cases are drawn on each server, it is the first 40 cases, or as many as
// come to an end in 15 seconds; MIDSTREAM_SEED names the case to run alone.
func TestDifferential(t *testing.T) {
	t.Parallel()
	length, most := 15*time.Second, uint64(40)
	if d, err := time.ParseDuration(os.Getenv("MIDSTREAM_DIFFERENTIAL")); err == nil {
		length, most = d, math.MaxUint64
	}
	sandboxtest.Each(t, func(t *testing.T, schema *sandboxtest.Schema) {
		if seed, err := strconv.ParseUint(os.Getenv("MIDSTREAM_SEED"), 10, 64); err == nil {
			newCase(t, schema, seed).run()
			return
		}
		outcomes := map[string]int{}
		seed := uint64(0)
		for began := time.Now(); time.Since(began) < length && seed < most && !t.Failed(); seed++ {
			outcomes[newCase(t, schema, seed).run()]++
		}
		t.Logf("%d cases: %v", seed, outcomes)
		if outcomes["equal"] < int(seed)/3 {
			t.Error("most cases were refused")
		}
	})
}

// kind is a column type with values that are near its borders.
type kind struct {
	family, text string
	values       []string
	only         string // "", mysql or mariadb
}

var kinds = []kind{
	{family: "int", text: "tinyint", values: []string{"-128", "127", "0", "1"}},
	{family: "int", text: "smallint unsigned", values: []string{"65535", "0", "7"}},
	{family: "int", text: "int", values: []string{"-2147483648", "2147483647", "0", "1", "2"}},
	{family: "int", text: "bigint", values: []string{"-9223372036854775808", "9223372036854775807", "5"}},
	{family: "int", text: "bigint unsigned", values: []string{"18446744073709551615", "0", "9007199254740993"}},
	{family: "decimal", text: "decimal(10,2)", values: []string{"12.34", "-99999999.99", "0.01", "0"}},
	{family: "decimal", text: "decimal(30,10)", values: []string{"12345678901234567890.0123456789", "-0.0000000001"}},
	{family: "float", text: "float", values: []string{"0.1", "16777215", "-1e10", "0"}},
	{family: "float", text: "double", values: []string{"0.1", "1e300", "-2.5", "123456.789"}},
	{family: "text", text: "char(5)", values: []string{"'a'", "'A'", "''", "'abcde'"}},
	{family: "text", text: "varchar(10)", values: []string{"'a'", "'a '", "'12.5'", "'ä'", "''", "'0123456789'"}},
	{family: "text", text: "varchar(40) COLLATE utf8mb4_bin", values: []string{"'a'", "'A'", "'😀'", "'x\ty'"}},
	{family: "text", text: "varchar(20) CHARACTER SET latin1", values: []string{"'a'", "'é'", "'12'"}},
	{family: "text", text: "varchar(300)", values: []string{"'a'", "REPEAT('y', 300)", "'2024-02-29'"}},
	{family: "text", text: "text", values: []string{"'text'", "REPEAT('z', 5000)", "''"}},
	{family: "binary", text: "binary(4)", values: []string{"0x00", "0x61206200", "0xFF"}},
	{family: "binary", text: "varbinary(20)", values: []string{"''", "0x6100", "0xFFFE"}},
	{family: "binary", text: "blob", values: []string{"0x00FF", "REPEAT('b', 3000)"}},
	{family: "date", text: "date", values: []string{"'2024-02-29'", "'1000-01-01'", "'9999-12-31'"}},
	{family: "date", text: "datetime", values: []string{"'2024-02-29 23:59:59'", "'1970-01-01 00:00:00'"}},
	{family: "date", text: "datetime(6)", values: []string{"'2024-02-29 23:59:59.999999'", "'2001-01-01 00:00:00.000001'"}},
	{family: "date", text: "timestamp NULL", values: []string{"'2024-02-29 23:59:59'", "'1971-01-01 00:00:00'"}},
	{family: "time", text: "time(3)", values: []string{"'-838:59:58.999'", "'12:34:56.789'", "'00:00:00'"}},
	{family: "year", text: "year", values: []string{"2024", "1901", "2155"}},
	{family: "list", text: "enum('a','b','c')", values: []string{"'a'", "'c'"}},
	{family: "list", text: "enum('c','b','a','d')", values: []string{"'a'", "'d'"}},
	{family: "set", text: "set('x','y','z')", values: []string{"''", "'x,z'", "'y'"}},
	{family: "bit", text: "bit(12)", values: []string{"b'101'", "b'111111111111'", "b'0'"}},
	{family: "json", text: "json", values: []string{`'{"a": [1, 2.50, null]}'`, `'"x"'`, `'[true]'`}},
	{family: "uuid", text: "uuid", values: []string{"'123e4567-e89b-12d3-a456-426655440000'"}, only: "mariadb"},
}

// column is a column of the random table.
type column struct {
	name string
	kind kind
	rest string // what follows the type
	used bool   // a clause of the ALTER means it
}

func (c column) String() string { return "`" + c.name + "` " + c.kind.text + c.rest }

// oneCase is a random migration.
type oneCase struct {
	t       *testing.T
	s       *sandboxtest.Schema
	seed    uint64
	r       *rand.Rand
	key     []column
	columns []column // besides the key's
	indexes []string // names of the secondary ones
	create  string
	alter   string
}

func newCase(t *testing.T, s *sandboxtest.Schema, seed uint64) *oneCase {
	c := &oneCase{t: t, s: s, seed: seed, r: rand.New(rand.NewPCG(seed, 1))}
	c.draw()
	return c
}

func (c *oneCase) oneOf(n int) bool { return c.r.IntN(n) == 0 }

func (c *oneCase) kind(of string) kind {
	for {
		k := kinds[c.r.IntN(len(kinds))]
		if (k.only == "" || (k.only == "mariadb") == c.s.Server.Engine.MariaDB()) && (of == "" || k.family == of) {
			return k
		}
	}
}

// attributes are what may follow a type.
func (c *oneCase) attributes(k kind) string {
	text := ""
	if c.oneOf(3) && !strings.HasSuffix(k.text, " NULL") {
		text = " NOT NULL"
	}
	long := k.text == "text" || k.text == "blob" || k.family == "json"
	if c.oneOf(3) && !long && k.family != "binary" {
		text += " DEFAULT " + k.values[0]
	}
	if c.oneOf(6) {
		text += " COMMENT 'it''s a \"comment\"'"
	}
	return text
}

func (c *oneCase) draw() {
	keys := [][]column{
		{{"id", kind{family: "int", text: "int", values: nil}, " NOT NULL AUTO_INCREMENT", false}},
		{{"id", kind{family: "int", text: "bigint unsigned"}, " NOT NULL", false}},
		{{"id", kind{family: "text", text: "varchar(30)"}, " NOT NULL", false}},
		{{"id", kind{family: "int", text: "int"}, " NOT NULL", false}, {"k 2", kind{family: "text", text: "char(3)", values: []string{"'a'", "'b'"}}, " NOT NULL", false}},
	}
	c.key = keys[c.r.IntN(len(keys))]
	for i := range 2 + c.r.IntN(5) {
		k := c.kind("")
		c.columns = append(c.columns, column{fmt.Sprintf("c%d", i), k, c.attributes(k), false})
	}
	parts := []string{}
	names := []string{}
	for _, k := range c.key {
		parts, names = append(parts, k.String()), append(names, "`"+k.name+"`")
	}
	for _, one := range c.columns {
		parts = append(parts, one.String())
	}
	if c.oneOf(4) && !strings.Contains(c.key[0].rest, "AUTO_INCREMENT") {
		parts = append(parts, "g int GENERATED ALWAYS AS (LENGTH(`id`)) "+[]string{"VIRTUAL", "STORED"}[c.r.IntN(2)])
	}
	parts = append(parts, "PRIMARY KEY ("+strings.Join(names, ", ")+")")
	for i := range c.r.IntN(3) {
		name := fmt.Sprintf("i%d", i)
		parts = append(parts, "KEY "+name+" ("+c.indexed(c.columns[c.r.IntN(len(c.columns))])+")")
		c.indexes = append(c.indexes, name)
	}
	c.create = "CREATE TABLE t (\n  " + strings.Join(parts, ",\n  ") + "\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4" + []string{"", " COMMENT='it''s'", " ROW_FORMAT=COMPACT"}[c.r.IntN(3)]
	var clauses []string
	for range 1 + c.r.IntN(3) {
		clauses = append(clauses, c.clause(len(clauses)))
	}
	c.alter = strings.Join(clauses, ", ")
}

// indexed is a column as a key part.
func (c *oneCase) indexed(of column) string {
	text := "`" + of.name + "`"
	switch {
	case of.kind.family == "json":
		return "`" + c.key[0].name + "`"
	case slices.Contains([]string{"text", "blob", "varchar(300)"}, of.kind.text):
		return text + "(7)"
	case c.oneOf(4):
		return text + " DESC"
	}
	return text
}

// clause is one of the ALTER's; each column is meant by one at most, as far as is easily kept.
func (c *oneCase) clause(n int) string {
	i := c.r.IntN(len(c.columns))
	for j := range c.columns {
		if !c.columns[(i+j)%len(c.columns)].used {
			i = (i + j) % len(c.columns)
			break
		}
	}
	one := &c.columns[i]
	switch c.r.IntN(11) {
	case 0, 1:
		k := c.kind("")
		return "ADD COLUMN " + column{fmt.Sprintf("n%d", n), k, c.attributes(k), true}.String() + []string{"", " FIRST", " AFTER `id`"}[c.r.IntN(3)]
	case 2:
		if len(c.columns) > 1 && !one.used {
			one.used = true
			return "DROP COLUMN `" + one.name + "`"
		}
	case 3, 4, 5, 6:
		if !one.used {
			k := c.kind(one.kind.family)
			if c.oneOf(8) {
				k = c.kind("")
			}
			one.used = true
			if c.oneOf(4) {
				return "CHANGE COLUMN `" + one.name + "` " + column{fmt.Sprintf("re named%d", n), k, c.attributes(k), true}.String()
			}
			return "MODIFY COLUMN " + column{one.name, k, c.attributes(k), true}.String()
		}
	case 7:
		unique := []string{"", "UNIQUE "}[c.r.IntN(2)]
		return "ADD " + unique + fmt.Sprintf("KEY new%d (", n) + c.indexed(*one) + ")"
	case 8:
		if len(c.indexes) > 0 {
			name := c.indexes[0]
			c.indexes = c.indexes[1:]
			return []string{"DROP KEY " + name, "RENAME KEY " + name + " TO r_" + name}[c.r.IntN(2)]
		}
	case 9:
		return []string{"COMMENT='changed'", "ROW_FORMAT=DYNAMIC", "STATS_PERSISTENT=0"}[c.r.IntN(3)]
	}
	return "ENGINE=InnoDB"
}

// row is a random row, as VALUES has it.
func (c *oneCase) row(n int) string {
	values := []string{}
	for i, k := range c.key {
		switch {
		case i > 0:
			values = append(values, k.kind.values[c.r.IntN(len(k.kind.values))])
		case k.kind.family == "text":
			values = append(values, fmt.Sprintf("'key %d'", n))
		default:
			values = append(values, strconv.Itoa(n))
		}
	}
	for _, one := range c.columns {
		values = append(values, c.value(one))
	}
	return "(" + strings.Join(values, ", ") + ")"
}

func (c *oneCase) value(of column) string {
	if c.oneOf(5) && !strings.Contains(of.rest, "NOT NULL") {
		return "NULL"
	}
	return of.kind.values[c.r.IntN(len(of.kind.values))]
}

// names are those of the columns that row gives values for.
func (c *oneCase) names() string {
	names := []string{}
	for _, one := range append(slices.Clone(c.key), c.columns...) {
		names = append(names, "`"+one.name+"`")
	}
	return strings.Join(names, ", ")
}

// run returns what became of the case: equal, or why not.
func (c *oneCase) run() string {
	t, s := c.t, c.s
	t.Helper()
	defer s.MustExec("DROP TABLE IF EXISTS t, t__old, t__new, t__changelog, t__checkpoint")
	if _, err := s.DB.ExecContext(t.Context(), c.create); err != nil {
		t.Logf("case %d: %v", c.seed, err)
		return "no such table"
	}
	var rows []string
	for n := range c.r.IntN(60) {
		rows = append(rows, c.row(1+n))
	}
	if len(rows) > 0 {
		if _, err := s.DB.ExecContext(t.Context(), "INSERT INTO t ("+c.names()+") VALUES "+strings.Join(rows, ", ")); err != nil {
			t.Logf("case %d: %v", c.seed, err)
			return "no such rows"
		}
	}
	m := newMigration(t, &spec{
		name: "differential", way: "--native=off --apply=" + []string{"refresh", "replay"}[c.r.IntN(2)], table: "t", dir: t.TempDir(),
		options: map[string]string{"chunk-size": "7"}, dull: []string{` AUTO_INCREMENT=\d+`},
	}, s)
	m.cfg.Alter = c.alter
	m.cfg.DeferIndexes = []migrate.Defer{migrate.DeferOn, migrate.DeferOff}[c.seed%2]
	story := fmt.Sprintf("MIDSTREAM_SEED=%d\n%s;\n%d rows\nALTER TABLE t %s (%s --defer-indexes=%s)", c.seed, c.create, len(rows), c.alter, m.spec.way, m.cfg.DeferIndexes)
	summary, err := undisturbed(t, func() (*migrate.Summary, error) { return c.migrate(m) })
	if err != nil { // once more at rest: what was in the way may have been a row that is gone
		m.cfg.Restart, m.cfg.PostponeFile = true, ""
		if summary, err = undisturbed(t, func() (*migrate.Summary, error) { return migrate.New(m.cfg).Run(t.Context()) }); err != nil {
			return c.refused(story, err)
		}
	}
	defer func() {
		if t.Failed() {
			t.Logf("the case is\n%s", story)
		}
	}()
	compareWithNative(t, s, m.spec, c.alter, summary.Retired, table.Name{Schema: s.Name, Table: "t"})
	return "equal"
}

// migrate runs the migration; the rows are changed until only the swap is left.
func (c *oneCase) migrate(m *migration) (*migrate.Summary, error) {
	m.cfg.PostponeFile = m.postpone
	if err := os.WriteFile(m.postpone, nil, 0o600); err != nil {
		c.t.Fatal(err)
	}
	runner := migrate.New(m.cfg)
	ended := make(chan struct{})
	var summary *migrate.Summary
	var failed error
	stop := c.change()
	go func() {
		defer close(ended)
		summary, failed = runner.Run(c.t.Context())
	}()
	for runner.Snapshot().Phase != status.Postponed {
		select {
		case <-ended:
			stop()
			return summary, failed
		case <-time.After(time.Millisecond):
		}
	}
	stop()
	if err := os.Remove(m.postpone); err != nil {
		c.t.Error(err)
	}
	<-ended
	return summary, failed
}

// change writes to the table until the function that it returns is called.
func (c *oneCase) change() (stop func()) {
	ctx, cancel := context.WithCancel(c.t.Context())
	done := make(chan struct{})
	r := rand.New(rand.NewPCG(c.seed, 2))
	writer := &oneCase{r: r, key: c.key, columns: c.columns}
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			id := fmt.Sprintf("'%d'", 1+r.IntN(70))
			if c.key[0].kind.family == "text" {
				id = fmt.Sprintf("'key %d'", 1+r.IntN(70))
			}
			one := writer.columns[r.IntN(len(writer.columns))]
			statement := []string{
				"UPDATE t SET `" + one.name + "` = " + writer.value(one) + " WHERE id = " + id,
				"DELETE FROM t WHERE id = " + id,
				"INSERT INTO t (" + writer.names() + ") VALUES " + writer.row(1+r.IntN(70)),
			}[r.IntN(3)]
			// A duplicate, or a column that is gone after the swap.
			_, _ = c.s.DB.ExecContext(ctx, statement)
		}
	}()
	return func() { cancel(); <-done }
}

// justified are reasons of Midstream's own to refuse what the server may do, by docs/safety.md.
var justified = regexp.MustCompile(`cannot be replayed exactly|depends on the moment|rows that exist have no value|may become equal|does not fit into the new table: (?:in column|a value would be changed)|make it an integer first|migration key`)

// refused checks that a migration which did not come to its end had a reason.
func (c *oneCase) refused(story string, err error) string {
	c.t.Helper()
	if justified.MatchString(err.Error()) {
		return "refused"
	}
	session := c.s.MustConn()
	const lenient = `SET SESSION sql_mode = REPLACE(REPLACE(@@sql_mode, 'NO_ZERO_IN_DATE', ''), 'NO_ZERO_DATE', '')`
	for _, statement := range []string{lenient, "ALTER TABLE t " + c.alter} {
		if _, native := session.ExecContext(c.t.Context(), statement); native != nil {
			return "neither"
		}
	}
	c.t.Errorf("the server alters what the migration does not: %v\n%s", err, story)
	return "refused"
}
