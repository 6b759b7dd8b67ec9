package table

import "slices"

// Deferrable returns the keys that a copy of the table can do without until its rows are there, in the table's order: added
// again, in that order, they stand where they stood. Unique keys refuse rows and address them; full-text, spatial and vector
// indexes are built otherwise; a foreign key or the AUTO_INCREMENT column may need its index at any time.
func (t *Table) Deferrable() []*Key {
	var keys []*Key
	// Both engines list primary and unique keys first and full-text indexes last; among the others, one that is added comes last.
	for i := len(t.Keys) - 1; i >= 0; i-- {
		k := &t.Keys[i]
		if k.Type == "FULLTEXT" {
			continue
		}
		if k.Unique || k.Type != "BTREE" || t.needed(k) {
			break
		}
		keys = append(keys, k)
	}
	slices.Reverse(keys)
	return keys
}

// needed says whether the server may refuse to be without the key.
func (t *Table) needed(k *Key) bool {
	first := k.Parts[0].Column
	if c := t.Column(first); c != nil && c.AutoIncrement {
		return true
	}
	return slices.ContainsFunc(t.ForeignKeys, func(f ForeignKey) bool { return slices.Contains(f.Columns, first) }) ||
		slices.ContainsFunc(t.ReferencedBy, func(f ForeignKey) bool { return slices.Contains(f.References, first) })
}
