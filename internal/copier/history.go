package copier

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// history is what went wrong with a chunk so far; it decides what comes next.
type history struct {
	mapping *table.Mapping
	retries int

	tries   int // without progress, but for locks
	waits   int // for locks, without progress
	refused int // locks of the present part
	applied int // rows of the present part that were applied while its statement ran
	// duplicate is the server's last message about a duplicate, settled how often it came again although everything
	// committed before had been applied.
	duplicate string
	settled   int
}

const (
	// patience is how often a part is refused a lock before it is split, or waited for if it is one row. A part of many
	// rows never waits: it would keep the application from the rows that it has locked already, and a deadlock would
	// cost the application its transaction.
	patience = 6
	// lockPause bounds the pause before a lock is tried again.
	lockPause = 250 * time.Millisecond
	// waitsPerTry is by how much locks are waited for more often than anything else: the application may hold them long.
	waitsPerTry = 10
	// overtaken is how often rows of a part may be applied while its statement runs before it is split: a shorter statement
	// meets fewer.
	overtaken = 3
	// proof is how often the same duplicate must come again to be one of the source's rows.
	proof = 3
)

// remedy is what to do before the next try.
type remedy struct {
	split  bool
	settle bool
	pause  time.Duration
}

func (h *history) reading(p part) sqlgen.Reading {
	if h.refused < patience || p.size > 1 {
		return sqlgen.LockingNow
	}
	return sqlgen.Locking
}

// forget begins anew after a part was copied.
func (h *history) forget() { *h = history{mapping: h.mapping, retries: h.retries} }

// add notes why a part was not copied and says what to do before the next try, or returns the error that ends the copying.
func (h *history) add(err error, p part) (remedy, error) {
	if errors.Is(err, errRestarted) {
		return remedy{}, err
	}
	if conn.IsLockWait(err) {
		return h.locked(err, p)
	}
	h.tries++
	r, passing := h.judge(err, p)
	switch {
	case !passing:
		return remedy{}, err
	case h.settled >= proof && h.mayBeReal(err):
		return remedy{}, &DuplicateError{Shadow: h.mapping.Shadow.Name, Err: err}
	case h.tries > h.retries:
		return remedy{}, fmt.Errorf("gave up after %d tries: %w", h.tries, err)
	}
	return r, nil
}

func (h *history) locked(err error, p part) (remedy, error) {
	h.waits++
	h.refused++
	if h.waits > waitsPerTry*h.retries {
		return remedy{}, fmt.Errorf("gave up after %d tries: a transaction holds a lock: %w", h.waits, err)
	}
	if h.refused >= patience && p.size > 1 {
		h.refused = 0
		return remedy{split: true}, nil
	}
	return remedy{pause: backOff(h.refused, lockPause)}, nil
}

func (h *history) judge(err error, p part) (remedy, bool) {
	switch {
	case conn.IsDuplicate(err):
		return h.duplicated(err, p), true
	case conn.IsDeadlock(err), conn.IsInterrupted(err):
		return remedy{pause: backOff(h.tries, lockPause)}, true
	case !answered(err):
		return remedy{pause: backOff(h.tries, slowest)}, true
	}
	return remedy{}, false
}

// duplicated judges a duplicate. In the migration key it is a row that was applied while the statement ran, which the
// next try leaves out. In another key the shadow may hold the value in an older version of another row.
func (h *history) duplicated(err error, p part) remedy {
	if duplicateKey(err, h.mapping.Shadow.Name) == h.mapping.Key.ShadowName {
		if h.applied++; h.applied >= overtaken && p.size > 1 {
			h.applied = 0
			return remedy{split: true}
		}
		return remedy{pause: backOff(0, lockPause)}
	}
	if message := conn.Message(err); message == h.duplicate {
		h.settled++
	} else {
		h.duplicate, h.settled = message, 0
	}
	return remedy{settle: true, pause: backOff(h.settled, lockPause)}
}

// mayBeReal says whether rows of the source can have the same value in the key: not where the source has the key too.
func (h *history) mayBeReal(err error) bool {
	key := duplicateKey(err, h.mapping.Shadow.Name)
	for i := range h.mapping.Shadow.Keys {
		if k := &h.mapping.Shadow.Keys[i]; table.SameIdentifier(k.Name, key) {
			return h.added(key)
		}
	}
	return true // the message is not understood
}

func (h *history) added(key string) bool {
	for i := range h.mapping.AddedUnique {
		if table.SameIdentifier(h.mapping.AddedUnique[i].Name, key) {
			return true
		}
	}
	return false
}

var forKey = regexp.MustCompile(`(?s)for key '(.*)'$`)

// duplicateKey returns the name of the key that the server says refused a row, "" if it does not say. MySQL names the
// table as well.
func duplicateKey(err error, shadow table.Name) string {
	m := forKey.FindStringSubmatch(conn.Message(err))
	if m == nil {
		return ""
	}
	return strings.TrimPrefix(m[1], shadow.Table+".")
}

// answered says whether an error is the server's answer, after which the session goes on. Whatever else it is leaves open
// what the statement did.
func answered(err error) bool {
	var refused *mysql.MySQLError
	var warned errWarning
	return (errors.As(err, &refused) || errors.As(err, &warned)) && !conn.IsConnectionLost(err)
}
