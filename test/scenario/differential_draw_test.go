package scenario_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

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
	whole   bool     // it cannot have partitions
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
		text += ` COMMENT 'it''s a "comment" with \\n'`
	}
	if c.oneOf(8) && !strings.Contains(text, "NOT NULL") {
		text += " INVISIBLE"
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
		rest := c.attributes(k)
		if k.text == "timestamp NULL" && c.oneOf(2) {
			rest = " DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP"
		}
		c.columns = append(c.columns, column{fmt.Sprintf("c%d", i), k, rest, false})
	}
	more := c.extras()
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
		parts = append(parts, "KEY "+name+" ("+c.indexed(c.columns[c.r.IntN(len(c.columns))])+")"+c.unseen(c.oneOf(4)))
		c.indexes = append(c.indexes, name)
	}
	parts = append(parts, more...)
	options := []string{"", ` COMMENT='it''s a \\'`, " ROW_FORMAT=COMPACT", " ROW_FORMAT=REDUNDANT STATS_SAMPLE_PAGES=10", " AVG_ROW_LENGTH=100 CHECKSUM=1 COLLATE=utf8mb4_bin"}
	c.create = "CREATE TABLE t (\n  " + strings.Join(parts, ",\n  ") + "\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4" + options[c.r.IntN(len(options))]
	partitioned := !c.whole && c.oneOf(4)
	if partitioned {
		c.create += c.partitions()
	}
	var clauses []string
	for range 1 + c.r.IntN(3) {
		clauses = append(clauses, c.clause(len(clauses)))
	}
	c.alter = strings.Join(clauses, ", ")
	switch {
	case partitioned && c.oneOf(6):
		c.alter += " REMOVE PARTITIONING"
	case !c.whole && c.oneOf(8):
		c.alter += c.partitions()
	}
}

// extras draws what a table may have besides columns and plain keys.
func (c *oneCase) extras() []string {
	var parts []string
	if c.oneOf(4) {
		var values []string
		for i := range 60 {
			values = append(values, fmt.Sprint(i))
		}
		c.columns = append(c.columns, column{"u", kind{family: "int", text: "int", values: values}, "", false})
		parts, c.whole = append(parts, "UNIQUE KEY `u` (`u`)"), true
	}
	one := &c.columns[c.r.IntN(len(c.columns))]
	isText := one.kind.family == "text"
	if c.oneOf(4) && (isText || one.kind.family == "int" || one.kind.family == "list") {
		parts = append(parts, "`g2` varchar(30) GENERATED ALWAYS AS (CONCAT_WS('\\\\', 'it''s', LENGTH(`"+one.name+"`))) "+[]string{"VIRTUAL", "STORED", "VIRTUAL INVISIBLE"}[c.r.IntN(3)])
		one.used = one.used || !c.oneOf(3)
		if c.oneOf(2) {
			parts = append(parts, "KEY `of g2` (`g2`)")
		}
	}
	if c.oneOf(4) && isText {
		parts = append(parts, "CHECK (`"+one.name+"` <> 'a\\\\b''')")
	}
	if c.oneOf(6) && isText {
		parts, c.whole = append(parts, "FULLTEXT KEY `words` (`"+one.name+"`)"), true
	}
	if c.oneOf(4) && !c.s.Server.Engine.MariaDB() {
		parts = append(parts, "KEY `by length` ((CONCAT('\\\\', LENGTH(`"+one.name+"`))) DESC)")
	}
	return parts
}

// unseen is how a key is hidden from the optimizer, or shown.
func (c *oneCase) unseen(hidden bool) string {
	words := map[bool]string{true: " INVISIBLE", false: " VISIBLE"}
	if c.s.Server.Engine.MariaDB() {
		words = map[bool]string{true: " IGNORED", false: " NOT IGNORED"}
	}
	return words[hidden]
}

func (c *oneCase) partitions() string {
	if c.key[0].kind.family == "text" {
		return " PARTITION BY KEY (`id`) PARTITIONS 2"
	}
	return []string{" PARTITION BY HASH (`id`) PARTITIONS 3", " PARTITION BY RANGE (`id`) (PARTITION `p 1` VALUES LESS THAN (20), PARTITION p2 VALUES LESS THAN MAXVALUE)"}[c.r.IntN(2)]
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

// computedDefaults are defaults of an added column, by its family, that are made of another column.
var computedDefaults = map[string]string{
	"int": "LENGTH(?) % 100", "decimal": "LENGTH(?) / 3", "float": "LENGTH(?) / 4", "text": "CONCAT('\\\\', LEFT(HEX(?), 4))", "date": "'2024-02-01' + INTERVAL LENGTH(?) DAY",
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
	switch c.r.IntN(15) {
	case 0, 1:
		k := c.kind("")
		rest := c.attributes(k)
		if computed := computedDefaults[k.family]; computed != "" && !one.used && c.oneOf(2) {
			one.used = true
			rest = " DEFAULT (" + strings.ReplaceAll(computed, "?", "`"+one.name+"`") + ")"
		}
		return "ADD COLUMN " + column{fmt.Sprintf("n%d", n), k, rest, true}.String() + []string{"", " FIRST", " AFTER `id`"}[c.r.IntN(3)]
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
		return []string{"COMMENT='changed'", "ROW_FORMAT=DYNAMIC", "STATS_PERSISTENT=0", "AUTO_INCREMENT=5000", "AUTO_INCREMENT=3"}[c.r.IntN(5)]
	case 10:
		if len(c.indexes) > 0 {
			return "ALTER INDEX " + c.indexes[len(c.indexes)-1] + c.unseen(c.oneOf(2))
		}
	case 11:
		if !one.used && one.kind.family != "json" && one.kind.text != "text" && one.kind.text != "blob" {
			one.used = true
			return "ALTER COLUMN `" + one.name + "` " + []string{"DROP DEFAULT", "SET DEFAULT " + one.kind.values[0]}[c.r.IntN(2)]
		}
	case 12:
		if one.kind.family == "text" {
			c.whole = true
			return fmt.Sprintf("ADD FULLTEXT KEY words%d (`%s`)", n, one.name)
		}
	case 13:
		if !c.s.Server.Engine.MariaDB() {
			return fmt.Sprintf("ADD KEY length%d ((LENGTH(`%s`)))", n, one.name)
		}
	}
	return "ENGINE=InnoDB"
}
