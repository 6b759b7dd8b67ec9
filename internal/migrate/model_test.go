package migrate

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
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

// The model: a source of a few rows whose transactions stand in a log with a commit-order clock, a shadow, and between them
// the real scheduler, the real watermarks and the real record of a checkpoint, in an order drawn by lot: reading the log,
// handing batches out, committing them, hearing of it, planning chunks, copying them, heartbeats, checkpoints, and crashes
// at every moment, after which only source, shadow, log and the text of the stored checkpoint are left.

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
	committed bool
}

type world struct {
	random         *rand.Rand
	source, shadow map[int]int
	log            []logged
	lastOf         map[int]int64 // sequence number of the last transaction that changed a key
	kept           []byte        // a checkpoint.Record
	run            *run
	runs           uint64
	crashes        int
}

func newWorld(seed uint64) *world {
	w := &world{random: rand.New(rand.NewPCG(seed, 1)), source: map[int]int{}, shadow: map[int]int{}, lastOf: map[int]int64{}}
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

// commit writes a transaction at the source.
func (w *world) commit() {
	tx := logged{lastCommitted: 0}
	for range 1 + w.random.IntN(2) {
		c := change{key: w.random.IntN(modelRows)}
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
		set(w.source, c)
		w.lastOf[c.key] = sequence
	}
	w.log = append(w.log, tx)
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

// plan plans the next chunk; copyChunk copies one, and hearOfChunk reports it.
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

func (w *world) copyChunk() {
	if c := pick(w.random, w.run.planned); c != nil && !c.committed {
		w.fill(c)
	}
}

// fill copies what the shadow does not have, as it is at the source now.
func (w *world) fill(c *copying) {
	for key, value := range w.source {
		if _, there := w.shadow[key]; !there && contains(c.Range, key) {
			w.shadow[key] = value
		}
	}
	c.committed = true
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
		if !c.committed && w.random.IntN(3) == 0 {
			w.fill(c)
		}
	}
	w.crashes++
	w.begin()
}

// drain brings everything to its end, without further writes.
func (w *world) drain(t *testing.T) {
	t.Helper()
	for steps := 0; ; steps++ {
		r := w.run
		done := r.read == len(w.log) && r.scheduler.Idle() && len(r.planned) == 0 && r.chunks.All()
		if done {
			return
		}
		if steps > 10_000 {
			t.Fatalf("it comes to no end: %d of %d transactions, %d chunks", r.read, len(w.log), len(r.planned))
		}
		for _, step := range []func(){w.readLog, w.plan, w.handOut, w.commitBatch, w.hear, w.copyChunk, w.hearOfChunk} {
			step()
		}
	}
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
		w := newWorld(seed)
		steps := []func(){
			w.commit, w.commit, w.readLog, w.readLog, w.handOut, w.handOut, w.commitBatch, w.commitBatch, w.hear, w.hear,
			w.plan, w.copyChunk, w.hearOfChunk, w.keep, w.heartbeat,
		}
		for range 60 {
			if w.random.IntN(20) == 0 {
				w.crash()
			}
			steps[w.random.IntN(len(steps))]()
		}
		w.drain(t)
		if !maps.Equal(w.source, w.shadow) {
			t.Fatalf("history %d, with %d crashes: source %v, shadow %v", seed, w.crashes, w.source, w.shadow)
		}
		crashes += w.crashes
	}
	if crashes < histories {
		t.Errorf("only %d crashes", crashes)
	}
}

// heartbeat writes one to the log.
func (w *world) heartbeat() { w.log = append(w.log, logged{}) }
