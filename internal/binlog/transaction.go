// Package binlog turns the binary log of a server into transactions: assembled to their commit boundary, in order, with
// the row changes of the tables that are watched and nothing of others. No type of the transport library leaves it.
package binlog

import (
	"time"

	"github.com/midstreamdb/midstream/internal/table"
)

// Transaction is a source transaction, as far as it concerns the watched tables, or a piece of one (More). It is never
// changed after the stream handed it out.
type Transaction struct {
	// End names the end of the transaction: a stream started there misses nothing after it and repeats nothing that it
	// must not. While XA transactions are prepared and undecided, End stays before the first PREPARE since none was.
	End Position

	Clock       Clock
	Changes     []RowChange // of the source table, in order
	Marks       []Mark      // rows written to the changelog table, in order
	CommittedAt time.Time   // by the source's clock, in whole seconds where the log has no finer time
	Bytes       int         // memory held by the changes, roughly

	// More says that the transaction goes on in the next item: it was too large to hold. Its pieces follow each other
	// without others between them; only the last has a valid End.
	More bool

	// Undone says that the pieces handed out since the last item without More are void: the transaction was rolled back in
	// the log, or the stream broke inside it and reads it again from its start, as pieces too. The item carries no changes;
	// its End is where the transaction began, or its end where it was rolled back.
	Undone bool
}

// Clock is what the log says about the order in which transactions may be applied. All numbers start again with File.
type Clock struct {
	File uint64 // counts the binlog files, and the reconnects, of this stream

	// MySQL's logical clock; both 0 where the log has none.
	LastCommitted  int64
	SequenceNumber int64

	// MariaDB's group commit.
	Group    uint64 // commit id; 0: the transaction was alone in its group
	MariaDB  bool
	DDL      bool
	Waited   bool // the transaction waited for a row lock of another
	Parallel bool // FL_ALLOW_PARALLEL: the session did not set skip_parallel_replication
}

// RowChange is the change of one row. It has a Before image for updates and deletes, an After image for inserts and
// updates. Images are full: a column that the log left out is an error of the stream. Of their columns they have those that
// the stream's Config names.
type RowChange struct {
	Before table.Row // nil for an insert
	After  table.Row // nil for a delete
}

// Mark is a row written to the changelog table: which one, and its new value.
type Mark struct {
	ID    int64
	Value uint64
}
