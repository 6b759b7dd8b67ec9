package load

import (
	"context"
	"database/sql"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/midstreamdb/midstream/internal/table"
)

// Table is a table like sysbench's (id, k, c, pad) with two columns more, that tell which transaction wrote a row last:
// w, the writer, and seq, the writer's number of the transaction.
type Table struct {
	Name table.Name
	// Rows is the greatest id of the beginning; ids start at 1.
	Rows int64
	// Gap leaves out every Gap-th id, for rows to be moved to; 0 leaves out none.
	Gap int64
	// Unique adds column u, a VARCHAR with a unique key that does not tell capitals from small letters.
	Unique bool
	// Int makes id an INT, as sysbench does; otherwise it is a BIGINT.
	Int bool
}

// Create creates the table and fills it with its rows of the beginning.
func (t Table) Create(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, t.definition()); err != nil {
		return fmt.Errorf("create table %s: %w", t.Name, err)
	}
	if err := t.fill(ctx, db); err != nil {
		return fmt.Errorf("fill table %s: %w", t.Name, err)
	}
	// Built at the end they are sorted once, instead of one random page for each row.
	index := "ALTER TABLE " + t.Name.String() + " ADD KEY k_1 (k), AUTO_INCREMENT = " + strconv.FormatInt(t.Rows+1, 10)
	if t.Unique {
		index += ", ADD UNIQUE KEY u_1 (u)"
	}
	if _, err := db.ExecContext(ctx, index); err != nil {
		return fmt.Errorf("add indexes to table %s: %w", t.Name, err)
	}
	return nil
}

func (t Table) definition() string {
	id, unique := "bigint", ""
	if t.Int {
		id = "int"
	}
	if t.Unique {
		unique = "\n  u varchar(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL,"
	}
	return `CREATE TABLE ` + t.Name.String() + ` (
  id ` + id + ` NOT NULL AUTO_INCREMENT,
  k int NOT NULL DEFAULT 0,
  c char(120) NOT NULL DEFAULT '',
  pad char(60) NOT NULL DEFAULT '',` + unique + `
  w int NOT NULL DEFAULT -1,
  seq bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`
}

// columns returns the names of the columns in the order of appendValues, id first.
func (t Table) columns() string {
	if t.Unique {
		return "id, k, c, pad, u, w, seq"
	}
	return "id, k, c, pad, w, seq"
}

// fill inserts the rows of the beginning, two sessions taking turns along the key.
func (t Table) fill(ctx context.Context, db *sql.DB) error {
	const sessions, batch = 2, 2000
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range sessions {
		group.Go(func() error {
			var statement []byte
			for {
				low := next.Add(batch) - batch + 1
				if low > t.Rows {
					return nil
				}
				statement = t.appendInsert(statement[:0], low, min(low+batch-1, t.Rows))
				if len(statement) == 0 {
					continue
				}
				if _, err := db.ExecContext(ctx, string(statement)); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

// appendInsert appends the statement for the rows of the beginning from low to high; nothing when there is none.
func (t Table) appendInsert(dst []byte, low, high int64) []byte {
	separator := "INSERT INTO " + t.Name.String() + " (" + t.columns() + ") VALUES "
	for id := low; id <= high; id++ {
		row, there := t.initial(id)
		if !there {
			continue
		}
		dst = append(dst, separator...)
		dst = t.appendValues(dst, strconv.FormatInt(id, 10), row)
		separator = ","
	}
	return dst
}

// appendValues appends the row's values for an INSERT, the id as given.
func (t Table) appendValues(dst []byte, id string, r Row) []byte {
	dst = append(append(dst, '('), id...)
	dst = strconv.AppendInt(append(dst, ','), r.K, 10)
	dst = append(r.AppendC(append(dst, ",'"...)), "','"...)
	dst = append(r.AppendPad(dst), '\'')
	if t.Unique {
		dst = append(append(dst, ','), uniqueLiteral(r)...)
	}
	dst = strconv.AppendInt(append(dst, ','), int64(r.W), 10)
	dst = strconv.AppendUint(append(dst, ','), r.Seq, 10)
	return append(dst, ')')
}

func uniqueLiteral(r Row) string {
	if r.U == 0 {
		return "NULL"
	}
	return "'" + string(r.AppendU(nil)) + "'"
}

// initial returns the row of the beginning with that id, if there is one.
func (t Table) initial(id int64) (Row, bool) {
	if id < 1 || id > t.Rows || t.Gap > 0 && id%t.Gap == 0 {
		return Row{}, false
	}
	x := mix(uint64(id))
	r := Row{K: int64(x % uint64(t.Rows)), X: x, W: -1}
	if t.Unique {
		r.U = t.initialUnique(id) << 1
	}
	return r, true
}

// initialUnique spreads the values over the table: an odd factor modulo a power of two gives each id another one.
func (t Table) initialUnique(id int64) int64 {
	const odd = 0x9e3779b1
	return int64(uint64(id) * odd % uint64(t.uniqueEnd()))
}

// uniqueEnd is greater than every unique value of the beginning.
func (t Table) uniqueEnd() int64 { return 1 << bits.Len64(uint64(t.Rows)) }

// idList renders ids for IN (…).
func idList(ids []int64) string {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(id, 10))
	}
	return b.String()
}
