package epoch_test

import "math/rand/v2"

// The model's tables have the keys 1 to keys, two chunks, and values that must be unique from 1 to values.
const (
	keys   = 4
	values = 3
)

// row is a row of the model; the zero row is none.
type row struct {
	unique  int // value in the second unique key, 0: NULL
	version int // from 1
}

// rows are a table, by key.
type rows [keys + 1]row

// holder returns another key than key that has the unique value, or 0.
func (t *rows) holder(key, unique int) int {
	for k := 1; k <= keys; k++ {
		if unique != 0 && k != key && t[k].version != 0 && t[k].unique == unique {
			return k
		}
	}
	return 0
}

func (t *rows) duplicate() bool {
	for k := 1; k <= keys; k++ {
		if t[k].version != 0 && t.holder(k, t[k].unique) != 0 {
			return true
		}
	}
	return false
}

// kind says which unique keys there are besides the migration key.
type kind int

const (
	none   kind = iota
	same        // one that source and shadow have
	added       // one that the shadow alone has; the source's values are distinct all the same
	broken      // likewise, and they are not always distinct
	kinds
)

// entry is a commit in the source's log: the keys that it changed, or a fence.
type entry struct {
	changed []change
	undone  bool // it was rolled back: who reads it in pieces has read some of its keys
	fence   uint64
}

// change is what became of a key: a row, or none.
type change struct {
	key  int
	gone bool
}

// source is the table that the application writes. Commits stand in the log before they are visible.
type source struct {
	rng     *rand.Rand
	kind    kind
	log     []entry
	states  []rows // states[i] is the table after i entries
	visible int    // entries that reads see
	version int
	dupes   bool  // two rows shared a value once
	hot     []int // the keys that are written
	values  int   // and how many unique values
	handing bool  // values go from the first row to the last, mostly before the chunk of that is registered, which is late (I11)
}

func newSource(rng *rand.Rand, k kind) *source {
	s := &source{rng: rng, kind: k, hot: [][]int{{1, 2, 3, 4}, {2, 3}, {1, 4}, {3}}[rng.IntN(4)], values: 1 + rng.IntN(values)}
	var t rows
	for key := 1; key <= keys; key++ {
		if rng.IntN(5) < 3 {
			s.put(&t, key)
		}
	}
	s.states = []rows{t}
	s.dupes = t.duplicate()
	return s
}

// read is what a statement that begins now sees.
func (s *source) read() rows { return s.states[s.visible] }

func (s *source) append(e entry, t rows) {
	s.log = append(s.log, e)
	s.states = append(s.states, t)
	s.dupes = s.dupes || t.duplicate()
}

// fence writes a fence and returns how many entries are visible once it is.
func (s *source) fence(number uint64) int {
	s.append(entry{fence: number}, s.states[len(s.log)])
	return len(s.log)
}

// commit appends a transaction that likes trouble: it hands unique values on, swaps them, changes and reuses keys.
func (s *source) commit() {
	t := s.states[len(s.log)]
	before := t
	var changed []change
	for range 1 + s.rng.IntN(3) {
		if s.handing {
			changed = append(changed, s.hand(&t)...)
			continue
		}
		key, other := s.hot[s.rng.IntN(len(s.hot))], s.hot[s.rng.IntN(len(s.hot))]
		switch choice := s.rng.IntN(10); {
		case choice < 3 && t[key].version != 0:
			t[key] = row{}
			changed = append(changed, change{key, true})
		case choice < 5 && t[key].version != 0 && t[other].version == 0: // another key
			t[key], t[other] = row{}, t[key]
			changed = append(changed, change{key, true}, change{other, false})
		case choice < 7 && t[key].version != 0 && t[other].version != 0 && key != other: // swapped values
			t[key].unique, t[other].unique = t[other].unique, t[key].unique
			t[key].version, t[other].version = s.next(), s.next()
			changed = append(changed, change{key, false}, change{other, false})
		case choice < 8 && t[key].version != 0 && t[other].version != 0 && key != other: // a value handed on
			t[other].unique, t[key].unique = t[key].unique, 0
			t[key].version, t[other].version = s.next(), s.next()
			changed = append(changed, change{key, false}, change{other, false})
		default:
			s.put(&t, key)
			changed = append(changed, change{key, false})
		}
	}
	if s.rng.IntN(8) == 0 {
		s.append(entry{changed: changed, undone: true}, before)
		return
	}
	s.append(entry{changed: changed}, t)
}

// hand gives the first row a value, or hands the one that it has on to the last.
func (s *source) hand(t *rows) []change {
	const first, last = 1, keys
	if t[first].unique == 0 {
		s.put(t, first)
		return []change{{first, false}}
	}
	t[first], t[last] = row{version: s.next()}, row{unique: t[first].unique, version: s.next()}
	return []change{{first, false}, {last, false}}
}

func (s *source) next() int {
	s.version++
	return s.version
}

func (s *source) put(t *rows, key int) {
	r := row{version: s.next()}
	if s.kind != none && s.rng.IntN(8) > 0 {
		value := 1 + s.rng.IntN(s.values)
		if s.kind == broken && s.rng.IntN(6) == 0 || t.holder(key, value) == 0 {
			r.unique = value
		}
	}
	t[key] = r
}
