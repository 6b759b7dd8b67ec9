package epoch_test

import (
	"fmt"
	"slices"
)

// The steps of a history. Each is atomic; what the server does in between is a step of its own.
const (
	commit = iota
	show
	consume
	closeEpoch
	askFence
	endFence
	handOut
	work
	loseJob
	copyOn
	loseChunk
	writeRecord
	crash
	runOrphan
	swapOn
	retreat
	declare
	loseLock
	steps
)

var stepNames = [steps]string{
	"commit", "show", "consume", "close", "ask fence", "fence committed", "hand out", "work", "job lost", "copy", "chunk lost",
	"checkpoint", "crash", "orphan", "swap", "retreat", "fence declared", "lock lost",
}

// choice is a step that may be taken, with what it is about.
type choice struct{ step, of int }

// step takes a step. Who is quick and who is slow changes every few of them; workers and chunks fall asleep anywhere.
func (h *history) step() {
	if h.mood--; h.mood < 0 {
		h.mood = 10 + h.rng.IntN(50)
		for i := range h.weights {
			h.weights[i] = 100
			if h.rng.IntN(4) == 0 {
				h.weights[i] = 2
			}
		}
		for _, seldom := range []int{commit, writeRecord, crash, loseJob, loseChunk, retreat} {
			h.weights[seldom] = 10
		}
		if h.handing {
			h.weights[commit] = 30
		}
	}
	h.now++
	var all [64]choice
	choices := h.choices(all[:0])
	total := 0
	for _, c := range choices {
		total += h.weights[c.step]
	}
	n := h.rng.IntN(total)
	for _, c := range choices {
		if n -= h.weights[c.step]; n < 0 {
			h.do(c)
			if h.tracing {
				h.trace = append(h.trace, fmt.Sprintf("%s %d: visible %v (%d of %d), read %d, shadow %v, settled %d, jobs %v %v, chunks %v %v",
					stepNames[c.step], c.of, h.read(), h.visible, len(h.log), h.position, h.shadow, h.books.Settled(), h.jobs[0], h.jobs[1], *h.chunks[0], *h.chunks[1]))
			}
			return
		}
	}
}

func (h *history) choices(list []choice) []choice {
	add := func(may bool, step, of int) {
		if may {
			list = append(list, choice{step, of})
		}
	}
	add(h.commits > 0 && h.swap != locked, commit, 0)
	add(h.visible < len(h.log), show, 0)
	add(h.position < len(h.log) && (!h.books.Full() || h.swap >= locked), consume, 0)
	add(h.books.MayClose() && (h.books.Collecting() > 0 || h.position > h.point()), closeEpoch, 0)
	add(h.books.WantsFence(), askFence, 0)
	for i, f := range h.fences {
		add(h.visible >= f.after || h.rules.hasty, endFence, i)
	}
	for i, j := range h.jobs {
		if j == nil {
			add(h.swap == open || h.swap >= locked && i == 0, handOut, i)
			continue
		}
		add(h.now >= j.asleep && h.swap != lost, work, i)
		add(h.losses > 0 && h.swap == open && j.stage.running(), loseJob, i)
	}
	for i, c := range h.chunks {
		add(h.now >= c.asleep && h.mayCopy(i), copyOn, i)
		add(h.losses > 0 && c.stage == read, loseChunk, i)
	}
	add(true, writeRecord, 0)
	add(h.crashes > 0, crash, 0)
	add(len(h.orphans) > 0, runOrphan, 0)
	add(h.maySwap(), swapOn, 0)
	add(h.swap == lost || h.swap != open && h.retreats > 0, retreat, 0)
	add(h.swap >= locked, declare, 0)
	add(h.swap == locked && h.losses > 0, loseLock, 0)
	return list
}

// point is the position that the last epoch stands for.
func (h *history) point() int {
	if len(h.points) == 0 {
		return h.start
	}
	return h.points[len(h.points)-1]
}

func (h *history) do(c choice) {
	switch c.step {
	case commit:
		h.commits--
		h.commit()
	case show:
		h.visible++
	case consume:
		h.consume()
	case closeEpoch:
		h.books.Close()
		h.points = append(h.points, h.position)
	case askFence:
		number := h.books.AskFence()
		h.fences = append(h.fences, fence{number, h.fence(number)})
	case endFence:
		h.books.Fenced(h.fences[c.of].number)
		h.fences = slices.Delete(h.fences, c.of, c.of+1)
	case handOut:
		if b := h.books.Next(h.most); b != nil {
			h.jobs[c.of] = h.newJob(b)
		}
	case work:
		h.jobs[c.of].asleep = h.nap()
		h.work(c.of)
	case loseJob:
		h.losses--
		h.abandon(h.jobs[c.of].statement(h))
		h.jobs[c.of].stage = look
	case copyOn:
		h.chunks[c.of].asleep = h.nap()
		h.copy(c.of)
	case loseChunk:
		h.losses--
		h.abandon(h.chunks[c.of].statement(h))
		h.chunks[c.of].stage = registered
	case writeRecord:
		h.note()
	case crash:
		h.crash()
	case runOrphan:
		h.orphans[0]()
		h.orphans = h.orphans[1:]
	case swapOn:
		h.swapOn()
	case retreat:
		h.retreat()
	case declare:
		h.books.Fenced(h.books.AskFence())
	case loseLock:
		h.losses--
		if j := h.jobs[0]; j != nil { // a statement ends before its session's locks go
			h.abandon(j.statement(h))
			j.stage = look
		}
		h.swap, h.commits = lost, h.commits+1+h.rng.IntN(3)     // who waited for the lock goes on
		h.weights[commit], h.weights[show], h.mood = 100, 2, 60 // on a source that holds its commits
	}
}

// nap returns the step at which a worker wakes up: most often at once.
func (h *history) nap() int {
	if h.rng.IntN(2) == 0 {
		return h.now
	}
	return h.now + h.rng.IntN([]int{20, 400}[h.rng.IntN(2)])
}

// consume reads the next entry of the log, or a key of it; now and then the stream breaks and reads it again.
func (h *history) consume() {
	changed, undone := h.log[h.position].changed, h.log[h.position].undone
	for h.piece < len(changed) && !(undone && h.whole) {
		if h.piece > 0 && h.rng.IntN(10) == 0 {
			h.piece = 0
			return
		}
		more := !h.whole && (undone || h.piece < len(changed)-1)
		h.books.Change(h.code[changed[h.piece].key], changed[h.piece].gone || more && !h.rules.trusting)
		h.piece++
		if !h.whole {
			return
		}
	}
	h.position, h.piece = h.position+1, 0
}

// abandon is what becomes of a statement whose connection was lost: it was done, is ended, or, where the rule is broken,
// runs on.
func (h *history) abandon(statement func()) {
	switch {
	case statement == nil:
	case h.rules.careless:
		h.orphans = append(h.orphans, statement)
	case h.rng.IntN(2) == 0:
		statement()
	}
}

// note writes half of a checkpoint, position or chunks, and stores it with the other half.
func (h *history) note() {
	if h.halves == 0 || h.halves == 2 {
		h.half.position = h.low()
	}
	if h.halves == 1 || h.halves == 3 {
		h.half.copied = nil
		for i, c := range h.chunks {
			if c.stage == copied {
				h.half.copied = append(h.half.copied, i)
			}
		}
	}
	h.halves = (h.halves + 1) % 4
	if h.halves%2 == 0 || h.halves == 3 {
		h.checkpoint = h.half
	}
}

// crash ends the process; the next one makes certain that nothing of it still runs, and resumes.
func (h *history) crash() {
	h.crashes--
	for _, j := range h.jobs {
		if j != nil {
			h.abandon(j.statement(h))
		}
	}
	for _, c := range h.chunks {
		h.abandon(c.statement(h))
	}
	var greatest *int
	for key := 1; key <= keys; key++ {
		if h.shadow[key].version != 0 && !h.rules.resuming {
			greatest = &key
		}
	}
	h.begin(greatest)
}

func (h *history) maySwap() bool {
	switch h.swap {
	case open:
		for _, c := range h.chunks {
			if c.stage != copied {
				return false
			}
		}
		return true
	case held:
		return h.jobs == [workers]*job{}
	case locked:
		return h.visible == len(h.log)
	default:
		return false
	}
}

// swapOn takes the next step of the cut-over. The lock is had when no commit is under way.
func (h *history) swapOn() {
	switch {
	case h.swap == open:
		h.swap = held
	case h.swap == held && h.visible == len(h.log):
		h.swap = locked
		h.upTo = h.fence(0)
		h.visible = h.upTo
	case h.swap == locked && h.low() >= h.upTo:
		h.ended = true
	}
}

// retreat gives the cut-over up. What the locking session was at is done in part.
func (h *history) retreat() {
	if h.swap != lost {
		h.retreats--
	}
	if j := h.jobs[0]; h.swap >= locked && j != nil {
		if h.rng.IntN(2) == 0 {
			for _, key := range j.keys {
				if h.kind >= added {
					h.shadow[key] = row{}
				}
			}
		} else {
			h.abandon(j.statement(h))
		}
		h.books.Return(j.batch)
		h.jobs[0] = nil
	}
	if h.swap >= locked && !h.rules.trustful {
		h.books.Doubt()
	}
	h.swap = open
}
