package load

import "math/rand/v2"

// Operation is one kind of write: one or several statements of a transaction.
type Operation int

// The operations. Those of unique values need a table with Table.Unique; elsewhere an indexed update takes their place.
const (
	IndexUpdate  Operation = iota // k = k + 1
	Update                        // other columns
	Reinsert                      // delete a row and insert another with its id
	MultiUpdate                   // one statement, 2 to 20 rows
	Insert                        // 1 to 5 rows with ids that the server chooses
	Delete                        // 1 to 3 rows
	KeyChange                     // a row moves to a free id
	KeySwap                       // two rows exchange their ids, over a third one
	HandOver                      // a row's unique value goes to another row, and the first has none
	UniqueSwap                    // two rows exchange their unique values
	UniqueToTail                  // a row's unique value goes to a new row; the old one is deleted or has none
	operations
)

// Mix weighs operations; those that are missing do not occur.
type Mix map[Operation]int

// WriteOnly is the mix of sysbench's oltp_write_only.
func WriteOnly() Mix { return Mix{IndexUpdate: 1, Update: 1, Reinsert: 1} }

// Everything is every operation, with inserts and deletes in balance.
func Everything() Mix {
	return Mix{
		IndexUpdate: 20, Update: 15, Reinsert: 10, MultiUpdate: 5, Insert: 6, Delete: 10,
		KeyChange: 8, KeySwap: 4, HandOver: 8, UniqueSwap: 8, UniqueToTail: 6,
	}
}

// pick returns an operation by its weight.
func (m Mix) pick(r *rand.Rand) Operation {
	total := 0
	for o := range operations {
		total += m[o]
	}
	n := r.IntN(total)
	for o := range operations {
		if n -= m[o]; n < 0 {
			return o
		}
	}
	panic("load: weights of a mix changed while it was read")
}

// Skew says which rows are touched; the zero value means all alike.
type Skew struct {
	// Zipf, above 1, is the exponent of a Zipf distribution over the rows.
	Zipf float64
	// HotShare is the share of the operations, 0 to 1, that go to the hot rows, which wait for each other.
	HotShare float64
	// HotRows is the number of hot rows; 0 means 1.
	HotRows int
}

// picker draws ids.
type picker struct {
	skew Skew
	rand *rand.Rand
	zipf *rand.Zipf
}

func newPicker(s Skew, r *rand.Rand, rows int64) *picker {
	s.HotRows = max(s.HotRows, 1)
	p := &picker{skew: s, rand: r}
	if s.Zipf > 1 {
		p.zipf = rand.NewZipf(r, s.Zipf, 1, uint64(max(rows, 1)-1))
	}
	return p
}

// id draws an id from 1 to top; ranks of a Zipf distribution are strewn over the ids.
func (p *picker) id(top int64) int64 {
	if top < 1 {
		return 1
	}
	if p.zipf != nil {
		return 1 + int64(mix(p.zipf.Uint64())%uint64(top))
	}
	return 1 + p.rand.Int64N(top)
}

// hot draws the id of a hot row, in the middle of the table.
func (p *picker) hot(t Table) int64 {
	id := t.Rows/2 + p.rand.Int64N(int64(p.skew.HotRows))
	if t.Gap > 0 && id%t.Gap == 0 {
		id++
	}
	return max(id, 1)
}
