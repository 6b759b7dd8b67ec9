package schedule_test

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/midstreamdb/midstream/internal/schedule"
)

// A model of a source server: committers take row locks, prepare, are flushed to the binlog in groups,
// commit in binlog order and release their locks; the clock is computed as MySQL's (rpl_trx_tracking.cc) and
// MariaDB's group commit compute it. Several tables share the binlog; only those of table 0 are fed.

type clockKind int

const (
	commitOrder clockKind = iota
	writeset
	groupCommit
	clockKinds
)

// sourceConfig is one kind of source; all chances are per step or per transaction.
type sourceConfig struct {
	kind       clockKind
	tables     int
	rows       int // lock names per table: fewer, more conflicts
	committers int
	history    int // capacity of the writeset history
	flush      int // one step in so many flushes a group
	ours       int // transactions of table 0 to produce
	rotate     float64
	reconnect  float64
	noWriteset float64 // DDL or a foreign-key parent: commit order, and the history is reset
	absent     float64 // numbers zero
	addedKeys  int     // values of the unique key that the ALTER adds; 0: it adds none
}

func randomSource(rng *rand.Rand) sourceConfig {
	cfg := sourceConfig{
		kind:       clockKind(rng.IntN(int(clockKinds))),
		tables:     1 + rng.IntN(4),
		rows:       2 << rng.IntN(9),
		committers: 1 + rng.IntN(16),
		history:    3 << rng.IntN(9),
		flush:      4 << rng.IntN(5),
		ours:       20 + rng.IntN(60),
	}
	sometimes := func(chance float64) float64 { return chance * float64(rng.IntN(2)) }
	cfg.rotate, cfg.reconnect = sometimes(0.02), sometimes(0.01)
	cfg.noWriteset, cfg.absent = sometimes(0.05), sometimes(0.05)
	cfg.addedKeys = rng.IntN(2) * (2 << rng.IntN(9))
	return cfg
}

// transaction is one of the source's, as it stands in the binlog.
type transaction struct {
	table int
	locks []string // rows and unique values, sorted
	added []uint64 // values of the key that the ALTER adds: the source knows no lock on them
	plain bool     // a usable writeset
	cost  int
	clock schedule.Clock
}

func (t *transaction) conflicts(o *transaction) bool {
	return shares(t.locks, o.locks) || shares(t.added, o.added)
}

func shares[E comparable](a, b []E) bool {
	return slices.ContainsFunc(a, func(e E) bool { return slices.Contains(b, e) })
}

// committer is a session with its transaction: it has taken locks[:held], and prepared when parent ≥ 0.
type committer struct {
	tx     *transaction
	held   int
	waited bool
	parent int64 // highest committed number when it prepared
	number int64 // once flushed
}

type source struct {
	cfg      sourceConfig
	rng      *rand.Rand
	sessions []*committer
	locks    map[string]*committer
	flushed  []*committer // not yet committed, in binlog order
	binlog   []*transaction

	epoch           uint64
	clock, offset   int64 // absolute
	committed       int64 // absolute
	groups          uint64
	writesets       map[string]int64 // relative to the file
	writesetHistory int64
}

// produce runs the source until enough transactions of table 0 stand in the binlog, and returns those.
func produce(rng *rand.Rand, cfg sourceConfig) []*transaction {
	s := &source{cfg: cfg, rng: rng, locks: map[string]*committer{}, writesets: map[string]int64{}}
	for range cfg.committers {
		s.sessions = append(s.sessions, &committer{})
	}
	for len(s.binlog) < cfg.ours {
		s.step()
	}
	return s.binlog
}

func (s *source) step() {
	switch {
	case s.rng.Float64() < s.cfg.rotate && len(s.flushed) == 0:
		s.epoch++
		s.offset = s.clock
		s.writesets, s.writesetHistory = map[string]int64{}, 1
	case s.rng.Float64() < s.cfg.reconnect:
		s.epoch++ // our own: the source knows nothing of it
	case len(s.flushed) > 0 && s.rng.IntN(4) == 0:
		s.commit()
	case s.rng.IntN(s.cfg.flush) == 0:
		s.flush()
	default:
		s.work(s.sessions[s.rng.IntN(len(s.sessions))])
	}
}

// work takes a session one lock further, or prepares it. Locks are taken in order, so nothing deadlocks.
func (s *source) work(c *committer) {
	switch {
	case c.tx == nil:
		*c = committer{tx: s.begin(), parent: -1}
	case c.parent >= 0:
	case c.held == len(c.tx.locks):
		c.parent = s.committed
	case s.locks[c.tx.locks[c.held]] == nil:
		s.locks[c.tx.locks[c.held]] = c
		c.held++
	default:
		c.waited = true
	}
}

func (s *source) begin() *transaction {
	t := &transaction{table: s.rng.IntN(s.cfg.tables), plain: s.rng.Float64() >= s.cfg.noWriteset, cost: 1 + s.rng.IntN(8)}
	for range 1 + s.rng.IntN(3) {
		t.locks = append(t.locks, fmt.Sprintf("%d/%d", t.table, s.rng.IntN(s.cfg.rows)))
		if s.cfg.addedKeys > 0 && t.table == 0 {
			t.added = append(t.added, uint64(s.rng.IntN(s.cfg.addedKeys)))
		}
	}
	slices.Sort(t.locks)
	t.locks = slices.Compact(t.locks)
	return t
}

// flush writes some of the prepared transactions to the binlog as one group.
func (s *source) flush() {
	var group []*committer
	for _, c := range s.sessions {
		if c.tx != nil && c.parent >= 0 && c.number == 0 && s.rng.IntN(4) > 0 {
			group = append(group, c)
		}
	}
	s.rng.Shuffle(len(group), func(i, j int) { group[i], group[j] = group[j], group[i] })
	s.groups++
	for _, c := range group {
		s.clock++
		c.number = s.clock
		s.flushed = append(s.flushed, c)
		c.tx.clock = s.stamp(c, len(group))
		if c.tx.table == 0 {
			s.binlog = append(s.binlog, c.tx)
		}
	}
}

func (s *source) commit() {
	c := s.flushed[0]
	s.flushed = s.flushed[1:]
	s.committed = c.number
	for _, name := range c.tx.locks {
		delete(s.locks, name)
	}
	*c = committer{}
}

func (s *source) stamp(c *committer, group int) schedule.Clock {
	if s.cfg.kind == groupCommit {
		return s.mariadb(c, group).Clock(s.epoch)
	}
	sequence, parent := c.number-s.offset, max(c.parent-s.offset, 0)
	if s.cfg.kind == writeset {
		parent = s.writesetParent(c.tx, sequence, parent)
	}
	if s.rng.Float64() < s.cfg.absent {
		return schedule.Clock{Epoch: s.epoch}
	}
	return schedule.Clock{Epoch: s.epoch, LastCommitted: parent, SequenceNumber: sequence}
}

func (s *source) writesetParent(t *transaction, sequence, parent int64) int64 {
	if !t.plain || len(s.writesets)+len(t.locks) > s.cfg.history {
		s.writesets, s.writesetHistory = map[string]int64{}, sequence
		return parent
	}
	last := s.writesetHistory
	for _, name := range t.locks {
		last = max(last, s.writesets[name])
		s.writesets[name] = sequence
	}
	return min(last, parent)
}

func (s *source) mariadb(c *committer, group int) schedule.MariaDB {
	m := schedule.MariaDB{Flags: schedule.MariaDBTransactional | schedule.MariaDBAllowParallel}
	if group > 1 {
		m.Flags |= schedule.MariaDBGroupCommitID
		m.CommitID = s.groups
	}
	if c.waited && s.rng.IntN(4) == 0 {
		m.Flags |= schedule.MariaDBWaited
	}
	if !c.tx.plain {
		m.Flags |= schedule.MariaDBDDL
	}
	if s.rng.Float64() < s.cfg.absent {
		m.Flags &^= schedule.MariaDBAllowParallel
	}
	return m
}
