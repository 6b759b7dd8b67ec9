package binlog

import (
	"bytes"
	"fmt"

	"github.com/midstreamdb/midstream/internal/table"
)

// Watch says who may write the shadow table, and how the log tells who did. Its rows are not decoded: a table map and the
// head of each event are enough.
type Watch struct {
	Shadow  table.Name
	Writers Writers // by the thread that the log names; nil: by Mark
	// Mark stands in every statement by which the migration writes the shadow. MariaDB logs statements beside their rows
	// (binlog_annotate_row_events), and sends them to those who ask.
	Mark string
}

// Writers are the sessions of the migration.
type Writers interface {
	// Note is told of each row written to the changelog, in the order of the log, and of the server that wrote it.
	Note(server uint32, id int64, value uint64)
	// Has says whether the thread of that server may write the shadow, as far as the log was read.
	Has(server, thread uint32) bool
}

// ForeignWriteError says that somebody else changed rows of the shadow table: it may not become what the source is.
type ForeignWriteError struct {
	Shadow table.Name
	Server uint32 // whose transaction it was first
	Thread uint32 // on that server; 0: the log does not tell
}

// Error implements error.
func (e *ForeignWriteError) Error() string {
	who := fmt.Sprintf("a session of server %d that is none of this migration's", e.Server)
	if e.Thread != 0 {
		who = fmt.Sprintf("thread %d of server %d, which is none of this migration's", e.Thread, e.Server)
	}
	return fmt.Sprintf("somebody else changed rows of the shadow table %s during the run: %s. "+
		"Find out who writes to it, and stop that; then begin anew with --restart, for a run that goes on meets the same place again", e.Shadow, who)
}

// shadowRows stands for the shadow among the tables of a statement.
var shadowRows = &watched{}

// mayWrite returns an error unless the rows event, of the shadow, was written by the migration.
func (a *assembler) mayWrite(g *group, e event) error {
	if w := a.watch.Writers; g.passed || w != nil && w.Has(e.server, g.thread) ||
		w == nil && bytes.Contains(a.annotation, []byte(a.watch.Mark)) {
		return nil
	}
	return &ForeignWriteError{Shadow: a.watch.Shadow, Server: e.server, Thread: g.thread}
}
