package verify_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/chunk/chunktest"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
	"github.com/midstreamdb/midstream/internal/verify"
	"github.com/midstreamdb/midstream/internal/verify/verifytest"
)

// TestMain looks for goroutines that outlive the tests, but for those that keep servers of the tests running.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/midstreamdb/midstream/internal/sandbox.startProcess.func1"))
}

type open struct{}

func (open) Wait(context.Context) error { return nil }

// settling does what a test wants where everything is to be applied.
type settling func(ctx context.Context) error

func (f settling) Settle(ctx context.Context) error { return f(ctx) }

func nothing(context.Context) error { return nil }

func mustOpen(t *testing.T, s *sandboxtest.Schema) *sql.DB {
	t.Helper()
	db, err := conn.Open(chunktest.Config(s), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // its sessions are idle
	return db
}

func newVerifier(s *sandboxtest.Schema, db *sql.DB, m *table.Mapping, rows int, settle settling) *verify.Verifier {
	return verify.New(verify.Config{
		Workers: 3, ReconnectTimeout: 20 * time.Second, LastLook: time.Minute, Scratch: table.Name{Schema: s.Name, Table: m.Source.Name.Table + "__verify"},
	}, verify.Deps{
		DB: db, Mapping: m, Chunker: chunk.New(chunk.Config{Rows: rows}, db, m), Gate: open{}, Settler: settle,
		Log: slog.New(slog.DiscardHandler),
	})
}

// TestCorruptionsAreFound puts into each row of the shadow one value that is nearly right, for every type; compares the
// tables, and the source converted once more; and wants each of the rows, and in each the one column.
func TestCorruptionsAreFound(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		for way, converted := range map[string]string{"direct": "int", "converted": "char(10)"} {
			var names, types, was []string
			var bad []string
			for _, c := range verifytest.Corruptions(s.Server.Engine) {
				name := fmt.Sprintf("c%d", len(names)+1)
				names, types, was, bad = append(names, name), append(types, name+" "+c.Column), append(was, c.Was), append(bad, c.Is)
			}
			create := func(table, x string) {
				s.MustExec(fmt.Sprintf("CREATE TABLE %s (id int PRIMARY KEY, %s, x %s) CHARACTER SET utf8mb4", table, strings.Join(types, ", "), x))
			}
			create("t_"+way, "int")
			create("t_"+way+"__new", converted)
			s.MustExec("SET sql_mode='ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO', time_zone='+00:00'")
			for id := range len(names) + 1 {
				values := slices.Clone(was)
				s.MustExec(fmt.Sprintf("INSERT INTO t_%s VALUES (%d, %s, 7)", way, id, strings.Join(values, ", ")))
				if id > 0 {
					values[id-1] = bad[id-1]
				}
				s.MustExec(fmt.Sprintf("INSERT INTO t_%s__new VALUES (%d, %s, 7)", way, id, strings.Join(values, ", ")))
			}
			s.MustExec("SET sql_mode=DEFAULT, time_zone=DEFAULT")
			m := chunktest.MustMap(t, s, "t_"+way)
			c := comparison{t, must(mustOpen(t, s).Conn(t.Context())), sqlgen.NewVerify(m, table.Name{Schema: s.Name, Table: "scratch_" + way})}
			differing := c.differing()
			for i, name := range names {
				key := []table.Value{table.IntValue(int64(i + 1))}
				if columns := c.columns(key); !differing[i+1] || !slices.Equal(columns, []string{name}) {
					t.Errorf("%s: %s: %s instead of %s: the row differs: %t; columns %v, want %s", way, types[i], bad[i], was[i], differing[i+1], columns, name)
				}
			}
			if differing[0] {
				t.Errorf("%s: equal rows differ in %v", way, c.columns([]table.Value{table.IntValue(0)}))
			}
			_ = c.conn.Close() // its pool is closed after it
		}
	})
}

// TestGeneratedColumnsAreCompared, unless they are made of what is converted: a stored one may hold what it would not be computed
// as again. On MySQL: MariaDB refuses what depends on the session.
func TestGeneratedColumnsAreCompared(t *testing.T) {
	sandboxtest.On(t, []sandbox.Engine{sandbox.MySQL97}, func(t *testing.T, s *sandboxtest.Schema) {
		for way, x := range map[string]string{"direct": "int", "converted": "char(10)"} {
			for table, column := range map[string]string{"t_" + way: "int", "t_" + way + "__new": x} {
				s.MustExec("CREATE TABLE " + table + " (id int PRIMARY KEY, at timestamp NULL, g varchar(40) AS (CONCAT(at, '')) STORED, x " + column +
					", h varchar(80) AS (CONCAT(x, at)) STORED)")
			}
			s.MustExec("SET time_zone='+00:00'; INSERT INTO t_" + way + " (id, at, x) VALUES (1, '2024-07-01 12:00:00', 7), (2, '2024-07-01 12:00:00', 7); " +
				"INSERT INTO t_" + way + "__new (id, at, x) SELECT id, at, x FROM t_" + way + " WHERE id = 1; " +
				"SET time_zone='+05:30'; INSERT INTO t_" + way + "__new (id, at, x) SELECT id, at, x FROM t_" + way + " WHERE id = 2; SET time_zone=DEFAULT")
			m := chunktest.MustMap(t, s, "t_"+way)
			c := comparison{t, must(mustOpen(t, s).Conn(t.Context())), sqlgen.NewVerify(m, table.Name{Schema: s.Name, Table: "scratch_" + way})}
			differing := c.differing()
			want := map[string][]string{"direct": {"g", "h"}, "converted": {"g"}}[way]
			if columns := c.columns([]table.Value{table.IntValue(2)}); differing[1] || !differing[2] || !slices.Equal(columns, want) {
				t.Errorf("%s: the rows %v differ, the second in %v, want %v", way, differing, columns, want)
			}
			_ = c.conn.Close() // its pool is closed after it
		}
	})
}

func must(c *sql.Conn, err error) *sql.Conn {
	if err != nil {
		panic(err)
	}
	return c
}

// comparison asks the statements by themselves.
type comparison struct {
	t    *testing.T
	conn *sql.Conn
	sql  *sqlgen.Verify
}

// differing returns which of the rows, by their id, are not alike.
func (c *comparison) differing() map[int]bool {
	c.t.Helper()
	statements := c.sql.Fill(sqlgen.Range{})
	if create := c.sql.Scratch(); create != "" {
		statements = append([]string{create}, statements...)
	}
	for _, statement := range statements {
		if _, err := c.conn.ExecContext(c.t.Context(), statement); err != nil {
			c.t.Fatalf("%v\n%s", err, statement)
		}
	}
	rows, err := c.conn.QueryContext(c.t.Context(), c.sql.Differing(sqlgen.Range{}, 1000))
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // Err tells
	found := map[int]bool{}
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			c.t.Fatal(err)
		}
		found[id] = true
	}
	if err := rows.Err(); err != nil {
		c.t.Fatal(err)
	}
	return found
}

// columns returns those in which the row differs.
func (c *comparison) columns(key []table.Value) (different []string) {
	c.t.Helper()
	var same string
	if err := c.conn.QueryRowContext(c.t.Context(), c.sql.Agreement(key)).Scan(&same); err != nil {
		c.t.Fatal(err)
	}
	for i, name := range c.sql.Columns() {
		if same[i] != '1' {
			different = append(different, name)
		}
	}
	return different
}

// TestRowsOfEveryKey takes a row away from either table, under every shape of key, and exchanges the values of two.
func TestRowsOfEveryKey(t *testing.T) {
	const rows = 120
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		for i, shape := range chunktest.Shapes {
			if !shape.Suits(s.Server.Engine) || testing.Short() && i%5 > 0 {
				continue
			}
			t.Run(shape.Name, func(t *testing.T) {
				name := fmt.Sprintf("t%d", i)
				m := shape.Create(t, s, name, rows)
				mustTell(t, newVerifier(s, db, m, 17, nothing), "is missing in `"+s.Name+"`.`"+name+"__new`")
				s.MustExec("SET sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', time_zone='+00:00'; INSERT INTO " + name + "__new SELECT * FROM " + name)
				if err := newVerifier(s, db, m, 17, nothing).Run(t.Context()); err != nil {
					t.Fatalf("equal tables: %v", err)
				}
				some := s.MustQueryInt("SELECT v FROM " + name + " ORDER BY v LIMIT 1 OFFSET 2")
				s.MustExec(fmt.Sprintf("DELETE FROM %s WHERE v = %d", name, some))
				mustTell(t, newVerifier(s, db, m, 17, nothing), "is missing in `"+s.Name+"`.`"+name+"`")
				s.MustExec(fmt.Sprintf("DELETE FROM %s__new WHERE v = %d", name, some))
				if err := newVerifier(s, db, m, 17, nothing).Run(t.Context()); err != nil {
					t.Fatalf("equal tables again: %v", err)
				}
				least, greatest := s.MustQueryInt("SELECT MIN(v) FROM "+name), s.MustQueryInt("SELECT MAX(v) FROM "+name)
				s.MustExec(fmt.Sprintf("UPDATE %s__new SET v = %d - v WHERE v IN (%d, %d)", name, least+greatest, least, greatest))
				mustTell(t, newVerifier(s, db, m, 17, nothing), "in column `v` ")
			})
		}
		s.MustExec("SET sql_mode=DEFAULT, time_zone=DEFAULT")
	})
}

func mustTell(t *testing.T, v *verify.Verifier, want string) {
	t.Helper()
	err := v.Run(t.Context())
	var defect *verify.DefectError
	if !errors.As(err, &defect) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v: want a defect that says %q", err, want)
	}
}

// TestWhatIsAppliedLaterIsNoDefect has rows differ that come right when everything is applied; and some that are changed again
// and again, so that one half or the other is seen twice alike, which are left to the last look: also if they are many.
func TestWhatIsAppliedLaterIsNoDefect(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		for i, c := range []struct {
			hot    int
			column string
		}{{0, "int"}, {6, "int"}, {6, "char(20)"}, {3000, "int"}} {
			hot, name := c.hot, fmt.Sprintf("t%d", i)
			s.MustExec("CREATE TABLE " + name + " (id int PRIMARY KEY, v int); CREATE TABLE " + name + "__new (id int PRIMARY KEY, v " + c.column + ")")
			var rows []string
			for id := range 5000 {
				rows = append(rows, fmt.Sprintf("(%d, %d)", id, id))
			}
			s.MustExec("INSERT INTO " + name + " VALUES " + strings.Join(rows, ", "))
			m := chunktest.MustMap(t, s, name)
			round := 0
			v := newVerifier(s, db, m, 1500, func(context.Context) error {
				if round++; round == 1 {
					return nil // nothing was applied yet
				}
				s.MustExec(fmt.Sprintf("DELETE FROM %s__new; INSERT INTO %[1]s__new SELECT id, IF(id < %d, -1, v) FROM %[1]s", name, hot))
				s.MustExec(fmt.Sprintf("UPDATE %s SET v = v + %d WHERE id < %d AND id %% 2 = %d", name, round, hot, round%2))
				return nil
			})
			if err := v.Run(t.Context()); err != nil {
				t.Fatalf("%d hot rows: %v", hot, err)
			}
			if stats := v.Stats(); stats.Suspects != hot || !stats.Done || stats.Rows < 5000 {
				t.Errorf("%d hot rows: %+v", hot, stats)
			}
			locker := s.MustConn()
			lock := "LOCK TABLES " + name + " WRITE, " + name + "__new WRITE"
			if _, err := locker.ExecContext(t.Context(), lock); err != nil {
				t.Fatal(err)
			}
			err := v.Last(t.Context(), locker)
			if defect := new(verify.DefectError); errors.As(err, &defect) != (hot > 0) || hot == 0 && err != nil {
				t.Errorf("the last look at %d rows that differ: %v", hot, err)
			}
			if _, err := locker.ExecContext(t.Context(), "DELETE FROM "+name+"__new"); err != nil {
				t.Fatal(err)
			}
			if _, err := locker.ExecContext(t.Context(), "INSERT INTO "+name+"__new SELECT * FROM "+name); err != nil {
				t.Fatal(err)
			}
			if err := v.Last(t.Context(), locker); err != nil {
				t.Errorf("the last look at rows that are equal now: %v", err)
			}
		}
	})
}

// TestLastLookIsBounded: rows that cannot be compared fast enough under the lock are not left to it.
func TestLastLookIsBounded(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		m := chunktest.Find(chunktest.Sparse).Create(t, s, "t", 3000)
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough rounds")
		round := 0
		v := verify.New(verify.Config{Workers: 1, ReconnectTimeout: time.Second, LastLook: time.Microsecond}, verify.Deps{
			DB: db, Mapping: m, Chunker: chunk.New(chunk.Config{Rows: 500}, db, m), Gate: open{}, Log: slog.New(slog.DiscardHandler),
			Settler: settling(func(context.Context) error {
				if round++; round > 15 {
					cancel(enough)
				}
				return nil
			}),
		})
		if err := v.Run(ctx); !errors.Is(err, enough) {
			t.Errorf("%v: want %v", err, enough)
		}
		if stats := v.Stats(); v.Bears(stats.Suspects) || v.Predict() < time.Microsecond {
			t.Errorf("%d rows are borne, in %s", stats.Suspects, v.Predict())
		}
	})
}

// TestManyDefects: more rows differ than are looked at closely, or are suspected of one chunk.
func TestManyDefects(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		shape := chunktest.Find(chunktest.Sparse)
		m := shape.Create(t, s, "t", 3000)
		mustTell(t, newVerifier(s, db, m, 3000, nothing), "is missing in")
	})
}

// TestNotedMeanwhile: a row is written again while it is looked at. That it was equal then means nothing.
func TestNotedMeanwhile(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		s.MustExec("CREATE TABLE t (id int PRIMARY KEY, v int); CREATE TABLE t__new LIKE t; INSERT INTO t VALUES (1, 1), (2, 2); INSERT INTO t__new VALUES (1, 1), (2, 3)")
		var v *verify.Verifier
		round := 0
		v = newVerifier(s, db, chunktest.MustMap(t, s, "t"), 10, func(context.Context) error {
			switch round++; round {
			case 2: // the first look at the row
				s.MustExec("UPDATE t__new SET v = 2 WHERE id = 2")
				v.Note([][]table.Value{{table.IntValue(2)}})
			case 3:
				s.MustExec("UPDATE t__new SET v = 4 WHERE id = 2")
			}
			return nil
		})
		mustTell(t, v, "where `id` = 2 has in column `v` 4 instead of 2")
	})
}

// TestValueThatNoLongerFits: a row gets a value that does not fit while rows are converted to be compared. Who applies changes knows
// the row and says so; where it has found nothing, the row is compared as it is now.
func TestValueThatNoLongerFits(t *testing.T) {
	refusal := errors.New("the row where `id` = 2 does not fit")
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		s.MustExec("CREATE TABLE t (id int PRIMARY KEY, v varchar(10), x int); CREATE TABLE t__new (id int PRIMARY KEY, v varchar(3), x varchar(10)); " +
			"INSERT INTO t VALUES (1, 'one', 1), (2, 'two', 2); INSERT INTO t__new SELECT * FROM t")
		for name, c := range map[string]struct {
			meanwhile string
			refused   error
			judge     func(error) bool
		}{
			"refused":   {"DO 0", refusal, func(err error) bool { return errors.Is(err, refusal) }},
			"put right": {"UPDATE t SET v = 'two'", nil, func(err error) bool { return err == nil }},
			"unnoticed": {"DO 0", nil, conn.IsBadValue},
		} {
			s.MustExec("UPDATE t SET v = 'two'; UPDATE t__new SET v = 'two'")
			settled := 0
			v := newVerifier(s, db, chunktest.MustMap(t, s, "t"), 10, func(context.Context) error {
				if settled++; settled == 1 {
					s.MustExec("UPDATE t SET v = 'too long' WHERE id = 2")
					return nil
				}
				s.MustExec(c.meanwhile)
				return c.refused
			})
			if err := v.Run(t.Context()); !c.judge(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestBoundIsKept: while the application bears one worker only, the others do not take chunks that they would then keep.
func TestBoundIsKept(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		m := chunktest.Find(chunktest.Sparse).Create(t, s, "t", 500)
		s.MustExec("INSERT INTO t__new SELECT * FROM t")
		v := verify.New(verify.Config{Workers: 4, ReconnectTimeout: time.Second}, verify.Deps{
			DB: db, Mapping: m, Chunker: chunk.New(chunk.Config{Rows: 20}, db, m), Gate: open{}, Settler: settling(nothing),
			Bound: func(int) int { return 1 }, Log: slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := v.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if stats := v.Stats(); stats.Rows != uint64(s.MustQueryInt("SELECT COUNT(*) FROM t")) {
			t.Errorf("%+v", stats)
		}
	})
}

// TestDefectShowsWhatDiffers: of long values the place is shown at which they differ; those that read alike are told apart.
func TestDefectShowsWhatDiffers(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		db := mustOpen(t, s)
		decimal, double := "JSON_ARRAY(CAST('1.5' AS DECIMAL(5,1)))", "JSON_ARRAY(1.5e0)"
		for i, c := range []struct{ column, was, is, want string }{
			{"longtext", "CONCAT(REPEAT('ä', 5000), 'a', REPEAT('z', 5000))", "CONCAT(REPEAT('ä', 5000), 'b', REPEAT('z', 5000))", "äbzzz"},
			{"longblob", "CONCAT(REPEAT(0x01, 5000), 0x02)", "REPEAT(0x01, 5000)", "010102. Both"},
			{"int", "NULL", "0", " 0 instead of NULL"},
			{"json", decimal, double, "[1.5] instead of [1.5] (they read the same"},
		} {
			if c.column == "json" && s.Server.Engine.MariaDB() {
				continue // JSON is its text there
			}
			name := fmt.Sprintf("t%d", i)
			s.MustExec(fmt.Sprintf("CREATE TABLE %[1]s (id int PRIMARY KEY, v %s) CHARACTER SET utf8mb4; CREATE TABLE %[1]s__new LIKE %[1]s; INSERT INTO %[1]s VALUES (1, %[3]s); INSERT INTO %[1]s__new VALUES (1, %[4]s)",
				name, c.column, c.was, c.is))
			v := newVerifier(s, db, chunktest.MustMap(t, s, name), 10, nothing)
			mustTell(t, v, c.want)
		}
		mustTell(t, newVerifier(s, db, chunktest.MustMap(t, s, "t2"), 10, nothing),
			"the new table `"+s.Name+"`.`t2__new` differs from `"+s.Name+"`.`t2`: the row where `id` = 1 has in column `v` 0 instead of NULL. Both tables stay")
	})
}
