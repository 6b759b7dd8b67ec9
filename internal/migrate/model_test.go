package migrate

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/changelog"
	"github.com/midstreamdb/midstream/internal/checkpoint"
	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/progress"
	"github.com/midstreamdb/midstream/internal/schedule"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// The model: a source of a few rows whose transactions stand in a log with a commit-order clock before they can be seen, a shadow,
// and between them the real scheduler, the real watermarks and the real record of a checkpoint, in an order drawn by lot: reading
// the log, handing batches out, committing them, hearing of it, planning chunks, reading and copying them, heartbeats, checkpoints,
// and crashes at every moment, after which only source, shadow, log and the text of the stored checkpoint are left.

// change sets a row's value; 0 deletes the row.
type change struct{ key, value int }

// logged is a transaction in the log; without changes it is a heartbeat.
type logged struct {
	changes       []change
	lastCommitted int64
}

const modelRows = 6

// bound is a key as the end of a chunk.
func bound(key int) []table.Value { return []table.Value{{Kind: table.Number, Num: uint64(key)}} }

// contains says whether a key is in the chunk: beyond its lower end, up to its upper one.
func contains(c sqlgen.Range, key int) bool {
	return (c.Lower == nil || uint64(key) > c.Lower[0].Num) && (c.Upper == nil || uint64(key) <= c.Upper[0].Num)
}

// run is what a process knows: all of it is lost in a crash.
type run struct {
	scheduler *schedule.Scheduler[item]
	applied   *progress.Applied
	chunks    *progress.Chunks
	read      int // transactions of the log
	batches   []*flight
	planned   []*copying
	after     []table.Value // upper end of what is planned
	ended     bool
	epoch     uint64
}

type item struct {
	number int
	ticket progress.Ticket
}

type flight struct {
	batch     *schedule.Batch[item]
	committed bool
}

type copying struct {
	progress.Begun
	rows      map[int]int // read, locked, and not written yet; nil: none are
	left      []int       // keys of rows that others had locked, and that are copied one by one
	written   bool        // but for those
	committed bool
}

// rules are what chunks keep to. Each can be broken, to see that histories show it.
type rules struct {
	plain     bool // rows are read without locks
	forgetful bool // rows that others have locked are left out, and not looked for
}

type world struct {
	random         *rand.Rand
	rules          rules
	source, shadow map[int]int // the source as it can be seen
	log            []logged
	hidden         []int         // transactions of the log that cannot be seen yet; they keep their rows locked
	ordered        bool          // commits become visible as they are logged, and chunks leave out what others have locked
	locked         int           // a row that somebody has locked and will not change; -1: none
	lastOf         map[int]int64 // sequence number of the last transaction that changed a key
	kept           []byte        // a checkpoint.Record
	run            *run
	runs           uint64
	crashes        int
}

func newWorld(seed uint64, r rules) *world {
	w := &world{random: rand.New(rand.NewPCG(seed, 1)), rules: r, source: map[int]int{}, shadow: map[int]int{}, lastOf: map[int]int64{}, locked: -1}
	w.ordered = w.random.IntN(2) == 0
	for key := range modelRows {
		if w.random.IntN(2) == 0 {
			w.source[key] = 1 + w.random.IntN(3)
		}
	}
	w.store(position(0), &chunk.Rest{})
	w.begin()
	return w
}

func position(n int) binlog.Position { return binlog.FilePosition("log.000001", uint64(n)) }

// number is how many transactions of the log stand before a position.
func number(p binlog.Position) (n int) {
	if _, err := fmt.Sscanf(p.String(), "file:log.000001:%d", &n); err != nil {
		panic(err)
	}
	return n
}

// begin starts a process from the stored checkpoint, as copier and runner do.
func (w *world) begin() {
	w.runs++
	var record checkpoint.Record
	if err := json.Unmarshal(w.kept, &record); err != nil {
		panic(err)
	}
	start, err := provenPosition(&record)
	if err != nil {
		panic(err)
	}
	w.mustProve(start)
	r := &run{
		scheduler: schedule.New[item](schedule.Config{MaxCost: 3}), applied: progress.NewApplied(start),
		read: number(start), after: record.Copied.After, ended: record.Copied.Ended, epoch: w.runs,
	}
	var open []progress.Begun
	r.chunks, open = progress.NewChunks(rest(record.Copied))
	for _, c := range open {
		r.planned = append(r.planned, &copying{Begun: c})
	}
	w.run = r
	for w.ordered && len(w.hidden) > 0 { // the run's first commit becomes visible behind all before it
		w.show()
	}
}

// mustProve panics unless a position that is not the log's start has the witness right before it.
func (w *world) mustProve(p binlog.Position) {
	n, witness := number(p), p.Witness()
	if n == 0 && witness == nil {
		return
	}
	if witness == nil || number(witness.Before) != n-1 || witness.Mark.Value != uint64(n) || len(w.log[n-1].changes) > 0 {
		panic(fmt.Sprintf("position %s has the witness %+v", p, witness))
	}
}

// commit writes a transaction to the source's log, unless somebody else has a row of it locked.
func (w *world) commit() {
	tx := logged{lastCommitted: 0}
	for range 1 + w.random.IntN(2) {
		c := change{key: w.random.IntN(modelRows)}
		if w.isLocked(c.key) || w.isBeingCopied(c.key) {
			return
		}
		if w.random.IntN(3) > 0 {
			c.value = 1 + w.random.IntN(9)
		}
		tx.changes = append(tx.changes, c)
	}
	sequence := int64(len(w.log) + 1)
	for _, c := range tx.changes {
		tx.lastCommitted = max(tx.lastCommitted, w.lastOf[c.key])
	}
	for _, c := range tx.changes {
		w.lastOf[c.key] = sequence
	}
	w.hidden = append(w.hidden, len(w.log))
	w.log = append(w.log, tx)
}

// show makes a transaction visible.
func (w *world) show() {
	if len(w.hidden) == 0 {
		return
	}
	at := 0
	if !w.ordered {
		at = w.random.IntN(len(w.hidden))
	}
	for _, c := range w.log[w.hidden[at]].changes {
		set(w.source, c)
	}
	w.hidden = slices.Delete(w.hidden, at, at+1)
}

// lock has somebody lock a row, or let it go.
func (w *world) lock() {
	key := w.random.IntN(modelRows)
	if w.locked >= 0 || w.isLocked(key) || w.isBeingCopied(key) {
		key = -1
	}
	w.locked = key
}

// isLocked says whether the application has locked the row; isBeingCopied whether a chunk has.
func (w *world) isLocked(key int) bool {
	return key == w.locked || slices.ContainsFunc(w.hidden, func(n int) bool {
		return slices.ContainsFunc(w.log[n].changes, func(c change) bool { return c.key == key })
	})
}

func (w *world) isBeingCopied(key int) bool {
	return !w.rules.plain && slices.ContainsFunc(w.run.planned, func(c *copying) bool { _, read := c.rows[key]; return read })
}

func set(rows map[int]int, c change) {
	if c.value == 0 {
		delete(rows, c.key)
	} else {
		rows[c.key] = c.value
	}
}

// readLog admits the next transaction, as the dispatcher does.
func (w *world) readLog() {
	r := w.run
	if r.read == len(w.log) {
		return
	}
	tx := w.log[r.read]
	r.read++
	var heartbeat time.Time
	end := position(r.read)
	if len(tx.changes) == 0 {
		heartbeat = time.Unix(int64(r.read), 0)
		end = end.WithWitness(&binlog.Witness{Before: position(r.read - 1), Mark: binlog.Mark{ID: changelog.HeartbeatID, Value: uint64(r.read)}})
	}
	it := item{number: r.read - 1, ticket: r.applied.Begin(end, 0, heartbeat)}
	if len(tx.changes) == 0 {
		r.applied.Complete(it.ticket)
		return
	}
	clock := schedule.Clock{Epoch: r.epoch, LastCommitted: tx.lastCommitted, SequenceNumber: int64(r.read)}
	r.scheduler.Add(clock, nil, len(tx.changes), it)
}

// handOut starts a batch; commitBatch commits one on the shadow; hear reports it.
func (w *world) handOut() {
	if batch := w.run.scheduler.Next(1 + w.random.IntN(3)); batch != nil {
		w.run.batches = append(w.run.batches, &flight{batch: batch})
	}
}

func (w *world) commitBatch() {
	if f := pick(w.random, w.run.batches); f != nil && !f.committed {
		w.write(f)
	}
}

func (w *world) write(f *flight) {
	for _, it := range f.batch.Items {
		for _, c := range w.log[it.number].changes {
			set(w.shadow, c)
		}
	}
	f.committed = true
}

func (w *world) hear() {
	r := w.run
	f := pick(w.random, r.batches)
	if f == nil || !f.committed {
		return
	}
	items := f.batch.Items
	r.scheduler.Done(f.batch)
	for _, it := range items {
		r.applied.Complete(it.ticket)
	}
	r.batches = without(r.batches, f)
}

// plan plans the next chunk; readChunk and copyChunk copy one, and hearOfChunk reports it.
func (w *world) plan() {
	r := w.run
	if r.ended {
		return
	}
	next := chunk.Chunk{Range: sqlgen.Range{Lower: r.after}, Size: 1}
	upper := w.random.IntN(3)
	if r.after != nil {
		upper += int(r.after[0].Num) + 1
	}
	if r.ended = upper >= modelRows-1; !r.ended {
		next.Upper = bound(upper)
	}
	r.after = next.Upper
	r.planned = append(r.planned, &copying{Begun: r.chunks.Begin(next)})
}

// readChunk reads a chunk and locks its rows. It waits for those that others have locked, or leaves them out.
func (w *world) readChunk() {
	c := pick(w.random, w.run.planned)
	if c == nil || c.rows != nil || c.written {
		return
	}
	rows := map[int]int{}
	for key := range modelRows {
		if !contains(c.Range, key) {
			continue
		}
		if w.isLocked(key) && !w.rules.plain {
			if !w.ordered {
				return
			}
			continue
		}
		if value, there := w.source[key]; there {
			rows[key] = value
		}
	}
	c.rows = rows
}

// copyChunk writes what was read of a chunk, or copies one of the rows that were left out, when nobody has it locked any more.
func (w *world) copyChunk() {
	c := pick(w.random, w.run.planned)
	switch {
	case c == nil || c.committed:
	case c.rows != nil:
		w.fill(c)
	case c.written && !w.isLocked(c.left[0]):
		w.fillRow(c.left[0], w.source)
		c.left = c.left[1:]
		c.committed = len(c.left) == 0
	}
}

// fill writes the rows that the shadow does not have, and looks for others that can be seen.
func (w *world) fill(c *copying) {
	for key := range c.rows {
		w.fillRow(key, c.rows)
	}
	c.rows, c.written = nil, true
	for key := range w.source {
		if _, there := w.shadow[key]; !there && contains(c.Range, key) && !w.rules.forgetful {
			c.left = append(c.left, key)
		}
	}
	slices.Sort(c.left)
	c.committed = len(c.left) == 0
}

// fillRow writes one of the rows, if it is there and the shadow does not have it.
func (w *world) fillRow(key int, rows map[int]int) {
	value, there := rows[key]
	if _, has := w.shadow[key]; there && !has {
		w.shadow[key] = value
	}
}

func (w *world) hearOfChunk() {
	if c := pick(w.random, w.run.planned); c != nil && c.committed {
		w.run.chunks.Complete(c.Begun)
		w.run.planned = without(w.run.planned, c)
	}
}

// keep stores a checkpoint: what the watermarks say.
func (w *world) keep() { w.store(w.run.applied.Low().Position, w.run.chunks.Rest()) }

func (w *world) store(position binlog.Position, left *chunk.Rest) {
	record := checkpoint.Record{Copied: extent(left)}
	record.Position, record.Witness = written(position)
	var err error
	if w.kept, err = json.Marshal(&record); err != nil {
		panic(err)
	}
}

// crash ends the process. What its sessions were doing may still be done: they are ended before the next one begins.
func (w *world) crash() {
	for _, f := range w.run.batches {
		if !f.committed && w.random.IntN(3) == 0 {
			w.write(f)
		}
	}
	for _, c := range w.run.planned {
		if c.rows != nil && w.random.IntN(3) == 0 {
			w.fill(c)
		}
	}
	w.crashes++
	w.begin()
}

// drain brings everything to its end, without further writes, and says whether it comes to one.
func (w *world) drain() bool {
	w.locked = -1
	for range 10_000 {
		r := w.run
		if len(w.hidden) == 0 && r.read == len(w.log) && r.scheduler.Idle() && len(r.planned) == 0 && r.chunks.All() {
			return true
		}
		for _, step := range []func(){w.show, w.readLog, w.plan, w.handOut, w.commitBatch, w.hear, w.readChunk, w.copyChunk, w.hearOfChunk} {
			step()
		}
	}
	return false
}

func pick[T any](random *rand.Rand, list []*T) *T {
	if len(list) == 0 {
		return nil
	}
	return list[random.IntN(len(list))]
}

func without[T any](list []*T, gone *T) []*T {
	var rest []*T
	for _, one := range list {
		if one != gone {
			rest = append(rest, one)
		}
	}
	return rest
}

// history takes some steps and comes to the end; it returns what is wrong then, or "".
func (w *world) history() string {
	steps := []func(){
		w.commit, w.commit, w.show, w.show, w.lock, w.readLog, w.readLog, w.handOut, w.handOut, w.commitBatch, w.commitBatch, w.hear, w.hear,
		w.plan, w.readChunk, w.copyChunk, w.hearOfChunk, w.keep, w.heartbeat,
	}
	for range 75 {
		if w.random.IntN(25) == 0 {
			w.crash()
		}
		steps[w.random.IntN(len(steps))]()
	}
	if !w.drain() {
		return fmt.Sprintf("it comes to no end: %d of %d transactions, %d chunks", w.run.read, len(w.log), len(w.run.planned))
	}
	if !maps.Equal(w.source, w.shadow) {
		return fmt.Sprintf("with %d crashes: source %v, shadow %v", w.crashes, w.source, w.shadow)
	}
	return ""
}

// TestResumedHistories: whatever the order, and wherever the crashes, what is resumed from the stored checkpoint ends equal.
// MIDSTREAM_HISTORIES is the number of histories.
func TestResumedHistories(t *testing.T) {
	histories := 20_000
	if testing.Short() {
		histories = 2000
	}
	if text := os.Getenv("MIDSTREAM_HISTORIES"); text != "" {
		var err error
		if histories, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	crashes := 0
	for seed := range uint64(histories) {
		w := newWorld(seed, rules{})
		if wrong := w.history(); wrong != "" {
			t.Fatalf("history %d: %s", seed, wrong)
		}
		crashes += w.crashes
	}
	if crashes < histories {
		t.Errorf("only %d crashes", crashes)
	}
}

// TestResumedHistoriesNeedTheRules breaks the rules of chunks, one at a time, and wants to see it.
func TestResumedHistoriesNeedTheRules(t *testing.T) {
	for name, r := range map[string]rules{
		"rows are read without locks":        {plain: true},
		"what others lock is not looked for": {forgetful: true},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(5000) {
				if wrong := newWorld(seed, r).history(); wrong != "" {
					t.Logf("history %d: %s", seed, wrong)
					return
				}
			}
			t.Error("no history shows it")
		})
	}
}

// heartbeat writes one to the log.
func (w *world) heartbeat() { w.log = append(w.log, logged{}) }
