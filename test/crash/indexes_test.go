package crash_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/sandbox/sandboxtest"
)

// TestKilledWhileIndexing: the command is killed while its statement that builds the indexes waits in the server. The next run
// ends it, and builds them; or it finds that the server has built them, and goes on.
// What the load wrote meanwhile is there in the end, and so are the indexes, in their order.
func TestKilledWhileIndexing(t *testing.T) {
	for name, meanwhile := range map[string]func(w *whileIndexing){
		"waits still": (*whileIndexing).waitsStill,
		"was built":   (*whileIndexing).wasBuilt,
	} {
		t.Run(name, func(t *testing.T) {
			sandboxtest.Each(t, func(t *testing.T, s *sandboxtest.Schema) {
				r, permit := beginPostponed(t, s)
				s.MustExec("ALTER TABLE sbtest1 ADD KEY c_1 (c(20), k), ADD KEY a_1 (pad(10) DESC)")
				before := keys(s, "sbtest1")
				p := r.start()
				w := &whileIndexing{trial: r, process: p, blocker: s.MustConn()}
				r.mustHaveRows()
				w.exec("BEGIN")
				w.exec("SELECT * FROM sbtest1__new LIMIT 1")
				eventually(t, "the indexes wait", func() bool { return len(w.waiting()) > 0 })
				if unique := keys(s, "sbtest1__new"); len(unique) != 2 {
					t.Errorf("while rows are copied the shadow has the indexes %q", unique)
				}
				r.mustKill(p)
				w.left = w.waiting()
				meanwhile(w)
				w.built()
				r.mustStopLoad()
				permit()
				w.mustEnd()
				r.mustHold()
				if after := keys(s, "sbtest1"); !slices.Equal(after, before) {
					t.Errorf("the indexes are %q, want %q", after, before)
				}
			})
		})
	}
}

// mustHaveRows waits until the shadow has rows.
func (r *trial) mustHaveRows() {
	r.t.Helper()
	eventually(r.t, "rows are copied", func() bool {
		return len(r.s.MustQueryRows("SHOW TABLES LIKE 'sbtest1\\_\\_new'")) > 0 && r.s.MustQueryInt("SELECT COUNT(*) FROM (SELECT 1 FROM sbtest1__new LIMIT 1) one") > 0
	})
}

// keys are the indexes of a table, as SHOW CREATE TABLE has them.
func keys(s *sandboxtest.Schema, name string) (found []string) {
	for line := range strings.Lines(s.MustQueryRows("SHOW CREATE TABLE " + name)[0]) {
		if strings.Contains(line, "KEY ") {
			found = append(found, strings.Trim(line, " ,\n"))
		}
	}
	return found
}

// whileIndexing is a trial whose command was killed, and whose statement waits for a transaction on the shadow.
type whileIndexing struct {
	*trial
	process *process // the run that is to end well
	blocker *sql.Conn
	left    []string // the session that waits
}

func (w *whileIndexing) exec(statement string) {
	w.t.Helper()
	if _, err := w.blocker.ExecContext(w.t.Context(), statement); err != nil {
		w.t.Fatal(err)
	}
}

// waiting are the sessions that wait to build the indexes.
func (w *whileIndexing) waiting() []string {
	w.t.Helper()
	return w.s.MustQueryRows("SELECT id FROM " + w.s.Processlist() + " WHERE info LIKE 'ALTER TABLE%" + w.s.Name + "%sbtest1\\_\\_new%ADD KEY%'")
}

// built waits until the shadow has all its indexes.
func (w *whileIndexing) built() {
	w.t.Helper()
	eventually(w.t, "the indexes are built", func() bool { return len(keys(w.s, "sbtest1__new")) == 5 })
}

// mustEnd waits for the process to end well.
func (w *whileIndexing) mustEnd() {
	w.t.Helper()
	select {
	case err := <-w.process.ended:
		if err != nil {
			w.t.Fatalf("the command ended with %v:\n%s", err, &w.process.text)
		}
	case <-time.After(patience):
		w.mustKill(w.process)
		w.t.Fatalf("the command does not end:\n%s", &w.process.text)
	}
}

func (w *whileIndexing) waitsStill() {
	w.process = w.start()
	eventually(w.t, "the session that was left is gone", func() bool {
		return len(w.s.MustQueryRows(fmt.Sprintf("SELECT id FROM %s WHERE id IN (%s)", w.s.Processlist(), strings.Join(w.left, ",")))) == 0
	})
	w.exec("ROLLBACK")
}

func (w *whileIndexing) wasBuilt() {
	w.exec("ROLLBACK")
	w.built()
	w.process = w.start()
}
