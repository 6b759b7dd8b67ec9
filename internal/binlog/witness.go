package binlog

import "fmt"

// Witness proves that a log is the one in which a position was found: the last mark at or before the position, and where
// the transaction that wrote it begins. Numbers and offsets alone prove nothing: a log that was reset, or a server that was
// restored, gives them out again. A stream that goes on at the position reads from Before, passes over what was read, and
// must meet this mark there before any other.
type Witness struct {
	Before Position
	Mark   Mark
}

// Witness returns the position's witness; nil: no mark was read before it.
func (p Position) Witness() *Witness { return p.witness }

// WithWitness returns the position with what proves it, as Witness returned it.
func (p Position) WithWitness(w *Witness) Position {
	p.witness = w
	return p
}

// origin is where a stream that goes on at p begins to read.
func (p Position) origin() Position {
	if p.witness == nil {
		return p
	}
	return p.witness.Before
}

// proof follows a new connection from the origin of a position until what was read before has been passed.
type proof struct {
	until Position
	// ahead are, on MariaDB, the domains in which until is still to come, with the last GTID that was read of each: their
	// numbers need not rise, so only that very GTID ends what was read.
	ahead map[uint32]domainGTID
	found bool // the witness was met
}

func newProof(until Position) proof {
	p := proof{until: until, found: until.witness == nil}
	if p.found || until.form != mariaForm {
		return p
	}
	p.ahead = map[uint32]domainGTID{}
	origin := until.origin().domains
	for _, last := range until.domains {
		if i, known := origin.find(last.domain); !known || origin[i] != last {
			p.ahead[last.domain] = last
		}
	}
	return p
}

// passes says whether the transaction that o opens was read before; at is where the event ends, of files only.
func (p *proof) passes(o opening, at Position) (bool, error) {
	if p.until.witness == nil {
		return false, nil
	}
	switch p.until.form {
	case mariaForm:
		last, ahead := p.ahead[o.maria.domain]
		if ahead && last == o.maria {
			delete(p.ahead, o.maria.domain)
		}
		return ahead, nil
	case gtidForm:
		return p.until.set.has(o.source, o.tag, o.number), nil
	default:
		return p.until.AtOrAfter(at)
	}
}

// check looks at the marks of a transaction, passed over or not: the first must be the witness, and it is the only one
// before the position.
func (p *proof) check(marks []Mark, passed bool) error {
	for _, m := range marks {
		if p.found && !passed {
			return nil
		}
		if p.found || m != p.until.witness.Mark || !passed {
			return &LostError{Position: p.until, Reason: fmt.Sprintf("the log does not hold there what was read before, row %d of the changelog with the value %d, but the value %d of row %d: "+
				"it was reset, or is another server's", p.until.witness.Mark.ID, p.until.witness.Mark.Value, m.Value, m.ID)}
		}
		p.found = true
	}
	return nil
}
