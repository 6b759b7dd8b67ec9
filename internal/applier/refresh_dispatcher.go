package applier

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/midstreamdb/midstream/internal/adapt"
	"github.com/midstreamdb/midstream/internal/binlog"
	"github.com/midstreamdb/midstream/internal/chunk"
	"github.com/midstreamdb/midstream/internal/progress"
	"github.com/midstreamdb/midstream/internal/table"
)

// refresher is the one goroutine that owns the books of refresh and the order of the stream. It waits; workers never do.
type refresher struct {
	*Refresh
	pace    pace
	size    *chunk.Sizer
	work    chan *portion // with room for one portion per worker: sending never blocks
	results chan result   // likewise
	busy    int
	held

	next   progress.Point // the newest mark that was read
	seen   uint64         // row changes, up to there
	news   bool           // something was
	closed time.Time      // when the last epoch was
	points []point        // epochs that are not settled

	fences  chan uint64 // to be written
	fenced  chan uint64 // and written
	fencing bool
	lately  time.Time // when the last fence was asked for

	chunks    []*Chunk // registered, and not readable yet
	adoptions []*adoption
}

// point is what an epoch stands for.
type point struct {
	epoch  uint64
	ticket progress.Ticket
	seen   uint64
}

func byEpoch(p point, number uint64) int { return cmp.Compare(p.epoch, number) }

// adoption waits for an epoch.
type adoption struct {
	epoch   uint64
	settled chan struct{}
}

const (
	// epochPause is how long an epoch collects at least: each costs a fence and a commit or more of its workers, and a row that
	// is changed again meanwhile is written once.
	epochPause = 50 * time.Millisecond
	// fencePause is the time between two fences: each is a commit on the server.
	fencePause = 2 * time.Millisecond
	// portionTime is what a portion should take at most: the application's commits wait behind its own. It is long beside a
	// commit on a slow disk, which fewer keys do not shorten.
	portionTime = 500 * time.Millisecond
	// leastKeys is the size below which an epoch is not divided among more workers, nor because they are slow.
	leastKeys = 50
)

func newRefresher(r *Refresh, workers *adapt.Workers) *refresher {
	most := workers.Greatest()
	return &refresher{
		Refresh: r,
		pace:    pace{workers: workers, bound: r.deps.Bound},
		size:    chunk.NewSizer(chunk.Config{Target: portionTime}, r.deps.Mapping.Source),
		work:    make(chan *portion, most), results: make(chan result, most),
		fences: make(chan uint64, 1), fenced: make(chan uint64, 1),
	}
}

func (d *refresher) run(ctx context.Context) error {
	for {
		d.advance()
		if err := d.step(ctx); err != nil {
			return err
		}
	}
}

// advance does all that can be done without waiting.
func (d *refresher) advance() {
	d.settle()
	if d.mayClose() && d.untilClose() <= 0 {
		d.close()
		d.settle()
	}
	if d.hold == nil {
		d.handOut()
	}
	if d.books.WantsFence() && !d.fencing && time.Since(d.lately) >= fencePause {
		d.fencing, d.lately = true, time.Now()
		d.fences <- d.books.AskFence()
	}
	waiting := d.chunks[:0]
	for _, c := range d.chunks {
		if d.books.Readable(c.flight) {
			close(c.readable)
		} else {
			waiting = append(waiting, c)
		}
	}
	clear(d.chunks[len(waiting):])
	d.chunks = waiting
}

// mayClose says whether an epoch can be closed, and there is a reason to.
func (d *refresher) mayClose() bool {
	return d.books.MayClose() && d.books.Left() == 0 && (d.news || d.books.Collecting() > 0)
}

// untilClose returns how long the epoch goes on collecting: no longer, while somebody waits for what is in it.
func (d *refresher) untilClose() time.Duration {
	if d.awaited.Load() > 0 || len(d.adoptions) > 0 {
		return 0
	}
	return time.Until(d.closed.Add(epochPause))
}

// close ends the collecting of an epoch, which stands for all that was read.
func (d *refresher) close() {
	number := d.books.Close()
	ticket := d.deps.Applied.Begin(d.next.Position, d.next.Fence, d.next.Heartbeat)
	d.points = append(d.points, point{epoch: number, ticket: ticket, seen: d.seen})
	d.news, d.closed = false, time.Now()
}

// settle moves the position over the epochs that are settled.
func (d *refresher) settle() {
	settled := d.books.Settled()
	if n, _ := slices.BinarySearchFunc(d.points, d.books.Looked()+1, byEpoch); n > 0 {
		d.counters.looked.Store(d.points[n-1].seen)
	}
	for len(d.points) > 0 && d.points[0].epoch <= settled {
		d.deps.Applied.Complete(d.points[0].ticket)
		d.counters.applied.Store(d.points[0].seen)
		d.points = d.points[1:]
	}
	left := d.adoptions[:0]
	for _, a := range d.adoptions {
		if a.epoch <= settled {
			close(a.settled)
		} else {
			left = append(left, a)
		}
	}
	clear(d.adoptions[len(left):])
	d.adoptions = left
}

// handOut gives portions to workers while there are both.
func (d *refresher) handOut() {
	limit := d.pace.limit()
	for free := limit - d.busy; free > 0; free-- {
		share := (d.books.Left() + free - 1) / free
		p := d.books.next(min(max(min(share, d.size.Rows()), leastKeys), d.mostKeys))
		if p == nil {
			break
		}
		d.busy++
		d.work <- p
	}
	d.counters.workers.Store(int64(limit))
	d.counters.busy.Store(int64(d.busy))
	d.counters.mostBusy.Store(max(int64(d.busy), d.counters.mostBusy.Load()))
}

// step waits for one thing and handles it.
func (d *refresher) step(ctx context.Context) error {
	queue, adopts := d.queue, d.adopts
	if d.books.Full() {
		queue = nil
	}
	if !d.books.MayAdopt() {
		adopts = nil
	}
	var due <-chan time.Time
	if wait, some := d.wait(); some {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case tx := <-queue:
		d.admit(tx)
	case res := <-d.results:
		d.busy--
		d.report(res)
		d.size.Report(len(res.portion.keys), res.took)
		d.pace.committed(len(res.portion.keys), d.books.Left() > 0, time.Now())
		d.grant(d.busy)
	case number := <-d.fenced:
		d.fencing = false
		d.books.Fenced(number)
	case what := <-d.asks:
		what(d)
	case what := <-adopts:
		what(d)
	case <-due:
	case <-d.hurry:
	case q := <-d.requests:
		return d.obey(q, d.busy, d.drain)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// wait returns how long it is until advance can do more though nothing happens; false: for ever.
func (d *refresher) wait() (time.Duration, bool) {
	fence, epoch := d.books.WantsFence() && !d.fencing, d.mayClose()
	untilFence, untilClose := time.Until(d.lately.Add(fencePause)), d.untilClose()
	if fence && epoch {
		return min(untilFence, untilClose), true
	}
	if fence {
		return untilFence, true
	}
	return untilClose, epoch
}

// admit takes the stream's next item. Keys of a piece of a large transaction are dirty at once, and the position stays
// before it until its end is read; whether it leaves rows nobody knows before, since it may be rolled back.
func (d *refresher) admit(tx *binlog.Transaction) {
	for i := range tx.Changes {
		change := &tx.Changes[i]
		if change.Before != nil {
			d.books.change(change.Before, true)
		}
		if change.After != nil {
			d.books.change(change.After, tx.More)
		}
	}
	d.seen += uint64(len(tx.Changes))
	d.room.Release(d.weight(tx))
	if tx.More {
		return
	}
	d.news = true
	fence, heartbeat := fenceOf(tx), heartbeatOf(tx)
	if fence != 0 || !heartbeat.IsZero() {
		d.next.Position = tx.End // as Applied has it: nowhere else
	}
	d.next.Fence = max(d.next.Fence, fence)
	if !heartbeat.IsZero() {
		d.next.Heartbeat = heartbeat
	}
}

// report enters what became of a portion.
func (d *refresher) report(res result) {
	refused := make([][]table.Value, len(res.refused))
	for i, row := range res.refused {
		refused[i] = row.key
	}
	d.books.done(res.portion, res.missing, refused)
}

// drain applies everything up to the fence through the cut-over's session. Under the lock nothing is written to the source,
// and all that was is visible: no fence is needed to read it. What was refused is refused again by a row that has been
// written meanwhile: by one that it shares a value with in the source. What a portion reports was read under the lock, which goes
// only with its session; but who gives up may have lost it before.
func (d *refresher) drain(request drainRequest) error {
	defer d.books.Doubt()
	var refusals refusals
	for {
		d.settle()
		if d.deps.Applied.Low().Fence >= request.fence {
			return nil
		}
		d.books.Fenced(d.books.AskFence()) // also in place of one that is under way
		if p := d.books.next(d.mostKeys); p != nil {
			res, err := d.refreshUnderLock(request.ctx, request.session, p)
			if err == nil && d.next.Fence >= request.fence {
				err = refusals.add(d.deps.Mapping.Source.Name, res)
			}
			if err != nil {
				d.books.giveBack(p)
				return fmt.Errorf("refresh %d rows under the table lock: %w", len(p.keys), err)
			}
			d.report(res)
			continue
		}
		if d.mayClose() && len(d.queue) == 0 {
			d.close()
			continue
		}
		select {
		case tx := <-d.queue:
			d.admit(tx)
		case <-request.ctx.Done():
			return context.Cause(request.ctx)
		}
	}
}
