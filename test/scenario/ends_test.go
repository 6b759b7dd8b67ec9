package scenario_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox/proxy"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// How a migration ends when its connections fail at the worst moments, or somebody changes the tables while it begins.

// incident happens once, at the first statement that contains a text.
type incident struct {
	after   string // only then: once this text was seen; "" for at once
	at      string
	when    func() bool // only then; nil for always
	verdict proxy.Verdict
	answer  bool   // it is the answer that is hit
	again   bool   // every time, not once
	happens func() // also; nil for nothing

	mu      sync.Mutex // guards what follows
	pending int
	done    bool
}

func (i *incident) judge(c proxy.ConnInfo, dir proxy.Direction, packet []byte) proxy.Verdict {
	i.mu.Lock()
	defer i.mu.Unlock()
	statement := dir == proxy.ToServer && len(packet) > 0 && packet[0] == 3
	asked := statement && i.after == "" && bytes.Contains(packet, []byte(i.at)) && (i.when == nil || i.done || i.when())
	if statement && bytes.Contains(packet, []byte(i.after)) {
		i.after = ""
	}
	if i.done && !i.again || !asked && (dir == proxy.ToServer || i.pending != c.ID) {
		return proxy.Forward
	}
	if asked && i.answer {
		i.pending = c.ID
		return proxy.Forward
	}
	i.done = true
	if i.happens != nil {
		i.happens()
	}
	return i.verdict
}

// troubled runs a migration of t through a proxy with the incident.
func troubled(t *testing.T, s *sandboxtest.Schema, i *incident, more func(*migrate.Config, *proxy.Proxy)) error {
	t.Helper()
	p, address := sandboxtest.Proxy(t, s.Server)
	m := newMigration(t, &spec{table: "t", way: "--native=off --apply=refresh", dir: t.TempDir(), options: map[string]string{}}, s)
	m.cfg.Alter, m.cfg.Conn.Host, m.cfg.Conn.Port = alterA, address.Host, address.Port
	if more != nil {
		more(&m.cfg, p)
	}
	_, err := undisturbed(t, func() (*migrate.Summary, error) {
		p.SetFilter(i.judge)
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		return migrate.New(m.cfg).Run(ctx)
	})
	if !i.done {
		t.Fatalf("nothing happened at %q: %v", i.at, err)
	}
	t.Log(err)
	return err
}

func mustExitWith(t *testing.T, code int, err error) {
	t.Helper()
	var coded interface{ ExitCode() int }
	if !errors.As(err, &coded) || coded.ExitCode() != code {
		t.Fatalf("the exit code is not %d: %T %v", code, err, err)
	}
}

// TestOutcomeUnknown: the server is out of reach for good once it was asked for the swap, so nobody knows what it did.
func TestOutcomeUnknown(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		i := &incident{at: "RENAME TABLE", verdict: proxy.CutAfter}
		err := troubled(t, s, i, func(cfg *migrate.Config, p *proxy.Proxy) {
			cfg.ReconnectTimeout = 2 * time.Second
			i.happens = func() {
				p.Refuse(true)
				go p.CutAll()
			}
		})
		mustExitWith(t, migrate.ExitUnknown, err)
		for _, name := range []string{"`t`", "`t__new`", "`t__old`"} {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("the message does not name %s", name)
			}
		}
		var unknown *migrate.Unknown
		if !errors.As(err, &unknown) {
			t.Errorf("it is a %T", err)
		}
		if altered := isAltered(s); altered == exists(s, "t__new") { // either the one or the other, and whole
			t.Errorf("altered: %t, tables: %v", altered, s.MustQueryRows("SHOW TABLES"))
		}
		if n := s.MustQueryInt("SELECT COUNT(*) FROM t"); n != 300 {
			t.Errorf("%d rows serve", n)
		}
	})
}

// TestNativeOutcomeUnknown: the server is out of reach for good once it was asked to alter the source itself.
func TestNativeOutcomeUnknown(t *testing.T) {
	t.Parallel()
	eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
		createT(s)
		i := &incident{at: "ALTER TABLE `" + s.Name + "`.`t` ", verdict: proxy.CutAfter}
		err := troubled(t, s, i, func(cfg *migrate.Config, p *proxy.Proxy) {
			cfg.Native, cfg.Alter, cfg.ReconnectTimeout = migrate.NativeOnly, "ADD COLUMN extra INT", 2*time.Second
			i.happens = func() {
				p.Refuse(true)
				go p.CutAll()
			}
		})
		mustExitWith(t, migrate.ExitUnknown, err)
		if !strings.Contains(err.Error(), "`"+s.Name+"`.`t`") || strings.Contains(err.Error(), "has not changed") {
			t.Errorf("the message: %v", err)
		}
	})
}

// TestLeftover: the tables are swapped, and a table that is not needed any more cannot be dropped: the statements that are
// given do the rest.
func TestLeftover(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"t__changelog", "t__old"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
				createT(s)
				drop := "DROP TABLE IF EXISTS `" + s.Name + "`.`"
				i := &incident{at: drop + name, verdict: proxy.CutBefore, again: true}
				if name == "t__old" { // so the swap calls its sentry
					i.after = drop + "t__changelog"
				}
				err := troubled(t, s, i, func(cfg *migrate.Config, _ *proxy.Proxy) { cfg.DropOldTable = true })
				mustExitWith(t, migrate.ExitLeftover, err)
				if !isAltered(s) || !exists(s, name) {
					t.Errorf("altered: %t, tables: %v", isAltered(s), s.MustQueryRows("SHOW TABLES"))
				}
				var leftover *migrate.Leftover
				if !errors.As(err, &leftover) || len(leftover.Left) != 1 || !strings.Contains(err.Error(), leftover.Left[0]) {
					t.Fatalf("it is a %T: %+v", err, leftover)
				}
				s.MustExec(leftover.Left[0])
				if got := strings.Join(s.MustQueryRows("SHOW TABLES"), " "); got != "n t" {
					t.Errorf("after the statements the tables are %s", got)
				}
			})
		})
	}
}

// TestLostAnswerToCreate: a table whose creation was not answered is this run's: it is dropped again, or named.
func TestLostAnswerToCreate(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"t__changelog", "t__new"} {
		for _, c := range []struct {
			name    string
			forGood bool
			code    int
		}{{"once", false, migrate.ExitRefused}, {"for good", true, migrate.ExitFailed}} {
			t.Run(name+" "+c.name, func(t *testing.T) {
				t.Parallel()
				eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
					createT(s)
					before := readState(t, s)
					create := "CREATE TABLE `" + s.Name + "`.`"
					i := &incident{at: create + name, answer: true, verdict: proxy.CutBefore}
					if name == "t__new" { // a look at the trial table has the same words
						i.after = create + "t__changelog"
					}
					err := troubled(t, s, i, func(_ *migrate.Config, p *proxy.Proxy) {
						i.happens = func() {
							if c.forGood {
								p.Refuse(true)
								go p.CutAll()
							}
						}
					})
					mustExitWith(t, c.code, err)
					var failure *migrate.Failure
					if errors.As(err, &failure) {
						for _, statement := range failure.Left {
							s.MustExec(statement)
						}
					}
					unchanged(t, s, before)
				})
			})
		}
	}
}

// TestChangesWhileItBegins: what others do to the definitions before the log is read is noticed.
func TestChangesWhileItBegins(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, after, at, does string }{
		{"source before the shadow", "", "CREATE TABLE `%s`.`t__changelog`", "ALTER TABLE t MODIFY b VARCHAR(60)"},
		{"source before the ALTER", "", "ALTER TABLE `%s`.`t__new` MODIFY", "ALTER TABLE t MODIFY b VARCHAR(60)"},
		{"source after the ALTER", "", "ALTER TABLE `%s`.`t__new` FORCE", "ALTER TABLE t ADD KEY (b)"},
		{"shadow", "ALTER TABLE `%s`.`t__new` FORCE", "XA RECOVER", "ALTER TABLE t__new ADD COLUMN sneaked INT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
				createT(s)
				i := &incident{after: strings.ReplaceAll(c.after, "%s", s.Name), at: strings.ReplaceAll(c.at, "%s", s.Name)}
				i.happens = func() {
					if _, err := s.DB.Exec(c.does); err != nil {
						t.Error(err)
					}
				}
				err := troubled(t, s, i, nil)
				mustExitWith(t, migrate.ExitRefused, err)
				if !strings.Contains(err.Error(), "was changed by somebody else while the migration began") {
					t.Errorf("it says %v", err)
				}
				if got := strings.Join(s.MustQueryRows("SHOW TABLES"), " "); got != "n t" || isAltered(s) {
					t.Errorf("the tables are %s", got)
				}
			})
		})
	}
}

// TestLastMoment: values of a unique key that the ALTER adds are exchanged, or become equal, when the lock of the cut-over is
// asked for: what is exchanged is swapped in, and a duplicate ends the run with the source serving, unlocked.
func TestLastMoment(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, does string
		duplicate  bool
	}{
		{"exchanged", "BEGIN; UPDATE t SET a = -1 WHERE id = 1; UPDATE t SET a = 1 WHERE id = 300; UPDATE t SET a = 300 WHERE id = 1; COMMIT", false},
		{"equal", "UPDATE t SET a = 77 WHERE id = 300", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			eachUsual(t, func(t *testing.T, s *sandboxtest.Schema) {
				createT(s)
				i := &incident{at: "LOCK TABLES `" + s.Name + "`.`t` "}
				i.happens = func() {
					if _, err := s.DB.Exec(c.does); err != nil {
						t.Error(err)
					}
				}
				err := troubled(t, s, i, func(cfg *migrate.Config, _ *proxy.Proxy) { cfg.Alter = "ADD UNIQUE KEY added (a)" })
				if !c.duplicate {
					if err != nil {
						t.Fatal(err)
					}
					if got := strings.Join(s.MustQueryRows("SELECT a FROM t WHERE id IN (1, 300) ORDER BY id"), " "); got != "300 1" {
						t.Errorf("the values are %s", got)
					}
					return
				}
				mustExitWith(t, migrate.ExitFailed, err)
				if !strings.Contains(err.Error(), "Duplicate entry '77'") {
					t.Errorf("it says %v", err)
				}
				if exists(s, "t__old") || s.MustQueryInt("SELECT COUNT(*) FROM t") != 300 {
					t.Errorf("the source is not whole; the tables are %v", s.MustQueryRows("SHOW TABLES"))
				}
				s.MustExec("SET SESSION lock_wait_timeout = 1; INSERT INTO t (a) VALUES (77)")
			})
		})
	}
}
