package underload_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/migrate"
	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
	"github.com/midstreamdb/midstream/internal/verify/verifytest"
)

// bent is what becomes of the first rows of the shadow, and what the migration must say of it.
type bent struct{ column, was, harm, want string }

// bents are one value of each type that is nearly right, rows that are missing and too many, and values that were exchanged.
func bents(s *sandboxtest.Schema) []bent {
	all := []bent{
		{"int", "7", "DELETE FROM t__new WHERE id = 1", "where `id` = 1 is missing in `" + s.Name + "`.`t__new`"},
		{"int", "7", "INSERT INTO t__new (id, hot, w, v) SELECT -5, hot, w, v FROM t__new WHERE id = 1", "where `id` = -5 is missing in `" + s.Name + "`.`t`"},
		{"int", "7", "UPDATE t__new SET w = 3 - w WHERE id IN (1, 2) AND (SELECT COUNT(*) FROM (SELECT id FROM t__new WHERE id IN (1, 2)) both_are_there) = 2", "in column `w` "},
	}
	for _, c := range verifytest.Corruptions(s.Server.Engine) {
		// An UPDATE to a JSON value that compares equal would write nothing.
		all = append(all, bent{c.Column, c.Was, "REPLACE INTO t__new (id, hot, w, v) VALUES (1, 0, 1, " + c.Is + ")", "where `id` = 1 has in column `v` "})
	}
	return all
}

// TestCorruptionUnderLoad has one row of the shadow bent while a load writes to the table and rows are copied, in a whole run: it is
// found before the swap, whatever is wrong with it. In the long form every type is bent, for each way of applying; otherwise some.
func TestCorruptionUnderLoad(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		all := bents(s)
		ways := []migrate.Apply{migrate.Refresh, migrate.Replay}
		if _, ok := long(); !ok {
			rows, values := all[:3], all[3:]
			rand.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
			all = append(rows[:3:3], values[:3]...)
			rand.Shuffle(2, func(i, j int) { ways[i], ways[j] = ways[j], ways[i] })
		}
		for i, b := range all {
			for j, apply := range ways {
				if _, ok := long(); !ok && i%2 != j {
					continue
				}
				bendUnderLoad(t, s, b, apply, func() { verifytest.Bend(t, s, b.harm) })
			}
		}
	})
}

// TestCorruptionOfAHotRow has every write of a row of the shadow go wrong, while the load writes that row all the time: it is
// never seen the same twice, so verification leaves it to the last look, under the lock of the cut-over, which finds it.
func TestCorruptionOfAHotRow(t *testing.T) {
	sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
		b := bent{"int", "7", "each write of row 1 is bent", "where `id` = 1 has in column `v` "}
		for _, apply := range []migrate.Apply{migrate.Refresh, migrate.Replay} {
			heating, cool := context.WithCancel(t.Context())
			var heat sync.WaitGroup
			bendUnderLoad(t, s, b, apply, func() {
				s.MustExec("SET sql_log_bin = 0; " + // nobody is to see it in the log
					"CREATE TRIGGER bend_inserted BEFORE INSERT ON t__new FOR EACH ROW SET NEW.v = IF(NEW.id = 1, 8, NEW.v); " +
					"CREATE TRIGGER bend_updated BEFORE UPDATE ON t__new FOR EACH ROW SET NEW.v = IF(NEW.id = 1, 8, NEW.v); " +
					"SET sql_log_bin = 1")
				heat.Go(func() {
					for heating.Err() == nil {
						if _, err := s.DB.ExecContext(heating, "UPDATE t SET hot = hot + 1 WHERE id = 1"); err != nil && heating.Err() == nil {
							t.Errorf("write the hot row: %v", err)
							return
						}
					}
				})
			})
			cool()
			heat.Wait()
		}
	})
}

// alters leave the columns alone, or have all rows converted once more to be compared.
var alters = []string{"ADD COLUMN note INT", "ADD COLUMN note INT, MODIFY x CHAR(10)"}

func bendUnderLoad(t *testing.T, s *sandboxtest.Schema, b bent, apply migrate.Apply, bend func()) {
	t.Helper()
	s.MustExec("DROP TABLE IF EXISTS t, t__new, t__old, t__changelog, t__checkpoint")
	s.MustExec("SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', time_zone = '+00:00'; " +
		"CREATE TABLE t (id INT PRIMARY KEY, hot INT NOT NULL DEFAULT 0, w INT, x INT, v " + b.column + ") CHARACTER SET utf8mb4; " +
		"INSERT INTO t (id, w, v) VALUES (1, 1, " + b.was + "), (2, 2, " + b.was + ")")
	s.MustExec("INSERT INTO t (id, w, x) WITH RECURSIVE n AS (SELECT 3 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i, i, i FROM n; " +
		"INSERT INTO t (id, w, x) SELECT id + 1000, w, x FROM t WHERE id > 2; " + // time to bend the first rows in
		"SET sql_mode = DEFAULT, time_zone = DEFAULT")
	loading, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for range 2 {
		load.Go(func() { keepWriting(loading, t, s, write) })
	}
	defer load.Wait()
	defer stop()
	alter := alters[rand.IntN(len(alters))]
	runner := migrate.New(migrate.Config{
		Conn:     conn.Config{Host: s.Server.Host, Port: s.Server.Port, User: s.Server.User, Password: s.Server.Password, Run: s.Name},
		Database: s.Name, Table: "t", Alter: alter, Apply: apply, Native: migrate.NativeOff, DeferIndexes: migrate.DeferAuto, Verify: true,
		Workers: 2, CopyWorkers: 1, ChunkSize: 20, ChunkTime: 50 * time.Millisecond,
		LockTimeout: 3 * time.Second, MaxStall: 2 * time.Second, ReconnectTimeout: time.Minute, Heartbeat: 50 * time.Millisecond, Checkpoint: time.Second,
		Log: slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	ended := make(chan error, 1)
	go func() {
		_, err := runner.Run(t.Context())
		ended <- err
	}()
	for runner.Snapshot().Copied < 20 && len(ended) == 0 {
		time.Sleep(time.Millisecond)
	}
	if len(ended) == 0 {
		bend()
	}
	err := <-ended
	var failure *migrate.Failure
	if !errors.As(err, &failure) || !strings.Contains(err.Error(), b.want) {
		t.Errorf("%s, %s, %s: %.1000v: want a failure that says %q", apply, alter, b.harm, err, b.want)
	}
	if old := s.MustQueryRows("SHOW TABLES LIKE 't\\_\\_old'"); len(old) > 0 {
		t.Errorf("%s, %s, %s: the tables were swapped", apply, alter, b.harm)
	}
}

// write changes, deletes or inserts a row, of which a few are hot, but for the first.
func write() string {
	switch rand.IntN(4) {
	case 0:
		return fmt.Sprintf("DELETE FROM t WHERE id = %d", 3+rand.IntN(900))
	case 1:
		return fmt.Sprintf("INSERT IGNORE INTO t (id, w) VALUES (%d, 1)", 3+rand.IntN(900))
	case 2:
		return fmt.Sprintf("UPDATE t SET hot = hot + 1 WHERE id = %d", 3+rand.IntN(5))
	}
	return fmt.Sprintf("UPDATE t SET hot = hot + 1 WHERE id = %d", 3+rand.IntN(900))
}

// keepWriting executes one statement after the other until ctx ends, with pauses that leave others the machine.
func keepWriting(ctx context.Context, t *testing.T, s *sandboxtest.Schema, next func() string) {
	for conn.Pause(ctx, 2*time.Millisecond) == nil {
		statement := next()
		if _, err := s.DB.ExecContext(ctx, statement); err != nil && ctx.Err() == nil && !conn.IsDeadlock(err) {
			t.Errorf("%s: %v", statement, err)
			return
		}
	}
}
