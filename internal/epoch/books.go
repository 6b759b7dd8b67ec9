package epoch

import (
	"cmp"
	"slices"
)

// Config says what the books are about.
type Config[K cmp.Ordered] struct {
	// Limit is the number of keys from which on Full says that reading must wait, and MayAdopt that adopting must; at least 1. What a
	// transaction or a chunk has more goes beyond it, and keys that are looked at again do.
	Limit int
	// Ordered says that K is ordered exactly as the server orders the migration key.
	Ordered bool
	// OtherUnique says that the shadow has unique keys besides the migration key.
	OtherUnique bool
	// Greatest is the greatest key that the shadow may hold at the beginning, nil for none.
	Greatest *K
}

// Books are those of one refresh. The package comment has the rules. They are not safe for concurrent use: one goroutine
// owns them. Wrong use panics, for no position that is computed afterwards could be trusted.
type Books[K cmp.Ordered] struct {
	cfg Config[K]

	dirty   map[K]bool   // since the last epoch was closed; true: the source may have no row under the key
	due     map[K]uint64 // to be looked at again, for this epoch
	last    uint64       // the epoch closed last
	closed  *epoch[K]    // waits for its fence, and for the epoch before it to end; or nil
	running *epoch[K]    // or nil

	looked  uint64         // every key of the epochs up to this one has been looked at
	owed    map[uint64]int // by epoch: keys that are to be looked at again
	settled uint64

	wanted, asked, fenced uint64 // fences needed, asked for, and committed

	flights    map[uint64]bool // chunks in flight, by number
	registered uint64          // the chunk registered last
	held       []hold[K]
	holding    int // keys in held
	working    int // keys of the closed epoch and of the running one that are looked at for the first time, and not reported
	frontier   *K  // no key up to it is dropped; nil: every key is
	complete   bool
}

type epoch[K cmp.Ordered] struct {
	number uint64
	fence  uint64        // must be committed before a key is looked at
	keys   []dirtyKey[K] // still to be handed out, sorted
	// again are the keys that are looked at again, each for an earlier epoch; fresh are those of them that are dirty anew.
	again map[K]uint64
	fresh map[K]struct{}
	out   int // batches not reported
}

type dirtyKey[K cmp.Ordered] struct {
	key  K
	gone bool
}

// Batch is a set of keys that are to be made to match the source, sorted.
type Batch[K cmp.Ordered] struct {
	Keys []K
	// Gone are those of Keys that the source may have no row under. It has, or had, one under each of the others: if that is gone
	// when the batch is read, its deletion is still to come from the log.
	Gone []K

	dirty  []dirtyKey[K]
	epoch  *epoch[K]
	flight uint64 // the last chunk registered when it was handed out; 0: none was in flight
}

// Epoch returns the number of the epoch that the batch is of, 0 once it was reported.
func (b *Batch[K]) Epoch() uint64 {
	if b.epoch == nil {
		return 0
	}
	return b.epoch.number
}

// New returns empty books.
func New[K cmp.Ordered](cfg Config[K]) *Books[K] {
	cfg.Limit = max(cfg.Limit, 1)
	return &Books[K]{
		cfg: cfg, frontier: cfg.Greatest,
		dirty: map[K]bool{}, due: map[K]uint64{}, owed: map[uint64]int{}, flights: map[uint64]bool{},
	}
}

// Change takes the key of a change that was read from the log: one that left a row under the key, or none (gone); for one that
// changes the key, the old key, gone, and then the new one. A transaction's keys
// may come in pieces, with epochs closed in between: it stands in the log whole before its first piece is read. Each is gone then
// but in the last piece, for the transaction may turn out to have been rolled back.
func (b *Books[K]) Change(key K, gone bool) {
	if !b.mayDrop(key) {
		b.dirty[key] = gone
	}
}

// mayDrop says whether a chunk that is not registered yet will see the change. Through a further unique key a batch that
// read before that chunk, and writes after it, could push out the row without anything bringing it back.
func (b *Books[K]) mayDrop(key K) bool {
	if !b.cfg.Ordered || b.cfg.OtherUnique || b.complete {
		return false
	}
	return b.frontier == nil || key > *b.frontier
}

// Adopt makes keys of a chunk dirty that could not be copied, and returns the epoch that they will be in: once that is settled, and
// the chunk has ended, they are copied. Without keys that is 0. They were read after the chunk had become Readable.
func (b *Books[K]) Adopt(keys []K) uint64 {
	if len(keys) == 0 {
		return 0
	}
	for _, key := range keys {
		b.dirty[key] = true
	}
	return b.last + 1
}

// Full says that no more changes should be read before keys are reported, or chunks have ended: keys that are held for these
// count too, since nothing else bounds how many are deleted while a chunk is in flight. Those of an epoch that are looked at again
// do not: what refuses them may be a row whose change is still to be read.
func (b *Books[K]) Full() bool { return len(b.dirty)+len(b.due)+b.holding+b.working >= b.cfg.Limit }

// MayAdopt says whether there is room for the keys of a chunk. Keys that are held do not count: they wait for chunks in flight,
// and these for the very copiers that would wait here.
func (b *Books[K]) MayAdopt() bool { return len(b.dirty) < b.cfg.Limit }

// Collecting returns how many keys the next epoch has so far.
func (b *Books[K]) Collecting() int { return len(b.dirty) + len(b.due) }

// MayClose says whether Close may be called: an epoch that was closed before and has not begun stands in the way.
func (b *Books[K]) MayClose() bool { return b.closed == nil }

// Close makes an epoch of what has been collected and returns its number, one more than the last one's, from 1. It
// stands for everything that was read from the log so far.
func (b *Books[K]) Close() uint64 {
	if b.closed != nil {
		panic("epoch: closed while the one before has not begun")
	}
	b.last++
	e := &epoch[K]{number: b.last, again: b.due, fresh: map[K]struct{}{}}
	for key := range b.due {
		if _, ok := b.dirty[key]; ok {
			e.fresh[key] = struct{}{}
		}
		b.dirty[key] = true
	}
	b.working += len(b.dirty) - len(b.due)
	if len(b.dirty) > 0 {
		e.fence = b.wantFence()
		e.keys = sorted(b.dirty)
	}
	b.dirty, b.due = map[K]bool{}, map[K]uint64{}
	b.closed = e
	b.advance()
	return e.number
}

// Left returns how many keys of the running epoch are still to be handed out: with none, it is time to close the next one.
func (b *Books[K]) Left() int {
	if b.running == nil {
		return 0
	}
	return len(b.running.keys)
}

// Next hands out a batch of at most most keys, or returns nil when there is none before something else happens. The batch
// is out until Done or Return.
func (b *Books[K]) Next(most int) *Batch[K] {
	e := b.running
	if e == nil || len(e.keys) == 0 || e.fence > b.fenced {
		return nil
	}
	n := min(max(most, 1), len(e.keys))
	batch := &Batch[K]{Keys: make([]K, n), dirty: e.keys[:n:n], epoch: e}
	for i, d := range batch.dirty {
		batch.Keys[i] = d.key
		if d.gone {
			batch.Gone = append(batch.Gone, d.key)
		}
	}
	if len(b.flights) > 0 {
		batch.flight = b.registered
	}
	e.keys = e.keys[n:]
	e.out++
	return batch
}

// Done reports what became of a batch, once that is committed. The keys in missing, some of the batch's Gone, have no row in
// the source and none in the shadow any more; those in refused have none in the shadow because another unique key of it refused the row.
func (b *Books[K]) Done(batch *Batch[K], missing, refused []K) {
	e := b.report(batch)
	for _, key := range batch.Keys {
		if since, ok := e.again[key]; ok {
			b.release(since)
		} else {
			b.working--
		}
	}
	h := hold[K]{until: batch.flight, since: e.number}
	for _, key := range missing {
		if batch.flight != 0 && e.isFresh(key) {
			h.keys = append(h.keys, key)
			b.owed[h.since]++
		}
	}
	for _, key := range refused {
		since, ok := e.again[key]
		if !ok {
			since = e.number
		}
		b.owed[since]++
		b.expect(key, since)
	}
	if len(h.keys) > 0 {
		b.held = append(b.held, h)
		b.holding += len(h.keys)
		b.revisit()
	}
	b.advance()
}

// Return takes back a batch of which nothing, or not all, was done, and of which no statement can run any more.
func (b *Books[K]) Return(batch *Batch[K]) {
	e := b.report(batch)
	e.keys = slices.Concat(batch.dirty, e.keys)
	sort(e.keys)
}

func sorted[K cmp.Ordered](dirty map[K]bool) []dirtyKey[K] {
	keys := make([]dirtyKey[K], 0, len(dirty))
	for key, gone := range dirty {
		keys = append(keys, dirtyKey[K]{key, gone})
	}
	sort(keys)
	return keys
}

func sort[K cmp.Ordered](keys []dirtyKey[K]) {
	slices.SortFunc(keys, func(x, y dirtyKey[K]) int { return cmp.Compare(x.key, y.key) })
}

func (b *Books[K]) report(batch *Batch[K]) *epoch[K] {
	e := batch.epoch
	if e == nil || e != b.running {
		panic("epoch: batch reported twice")
	}
	batch.epoch = nil
	e.out--
	return e
}

// isFresh says whether a change made the key dirty in this epoch.
func (e *epoch[K]) isFresh(key K) bool {
	_, again := e.again[key]
	_, fresh := e.fresh[key]
	return !again || fresh
}

// expect has the key looked at again in the next epoch; it is owed for since already.
func (b *Books[K]) expect(key K, since uint64) {
	if other, ok := b.due[key]; ok {
		b.release(max(since, other))
		since = min(since, other)
	}
	b.due[key] = since
}

// release notes that a key is no longer owed.
func (b *Books[K]) release(since uint64) {
	if b.owed[since]--; b.owed[since] == 0 {
		delete(b.owed, since)
	}
}

// advance ends the running epoch when all of it was looked at, and begins the next when its fence is committed.
func (b *Books[K]) advance() {
	for {
		if e := b.running; e != nil {
			if len(e.keys) > 0 || e.out > 0 {
				break
			}
			b.looked = e.number
			b.running = nil
		}
		if b.closed == nil || b.closed.fence > b.fenced {
			break
		}
		b.running, b.closed = b.closed, nil
	}
	for b.settled < b.looked && b.owed[b.settled+1] == 0 {
		b.settled++
	}
}

// Looked returns the epoch up to which every key was looked at: with nothing held or refused, they match the source.
func (b *Books[K]) Looked() uint64 { return b.looked }

// Settled returns the epoch up to which nothing remains to be done: what it and those before it stand for is applied.
func (b *Books[K]) Settled() uint64 { return b.settled }
