package scenario_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestDifferential migrates random tables with random data by random ALTERs while random statements change them, and
// compares each with the server's own ALTER of the same rows: the definition, byte for byte, and every value. Where the
// migration does not come to an end, the server must refuse the ALTER as well, or the reason must be one that is documented.
// Without MIDSTREAM_DIFFERENTIAL, a duration for which cases are drawn on each server, it is the first 60 cases, or as many as
// come to an end in 20 seconds; MIDSTREAM_SEED names the case to run alone.
func TestDifferential(t *testing.T) {
	t.Parallel()
	length, most := 20*time.Second, uint64(60)
	if d, err := time.ParseDuration(os.Getenv("MIDSTREAM_DIFFERENTIAL")); err == nil {
		length, most = d, math.MaxUint64
	}
	sandboxtest.Each(t, func(t *testing.T, schema *sandboxtest.Schema) {
		if seed, err := strconv.ParseUint(os.Getenv("MIDSTREAM_SEED"), 10, 64); err == nil {
			newCase(t, schema, seed).run()
			return
		}
		outcomes := map[string]int{}
		seed := uint64(0)
		for began := time.Now(); time.Since(began) < length && seed < most && !t.Failed(); seed++ {
			outcomes[newCase(t, schema, seed).run()]++
		}
		t.Logf("%d cases: %v", seed, outcomes)
		if outcomes["equal"]+outcomes["native"] < int(seed)/3 {
			t.Error("most cases were refused")
		}
	})
}

// row is a random row, as VALUES has it.
func (c *oneCase) row(n int) string {
	values := []string{}
	for i, k := range c.key {
		switch {
		case i > 0:
			values = append(values, k.kind.values[c.r.IntN(len(k.kind.values))])
		case k.kind.family == "text":
			values = append(values, fmt.Sprintf("'key %d'", n))
		default:
			values = append(values, strconv.Itoa(n))
		}
	}
	for _, one := range c.columns {
		values = append(values, c.value(one))
	}
	return "(" + strings.Join(values, ", ") + ")"
}

func (c *oneCase) value(of column) string {
	if c.oneOf(5) && !strings.Contains(of.rest, "NOT NULL") {
		return "NULL"
	}
	return of.kind.values[c.r.IntN(len(of.kind.values))]
}

// names are those of the columns that row gives values for.
func (c *oneCase) names() string {
	names := []string{}
	for _, one := range append(slices.Clone(c.key), c.columns...) {
		names = append(names, "`"+one.name+"`")
	}
	return strings.Join(names, ", ")
}

// run returns what became of the case: equal, or why not.
func (c *oneCase) run() string {
	t, s := c.t, c.s
	t.Helper()
	defer s.MustExec("DROP TABLE IF EXISTS t, twin, t__old, t__new, t__changelog, t__checkpoint")
	if _, err := s.DB.ExecContext(t.Context(), c.create); err != nil {
		t.Logf("case %d: %v", c.seed, err)
		return "no such table"
	}
	var rows []string
	for n := range c.r.IntN(60) {
		rows = append(rows, c.row(1+n))
	}
	if len(rows) > 0 {
		if _, err := s.DB.ExecContext(t.Context(), "INSERT IGNORE INTO t ("+c.names()+") VALUES "+strings.Join(rows, ", ")); err != nil {
			t.Logf("case %d: %v", c.seed, err)
			return "no such rows"
		}
	}
	m := newMigration(t, &spec{
		name: "differential", way: "--native=" + []string{"off", "off", "auto"}[c.r.IntN(3)] + " --apply=" + []string{"refresh", "replay"}[c.r.IntN(2)], table: "t", dir: t.TempDir(),
		options: map[string]string{"chunk-size": "7"}, dull: []string{"(twin|t(__old)?)_chk"},
	}, s)
	m.cfg.Alter = c.alter
	story := fmt.Sprintf("MIDSTREAM_SEED=%d\n%s;\n%d rows\nALTER TABLE t %s (%s)", c.seed, c.create, len(rows), c.alter, m.spec.way)
	summary, err := undisturbed(t, func() (*migrate.Summary, error) { return c.migrate(m) })
	if err != nil { // once more at rest: what was in the way may have been a row that is gone
		c.mustBeAboutRows(story, err)
		m.cfg.Restart, m.cfg.PostponeFile = true, ""
		c.twin()
		if summary, err = undisturbed(t, func() (*migrate.Summary, error) { return migrate.New(m.cfg).Run(t.Context()) }); err != nil {
			return c.refused(story, err)
		}
	}
	defer func() {
		if t.Failed() {
			t.Logf("the case is\n%s", story)
		}
	}()
	outcome, before := "equal", summary.Retired
	if summary.Native {
		outcome, before = "native", table.Name{Schema: s.Name, Table: "twin"}
		m.spec.dull = append(m.spec.dull, ` AUTO_INCREMENT=\d+`) // of rows that are gone
	}
	compareWithNative(t, s, m.spec, c.alter, before, table.Name{Schema: s.Name, Table: "t"})
	return outcome
}

// twin makes a table of the same rows, to be altered where the server alters t itself.
func (c *oneCase) twin() {
	c.s.MustExec("DROP TABLE IF EXISTS twin; CREATE TABLE twin LIKE t; INSERT INTO twin (" + c.names() + ") SELECT " + c.names() + " FROM t")
}

// migrate runs the migration; the rows are changed until only the swap is left.
func (c *oneCase) migrate(m *migration) (*migrate.Summary, error) {
	m.cfg.PostponeFile = m.postpone
	if err := os.WriteFile(m.postpone, nil, 0o600); err != nil {
		c.t.Fatal(err)
	}
	runner := migrate.New(m.cfg)
	ended := make(chan struct{})
	var summary *migrate.Summary
	var failed error
	stop := c.change()
	go func() {
		defer close(ended)
		summary, failed = runner.Run(c.t.Context())
	}()
	for runner.Snapshot().Phase != status.Postponed {
		select {
		case <-ended:
			stop()
			return summary, failed
		case <-time.After(time.Millisecond):
		}
	}
	stop()
	c.twin()
	if err := os.Remove(m.postpone); err != nil {
		c.t.Error(err)
	}
	<-ended
	return summary, failed
}

// change writes to the table until the function that it returns is called.
func (c *oneCase) change() (stop func()) {
	ctx, cancel := context.WithCancel(c.t.Context())
	done := make(chan struct{})
	r := rand.New(rand.NewPCG(c.seed, 2))
	writer := &oneCase{r: r, key: c.key, columns: c.columns}
	go func() {
		defer close(done)
		for conn.Pause(ctx, 2*time.Millisecond) == nil {
			id := fmt.Sprintf("'%d'", 1+r.IntN(70))
			if c.key[0].kind.family == "text" {
				id = fmt.Sprintf("'key %d'", 1+r.IntN(70))
			}
			one := writer.columns[r.IntN(len(writer.columns))]
			statement := []string{
				"UPDATE t SET `" + one.name + "` = " + writer.value(one) + " WHERE id = " + id,
				"DELETE FROM t WHERE id = " + id,
				"INSERT INTO t (" + writer.names() + ") VALUES " + writer.row(1+r.IntN(70)),
			}[r.IntN(3)]
			// A duplicate, or a column that is gone after the swap.
			_, _ = c.s.DB.ExecContext(ctx, statement)
		}
	}()
	return func() { cancel(); <-done }
}

// aboutRows are reasons that a row may give, which another statement takes away.
var aboutRows = regexp.MustCompile(`does not fit into the new table|would be changed by its conversion|share a value of a unique key|collide in a unique key`)

// mustBeAboutRows fails if what ended a migration under writes was not a refusal, nor a row: a defect that verification finds, a
// row that is missing, or an outcome that is not known.
func (c *oneCase) mustBeAboutRows(story string, err error) {
	c.t.Helper()
	var refusal *migrate.Refusal
	if !errors.As(err, &refusal) && !conn.IsLoss(err) && !aboutRows.MatchString(err.Error()) {
		c.t.Errorf("under writes: %v\n%s", err, story)
	}
}

// justified are reasons of Midstream's own to refuse what the server may do, by docs/safety.md.
var justified = regexp.MustCompile(`cannot be replayed exactly|depends on the moment|rows that exist have no value|may become equal|make it an integer first|migration key|` +
	`in column .+ becomes .+ accept such losses with --allow-lossy=`)

// refused checks that a migration which did not come to its end had a reason.
func (c *oneCase) refused(story string, err error) string {
	c.t.Helper()
	if justified.MatchString(err.Error()) {
		return "refused"
	}
	session := c.s.MustConn()
	const lenient = `SET SESSION sql_mode = REPLACE(REPLACE(@@sql_mode, 'NO_ZERO_IN_DATE', ''), 'NO_ZERO_DATE', '')`
	for _, statement := range []string{lenient, "ALTER TABLE t " + c.alter} {
		if _, native := session.ExecContext(c.t.Context(), statement); native != nil {
			return "neither"
		}
	}
	c.t.Errorf("the server alters what the migration does not: %v\n%s", err, story)
	return "refused"
}
