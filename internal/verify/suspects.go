package verify

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// suspect is a row that differed when it was looked at last.
type suspect struct {
	id    string // the key, encoded
	key   []table.Value
	looks int
	noted int // how often it was suspected
	asked int // noted, when the look under way began: what was noted since may not have been seen

	seen *pair // at the last close look
	same int   // close looks in a row that saw the very same
}

const (
	// mostHot is the number of rows that may be left to the look under the cut-over lock in any case: a few statements.
	mostHot = 2 * sqlgen.MostKeys
	// patience is the number of looks after which a row that goes on changing is left to the last one.
	patience = 6
	// closeFrom is the number of looks after which both rows are read: before that, most have been seen equal.
	closeFrom = 3
	// doubtful is how often in a row the same difference is seen until the row is looked at to the end: fewer times are
	// seen of any row that changes now and then.
	doubtful = 3
	// certain is how often in a row the same difference must be seen. Each look follows on a fence that was applied: a row
	// that goes back and forth between two values would have to be met between a commit and its being applied every time.
	certain = 20
	// followPause is the time between two rounds of looks at what is noted.
	followPause = 20 * time.Millisecond
	// mostClose is the number of rows that are read in one round.
	mostClose = 20
	// mostRounds is the number of rounds after which undecided rows are left to the last look, too: among many rows that go back
	// and forth, some have just been seen the same a few times, at any moment. A defect is certain long before.
	mostRounds = certain + 10
)

// suspect notes rows to be looked at again.
func (v *Verifier) suspect(keys [][]table.Value) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, key := range keys {
		id := string(table.AppendKey(nil, key))
		s := v.suspects[id]
		if s == nil {
			s = &suspect{id: id, key: key}
			v.suspects[id] = s
		}
		s.noted++
	}
}

// ask says that a look at the suspects begins.
func (v *Verifier) ask(suspects []*suspect) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range suspects {
		s.asked = s.noted
	}
}

// still returns those of the suspects that are suspects yet, in the order of present. One that was seen equal and has been
// noted anew is another: were it waited for, rows that are written again and again would never be settled.
func (v *Verifier) still(suspects []*suspect) []*suspect {
	were := make(map[*suspect]bool, len(suspects))
	for _, s := range suspects {
		were[s] = true
	}
	return slices.DeleteFunc(v.present(), func(s *suspect) bool { return !were[s] && s.looks == 0 })
}

// present returns the suspects: first those that were seen the same most often, then the most looked at.
func (v *Verifier) present() []*suspect {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make([]*suspect, 0, len(v.suspects))
	for _, s := range v.suspects {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *suspect) int { return cmp.Or(b.same-a.same, b.looks-a.looks, cmp.Compare(a.id, b.id)) })
	return all
}

// Follow looks at what was noted again and again, until ctx ends or a row is a defect.
func (v *Verifier) Follow(ctx context.Context) error {
	for {
		if err := v.settle(ctx); err != nil {
			return err
		}
		if err := conn.Pause(ctx, followPause); err != nil {
			return context.Cause(ctx)
		}
	}
}

// settle looks at the suspects of this moment again and again, each time after all that was committed before has been applied,
// until they are equal, or few and still changing. A table that changes faster than it can be followed does not get to few:
// as many as are quickly looked at will do then.
func (v *Verifier) settle(ctx context.Context) error {
	var s session
	defer s.close()
	suspects := v.present()
	for round := 1; ; round++ {
		n := len(suspects)
		few := n <= mostHot || round > patience && v.Bears(n)
		if few && (round > mostRounds || !slices.ContainsFunc(suspects, undecided)) {
			return nil
		}
		var err error
		if suspects, err = v.round(ctx, &s, suspects); err != nil {
			return err
		}
		if err := conn.Pause(ctx, min(time.Duration(round), 5)*time.Millisecond); err != nil {
			return context.Cause(ctx)
		}
	}
}

// round looks at the suspects once, when all that was committed before has been applied, and returns those that are left.
func (v *Verifier) round(ctx context.Context, s *session, suspects []*suspect) ([]*suspect, error) {
	v.ask(suspects)
	if err := v.deps.Settler.Settle(ctx); err != nil {
		return nil, err
	}
	if err := v.lookAgain(ctx, suspects); err != nil {
		return nil, err
	}
	suspects = v.still(suspects)
	for _, suspect := range suspects[:min(mostClose, len(suspects))] {
		if suspect.looks < closeFrom {
			break
		}
		if err := v.lookClosely(ctx, s, suspect); err != nil {
			return nil, err
		}
	}
	return suspects, nil
}

// undecided says whether the row may be equal or a defect, as far as is known: it must be looked at once more.
func undecided(s *suspect) bool { return s.looks < patience || s.same >= doubtful }

// Bears says whether so many rows may be left to Last.
func (v *Verifier) Bears(n int) bool {
	return n <= mostHot || v.perRow.Load() > 0 && v.cost(n) <= v.cfg.LastLook
}

// Predict returns how long Last would take for the suspects of this moment, by the time that looks took lately.
func (v *Verifier) Predict() time.Duration { return v.cost(v.Stats().Suspects) }

func (v *Verifier) cost(n int) time.Duration {
	return time.Duration(n) * time.Duration(v.perRow.Load())
}

// took notes the time of a look at n rows. One of few rows says nothing of many.
func (v *Verifier) took(d time.Duration, n int) {
	if n < v.most/2 {
		return
	}
	now := int64(d) / int64(n)
	if before := v.perRow.Load(); before > 0 {
		now = (7*before + now) / 8
	}
	v.perRow.Store(now)
}

// lookAgain compares the suspects' rows, and drops those that are equal.
func (v *Verifier) lookAgain(ctx context.Context, suspects []*suspect) error {
	g, ctx := errgroup.WithContext(ctx)
	batches := make(chan []*suspect)
	g.Go(func() error {
		defer close(batches)
		for batch := range slices.Chunk(suspects, v.most) {
			select {
			case batches <- batch:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	for range min(max(v.cfg.Workers, 1), len(suspects)/v.most+1) {
		g.Go(func() error {
			var s session
			defer s.close()
			for batch := range batches {
				var left [][]table.Value
				err := v.retry(ctx, &s, func() (err error) {
					began := time.Now()
					left, err = v.look(ctx, s.conn, batch)
					v.took(time.Since(began), len(batch))
					return err
				})
				if err != nil {
					return fmt.Errorf("compare %d rows again: %w", len(batch), err)
				}
				v.looked(batch, left)
			}
			return nil
		})
	}
	return g.Wait()
}

// look returns the keys among the suspects' under which the tables differ.
func (v *Verifier) look(ctx context.Context, c *sql.Conn, suspects []*suspect) ([][]table.Value, error) {
	keys := make([][]table.Value, len(suspects))
	for i, s := range suspects {
		keys[i] = s.key
	}
	if err := v.execute(ctx, c, v.sql.FillKeys(keys)); err != nil {
		return nil, err
	}
	return v.differing(ctx, c, v.sql.DifferingAmong(keys), v.sql.ExtraAmong(keys))
}

// looked enters what a look has seen: a suspect that does not differ is none any more.
func (v *Verifier) looked(suspects []*suspect, differing [][]table.Value) {
	v.looks.Add(uint64(len(suspects)))
	still := make(map[string]bool, len(differing))
	for _, key := range differing {
		still[string(table.AppendKey(nil, key))] = true
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range suspects {
		switch {
		case still[s.id]:
			s.looks++
			delete(still, s.id)
		case s.noted == s.asked:
			delete(v.suspects, s.id)
		default: // equal, but that may have been before it was noted again
			s.same, s.seen = 0, nil
			s.looks++
		}
	}
	for _, key := range differing {
		// The key may be spelled otherwise now, and equal to the server.
		if id := string(table.AppendKey(nil, key)); still[id] {
			v.suspects[id] = &suspect{id: id, key: key, looks: suspects[0].looks}
		}
	}
}

// LastBeside is Last through a session of its own: the one that holds the locks lets others read, and may not do so itself.
func (v *Verifier) LastBeside(ctx context.Context) error {
	if v.Stats().Suspects == 0 {
		return nil
	}
	c, _, err := conn.Session(ctx, v.deps.DB)
	if err != nil {
		return err
	}
	s := session{c}
	defer s.close()
	return v.Last(ctx, c)
}

// Last looks at the rows that were left, through the session that holds the table locks of the cut-over, when everything
// has been applied: what differs now is a defect.
func (v *Verifier) Last(ctx context.Context, c *sql.Conn) error {
	suspects := v.present()
	if len(suspects) == 0 {
		return nil
	}
	if create := v.sql.Scratch(); create != "" {
		if err := v.execute(ctx, c, []string{"DROP TEMPORARY TABLE IF EXISTS " + v.cfg.Scratch.String(), create}); err != nil {
			return fmt.Errorf("create a temporary table to compare in: %w", err)
		}
	}
	v.ask(suspects)
	var differing [][]table.Value
	for batch := range slices.Chunk(suspects, v.most) {
		left, err := v.look(ctx, c, batch)
		if err != nil {
			return fmt.Errorf("compare the last %d rows under the table lock: %w", len(suspects), err)
		}
		v.looked(batch, left)
		differing = append(differing, left...)
	}
	if len(differing) == 0 {
		return nil
	}
	if err := v.execute(ctx, c, v.sql.FillKeys(differing[:1])); err != nil {
		return err
	}
	seen, err := v.read(ctx, c, differing[0])
	if err != nil {
		return fmt.Errorf("read the row that differs under the table lock: %w", err)
	}
	return v.defect(differing[0], seen)
}
