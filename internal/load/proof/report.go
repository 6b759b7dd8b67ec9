// Package proof shows that a table contains what it must: the same as another table, or what the model of a write load says.
// It reads and changes nothing, and compares every value of every row.
package proof

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/midstreamdb/midstream/internal/load"
)

// Report is what was found equal, for people.
type Report struct {
	What string // e.g. "`shop`.`orders` = the model of the load"
	Rows int64
	// Digest is the SHA-256 of the rows, in the order of their keys, in hexadecimal.
	Digest string
	// Checksum says what CHECKSUM TABLE gave, or why it was not compared; "" where it has no meaning.
	Checksum string
	// Cut is set when the table was renamed while the load ran.
	Cut  *load.Cut
	Took time.Duration
}

// String is a line or two.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d rows, SHA-256 %.16s…, %s", r.What, r.Rows, r.Digest, r.Took.Round(time.Millisecond))
	if r.Checksum != "" {
		fmt.Fprintf(&b, "\n  CHECKSUM TABLE: %s", r.Checksum)
	}
	if r.Cut != nil {
		fmt.Fprintf(&b, "\n  of the load's transactions %d came before the rename, %d after it", r.Cut.Before, r.Cut.After)
	}
	return b.String()
}

// Difference is the first place where a table is not what it must be.
type Difference struct {
	What    string
	Key     string   // the row, e.g. "id = 7"
	Missing string   // the table, or model, that lacks the row; "" when both have it
	Columns []Column // where they differ, when both have it
}

// Column is a column with two values.
type Column struct {
	Name    string
	A, B    string
	OfA, Of string // whose they are
}

// Error implements error.
func (d *Difference) Error() string {
	if d.Missing != "" {
		return fmt.Sprintf("%s does not hold: the row with %s is missing in %s", d.What, d.Key, d.Missing)
	}
	parts := make([]string, len(d.Columns))
	for i, c := range d.Columns {
		parts[i] = fmt.Sprintf("%s is %s in %s and %s in %s", c.Name, c.A, c.OfA, c.B, c.Of)
	}
	return fmt.Sprintf("%s does not hold: the row with %s differs: %s", d.What, d.Key, strings.Join(parts, "; "))
}

// shown renders a value for people: text as such, other bytes in hexadecimal, nil as NULL.
func shown(v []byte) string {
	const most = 200
	tail := ""
	if len(v) > most {
		v, tail = v[:most], fmt.Sprintf("… (%d bytes)", len(v))
	}
	switch {
	case v == nil:
		return "NULL"
	case !utf8.Valid(v) || strings.ContainsFunc(string(v), func(r rune) bool { return r < ' ' }):
		return fmt.Sprintf("0x%X%s", v, tail)
	}
	return fmt.Sprintf("%q%s", v, tail)
}
