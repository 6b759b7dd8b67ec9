package scenario_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"
	"golang.org/x/sync/errgroup"
)

// sqlLoad runs transactions of a scenario again and again.
type sqlLoad struct {
	transactions []string
	session      string
	connections  int
	done         atomic.Int64 // transactions
	failed       atomic.Bool
	unique       atomic.Int64
}

// newLoad splits the text at blank lines.
func newLoad(text, session string, connections int) *sqlLoad {
	l := &sqlLoad{session: session, connections: connections}
	for _, part := range regexp.MustCompile(`\n\s*\n`).Split(strings.TrimSpace(text), -1) {
		if part = strings.TrimSpace(part); part != "" {
			l.transactions = append(l.transactions, part)
		}
	}
	l.unique.Store(1_000_000)
	return l
}

// run writes until ctx ends; then it returns nil, when every connection has ended its transaction.
func (l *sqlLoad) run(ctx context.Context, db *sql.DB) error {
	group, ctx := errgroup.WithContext(ctx)
	for i := range l.connections {
		group.Go(func() error { return l.connection(ctx, db, i) })
	}
	err := group.Wait()
	l.failed.Store(err != nil)
	return err
}

func (l *sqlLoad) connection(ctx context.Context, db *sql.DB, number int) error {
	unbroken := context.WithoutCancel(ctx) // a transaction that was begun is ended
	c, err := db.Conn(unbroken)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // only goes back to the pool
	if l.session != "" {
		if _, err := c.ExecContext(unbroken, l.session); err != nil {
			return fmt.Errorf("begin session of the load: %w", err)
		}
	}
	for i := number; ; i++ {
		if err := l.transaction(unbroken, c, l.transactions[i%len(l.transactions)]); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(between):
		}
	}
}

// between is the rest of a connection after each transaction: the servers are shared.
const between = 25 * time.Millisecond

func (l *sqlLoad) transaction(ctx context.Context, c *sql.Conn, text string) error {
	text = l.fill(text)
	_, err := c.ExecContext(ctx, text)
	var refused *mysql.MySQLError
	switch {
	case err == nil:
		l.done.Add(1)
		return nil
	case errors.As(err, &refused) && passing[refused.Number]:
		_, err = c.ExecContext(ctx, "ROLLBACK")
		return err
	}
	return fmt.Errorf("load: %.300s: %w", text, err)
}

// passing are errors that an application meets in its normal life: a duplicate, a deadlock, a lock wait, a row that changed
// since it was read.
var passing = map[uint16]bool{1062: true, 1213: true, 1205: true, 1020: true}

var placeholder = regexp.MustCompile(`\{(n|\d+-\d+)\}`)

// fill puts numbers in: {1-500} is a random one of these, {n} one that comes only once.
func (l *sqlLoad) fill(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(hole string) string {
		low, high, isRange := strings.Cut(strings.Trim(hole, "{}"), "-")
		if !isRange {
			return strconv.FormatInt(l.unique.Add(1), 10)
		}
		a, b := mustInt(low), mustInt(high)
		return strconv.Itoa(a + rand.IntN(b-a+1))
	})
}

func mustInt(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err) // the pattern has found digits
	}
	return n
}
