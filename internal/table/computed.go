package table

import "fmt"

// checkComputed refuses what the shadow would keep as computed in the time zone of Midstream's sessions instead of the user's:
// stored columns and entries of indexes. What is computed at reading is the reader's.
func (p *pairing) checkComputed() (failures []error) {
	if isUTC(p.changes.TimeZone) {
		return nil
	}
	zoned := p.zoned()
	for i := range p.shadow.Columns {
		if c := &p.shadow.Columns[i]; c.Generation == Stored && zoned[c] {
			failures = append(failures, computedErrorf("compute column %s: it is stored, and its values depend on the time zone of the session that writes: "+
				"drop it, or make it VIRTUAL and leave it out of all keys", Quote(c.Name)))
		}
	}
	for _, k := range p.shadow.Keys {
		for _, part := range k.Parts {
			c := p.shadow.Column(part.Column)
			if c != nil && c.Generation == Virtual && zoned[c] || part.Expression != "" && p.inZone(part.Expression, zoned) {
				failures = append(failures, computedErrorf("build key %s: its entries depend on the time zone of the session that writes: drop it, or what it computes",
					Quote(k.Name)))
				break
			}
		}
	}
	return failures
}

// zoned returns the shadow's generated columns whose values depend on the time zone of the session that computes them.
func (p *pairing) zoned() map[*Column]bool {
	zoned := map[*Column]bool{}
	for more := true; more; {
		more = false
		for i := range p.shadow.Columns {
			if c := &p.shadow.Columns[i]; c.Generation != NotGenerated && !zoned[c] && p.inZone(c.Expression, zoned) {
				zoned[c], more = true, true
			}
		}
	}
	return zoned
}

// inZone says whether an expression of the shadow depends on the time zone, given the generated columns that do. A TIMESTAMP
// shows another time in each, whatever is done with it.
func (p *pairing) inZone(expression string, zoned map[*Column]bool) bool {
	for i := range p.shadow.Columns {
		if c := &p.shadow.Columns[i]; (c.Kind == Timestamp || zoned[c]) && Mentions(withoutTexts(expression), c.Name) {
			return true
		}
	}
	return ofTheSession.MatchString(withoutNames(expression))
}

// ComputedError says that the shadow would keep something as computed in another time zone, or at another moment. The server's own
// ALTER may do without computing anything.
type ComputedError struct{ text string }

// Error implements error.
func (e *ComputedError) Error() string { return e.text }

func computedErrorf(format string, args ...any) error {
	return &ComputedError{fmt.Sprintf(format, args...)}
}
