package conn_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/midstreamdb/midstream/internal/conn"
)

// TestRetry: until it is done, for good wrong, too late, or not wanted any more.
func TestRetry(t *testing.T) {
	passing, final := &mysql.MySQLError{Number: 1213}, &mysql.MySQLError{Number: 1064}
	for name, c := range map[string]struct {
		results  []error // of the tries; the last goes on
		patience time.Duration
		cancel   time.Duration // 0: never
		tries    int
		want     error
		says     string
	}{
		"at once":    {[]error{nil}, time.Minute, 0, 1, nil, ""},
		"at last":    {[]error{passing, passing, nil}, time.Minute, 0, 3, nil, ""},
		"for good":   {[]error{passing, final}, time.Minute, 0, 2, final, ""},
		"too late":   {[]error{passing}, 12 * time.Millisecond, 0, 2, passing, "tried for 5ms"},
		"not wanted": {[]error{passing}, time.Minute, time.Millisecond, 1, passing, ""},
		"impatient":  {[]error{passing}, 0, 0, 1, passing, "tried for 0s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.cancel > 0 {
					time.AfterFunc(c.cancel, cancel)
				}
				tries := 0
				err := conn.Retry(ctx, c.patience, func() error {
					tries++
					return c.results[min(tries, len(c.results))-1]
				})
				if tries != c.tries || !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.says) {
					t.Errorf("%d tries, %v; want %d, %v, %q", tries, err, c.tries, c.want, c.says)
				}
			})
		})
	}
}
