package table

import "fmt"

// ReplayRefusals says of each pair whose conversion need not come out the same from a row image's literal as from the
// source's column, which columns they are: replay would write another value than a native ALTER. nil: replay can write
// every row. Refresh has no such limits, since its values never leave the server.
func ReplayRefusals(m *Mapping) []string {
	var refusals []string
	for _, p := range m.Columns {
		if p.IsConstant() {
			continue
		}
		if p.Source.Generation != NotGenerated {
			refusals = append(refusals, fmt.Sprintf("column %s: it is generated, and the log may leave its values out", Quote(p.Source.Name)))
		}
		if p.Lossy {
			refusals = append(refusals, fmt.Sprintf("column %s: losses can be accepted with --apply=refresh only", Quote(p.Source.Name)))
		}
		if !replayable(p.Source, p.Shadow) {
			refusals = append(refusals, fmt.Sprintf("column %s: %s to %s cannot be replayed exactly from the log",
				Quote(p.Source.Name), p.Source.ColumnType, p.Shadow.ColumnType))
		}
	}
	return refusals
}

// replayable is a list of the conversions that are known to be exact.
func replayable(from, to *Column) bool {
	if from.Kind == Unknown {
		return false
	}
	if from.ColumnType == to.ColumnType && from.Collation == to.Collation {
		return true
	}
	text := to.IsString()
	switch from.Kind {
	case Int, Decimal:
		return to.Kind == Int || to.Kind == Decimal || to.Kind == Double || to.Kind == Float || text && !from.ZeroFill
	case Float, Double:
		return (to.Kind == Float || to.Kind == Double) && to.DataType == to.ColumnType // (M,D) rounds some ways, not others
	case Bit:
		return to.Kind == Bit || to.Kind == Int
	case Year:
		return to.Kind == Int
	case Date, DateTime, Timestamp:
		return to.Kind == Date || to.Kind == DateTime || to.Kind == Timestamp || text
	case Time:
		return to.Kind == Time || text
	case Char, VarChar, Text:
		return text || to.isBytes() || to.Kind == Enum || to.Kind == Set || to.Kind == Int || to.Kind == Decimal || to.Kind == Double ||
			to.Kind == Date || to.Kind == DateTime // not Time: other charsets than the literal's are read with less care
	case Binary, VarBinary, Blob:
		return text || to.isBytes()
	case Enum, Set:
		return (to.Kind == from.Kind || text) && !obscured(from) && !obscured(to)
	default:
		return to.Kind == from.Kind
	}
}

func (c *Column) isBytes() bool { return c.Kind == Binary || c.Kind == VarBinary || c.Kind == Blob }
