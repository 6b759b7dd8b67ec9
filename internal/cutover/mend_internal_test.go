package cutover

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestTornSwapIsMended: MariaDB has left a table without its name when a RENAME of two failed at the second and could not be
// undone.
func TestTornSwapIsMended(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		names := table.NamesFor(table.Name{Schema: s.Name, Table: "t"})
		s.MustExec("CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 2); CREATE TABLE t__new (id INT PRIMARY KEY, v BIGINT)")
		c := New(Config{
			Conn:  conn.Config{Host: s.Server.Host, Port: s.Server.Port, User: s.Server.User, Password: s.Server.Password, Run: "mend"},
			Names: names, LockTimeout: time.Second, ReconnectTimeout: 10 * time.Second, Log: slog.New(slog.DiscardHandler),
		}, Deps{})
		var err error
		if c.cfg.Server, err = conn.Inspect(t.Context(), s.DB); err != nil {
			t.Fatal(err)
		}
		if err := c.open(); err != nil {
			t.Fatal(err)
		}
		defer c.db.Close()
		before, err := c.look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.MustExec("RENAME TABLE t TO t__old")
		cause := errors.New("lock wait")
		_, err = c.settle(t.Context(), Result{}, nil, before, cause)
		var again *givenUp
		if !errors.Is(err, cause) || errors.As(err, &again) || errors.Is(err, ErrUnknownOutcome) || !strings.Contains(err.Error(), "undo") {
			t.Errorf("settle a torn swap: %v", err)
		}
		if got := s.MustQueryString("SELECT v FROM t"); got != "2" {
			t.Errorf("the source gives %s", got)
		}
		if outcome, err := Determine(t.Context(), s.DB, names, before); outcome != NotSwapped {
			t.Errorf("afterwards: %s, %v", outcome, err)
		}
	})
}
