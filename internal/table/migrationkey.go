package table

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// chooseKey returns the best of the source's keys that can address rows in both tables: the primary key, else the one with
// the fewest columns, integers first, then the shortest.
func (p *pairing) chooseKey() (MigrationKey, error) {
	var candidates []MigrationKey
	var refusals []string
	for i := range p.source.Keys {
		k := &p.source.Keys[i]
		if !k.Unique {
			continue
		}
		key, why := p.asMigrationKey(k)
		if why != "" {
			refusals = append(refusals, Quote(k.Name)+": "+why)
			continue
		}
		candidates = append(candidates, key)
	}
	if len(candidates) > 0 {
		return slices.MinFunc(candidates, compareKeys), nil
	}
	if len(refusals) == 0 {
		refusals = []string{"the table has no unique key"}
	}
	return MigrationKey{}, &KeyError{Reasons: refusals, Lost: p.source != p.shadow && p.sourceHasKey()}
}

// KeyError says that no key can address the rows of both tables.
type KeyError struct {
	Reasons []string // one for each unique key
	Lost    bool     // the source has such a key: it is the ALTER that stands against it
}

// Error implements error, and says what to do.
func (e *KeyError) Error() string {
	advice := "add a primary key, or a unique key over whole columns that are NOT NULL and neither FLOAT nor DOUBLE, first"
	if e.Lost {
		advice = "leave one of them as it is in this ALTER; to replace it, add the new key in a migration of its own first, and drop the old one in a second"
	}
	return fmt.Sprintf("choose migration key: a primary key, or a unique key without NULL, is needed before and after the ALTER: %s: %s",
		strings.Join(e.Reasons, "; "), advice)
}

// sourceHasKey says whether a key of the source could serve if the ALTER left the table as it is, whatever its time zone refuses.
func (p *pairing) sourceHasKey() bool {
	_, err := Map(p.source, p.source, Changes{TimeZone: "UTC"})
	return err == nil
}

// asMigrationKey returns the key with its counterpart, or why it cannot serve.
func (p *pairing) asMigrationKey(k *Key) (key MigrationKey, why string) {
	if !k.Visible {
		return key, "it is invisible to the optimizer"
	}
	if k.Type != "BTREE" {
		return key, "it is a " + k.Type + " index"
	}
	key.Name = k.Name
	for i := range k.Parts {
		pair, why := p.keyPair(&k.Parts[i])
		if why != "" {
			return key, why
		}
		key.Columns = append(key.Columns, pair)
	}
	if key.ShadowName = p.counterpart(key.ShadowNames()); key.ShadowName == "" {
		return key, "the altered table has no unique key of the same whole columns"
	}
	return key, ""
}

func (p *pairing) keyPair(part *KeyPart) (pair Pair, why string) {
	from := p.source.Column(part.Column)
	if part.Expression != "" || from == nil {
		return pair, "it has an expression"
	}
	to := p.to[from]
	name := "column " + Quote(from.Name) + ": "
	switch {
	case part.Prefix != 0:
		return pair, name + "only its beginning is in the key"
	case from.Nullable:
		return pair, name + "it can be NULL"
	case from.Generation != NotGenerated:
		return pair, name + "it is generated"
	case from.Kind == Float || from.Kind == Double:
		return pair, name + from.DataType + " values cannot be compared exactly"
	case from.Kind == Year && from.ColumnType == "year(2)":
		return pair, name + "the server's index orders years of two digits otherwise than it compares them"
	case from.Kind == Char && strings.Contains(from.Collation, "_nopad_"):
		// MariaDB orders the index by the padded values and compares the bare ones: ranges of it miss rows.
		return pair, name + "the server's index orders CHAR values in the collation " + from.Collation + " otherwise than it compares them"
	case to == nil:
		return pair, name + "the ALTER drops it"
	case to.Nullable:
		return pair, name + "it can be NULL after the ALTER"
	case to.Generation != NotGenerated:
		return pair, name + "it is generated after the ALTER"
	}
	if why := unlike(from, to); why != "" {
		return pair, name + why
	}
	return Pair{Source: from, Shadow: to}, ""
}

// counterpart returns the shadow's unique key of these whole columns, best in the same order, or "".
func (p *pairing) counterpart(columns []string) string {
	found := ""
	for i := range p.shadow.Keys {
		k := &p.shadow.Keys[i]
		if !k.Unique || !k.Visible || len(k.Parts) != len(columns) || slices.ContainsFunc(k.Parts, func(part KeyPart) bool {
			return part.Prefix != 0 || part.Expression != "" || !slices.Contains(columns, part.Column)
		}) {
			continue
		}
		if slices.Equal(k.Columns(), columns) {
			return k.Name
		}
		if found == "" {
			found = k.Name
		}
	}
	return found
}

func compareKeys(a, b MigrationKey) int {
	notPrimary := func(k MigrationKey) int { return yes(k.Name != "PRIMARY") }
	notInteger := func(k MigrationKey) int {
		return yes(slices.ContainsFunc(k.Columns, func(p Pair) bool { return p.Source.Kind != Int }))
	}
	length := func(k MigrationKey) (n int) {
		for _, p := range k.Columns {
			n += max(p.Source.Length, p.Source.Precision, 8)
		}
		return n
	}
	return cmp.Or(
		cmp.Compare(notPrimary(a), notPrimary(b)),
		cmp.Compare(len(a.Columns), len(b.Columns)),
		cmp.Compare(notInteger(a), notInteger(b)),
		cmp.Compare(length(a), length(b)),
	)
}

func yes(b bool) int {
	if b {
		return 1
	}
	return 0
}
