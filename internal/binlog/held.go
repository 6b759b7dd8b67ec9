package binlog

import (
	"errors"
	"fmt"
	"slices"

	"github.com/midstreamdb/midstream/internal/conn"
)

// held are the XA transactions that stand in the log as prepared and are neither committed nor rolled back there, in the
// order of their PREPARE. They are held even without rows of ours: their XA COMMIT is to be known when it comes.
type held struct {
	since    Position // before the first PREPARE since none was held
	prepared []heldGroup
	bytes    int
}

type heldGroup struct {
	id    conn.XID
	group *group
}

// room says whether a transaction of that size fits beside what is held.
func (h *held) room(bytes, limit int) error {
	if h.bytes+bytes > limit {
		return fmt.Errorf("the rows of XA transactions that are prepared and undecided take more than %d bytes: "+
			"commit or roll back what XA RECOVER shows, then run again", limit)
	}
	return nil
}

func (h *held) add(id conn.XID, before Position, g *group) error {
	if h.find(id) >= 0 {
		return fmt.Errorf("XA transaction %s is prepared twice", id)
	}
	if len(h.prepared) == 0 {
		h.since = before
	}
	h.prepared = append(h.prepared, heldGroup{id, g})
	h.bytes += g.bytes
	return nil
}

func (h *held) find(id conn.XID) int {
	return slices.IndexFunc(h.prepared, func(p heldGroup) bool { return p.id == id })
}

// take removes a transaction and returns its rows; nil: its PREPARE was not read.
func (h *held) take(id conn.XID) *group {
	i := h.find(id)
	if i < 0 {
		return nil
	}
	g := h.prepared[i].group
	h.prepared = slices.Delete(h.prepared, i, i+1)
	h.bytes -= g.bytes
	return g
}

// before returns p, or the last position before it at which nothing was held: not even what is decided by now, for a stream
// that starts between a PREPARE and its decision meets the decision alone.
func (h *held) before(p Position) Position {
	if len(h.prepared) == 0 {
		return p
	}
	return h.since
}

// UnknownXAError says that an XA transaction was committed whose PREPARE is older than the stream's start: whether it
// changed the source is not known. Start again from a position at which XA RECOVER is empty.
type UnknownXAError struct{ XID conn.XID }

// Error implements error.
func (e *UnknownXAError) Error() string {
	return fmt.Sprintf("XA transaction %s was prepared before this run began to read the binary log and committed now: "+
		"whether it changed the table is not known; run again from the start", e.XID)
}

// prepare ends the rows of an XA transaction: they wait for its decision, or are committed in one phase.
func (a *assembler) prepare(e event) error {
	if a.group == nil || !a.group.begun {
		return errOutside
	}
	id, onePhase, err := parseXAPrepare(e.body)
	if err != nil {
		return fmt.Errorf("read XA PREPARE: %w", err)
	}
	if onePhase || a.group.passed {
		return a.handOut(a.close())
	}
	if a.group.pieces > 0 {
		return errors.New("a transaction turns out to be prepared by XA after parts of it were handed out")
	}
	if err := a.held.room(a.group.bytes, a.limits.held); err != nil {
		return err
	}
	a.xaCommits.restarted(id)
	before := a.read
	g := a.close()
	if err := a.held.add(id, before, g); err != nil {
		return err
	}
	return a.handOut(&group{clock: g.clock, committedAt: g.committedAt})
}

// decide handles XA COMMIT and XA ROLLBACK.
func (a *assembler) decide(commit bool, argument string) error {
	id, onePhase, err := parseXID(argument)
	if err != nil {
		return err
	}
	if onePhase || a.group.passed {
		return a.handOut(a.close())
	}
	g := a.close()
	rows := a.held.take(id)
	if commit && (rows == nil || len(rows.changes) > 0) { // it may have changed the source
		a.xaCommits.note(id)
	}
	switch {
	case commit && rows == nil && !a.begins:
		return &UnknownXAError{id}
	case commit && rows == nil: // it will be copied
	case commit:
		g.changes, g.marks, g.bytes = rows.changes, rows.marks, rows.bytes
		// The source reckons the rows' conflicts to the PREPARE, not to this: nothing may run beside it.
		g.clock = Clock{File: g.clock.File, MariaDB: g.clock.MariaDB}
	}
	return a.handOut(g)
}
