package schedule

// Clock is what the source says about one transaction's dependencies. It holds MySQL's
// numbers or a commit group. With neither (or numbers that contradict themselves: negative, or
// last_committed ≥ sequence_number) the transaction is a barrier: it overlaps with nothing.
type Clock struct {
	// Epoch changes with each binlog file (real rotations, not the fake ones on connect) and each
	// reconnect; only whether it differs from the previous transaction's matters.
	Epoch uint64
	// LastCommitted may be 0: the transaction depends on nothing in its own file.
	LastCommitted int64
	// SequenceNumber rises within an epoch; one that does not rise is taken for the start of a new epoch.
	SequenceNumber int64
	// Group, if not 0, takes the place of the numbers: neighbours with the same group may run
	// together, a new group waits for the whole previous one.
	Group uint64
}

// barrier: nothing is known that would let the transaction overlap with another.
func (c Clock) barrier() bool {
	if c.Group != 0 {
		return false
	}
	return c.SequenceNumber <= 0 || c.LastCommitted < 0 || c.LastCommitted >= c.SequenceNumber
}

// continues reports whether c and its predecessor prev can be compared: the same epoch, and the
// same group or rising numbers. If not, c waits for everything before it.
func (c Clock) continues(prev Clock) bool {
	if c.Epoch != prev.Epoch || c.Group != prev.Group {
		return false
	}
	return c.Group != 0 || c.SequenceNumber > prev.SequenceNumber
}

// MariaDBFlags are the flags of MariaDB's GTID event (FL_… in its log_event.h).
type MariaDBFlags uint8

// The flags that tell whether a transaction may run beside others.
const (
	MariaDBGroupCommitID MariaDBFlags = 2   // the event carries a group-commit id
	MariaDBTransactional MariaDBFlags = 4   // it can be rolled back
	MariaDBAllowParallel MariaDBFlags = 8   // the session did not set skip_parallel_replication
	MariaDBWaited        MariaDBFlags = 16  // it waited for another's row lock
	MariaDBDDL           MariaDBFlags = 32  // it is DDL
	MariaDBPreparedXA    MariaDBFlags = 64  // XA PREPARE
	MariaDBCompletedXA   MariaDBFlags = 128 // XA COMMIT or XA ROLLBACK
)

// MariaDB is the part of MariaDB's GTID event that tells dependencies. MariaDB has no logical clock, but
// the members of one group commit held all their locks at the same time: they cannot conflict.
type MariaDB struct {
	Flags    MariaDBFlags
	CommitID uint64 // meaningful only with MariaDBGroupCommitID
}

// Clock maps the event onto the scheduler's clock. A transaction without a commit id (a group of one), or
// with a flag that forbids company, is a barrier. Replication domains are ignored: one order for all.
func (m MariaDB) Clock(epoch uint64) Clock {
	const want = MariaDBGroupCommitID | MariaDBTransactional | MariaDBAllowParallel
	const forbidden = MariaDBWaited | MariaDBDDL | MariaDBPreparedXA | MariaDBCompletedXA
	if m.Flags&want != want || m.Flags&forbidden != 0 {
		return Clock{Epoch: epoch}
	}
	return Clock{Epoch: epoch, Group: m.CommitID}
}
