package binlog

import (
	"strings"
	"testing"

	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// TestTransactionsOutOfOrder: where the order counts, a change that MariaDB commits by a statement is an error; nothing else is.
func TestTransactionsOutOfOrder(t *testing.T) {
	for name, c := range map[string]struct {
		mysql, unordered bool
		piece            int
		write            func(s *script)
		refused          bool
	}{
		"beside another table": {write: func(s *script) { s.open(); s.others(); s.insert(1); s.others(); s.query("COMMIT") }, refused: true},
		"alone":                {write: func(s *script) { s.open(); s.insert(1); s.query("COMMIT") }, refused: true},
		"in pieces":            {piece: 1, write: func(s *script) { s.open(); s.insert(1); s.query("COMMIT") }, refused: true},
		"with an XID":          {write: func(s *script) { s.open(); s.others(); s.insert(1); s.commit() }},
		"no row of ours":       {write: func(s *script) { s.open(); s.others(); s.query("COMMIT") }},
		"rolled back":          {write: func(s *script) { s.open(); s.others(); s.insert(1); s.query("ROLLBACK") }},
		"on MySQL":             {mysql: true, write: func(s *script) { s.open(); s.insert(1); s.query("COMMIT") }},
		"order does not count": {unordered: true, write: func(s *script) { s.open(); s.others(); s.insert(1); s.query("COMMIT") }},
		"rolled back to savepoint": {write: func(s *script) {
			s.open()
			s.query("SAVEPOINT `a`")
			s.insert(1)
			s.query("ROLLBACK TO `a`")
			s.query("COMMIT")
		}},
		"XA": {write: func(s *script) { s.xa(1, 1); s.decide("COMMIT", 1) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(!c.mysql)
			c.write(s)
			a := newCollector(t, startOf(s))
			a.ordered = !c.unordered
			if c.piece > 0 {
				a.limits.transaction = c.piece
			}
			err := a.feedAll(s.log)
			if (err != nil) != c.refused || c.refused && !strings.Contains(err.Error(), "changed `d`.`t` also") {
				t.Errorf("got %v, want an error: %t", err, c.refused)
			}
		})
	}
}

// TestOrderBesideOtherEngines: what the server commits in the order of the log is followed, whatever else it used, also inside
// the server; a table of Aria with transactions, written or read, is told.
func TestOrderBesideOtherEngines(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		cfg := prepare(t, s).cfg
		follow := func() *follower {
			f := &follower{t: t, s: s, cfg: cfg, news: make(chan struct{})}
			f.cfg.Ordered = true
			s.AwaitNoPreparedXA()
			var err error
			if f.cfg.Start, err = Current(t.Context(), s.DB, cfg.Server); err != nil {
				t.Fatal(err)
			}
			return f.start()
		}
		harmless := []string{
			"UPDATE t SET k = 1",
			"SELECT v, COUNT(*) FROM other GROUP BY v INTO @v, @n; SELECT COUNT(*) FROM information_schema.columns INTO @n; UPDATE t SET k = 2",
			"CREATE TEMPORARY TABLE kept (a TEXT) ENGINE=InnoDB; INSERT INTO kept SELECT v FROM t; UPDATE t SET k = 3",
		}
		if s.Server.Engine.MariaDB() {
			s.MustExec(`
				CREATE TABLE aria (id INT PRIMARY KEY, n INT) ENGINE=Aria TRANSACTIONAL=1; INSERT INTO aria VALUES (1, 0);
				CREATE TABLE plain (id INT PRIMARY KEY, n INT) ENGINE=Aria TRANSACTIONAL=0; INSERT INTO plain VALUES (1, 0);
				CREATE TABLE isam (id INT PRIMARY KEY, n INT) ENGINE=MyISAM; INSERT INTO isam VALUES (1, 0);
				CREATE SEQUENCE numbers ENGINE=Aria`)
			harmless = append(harmless,
				"UPDATE t SET k = 4; UPDATE plain SET n = n + 1; UPDATE isam SET n = n + 1",
				"SELECT NEXTVAL(numbers) INTO @n; SELECT CONVERT_TZ(NOW(), 'UTC', 'Europe/Berlin') INTO @n; UPDATE t SET k = 5",
				"CREATE TEMPORARY TABLE passing (a INT) ENGINE=Aria; INSERT INTO passing VALUES (1); UPDATE t SET k = 6")
		}
		s.MustExec("INSERT INTO t VALUES (1, 0, 'x'); INSERT INTO other VALUES (1, 0, 'x')")
		f := follow()
		for _, statements := range harmless {
			s.MustExec("BEGIN; " + statements + "; COMMIT")
		}
		f.fence(1)
		f.cancel()
		if !s.Server.Engine.MariaDB() {
			return
		}
		for _, statements := range []string{
			"BEGIN; UPDATE t SET k = 7; UPDATE aria SET n = n + 1; COMMIT",
			"BEGIN; UPDATE t SET k = 8; SELECT n FROM aria INTO @n; COMMIT",
			"UPDATE t, aria SET t.k = 9, aria.n = aria.n + 1",
			"UPDATE t SET k = 10 WHERE EXISTS (SELECT 1 FROM aria WHERE n < 1000000)",
		} {
			f := follow()
			s.MustExec(statements)
			if err := f.fails(); err == nil || !strings.Contains(err.Error(), s.Name+"`.`t` also used") {
				t.Errorf("after %s the stream ended with: %v", statements, err)
			}
		}
	})
}
