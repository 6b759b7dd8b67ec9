package epoch_test

import (
	"slices"

	"github.com/midstreamdb/midstream/internal/epoch"
)

// stage is how far a worker is with its batch, or a copier with its chunk.
type stage int

const (
	look   stage = iota // the statement that writes rows begins: it reads
	write               // it has read, and writes
	apart               // its rows were refused: they are written one by one
	search              // the keys without a row are looked for
	erase               // they are known, and deleted
	report              // all is committed

	registered // a chunk that is in flight, whose next piece may not have been read yet
	read       // it has been read
	rejected   // another unique key has refused a row of it; with the last piece the chunk is in flight no longer
	listed     // its keys have been read
	adopted    // no piece is left; the epochs copy what was refused
	copied
)

func (s stage) running() bool { return s == write || s == erase }

// job is a batch at a worker.
type job struct {
	batch   *epoch.Batch[int]
	keys    []int
	gone    []int // of them
	stage   stage
	asleep  int // until this step
	seen    rows
	missing []int
	refused []int
}

func (h *history) newJob(b *epoch.Batch[int]) *job {
	return &job{batch: b, keys: h.decode(b.Keys), gone: h.decode(b.Gone)}
}

// decode translates keys of the books.
func (h *history) decode(codes []int) []int {
	list := make([]int, len(codes))
	for i, code := range codes {
		list[i] = slices.Index(h.code[:], code)
	}
	return list
}

// encode is the opposite of decode.
func (h *history) encode(list []int) []int {
	codes := make([]int, len(list))
	for i, key := range list {
		codes[i] = h.code[key]
	}
	return codes
}

// work takes the next step of a worker.
func (h *history) work(i int) {
	j := h.jobs[i]
	switch j.stage {
	case look:
		j.seen, j.missing, j.refused = h.read(), nil, nil
		j.stage = write
	case write:
		j.stage = search
		if h.kind >= added && h.conflicts(j.keys, j.seen) {
			j.stage = apart
			return
		}
		j.writing(h)()
	case apart:
		h.apart(j)
		j.stage = search
	case search:
		now := h.read()
		for _, key := range j.gone {
			if now[key].version == 0 {
				j.missing = append(j.missing, key)
			}
		}
		j.stage = erase
	case erase:
		j.statement(h)()
		j.stage = report
	case report:
		h.report(j)
		h.jobs[i] = nil
	}
}

func (h *history) report(j *job) {
	var missing []int
	for _, key := range j.missing {
		if !slices.Contains(j.refused, key) {
			missing = append(missing, key)
		}
	}
	for _, key := range j.keys {
		if !slices.Contains(j.refused, key) {
			h.refused[key] = 0
		}
	}
	h.books.Done(j.batch, h.encode(missing), h.encode(j.refused))
}

// statement is what runs in the server for the job now, nil if nothing does.
func (j *job) statement(h *history) func() {
	switch j.stage {
	case write:
		return j.writing(h)
	case erase:
		missing := j.missing
		return func() {
			for _, key := range missing {
				h.shadow[key] = row{}
			}
		}
	}
	return nil
}

// writing writes the rows that were read. Where the ALTER adds a unique key it fails as a whole if one is refused.
func (j *job) writing(h *history) func() {
	seen, keys := j.seen, j.keys
	return func() {
		if h.kind >= added && h.conflicts(keys, seen) {
			return
		}
		for _, key := range keys {
			if h.kind >= added {
				h.shadow[key] = row{}
			}
		}
		for _, key := range keys {
			if seen[key].version == 0 {
				continue
			}
			if h.kind == same { // REPLACE
				for other := h.shadow.holder(key, seen[key].unique); other != 0; other = h.shadow.holder(key, seen[key].unique) {
					h.shadow[other] = row{}
				}
			}
			h.shadow[key] = seen[key]
		}
	}
}

// conflicts says whether a row of the batch is refused, its keys having been deleted.
func (h *history) conflicts(keys []int, seen rows) bool {
	after := h.shadow
	for _, key := range keys {
		after[key] = row{}
	}
	for _, key := range keys {
		if seen[key].version != 0 && after.holder(key, seen[key].unique) != 0 {
			return true
		}
		after[key] = seen[key]
	}
	return false
}

// apart deletes the keys of the batch and writes its rows one by one. What is refused again and again is asked of the
// source.
func (h *history) apart(j *job) {
	now := h.read()
	if !h.rules.deaf {
		for _, key := range j.keys {
			h.shadow[key] = row{}
		}
	}
	for _, key := range j.keys {
		if now[key].version == 0 {
			continue
		}
		holder := h.shadow.holder(key, now[key].unique)
		if holder == 0 {
			h.shadow[key] = now[key]
			continue
		}
		j.refused = append(j.refused, key)
		if h.refused[key]++; h.refused[key] > 1 && now[holder].version != 0 && now[holder].unique == now[key].unique {
			h.real = true
		}
	}
}

// chunk is a range of keys being copied.
type chunk struct {
	from, to int
	last     bool
	stage    stage // look: not registered yet
	asleep   int   // until this step
	flight   epoch.Flight
	next     int // the first key that is not copied or adopted
	end      int // of the piece
	seen     rows
	keys     []int
	epoch    uint64
}

func (h *history) upper(c *chunk) *int {
	if c.last {
		return nil
	}
	return &h.code[c.to]
}

func (h *history) mayCopy(i int) bool {
	switch c := h.chunks[i]; c.stage {
	case look:
		return i == 0 || h.chunks[i-1].stage != look
	case registered:
		return h.books.Readable(c.flight) && h.copying() < h.copiers
	case adopted:
		return h.books.Settled() >= c.epoch
	case listed:
		return h.books.MayAdopt()
	case copied:
		return false
	default:
		return true
	}
}

// copying returns how many copiers are at a chunk. Others are registered ahead.
func (h *history) copying() int {
	n := 0
	for _, c := range h.chunks {
		if c.stage == read || c.stage == rejected || c.stage == listed || c.stage == adopted && h.rules.waiting {
			n++
		}
	}
	return n
}

// copy takes the next step of a chunk.
func (h *history) copy(i int) {
	c := h.chunks[i]
	switch c.stage {
	case look:
		c.flight, c.next, c.stage = h.books.Register(h.upper(c)), c.from, registered
		if h.handing && c.last { // what is changed again later is written again, whatever was lost
			h.commits = min(h.commits, h.rng.IntN(2))
		}
	case registered:
		if c.end = c.to; h.pieces {
			c.end = c.next
		}
		c.seen, c.stage = h.source.read(), read
	case read:
		refused := !h.rules.ignoring && c.refused(h, c.seen)
		if !refused {
			c.statement(h)()
		}
		last := c.end == c.to
		if h.rules.landing {
			last = c.next == c.from
		}
		if last {
			h.books.Ended(c.flight)
		}
		if c.stage = rejected; !refused {
			c.goOn()
		}
	case rejected:
		now := h.source.read()
		c.keys = nil
		for key := c.next; key <= c.end; key++ {
			if now[key].version != 0 {
				c.keys = append(c.keys, key)
			}
		}
		c.stage = listed
	case listed:
		c.epoch = max(c.epoch, h.books.Adopt(h.encode(c.keys)))
		c.goOn()
	case adopted:
		c.stage = copied
	}
}

// goOn leaves a piece behind.
func (c *chunk) goOn() {
	switch {
	case c.end < c.to:
		c.stage = registered
	case c.epoch > 0:
		c.stage = adopted
	default:
		c.stage = copied
	}
	c.next = c.end + 1
}

// refused says whether another unique key refuses a row that is missing in the shadow.
func (c *chunk) refused(h *history, seen rows) bool {
	after := h.shadow
	for key := c.next; key <= c.end; key++ {
		if after[key].version != 0 || seen[key].version == 0 {
			continue
		}
		if after.holder(key, seen[key].unique) != 0 {
			return true
		}
		after[key] = seen[key]
	}
	return false
}

// statement is what runs in the server for the chunk now, nil if nothing does.
func (c *chunk) statement(h *history) func() {
	if c.stage != read {
		return nil
	}
	seen := c.seen
	return func() {
		if !h.rules.ignoring && c.refused(h, seen) {
			return
		}
		for key := c.next; key <= c.end; key++ {
			if h.shadow[key].version == 0 && seen[key].version != 0 && h.shadow.holder(key, seen[key].unique) == 0 {
				h.shadow[key] = seen[key]
			}
		}
	}
}
