package migrate

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/midstreamdb/midstream/internal/checkpoint"
	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// openIndexing opens connections that change the indexes of the shadow. They are enlisted: a later run ends what they do.
func (r *Runner) openIndexing() (*sql.DB, error) {
	return conn.Open(r.writers, nil)
}

// deferIndexes takes from the shadow, which is empty, the indexes that it is to get when all rows are copied. Before, it is
// tried whether they come back exactly as they were; where they do not, the shadow is made anew and keeps them.
func (r *Runner) deferIndexes(ctx context.Context) error {
	why, err := r.whyIndexed, error(nil)
	if why == "" {
		why, err = r.takeIndexes(ctx)
	}
	if err == nil && why != "" {
		r.cfg.Log.Info("the new table has all its indexes from the beginning", "reason", why)
	}
	return err
}

// takeIndexes notes and drops the indexes, or says why the shadow has all of them still.
func (r *Runner) takeIndexes(ctx context.Context) (why string, err error) {
	db, err := r.openIndexing()
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }() // what it did has been answered
	shadow, err := table.Inspect(ctx, db, r.names.Shadow)
	if err != nil {
		return "", err
	}
	deferred := &checkpoint.Deferred{Shadow: fingerprint(r.made)}
	for _, key := range shadow.Deferrable() {
		deferred.Indexes = append(deferred.Indexes, checkpoint.Index{Name: key.Name, Definition: indexDefinition(shadow.CreateSQL, key.Name)})
	}
	if len(deferred.Indexes) == 0 {
		return "it has none that could come later", nil
	}
	bare, why, err := r.tryIndexes(ctx, db, deferred)
	if err != nil {
		return "", err
	}
	if why != "" {
		return why, r.remakeShadow(ctx)
	}
	r.deferred, r.made = deferred, bare
	r.cfg.Log.Info("indexes of the new table are built when all rows are copied", "indexes", indexNames(deferred))
	return "", nil
}

// indexDefinition returns the index as CREATE TABLE has it; the server refuses "" to be added.
func indexDefinition(create, name string) string {
	begin := "  KEY " + table.Quote(name) + " ("
	for line := range strings.Lines(create) {
		if strings.HasPrefix(line, begin) {
			return strings.TrimSuffix(strings.TrimSpace(line), ",")
		}
	}
	return ""
}

// tryIndexes drops the indexes, adds them again, and drops them for good. It returns the definition without them, or why they
// cannot be added as they were.
func (r *Runner) tryIndexes(ctx context.Context, db *sql.DB, deferred *checkpoint.Deferred) (bare, why string, err error) {
	var drops []string
	for _, index := range deferred.Indexes {
		drops = append(drops, "DROP INDEX "+table.Quote(index.Name))
	}
	drop := "ALTER TABLE " + r.names.Shadow.String() + " " + strings.Join(drops, ", ")
	for i, statement := range []string{drop, r.addIndexes(deferred), drop} {
		_, err := db.ExecContext(ctx, statement)
		if conn.IsRefused(err) && !conn.IsPassing(err) {
			return "", conn.Message(err), nil
		}
		if err != nil {
			return "", "", fmt.Errorf("try to add the indexes of %s later: %w", r.names.Shadow, err)
		}
		if bare, err = definition(ctx, r.db, r.names.Shadow); err != nil {
			return "", "", err
		}
		if i == 1 && fingerprint(bare) != deferred.Shadow {
			return "", "added later, they would not be defined as they are", nil
		}
	}
	return bare, "", nil
}

// addIndexes is the statement that gives the shadow its indexes, in place: the rows are not written again.
func (r *Runner) addIndexes(deferred *checkpoint.Deferred) string {
	var adds []string
	for _, index := range deferred.Indexes {
		adds = append(adds, "ADD "+index.Definition)
	}
	return fmt.Sprintf("ALTER TABLE %s %s, ALGORITHM=INPLACE %s", r.names.Shadow, strings.Join(adds, ", "), r.cfg.Conn.Mark())
}

// indexNames names the indexes for people.
func indexNames(deferred *checkpoint.Deferred) string {
	var names []string
	for _, index := range deferred.Indexes {
		names = append(names, index.Name)
	}
	return table.QuoteList(names)
}

// buildIndexes has the server build the deferred indexes. What was changed while copying is applied before: it costs less as
// long as there are none.
func (r *Runner) buildIndexes(ctx context.Context) error {
	if err := r.settle(ctx); err != nil {
		return err
	}
	db, err := r.openIndexing()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // what it did has been answered or looked up
	gate := r.parts.Load().gate
	for attempt := 1; ; attempt++ {
		if err := gate.Wait(ctx); err != nil {
			return err
		}
		began := time.Now()
		r.view.building(indexNames(r.deferred))
		err := r.buildHeld(ctx, db)
		r.view.waitFor("")
		if err == nil {
			r.indexed = true
			r.cfg.Log.Info("indexes built", "indexes", indexNames(r.deferred), "took", time.Since(began).Round(time.Millisecond))
			return nil
		}
		if !conn.IsLockWait(err) {
			return err
		}
		pause := min(time.Duration(attempt)*time.Second, time.Minute)
		r.cfg.Log.Warn("somebody's transaction uses the new table, whose indexes are to be built", "table", r.names.Shadow.String(), "attempt", attempt, "next_in", pause)
		if err := conn.Pause(ctx, pause); err != nil {
			return err
		}
	}
}

// buildHeld adds the indexes while the applier is held: the server would keep what is written meanwhile in a log of bounded
// size, and give up when it is full. Keys and changes are collected as long as there is room, then the log waits to be read.
func (r *Runner) buildHeld(ctx context.Context, db *sql.DB) error {
	hold, err := r.parts.Load().applier.Hold(ctx)
	if err != nil {
		return err
	}
	defer hold.Release()
	session, id, err := conn.Session(ctx, db)
	if err != nil {
		return err
	}
	defer func() { _ = session.Close() }() // it goes back to the pool
	_, failed := session.ExecContext(ctx, r.addIndexes(r.deferred))
	if conn.IsRefused(failed) {
		return fmt.Errorf("build the indexes of %s: %w", r.names.Shadow, failed)
	}
	built, err := r.lookForIndexes(ctx, id, failed != nil)
	switch {
	case err != nil && failed != nil:
		return fmt.Errorf("build the indexes of %s: %w; see what became of it: %w", r.names.Shadow, failed, err)
	case err != nil:
		return err
	case built:
		return nil
	case failed != nil:
		return fmt.Errorf("build the indexes of %s: %w", r.names.Shadow, failed)
	}
	return fmt.Errorf("%s has its indexes, and is not as it was made: somebody has changed it: start again with --restart", r.names.Shadow)
}

// lookForIndexes says whether the shadow has its indexes. Where the statement was not answered, its session is ended first: it
// may be at work still.
func (r *Runner) lookForIndexes(ctx context.Context, session uint64, unanswered bool) (built bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(r.cfg.ReconnectTimeout, undoPatience))
	defer cancel()
	err = conn.Retry(ctx, r.cfg.ReconnectTimeout, func() error {
		if unanswered {
			if err := r.cfg.Conn.EndSession(ctx, r.db, r.server, session); err != nil {
				return err
			}
		}
		now, err := definition(ctx, r.db, r.names.Shadow)
		built = fingerprint(now) == r.deferred.Shadow
		return err
	})
	return built, err
}
