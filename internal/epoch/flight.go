package epoch

import "cmp"

// WantsFence says whether something waits for a fence that was not asked for yet.
func (b *Books[K]) WantsFence() bool { return b.wanted > b.asked }

// AskFence says that a fence is about to be written, and returns its number. Several may be under way.
func (b *Books[K]) AskFence() uint64 {
	b.asked++
	return b.asked
}

// Fenced reports that the fence is committed: everything that was read from the log before it was asked for is visible to reads.
func (b *Books[K]) Fenced(number uint64) {
	if number > b.asked {
		panic("epoch: a fence is committed that was never asked for")
	}
	b.fenced = max(b.fenced, number)
	b.advance()
}

// Doubt says that what was reported as committed may have stood for a lock that is lost: whatever has not been handed out waits for a
// fence that is asked for from now on.
func (b *Books[K]) Doubt() {
	for _, e := range []*epoch[K]{b.running, b.closed} {
		if e != nil && len(e.keys) > 0 {
			e.fence = b.wantFence()
		}
	}
}

// wantFence returns the number of the fence that covers what has happened so far.
func (b *Books[K]) wantFence() uint64 {
	b.wanted = b.asked + 1
	return b.wanted
}

// Flight is a chunk that is being read, or will be.
type Flight struct{ number, fence uint64 }

// Register puts a chunk in flight. Chunks are registered in the order of the key. upper is the greatest key of the chunk, nil
// if it has no upper end; it means nothing unless the keys are Ordered.
func (b *Books[K]) Register(upper *K) Flight {
	b.registered++
	b.flights[b.registered] = true
	switch {
	case upper == nil:
		b.complete = true
	case b.frontier == nil || *upper > *b.frontier:
		b.frontier = upper
	}
	return Flight{number: b.registered, fence: b.wantFence()}
}

// Readable says whether the chunk may be read: a fence that was asked for after its registration is committed.
func (b *Books[K]) Readable(f Flight) bool { return b.fenced >= f.fence }

// Ended reports that the chunk is committed, or certainly never will be. One that is tried again stays in flight.
func (b *Books[K]) Ended(f Flight) {
	if !b.flights[f.number] {
		panic("epoch: a chunk ended that is not in flight")
	}
	delete(b.flights, f.number)
	b.revisit()
	b.advance()
}

// hold are keys that were missing in the source while chunks up to a number were in flight; they are owed for an epoch.
type hold[K cmp.Ordered] struct {
	keys         []K
	since, until uint64
}

// revisit makes those held keys due whose chunks have all ended.
func (b *Books[K]) revisit() {
	earliest := b.registered + 1
	for number := range b.flights {
		earliest = min(earliest, number)
	}
	left := b.held[:0]
	for _, h := range b.held {
		if h.until >= earliest {
			left = append(left, h)
			continue
		}
		b.holding -= len(h.keys)
		for _, key := range h.keys {
			b.expect(key, h.since)
		}
	}
	clear(b.held[len(left):])
	b.held = left
}
