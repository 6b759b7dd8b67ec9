package load

import (
	"iter"
	"maps"
	"slices"
)

// Model is what a table contains at one moment. It does not change.
type Model struct {
	Table Table

	touched map[int64]state
}

// Row returns the row with that id, if there is one.
func (m *Model) Row(id int64) (Row, bool) {
	if s, ok := m.touched[id]; ok {
		return s.row, s.alive
	}
	return m.Table.initial(id)
}

// All yields the rows in the order of their ids.
func (m *Model) All() iter.Seq2[int64, Row] {
	return func(yield func(int64, Row) bool) {
		beyond := slices.Sorted(maps.Keys(m.touched))
		first, _ := slices.BinarySearch(beyond, 1)
		last, _ := slices.BinarySearch(beyond, m.Table.Rows+1)
		give := func(id int64) bool {
			row, there := m.Row(id)
			return !there || yield(id, row)
		}
		for _, id := range beyond[:first] {
			if !give(id) {
				return
			}
		}
		for id := int64(1); id <= m.Table.Rows; id++ {
			if !give(id) {
				return
			}
		}
		for _, id := range beyond[last:] {
			if !give(id) {
				return
			}
		}
	}
}

// Count returns the number of rows.
func (m *Model) Count() int {
	n := 0
	for range m.All() {
		n++
	}
	return n
}
