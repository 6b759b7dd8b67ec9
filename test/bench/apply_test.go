//go:build bench

// Package bench measures ratios: every figure stands beside what it is to be compared with, taken in the same run.
package bench

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/midstreamdb/midstream/internal/applier"
	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/changelog"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/load"
	"github.com/midstreamdb/midstream/internal/load/proof"
	"github.com/midstreamdb/midstream/internal/sandbox"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// TestApply: a load is written once by eight connections; then its part of the binary log is replayed onto a fresh copy
// of the table as it was before, by one statement per row change, and by 1, 2, 4, 8 and a measured number of workers,
// without and with a delay of 1 ms between tool and server. Batches are those of the default, which hide the delay, and
// one transaction of the source each. Medians of runs that take turns.
func TestApply(t *testing.T) {
	workers := []int{1, 2, 4, 8, 0}
	each(t, []load.Skew{{}, {Zipf: 1.1}}, func(b *applyBench, out *tabwriter.Writer) {
		for _, delay := range []time.Duration{0, time.Millisecond} {
			b.rowByRow(delay).print(out, delay, "-", "row by row", 0)
			b.compare(out, delay, way{name: "default", workers: workers})
			b.compare(out, delay, way{name: "1 tx", batch: 1, short: true, workers: workers})
		}
	})
}

// TestBatches: what the bound of a batch brings, for the choice of the default.
func TestBatches(t *testing.T) {
	each(t, []load.Skew{{}}, func(b *applyBench, out *tabwriter.Writer) {
		for _, delay := range []time.Duration{0, time.Millisecond} {
			for _, batch := range []int{100, 200, 500, 1000} {
				b.compare(out, delay, way{name: strconv.Itoa(batch), batch: batch, workers: []int{1, 8}})
			}
		}
	})
}

// each measures on every engine with every skew, and prints what is measured as a table, with the machine's load before.
func each(t *testing.T, skews []load.Skew, measure func(*applyBench, *tabwriter.Writer)) {
	for _, engine := range engines(t) {
		for _, skew := range skews {
			name := skewName(skew)
			t.Run(fmt.Sprintf("%s, %s", engine, name), func(t *testing.T) {
				busy, _ := os.ReadFile("/proc/loadavg") // not there: left out
				b := newApplyBench(t, engine)
				b.write(skew)
				out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
				fmt.Fprintf(out, "\n%s, %s: %d row changes in %d transactions (%d in the short part), %.1f commits in a group; load before: %s\n",
					engine, name, b.all.changes, b.all.transactions, b.short.transactions, b.all.grouped(), strings.TrimSpace(string(busy)))
				fmt.Fprintln(out, "delay\tbatch\tworkers\tchanges/s\tof 1 worker\tretries\tclock allows\t")
				measure(b, out)
				_ = out.Flush() // standard output
			})
		}
	}
}

func skewName(s load.Skew) string {
	return map[bool]string{true: "skewed", false: "uniform"}[s.Zipf > 0]
}

// way is how the log is replayed.
type way struct {
	name    string
	batch   int  // most row changes of several transactions; 0: the default
	short   bool // only the first part of the load
	workers []int
}

// compare replays with different numbers of workers, in turn. All of them must leave the same rows.
func (b *applyBench) compare(out *tabwriter.Writer, delay time.Duration, w way) {
	b.t.Helper()
	results := make([][]result, len(w.workers))
	for range turns(b.t, 3) {
		for i, workers := range w.workers {
			results[i] = append(results[i], b.replay(workers, delay, w))
		}
	}
	var one float64
	for i, workers := range w.workers {
		slices.SortFunc(results[i], func(x, y result) int { return cmp.Compare(x.rate, y.rate) })
		median := results[i][len(results[i])/2]
		if workers == 1 {
			one = median.rate
		}
		what := strconv.Itoa(workers)
		if workers == 0 {
			what = "auto"
		}
		median.print(out, delay, w.name, what, one)
	}
}

// applyBench is a part of a binary log, and the table before and after it.
type applyBench struct {
	t          *testing.T
	s          *sandboxtest.Schema
	rows       int64
	db         *sql.DB
	server     *conn.Server
	log        *changelog.Changelog
	start      binlog.Position
	short, all portion
	shortSum   string // checksum of the table at the end of the short portion, once one replay has got there
}

// portion is what stands in the log up to a fence.
type portion struct {
	fence        uint64
	changes      int
	transactions int
	groups       int // of commits, as MariaDB's log has them
}

// grouped returns the mean number of transactions that MariaDB committed as a group; 0 for MySQL, which has other clocks.
func (p portion) grouped() float64 {
	if p.groups == 0 {
		return 0
	}
	return float64(p.transactions) / float64(p.groups)
}

const (
	loadTime  = 15 * time.Second
	shortTime = 1500 * time.Millisecond
)

// newApplyBench creates the table, and has what is written from now on held back.
func newApplyBench(t *testing.T, engine sandbox.Engine) *applyBench {
	t.Helper()
	b := &applyBench{t: t, s: sandboxtest.NewSchema(t, durable(t, engine).Address()), rows: rowsOf(t, 200_000)}
	ctx := t.Context()
	b.must(b.table().Create(ctx, b.s.DB))
	b.s.MustExec("CREATE TABLE base LIKE t; INSERT INTO base SELECT * FROM t")
	b.db = b.open(b.config(0, false))
	var err error
	b.server, err = conn.Inspect(ctx, b.db)
	b.must(err)
	b.log = changelog.New(b.db, changelog.Config{Table: b.name("t__changelog"), Interval: time.Second, ReconnectTimeout: time.Minute})
	b.must(b.log.Create(ctx))
	// A stream that begins has the server look through the file for its position: what filled the table is no part of the backlog.
	b.s.MustExec("FLUSH BINARY LOGS")
	b.start, err = binlog.Current(ctx, b.db, b.server)
	b.must(err)
	return b
}

func (b *applyBench) table() load.Table { return load.Table{Name: b.name("t"), Rows: b.rows} }

func (b *applyBench) generator(skew load.Skew) *load.Generator {
	return load.New(load.Config{DB: b.s.DB, Tables: []load.Table{b.table()}, Connections: 8, Skew: skew, Seed: 1})
}

// write writes for some time, as fast as it goes.
func (b *applyBench) write(skew load.Skew) {
	b.t.Helper()
	ctx, generator := b.t.Context(), b.generator(skew)
	loading, stop := context.WithTimeout(ctx, loadTime)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- generator.Run(loading) }()
	select {
	case <-time.After(shortTime):
	case err := <-ended:
		b.t.Fatalf("the load ended early: %v", err)
	}
	var err error
	b.short.fence, err = b.log.Fence(ctx)
	b.must(err)
	b.must(<-ended)
	b.all.fence, err = b.log.Fence(ctx)
	b.must(err)
	b.count(&b.short)
	b.count(&b.all)
}

// count reads the portion for its figures.
func (b *applyBench) count(p *portion) {
	b.t.Helper()
	var group uint64
	b.stream(b.t.Context(), p.fence, nil, func(tx *binlog.Transaction) {
		if len(tx.Changes) == 0 {
			return
		}
		p.changes += len(tx.Changes)
		p.transactions++
		if c := tx.Clock; c.MariaDB && (c.Group == 0 || c.Group != group) {
			p.groups++
			group = c.Group
		}
	})
}

func (b *applyBench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *applyBench) name(t string) table.Name { return table.Name{Schema: b.s.Name, Table: t} }

// config reaches the server, through a proxy that delays each direction by half of delay.
func (b *applyBench) config(delay time.Duration, multi bool) conn.Config {
	address := b.s.Server
	if delay > 0 {
		p, through := sandboxtest.Proxy(b.t, address)
		p.SetDelay(delay/2, delay/2)
		address = through
	}
	return conn.Config{Host: address.Host, Port: address.Port, User: address.User, Password: address.Password, Run: "bench", MultiStatements: multi}
}

func (b *applyBench) open(c conn.Config) *sql.DB {
	b.t.Helper()
	db, err := conn.Open(c, nil)
	b.must(err)
	b.t.Cleanup(func() { _ = db.Close() })
	return db
}

// shadow makes the table as it was before the load and returns the mapping onto it.
func (b *applyBench) shadow() *table.Mapping {
	b.t.Helper()
	b.s.MustExec("DROP TABLE IF EXISTS t__new; CREATE TABLE t__new LIKE base; ALTER TABLE t__new MODIFY k bigint NOT NULL DEFAULT 0; INSERT INTO t__new SELECT * FROM base")
	source, err := table.Inspect(b.t.Context(), b.db, b.name("t"))
	b.must(err)
	shadow, err := table.Inspect(b.t.Context(), b.db, b.name("t__new"))
	b.must(err)
	m, err := table.Map(source, shadow, table.Changes{TimeZone: "+00:00"})
	b.must(err)
	return m
}

// errEnough ends a stream at the fence.
var errEnough = errors.New("the fence was read")

// stream hands out the part of the log up to the fence, with these columns of the rows; nil: all.
func (b *applyBench) stream(ctx context.Context, fence uint64, columns []int, take func(*binlog.Transaction)) {
	b.t.Helper()
	source, err := table.Inspect(ctx, b.db, b.name("t"))
	b.must(err)
	marks, err := table.Inspect(ctx, b.db, b.name("t__changelog"))
	b.must(err)
	s := binlog.New(binlog.Config{Conn: b.config(0, false), Server: b.server, Start: b.start, Source: source, Columns: columns, Changelog: marks})
	err = s.Run(ctx, func(_ context.Context, tx *binlog.Transaction) error {
		take(tx)
		for _, m := range tx.Marks {
			if m.ID == changelog.FenceID && m.Value >= fence {
				return errEnough
			}
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		b.t.Fatal(err)
	}
}

// result is one replay.
type result struct {
	rate    float64 // row changes per second
	took    time.Duration
	figures applier.Figures
}

func (r result) print(out *tabwriter.Writer, delay time.Duration, batch, what string, one float64) {
	ratio := ""
	if one > 0 {
		ratio = fmt.Sprintf("%.2f", r.rate/one)
	}
	fmt.Fprintf(out, "%s\t%s\t%s\t%.0f\t%s\t%d\t%.1f\t\n", delay, batch, what, r.rate, ratio, r.figures.Retries, r.figures.Parallelism)
}

// replay applies the part of the log, or its short beginning, with some workers.
func (b *applyBench) replay(workers int, delay time.Duration, w way) result {
	b.t.Helper()
	cfg, deps := b.applies(b.shadow(), delay)
	cfg.Workers, cfg.BatchChanges = workers, w.batch
	r := applier.NewReplay(cfg, deps)
	part := b.all
	if w.short {
		part = b.short
	}
	took := b.drain(r, part, nil)
	b.prove(w.short)
	return result{rate: float64(part.changes) / took.Seconds(), took: took, figures: r.Figures()}
}

// open is a gate that holds nothing back.
type open struct{}

func (open) Wait(context.Context) error { return nil }

// rowByRow applies the part of the log with one statement for each row change, transaction by transaction. It stops after
// some time: it is for the rate only.
func (b *applyBench) rowByRow(delay time.Duration) result {
	b.t.Helper()
	const limit = 8 * time.Second
	m := b.shadow()
	statements := sqlgen.NewReplay(m, b.server)
	session, _, err := conn.Session(b.t.Context(), b.open(b.config(delay, false)))
	b.must(err)
	defer session.Close()
	exec := func(list ...string) {
		for _, s := range list {
			_, err := session.ExecContext(b.t.Context(), s)
			b.must(err)
		}
	}
	begun, done := time.Now(), 0
	var took time.Duration
	b.stream(b.t.Context(), b.all.fence, nil, func(tx *binlog.Transaction) {
		if len(tx.Changes) == 0 || took > limit {
			return
		}
		exec("START TRANSACTION")
		for _, c := range tx.Changes {
			if c.After == nil || c.Before != nil && c.Before[0].Num != c.After[0].Num {
				exec(statements.Deletes([][]table.Value{m.Key.Of(c.Before)}, 1<<20)...)
			}
			if c.After != nil {
				exec(statements.Writes([]table.Row{c.After}, 1<<20)...)
			}
		}
		exec("COMMIT")
		done += len(tx.Changes)
		took = time.Since(begun)
	})
	return result{rate: float64(done) / took.Seconds()}
}

// prove compares the copy with the table, or after the short part with the first copy that got there, by one worker.
func (b *applyBench) prove(short bool) {
	b.t.Helper()
	if !short {
		if _, err := proof.Equal(b.t.Context(), b.s.DB, b.name("t"), b.name("t__new")); err != nil {
			b.t.Fatal(err)
		}
		return
	}
	var name, sum string
	b.s.MustQueryRow("CHECKSUM TABLE t__new EXTENDED", &name, &sum)
	if b.shortSum = cmp.Or(b.shortSum, sum); sum != b.shortSum {
		b.t.Fatalf("the copy after the short part differs from that of one worker: %s, %s", sum, b.shortSum)
	}
}
