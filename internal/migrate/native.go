package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// algorithm is how the server alters a table without copying rows and without building an index.
type algorithm string

const (
	instant algorithm = "ALGORITHM=INSTANT"
	// metadataOnly is an in-place change after which no index is another than before.
	metadataOnly algorithm = "ALGORITHM=INPLACE, LOCK=NONE"
)

// errAltered ends the story early: the server has altered the source itself.
var errAltered = errors.New("altered by the server")

// tryNative alters the shadow, which is empty, by the first algorithm that the server accepts for it, and notes it as the one
// for the source unless it builds something. altered says whether the shadow has its new definition. The server decides,
// not a table of ours.
func (r *Runner) tryNative(ctx context.Context, ddl *sql.DB) (altered bool, err error) {
	r.algorithm, r.whyCopy = "", ""
	if r.cfg.Native == NativeOff {
		return false, nil
	}
	before, err := r.indexes(ctx, r.names.Shadow)
	if err != nil {
		return false, err
	}
	for _, a := range []algorithm{instant, metadataOnly} {
		_, err = ddl.ExecContext(ctx, r.alter.Calling(r.checks).By(string(a), r.names.Shadow))
		if conn.IsRefused(err) {
			r.whyCopy = conn.Message(err)
			continue
		}
		if err != nil {
			return false, fmt.Errorf("alter shadow table %s: %w", r.names.Shadow, err)
		}
		after, err := r.indexes(ctx, r.names.Shadow)
		if err != nil {
			return true, err
		}
		if len(after) == 0 || slices.ContainsFunc(after, func(id uint64) bool { return !slices.Contains(before, id) }) {
			r.whyCopy = "it would rebuild the table or build an index"
			return true, nil
		}
		r.algorithm = a
		return true, nil
	}
	return false, nil
}

// indexes returns the identities that InnoDB gives the indexes of the table: one that is built has a new one. None if the
// server does not show the table. Others may be among them whose names differ in odd characters only, which InnoDB encodes.
func (r *Runner) indexes(ctx context.Context, name table.Name) (ids []uint64, err error) {
	prefix := "innodb_"
	if r.server.IsMariaDB() {
		prefix = "innodb_sys_"
	}
	query := `
		SELECT i.index_id
		  FROM information_schema.` + prefix + `tables t
		  JOIN information_schema.` + prefix + `indexes i USING (table_id)
		 WHERE LOWER(t.name) LIKE ? ESCAPE '|' OR LOWER(t.name) LIKE ? ESCAPE '|'`
	pattern := pattern(name.Schema) + "/" + pattern(name.Table)
	rows, err := r.db.QueryContext(ctx, query, pattern, pattern+"#p#%")
	if err != nil {
		return nil, fmt.Errorf("read the indexes of %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id uint64
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("read the indexes of %s: %w", name, err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// pattern is what InnoDB's form of a name is LIKE.
func pattern(name string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(name) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			b.WriteRune(c)
		case c == '_':
			b.WriteString("|_")
		default:
			b.WriteByte('%')
		}
	}
	return b.String()
}

// native has the server alter the source itself if it is to and can; it says whether it has. When not, the rows are to be
// copied.
func (r *Runner) native(ctx context.Context) (done bool, err error) {
	if r.algorithm == "" {
		return false, r.notNative()
	}
	services := newServices(ctx)
	services.start("keep the table's lock", func(ctx context.Context) error { return r.lock.Run(ctx, r.cfg.ReconnectTimeout) })
	r.enter(status.CutOver)
	done, err = r.giveWay(services.ctx)
	var unknown *Unknown
	if failed := services.stop(); failed != nil && err != nil && !errors.As(err, &unknown) {
		err = failed
	}
	return done, err
}

// giveWay tries the ALTER until the server has done or refused it. Each attempt waits for the table's lock for a short time
// only, for everybody else waits behind it.
func (r *Runner) giveWay(ctx context.Context) (done bool, err error) {
	ddl, err := r.openDDL()
	if err != nil {
		return false, err
	}
	defer func() { _ = ddl.Close() }() // what it did has been answered
	permission := &permission{r: r}
	lately := time.Now() // the server was there
	for attempt := 1; ; attempt++ {
		for reason := permission.Reason(ctx); reason != ""; reason = permission.Reason(ctx) {
			r.view.waitFor(reason)
			if err := conn.Pause(ctx, throttleInterval); err != nil {
				return false, err
			}
			lately = time.Now()
		}
		r.view.waitFor("the table's metadata lock")
		err := r.alterSource(ctx, ddl)
		r.view.waitFor("")
		var unknown *Unknown
		switch {
		case errors.As(err, &unknown): // whatever it wraps
			return false, err
		case err == nil:
			r.summary = Summary{Source: r.names.Source, Way: fmt.Sprintf("the server's own DDL, %s (--native=%s)", r.algorithm, r.cfg.Native), Native: true, Attempts: attempt}
			return true, nil
		case conn.IsLockWait(err):
			lately = time.Now()
		case (conn.IsPassing(err) || errors.Is(err, conn.ErrLockLost)) && time.Since(lately) <= r.cfg.ReconnectTimeout:
		case conn.IsRefused(err) && !conn.IsPassing(err):
			r.whyCopy = conn.Message(err)
			r.enter(status.Prepare)
			return false, r.notNative()
		default:
			return false, err
		}
		pause := min(time.Duration(attempt)*time.Second, time.Minute)
		r.cfg.Log.Warn("the server's own ALTER gave way to others", "table", r.names.Source.String(), "attempt", attempt, "reason", conn.Message(err), "next_in", pause)
		if err := conn.Pause(ctx, pause); err != nil {
			return false, err
		}
	}
}

// notNative says why the rows are copied, which is a Refusal where they must not be.
func (r *Runner) notNative() error {
	switch r.cfg.Native {
	case NativeOnly:
		return &Refusal{Err: fmt.Errorf("--native=only: the server cannot alter %s as INSTANT or by its metadata alone: %s", r.names.Source, r.whyCopy)}
	case NativeAuto:
		r.cfg.Log.Info("rows are copied: the server cannot do it as INSTANT or by metadata alone", "reason", r.whyCopy)
	}
	return nil
}

// mayCopy refuses to copy the rows of a table that preflight has found something against.
func (r *Runner) mayCopy() error {
	if r.againstCopy == nil {
		return nil
	}
	return &Refusal{Err: fmt.Errorf("%w\nWhat the server says: %s", r.againstCopy, r.whyCopy)}
}

// alterSource executes the ALTER. When its answer is lost, the definition tells what became of it.
func (r *Runner) alterSource(ctx context.Context, ddl *sql.DB) error {
	session, id, err := conn.Session(ctx, ddl)
	if err != nil {
		return err
	}
	defer func() { _ = session.Close() }() // it goes back to the pool
	if err := r.lock.Held(ctx); err != nil {
		return err
	}
	before, err := definition(ctx, r.db, r.names.Source)
	if err != nil {
		return err
	}
	if _, err := session.ExecContext(ctx, fmt.Sprintf("SET SESSION lock_wait_timeout = %d", int(r.cfg.LockTimeout.Seconds()))); err != nil {
		return err
	}
	_, err = session.ExecContext(ctx, r.alter.By(string(r.algorithm), r.names.Source))
	if err == nil || conn.IsRefused(err) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(r.cfg.ReconnectTimeout, lookPatience))
	defer cancel()
	var now string
	looked := conn.Retry(ctx, r.cfg.ReconnectTimeout, func() (err error) {
		if err := r.cfg.Conn.EndSession(ctx, r.db, r.server, id); err != nil {
			return err
		}
		now, err = definition(ctx, r.db, r.names.Source)
		return err
	})
	switch {
	case looked != nil:
		return &Unknown{Err: fmt.Errorf("the ALTER of %s was not answered (%w), and what became of it could not be seen: %w\n"+
			"Look at the definition: if it is the old one, the same command begins anew; if it is the new one, nothing is left to do but midstream cleanup", r.names.Source, err, looked)}
	case withoutCounter(now) != withoutCounter(before):
		return nil
	default:
		return err
	}
}

// finishNative drops what was created to find out, and ends the story.
func (r *Runner) finishNative(ctx context.Context) error {
	r.enter(status.CleanUp)
	if err := r.dropCreated(ctx); err != nil {
		return &Leftover{Err: err, Left: r.lastFirst()}
	}
	return errAltered
}
