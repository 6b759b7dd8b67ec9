package sqlgen

import "github.com/midstreamdb/midstream/internal/table"

// Mark is a comment in every statement that changes rows of the shadow: where the binary log holds statements beside their
// rows, it tells the migration's from others'.
const Mark = "/* midstream */"

// written names the shadow as the table that a statement changes.
func written(m *table.Mapping) string { return m.Shadow.Name.String() + " " + Mark }
