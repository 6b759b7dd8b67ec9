package loss_test

import (
	"database/sql"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/chunk/chunktest"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/loss"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// from are types with values of which one type or another loses something.
var from = []struct{ definition, values string }{
	{"TINYINT", "-128|0|127|-1"},
	{"INT", "-2147483648|0|7|70|2147483647|16777217|16777216|-33554434|2024|20240229"},
	{"INT UNSIGNED", "0|4294967295|255"},
	{"BIGINT", "-9223372036854775808|9007199254740992|9007199254740993|9223372036854775807|18014398509481984|20240229101112|0"},
	{"BIGINT UNSIGNED", "18446744073709551615|9223372036854775808|18446744073709549568|0|1"},
	{"DECIMAL(10,4)", "0.0000|-0.0500|1.2500|999999.9999|2.5000|-2.5000|12.3456|0.4999"},
	{"DECIMAL(31,15)", "0.1|-123456789012345.123456789012345|0.000000000000001|1.5|16777217|9007199254740993"},
	{"FLOAT", "0.1|-1e30|16777216|3.40282e38|1.5|0|123456.7|1.17549e-38"},
	{"FLOAT(7,3)", "0.1|1234.567|0.001|2"},
	{"DOUBLE", "0.1|0.125|-1.7976931348623157e308|5e-324|123456.789|0|1e15|0.12345|2.5|9007199254740992|1e-60|9.3e18"},
	{"DOUBLE(10,4)", "0.1|12345.6789|5"},
	{"YEAR", "1901|2155|2024|0"},
	{"DATE", "'2024-02-29'|'9999-12-31'|'1000-01-01'|'1975-06-01'"},
	{"TIME(6)", "'-00:00:00.000001'|'12:34:56.999999'|'23:59:59.5'|'838:59:59'|'01:02:03'"},
	{"DATETIME(6)", "'2024-02-29 23:59:59.999999'|'2024-02-29 12:00:00.5'|'2024-02-29 12:00:00.12'|'1975-01-01 00:00:00'|'2024-02-29 00:00:00.000001'|'1000-01-01 00:00:01'"},
	{"TIMESTAMP(6) NULL", "'2024-02-29 23:59:59.999999'|'2024-02-29 12:00:00.5'|'2024-02-29 00:00:00'"},
	{"CHAR(20)", "'x'|' x'|''|'12'|'-7.5'|'日本'|'2024-02-29'|'0123456789'"},
	{"VARCHAR(40)", "'x  '|'x'|''|'007'|'1e3'|' 12'|'1.50'|'2.5'|'é😀'|'2024-02-29 12:00:00.123456'|'2024-02-29 00:00:00'|'12:34:56'|'12:34:56.7'|'a,b'|'b,a'|'b'|'B'|'3'|'99999999999999999999'|'0.1'|'0.10000000000000000001'|'16777217'|'1970'|'70'|'abc'|'12abc'|'2024-02-31'|'1e-60'|'0123456789012345'"},
	{"VARCHAR(40) CHARACTER SET latin1", "'é'|'x '|'ÿ'|'12'|'€'"},
	{"TEXT", "'x'|'é😀'|''|'3'|'b'|REPEAT('y ', 300)"},
	{"BINARY(6)", "'x'|''|x'00FF00FF'|x'E697A5'|'abcdef'"},
	{"VARBINARY(40)", "'x'|''|x'00FF00'|x'F09F9880'|'abc  '|'abcdef'|'12'|'012345678901234'"},
	{"BLOB", "'x'|x'FF'|''|REPEAT('z', 300)"},
	{"ENUM('a','b','ü')", "'a'|'b'|'ü'"},
	{"SET('a','b','ü')", "'a'|'a,b'|'ü'|''|'a,b,ü'"},
	{"BIT(12)", "0|1|4095"},
	{"BIT(64)", "0|16777217|9007199254740993|9223372036854775807|9223372036854775808"},
	{"SET(" + members(60) + ")", "0|1|16777217|9007199254740993|4503599627370496"},
	{"INT", "20240231|20240430|20230229"},
	{"JSON", `'1'|'-7'|'1.5'|'2.0'|'9007199254740993'|'16777217'|'18446744073709551615'|'9223372036854775808'|'1152921504606846976'|'1e300'|'true'|'"12"'|'null'|'[1]'|` +
		"CAST(CAST('0.1000000000000000000001' AS DECIMAL(40,25)) AS JSON)|CAST(CAST('2.5' AS DECIMAL(4,2)) AS JSON)"},
}

// members are those of a SET.
func members(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("'m%d'", i)
	}
	return strings.Join(list, ",")
}

// fromOn are those that the server has.
func fromOn(s *sandboxtest.Schema) []struct{ definition, values string } {
	return slices.DeleteFunc(slices.Clone(from), func(f struct{ definition, values string }) bool {
		return f.definition == "JSON" && s.Server.Engine.MariaDB() // a text there
	})
}

// to are types that lose something of one value or another.
var to = []string{
	"TINYINT", "TINYINT UNSIGNED", "SMALLINT", "INT", "BIGINT", "BIGINT UNSIGNED", "INT NOT NULL",
	"DECIMAL(5,2)", "DECIMAL(10,0)", "DECIMAL(20,3) UNSIGNED", "DECIMAL(65,20)", "FLOAT", "FLOAT(8,2)", "DOUBLE", "DOUBLE(12,3)",
	"YEAR", "DATE", "TIME", "TIME(3)", "DATETIME", "DATETIME(2)", "TIMESTAMP NULL", "TIMESTAMP(3) NULL",
	"CHAR(5)", "CHAR(40)", "VARCHAR(3)", "VARCHAR(60)", "VARCHAR(10) CHARACTER SET latin1", "VARCHAR(10) CHARACTER SET ascii", "TINYTEXT", "TEXT",
	"VARCHAR(8) NOT NULL", "BINARY(6)", "BINARY(20)", "VARBINARY(4)", "VARBINARY(80)", "TINYBLOB",
	"ENUM('a','x','b')", "SET('b','c','a')", "BIT(6)",
}

// pairs is a table whose columns v0, v1… have one type and the same values, and its shadow, in which each has another type.
type pairs struct {
	t       *testing.T
	s       *sandboxtest.Schema
	db      *sql.DB
	server  *conn.Server
	mapping *table.Mapping
	rows    int
	refused int      // pairs in which losses cannot be accepted
	types   []string // of the shadow's columns
}

func newPairs(t *testing.T, s *sandboxtest.Schema, definition, values string, allow bool) *pairs {
	db, err := conn.Open(chunktest.Config(s), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	p := &pairs{t: t, s: s, db: db, server: chunktest.MustServer(t, s)}
	p.mustExec("USE " + s.Name)
	var before, after, names []string
	to := slices.DeleteFunc(slices.Clone(to), func(definition string) bool {
		return !allow && strings.HasSuffix(definition, " NOT NULL") // columns are written one by one
	})
	for i := range to {
		name := fmt.Sprintf("v%d", i)
		names = append(names, name)
		before = append(before, name+" "+definition)
		after = append(after, name+" "+to[i])
	}
	create := func(name string, columns []string) {
		s.MustExec("DROP TABLE IF EXISTS " + name)
		s.MustExec("CREATE TABLE " + name + " (id INT PRIMARY KEY, " + strings.Join(columns, ", ") + ") CHARACTER SET utf8mb4")
	}
	create("t", before)
	create("t__new", after)
	for _, value := range append(strings.Split(values, "|"), "NULL") {
		p.rows++
		p.mustExec(fmt.Sprintf("INSERT INTO t VALUES (%d%s)", p.rows, strings.Repeat(", "+value, len(to))))
	}
	inspect := func(name string) *table.Table {
		found, err := table.Inspect(t.Context(), db, table.Name{Schema: s.Name, Table: name})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	source, shadow := inspect("t"), inspect("t__new")
	m := &table.Mapping{MariaDB: s.Server.Engine.MariaDB()}
	for i := len(names) - 1; i >= 0; i-- { // what is refused by its types is left out
		one := *shadow
		one.Columns = []table.Column{shadow.Columns[0], shadow.Columns[i+1]}
		single := *source
		single.Columns = []table.Column{source.Columns[0], source.Columns[i+1]}
		changes := table.Changes{TimeZone: "+00:00", MariaDB: s.Server.Engine.MariaDB()}
		found, err := table.Map(&single, &one, changes)
		if err == nil && allow && found.Columns[1].Loss.May() {
			changes.AllowLossy = []string{names[i]}
			if found, err = table.Map(&single, &one, changes); err != nil {
				p.refused++
			}
		}
		if err != nil {
			continue
		}
		m.Source, m.Shadow, m.Key = source, shadow, found.Key
		m.Columns = append(m.Columns, found.Columns[1])
		p.types = append(p.types, to[i])
	}
	m.Columns = append([]table.Pair{m.Key.Columns[0]}, m.Columns...)
	p.mapping = m
	return p
}

func (p *pairs) mustExec(statement string) {
	p.t.Helper()
	if _, err := p.db.ExecContext(p.t.Context(), statement); err != nil {
		p.t.Fatalf("%s: %v", statement, err)
	}
}

// one is the mapping of the key and one column.
func (p *pairs) one(pair table.Pair) *table.Mapping {
	m := *p.mapping
	m.Columns = []table.Pair{m.Key.Columns[0], pair}
	shadow := *m.Shadow
	shadow.Columns = []table.Column{*m.Key.Columns[0].Shadow, *pair.Shadow}
	m.Shadow = &shadow
	return &m
}

// TestWhatALosslessCopyKeeps copies values one by one. What is stored without an error means what it meant: converted
// back, it is the value that it was. What a guard refuses does not.
func TestWhatALosslessCopyKeeps(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		outcomes := map[string]int{}
		for _, source := range fromOn(s) {
			p := newPairs(t, s, source.definition, source.values, false)
			s.MustExec("DROP TABLE IF EXISTS back; CREATE TABLE back (id INT PRIMARY KEY, v " + source.definition + ") CHARACTER SET utf8mb4")
			for _, pair := range p.mapping.Columns[1:] {
				for _, outcome := range p.outcomes(pair) {
					outcomes[outcome]++
				}
			}
		}
		t.Log(outcomes)
		if outcomes["kept"] < 1000 || outcomes["lost"] < 300 {
			t.Error("too few values were kept, or lost")
		}
	})
}

// outcomes copies the values of a pair one by one and tells what became of each. All of it is rolled back.
func (p *pairs) outcomes(pair table.Pair) (all []string) {
	t, m := p.t, p.one(pair)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s to %s: %v", pair.Source.ColumnType, pair.Shadow.ColumnType, err)
		}
	}
	tx, err := p.db.BeginTx(t.Context(), nil)
	must(err)
	defer func() { _ = tx.Rollback() }() // nothing of it is to stay
	exec := func(statement string) error { _, err := tx.ExecContext(t.Context(), statement); return err }
	copying, losing := sqlgen.NewCopy(m, p.server), sqlgen.NewLoss(m, p.server)
	refusals := map[int64]error{} // of the rows that were written, nil where nothing was refused
	for id := int64(1); id <= int64(p.rows); id++ {
		key := []table.Value{table.IntValue(id)}
		refusal := exec(copying.Row(key))
		if refusal != nil && !conn.IsLoss(refusal) && !conn.IsBadValue(refusal) {
			must(refusal)
		}
		if refusal != nil && exec(losing.Write(key)) != nil {
			all = append(all, "refused") // in every mode
			continue
		}
		refusals[id] = refusal
	}
	back := "INSERT INTO back SELECT id, " + table.Quote(pair.Shadow.Name) + " FROM t__new"
	if exec(back) != nil {
		for id := range refusals { // what cannot be converted back is NULL
			if exec(fmt.Sprintf("%s WHERE id = %d", back, id)) != nil {
				must(exec(fmt.Sprintf("INSERT INTO back VALUES (%d, NULL)", id)))
			}
		}
	}
	rows, err := tx.QueryContext(t.Context(), fmt.Sprintf("SELECT id, %s, t.%[2]s, t__new.%[2]s, back.v FROM t JOIN t__new USING (id) JOIN back USING (id)",
		sameValue(&pair), table.Quote(pair.Shadow.Name)))
	must(err)
	defer func() { _ = rows.Close() }() // Err tells
	for rows.Next() {
		var id int64
		var c copied
		must(rows.Scan(&id, &c.same, &c.was, &c.became, &c.again))
		c.refusal = refusals[id]
		all = append(all, c.judge(t, &pair))
	}
	must(rows.Err())
	if len(all) != p.rows {
		t.Errorf("%s to %s: of %d values %d were written or refused", pair.Source.ColumnType, pair.Shadow.ColumnType, p.rows, len(all))
	}
	return all
}

// copied is a value, what it became, and what that is when it is converted back.
type copied struct {
	was, became, again sql.NullString
	same               bool  // it means what it meant
	refusal            error // of the copy; it was then written with its losses
}

func (c *copied) judge(t *testing.T, pair *table.Pair) string {
	t.Helper()
	if real := pair.Shadow.Kind == table.Float || pair.Shadow.Kind == table.Double; real && c.was.Valid {
		switch pair.Source.Kind {
		case table.Int, table.JSON:
			if n, whole := new(big.Int).SetString(c.was.String, 10); whole {
				c.same = exact(n, pair.Shadow.Kind)
			}
		case table.Bit:
			c.same = exact(new(big.Int).SetBytes([]byte(c.was.String)), pair.Shadow.Kind)
		}
	}
	story := fmt.Sprintf("%s to %s: %q becomes %q and %q again (%v)",
		pair.Source.ColumnType, pair.Shadow.ColumnType, c.was.String, c.became.String, c.again.String, c.refusal)
	switch {
	case c.refusal == nil && !c.same:
		t.Errorf("lost without a word: %s", story)
	case c.refusal != nil && !pair.Loss.May():
		t.Errorf("refused, though nothing may be lost: %s", story)
	case conn.IsLoss(c.refusal) && c.same && !spelled(pair):
		t.Errorf("refused, though nothing is lost: %s", story)
	}
	switch {
	case c.refusal == nil:
		return "kept"
	case conn.IsLoss(c.refusal):
		return "lost"
	}
	return "refused"
}

// exact says whether a FLOAT or DOUBLE is exactly the whole number.
func exact(n *big.Int, kind table.Kind) bool {
	bits := uint(53)
	if kind == table.Float {
		bits = 24
	}
	return new(big.Float).SetPrec(bits).SetInt(n).Acc() == big.Exact
}

// spelled says whether guards go by how a value is written, and refuse what a reader might find equal.
func spelled(p *table.Pair) bool {
	limited := func(c *table.Column) bool { // FLOAT(M,D): the servers compare it less than exactly
		return strings.Contains(c.ColumnType, "(") && (c.Kind == table.Float || c.Kind == table.Double)
	}
	return limited(p.Source) || limited(p.Shadow) || p.Shadow.IsTemporal() || p.Shadow.Kind == table.Binary || isText(p.Source) || p.Source.Kind == table.JSON
}

func isText(c *table.Column) bool {
	return c.IsString() || c.Kind == table.Binary || c.Kind == table.VarBinary || c.Kind == table.Blob
}

// sameValue is the condition that the value means what it meant: converted back, it is equal; or the number, or time, is the
// one that the text, or time, shows.
func sameValue(p *table.Pair) string {
	before, after := "t."+table.Quote(p.Source.Name), "t__new."+table.Quote(p.Shadow.Name)
	both := func(as string) string {
		return "CAST(" + before + " AS " + as + ") <=> CAST(" + after + " AS " + as + ")"
	}
	real := p.Shadow.Kind == table.Float || p.Shadow.Kind == table.Double
	day := "(" + after + " IS NULL OR DAYOFMONTH(" + after + ") <= DAYOFMONTH(LAST_DAY(DATE_FORMAT(" + after + ", '%Y-%m-01'))) OR " + after + " + 0 = 0)"
	number := real || p.Shadow.Kind == table.Int || p.Shadow.Kind == table.Decimal || p.Shadow.Kind == table.Year
	switch {
	case p.Source.Kind == table.JSON && isText(p.Shadow):
		return both("CHAR")
	case p.Source.Kind == table.JSON && number && !real:
		return both("DECIMAL(65,30)")
	case (isText(p.Source) || p.Source.Kind == table.JSON) && real:
		return "CAST(" + before + " AS DECIMAL(65,30)) <=> CAST(CAST(" + after + " AS CHAR) AS DECIMAL(65,30))"
	case isText(p.Source) && number:
		return both("DECIMAL(65,30)")
	case isText(p.Source) && p.Shadow.Kind == table.Time:
		return both("TIME(6)")
	case isText(p.Source) && p.Shadow.IsTemporal():
		return both("DATETIME(6)") + " AND " + day
	case number && p.Source.Kind == table.Set:
		return "CAST(" + before + " AS UNSIGNED) <=> CAST(" + after + " AS DECIMAL(65,0))"
	case p.Source.Kind == table.Int && (p.Shadow.Kind == table.Date || p.Shadow.Kind == table.DateTime):
		return before + " <=> back.v AND " + day
	case isText(p.Source):
		return "HEX(" + before + ") <=> HEX(back.v)"
	case p.Source.IsTemporal() && number && p.Source.Kind != table.Year:
		return "CAST(" + before + " + 0 AS DECIMAL(20,6)) <=> CAST(" + after + " AS DECIMAL(20,6))"
	case p.Source.Kind == table.Bit && isText(p.Shadow): // the number, or the bytes
		return "TRUE"
	}
	return before + " <=> back.v"
}

// TestAcceptedLossesAreThoseOfAnALTER writes all values with all their losses accepted: the rows are those of the server's own
// ALTER in a mode that is not strict.
func TestAcceptedLossesAreThoseOfAnALTER(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		compared, refused := 0, 0
		for _, source := range fromOn(s) {
			if source.definition == "JSON" {
				continue // losses in it cannot be accepted
			}
			p := newPairs(t, s, source.definition, source.values, true)
			refused += p.refused
			p.alterNatively()
			refresh := sqlgen.NewRefresh(p.mapping, p.server)
			for id := range p.rows {
				key := [][]table.Value{{table.IntValue(int64(id + 1))}}
				_, err := p.db.ExecContext(t.Context(), refresh.Write(key))
				if conn.IsBadValue(err) {
					_, err = p.db.ExecContext(t.Context(), refresh.Leniently(key))
				}
				if err != nil {
					t.Fatalf("%s, row %d: %v", source.definition, id+1, err)
				}
			}
			for _, pair := range p.mapping.Columns[1:] {
				compared += p.compare(pair)
			}
		}
		t.Logf("%d values compared, losses cannot be accepted in %d of %d conversions", compared, refused, len(from)*len(to))
		if compared < 5000 || refused > len(from)*len(to)/4 {
			t.Error("losses can be accepted in too few conversions")
		}
	})
}

func (p *pairs) alterNatively() {
	p.s.MustExec("DROP TABLE IF EXISTS native")
	p.mustExec("CREATE TABLE native AS SELECT * FROM t")
	var changes []string
	for i := range p.types {
		changes = append(changes, "MODIFY "+table.Quote(p.mapping.Columns[i+1].Source.Name)+" "+p.types[i])
	}
	c := p.s.MustConn()
	for _, statement := range []string{
		"SET SESSION sql_mode = '" + conn.LenientMode + "', time_zone = '+00:00'", "ALTER TABLE native " + strings.Join(changes, ", ") + ", ALGORITHM = COPY",
	} {
		if _, err := c.ExecContext(p.t.Context(), statement); err != nil {
			p.t.Fatalf("%s: %v", statement, err)
		}
	}
}

func (p *pairs) compare(pair table.Pair) int {
	name := table.Quote(pair.Shadow.Name)
	same := "HEX(n." + name + ") <=> HEX(s." + name + ")"
	if k := pair.Shadow.Kind; k == table.Float || k == table.Double {
		same = "n." + name + " <=> s." + name
	}
	rows := p.s.MustQueryRows("SELECT t." + name + ", n." + name + ", s." + name + " FROM t JOIN native n USING (id) JOIN t__new s USING (id) WHERE NOT (" + same + ")")
	for _, row := range rows {
		p.t.Errorf("%s to %s: value, native ALTER, here: %s", pair.Source.ColumnType, pair.Shadow.ColumnType, row)
	}
	return p.rows
}

func TestSaysColumn(t *testing.T) {
	for message, column := range map[string]string{
		"Out of range value for column 'c' at row 1":                                    "c",
		"Data truncated for column 'C' at row 12":                                       "c",
		"Column 'c' cannot be null":                                                     "c",
		"Incorrect integer value: 'for column 'x' at row 1' for column 'c' at row 3":    "c",
		"Incorrect integer value: 'abc' for column `a``b`.`t__new`.`c``d` at row 1":     "c`d",
		"Truncated incorrect DOUBLE value: 'for column 'c' at row 1'":                   "",
		"Incorrect datetime value: 'x' for column `s`.`t__new`.`c` at row 1":            "c",
		"Data too long for column 'other' at row 1":                                     "other",
		"Incorrect string value: '\\xF0\\x9F' for column `s`.`t`.`with space` at row 1": "with space",
	} {
		for _, asked := range []string{"c", "x", "other", "c`d", "with space"} {
			if got, want := loss.SaysColumn(message, asked), asked == column; got != want {
				t.Errorf("%s: about %s: %v", message, asked, got)
			}
		}
	}
}
