package cutover

import (
	"context"
	"database/sql"
	"time"
)

// Applier applies the source's changes to the shadow table. The cut-over asks it for no more than this; methods may be
// called from any goroutine.
type Applier interface {
	// Predict returns how long it would take, at the present rate, to apply what has been read from the log and not yet
	// been applied; 0 when nothing is waiting. It does not block.
	Predict() time.Duration

	// WaitApplied blocks until the row of the changelog that holds this fence, or a later one, has been read from the
	// log and everything before it is committed on the shadow. It returns the applier's own error when that has
	// stopped, and ctx's when ctx ends first. While the applier is held it may block until the release.
	WaitApplied(ctx context.Context, fence uint64) error

	// Hold lets the statements and transactions in flight on the shadow commit, and starts no more: when it returns, no
	// session of the applier holds a lock or has a statement running on the shadow or the source, and the stream goes
	// on being read (up to the queue's bound). An error, ctx's included, means that nothing is held. One hold at a time.
	Hold(ctx context.Context) (Held, error)
}

// Held is an applier that is held back. Its methods are called by one goroutine.
type Held interface {
	// Drain applies everything up to the fence, and compares what is left to be compared, through the session and nothing
	// else, one autocommit statement after the other. It holds LOCK TABLES … WRITE on source and shadow: statements name
	// these two tables without alias; BEGIN, SET autocommit, DDL and all else that commits implicitly would release the locks.
	// What stands after the fence in the log stays waiting. After an error a transaction may be applied in part: its
	// changes are applied again, whole, after the release. ctx ends it at once; the session may then be broken.
	Drain(ctx context.Context, session *sql.Conn, fence uint64) error

	// Compare compares what is left to be compared, when everything has been applied, through sessions of the applier's own.
	// The source is locked by a session that lets others read. ctx ends it at once.
	Compare(ctx context.Context) error

	// Release ends the hold: the applier goes on by itself with all that it has not committed. The caller has ended the
	// table locks, or has seen the session gone, before. After a swap it is not called at all: Stop is.
	Release()

	// Stop ends the hold for ever: the shadow is the source's successor now, and nothing is written any more. The
	// applier's own Run returns nil after it.
	Stop()
}
