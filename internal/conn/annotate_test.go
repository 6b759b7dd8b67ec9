package conn_test

import (
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// TestAnnotates: a session that must be annotated in the log is, or there is none, whatever was set for all before it began.
func TestAnnotates(t *testing.T) {
	t.Parallel()
	server := sandboxtest.Private(t, sandbox.MariaDB1011, sandbox.Options{})
	s := sandboxtest.NewSchema(t, server.Address())
	s.MustExec("CREATE USER unable@'%' IDENTIFIED BY '" + sandbox.Password + "'")
	for _, c := range []struct {
		user, all string
		able      bool
	}{{"root", "ON", true}, {"root", "OFF", true}, {"unable", "ON", true}, {"unable", "OFF", false}} {
		s.MustExec("SET GLOBAL binlog_annotate_row_events = " + c.all)
		cfg := conn.Config{Host: s.Server.Host, Port: s.Server.Port, User: c.user, Password: sandbox.Password}
		plain, err := conn.Open(cfg, nil)
		if err != nil {
			t.Fatal(err)
		}
		if able, err := conn.CanAnnotate(t.Context(), plain); err != nil || able != c.able {
			t.Errorf("%s, %s: able %t, %v", c.user, c.all, able, err)
		}
		cfg.Annotates = true
		db, err := conn.Open(cfg, nil)
		if err != nil {
			t.Fatal(err)
		}
		var annotated bool
		err = db.QueryRowContext(t.Context(), "SELECT @@SESSION.binlog_annotate_row_events").Scan(&annotated)
		if annotated != c.able || (err == nil) != c.able || err != nil && !strings.Contains(err.Error(), "SET GLOBAL binlog_annotate_row_events = ON") {
			t.Errorf("%s, %s: annotated %t, %v", c.user, c.all, annotated, err)
		}
		_, _ = db.Close(), plain.Close() // idle
	}
}
