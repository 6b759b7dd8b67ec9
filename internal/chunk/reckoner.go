package chunk

import "github.com/midstreamdb/midstream/internal/table"

// reckoner finds the boundaries of an integer key by arithmetic. It counts in uint64, onto which signed keys are shifted
// in order, so that nothing overflows.
type reckoner struct {
	kind     table.ValueKind
	from     uint64 // the least key of the next chunk
	greatest uint64
	done     bool
}

// newReckoner returns a reckoner for keys between least and greatest, nil if so many of them may be unused that the
// chunks would be too unlike: fewer than half are rows, by the estimate.
func newReckoner(least, greatest table.Value, rows uint64) *reckoner {
	r := &reckoner{kind: least.Kind, from: shift(least), greatest: shift(greatest)}
	if (r.greatest-r.from)/2 >= rows {
		return nil
	}
	return r
}

// after makes the next chunk begin behind that key, or returns false if no key up to the greatest follows it.
func (r *reckoner) after(lower table.Value) bool {
	if shift(lower) >= r.greatest {
		return false
	}
	r.from = max(r.from, shift(lower)+1)
	return true
}

// upper returns the upper end of the next size keys, or false if there are not so many up to the greatest.
func (r *reckoner) upper(size int) (table.Value, bool) {
	if r.done || r.greatest-r.from < uint64(size)-1 {
		return table.Value{}, false
	}
	upper := r.from + uint64(size) - 1
	r.from, r.done = upper+1, upper == r.greatest
	if r.kind == table.Integer {
		return table.Value{Kind: r.kind, Num: upper ^ signBit}, true
	}
	return table.Value{Kind: r.kind, Num: upper}, true
}

const signBit = 1 << 63

// shift maps a key to a number of the same order.
func shift(v table.Value) uint64 {
	if v.Kind == table.Integer {
		return v.Num ^ signBit
	}
	return v.Num
}
