package copier

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// history is what went wrong with a chunk, or with one of its rows, so far; it decides what comes next.
type history struct {
	mapping *table.Mapping
	retries int

	tries   int // but for locks
	waits   int // for locks
	applied int // rows that were applied while the statement ran
	// duplicate is the server's last message about a duplicate, settled how often it came again although everything
	// committed before had been applied.
	duplicate string
	settled   int
}

const (
	// patience is how often a chunk is refused a lock before its rows are copied one by one: each then waits for its lock
	// alone, and keeps nobody from another.
	patience = 6
	// overtaken is how often rows of a chunk may be applied while its statement runs before its rows are copied one by one.
	overtaken = 3
	// lockPause bounds the pause before a lock is tried again.
	lockPause = 250 * time.Millisecond
	// waitsPerTry is by how much locks are waited for more often than anything else: the application may hold them long.
	waitsPerTry = 10
	// proof is how often the same duplicate must come again to be one of the source's rows.
	proof = 3
)

// remedy is what to do before the next try.
type remedy struct {
	apart  bool // the rows are to be copied one by one from now on
	settle bool
	pause  time.Duration
}

// add notes why a chunk or row was not copied and says what to do before the next try, or returns the error that ends the
// copying.
func (h *history) add(err error) (remedy, error) {
	if errors.Is(err, conn.ErrRestarted) || errors.Is(err, conn.ErrSuperseded) {
		return remedy{}, err
	}
	if conn.IsLockWait(err) {
		return h.locked(err)
	}
	h.tries++
	r, passing := h.judge(err)
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

func (h *history) locked(err error) (remedy, error) {
	h.waits++
	if h.waits > waitsPerTry*h.retries {
		return remedy{}, fmt.Errorf("gave up after %d tries: a transaction holds a lock: %w", h.waits, err)
	}
	return remedy{apart: h.waits >= patience, pause: backOff(h.waits, lockPause)}, nil
}

func (h *history) judge(err error) (remedy, bool) {
	switch {
	case conn.IsDuplicate(err):
		return h.duplicated(err), true
	case conn.IsDeadlock(err), conn.IsInterrupted(err):
		return remedy{pause: backOff(h.tries, lockPause)}, true
	case !answered(err):
		return remedy{pause: backOff(h.tries, slowest)}, true
	}
	return remedy{}, false
}

// duplicated judges a duplicate. In the migration key it is a row that was applied while the statement ran, which the
// next try leaves out. In another key the shadow may hold the value in an older version of another row.
func (h *history) duplicated(err error) remedy {
	if h.isApplied(err) {
		h.applied++
		return remedy{apart: h.applied >= overtaken, pause: backOff(0, lockPause)}
	}
	if message := conn.Message(err); message == h.duplicate {
		h.settled++
	} else {
		h.duplicate, h.settled = message, 0
	}
	return remedy{settle: true, pause: backOff(h.settled, lockPause)}
}

// isApplied says whether the error is that the shadow has a row of that migration key already.
func (h *history) isApplied(err error) bool {
	return conn.IsDuplicate(err) && duplicateKey(err, h.mapping.Shadow.Name) == h.mapping.Key.ShadowName
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
