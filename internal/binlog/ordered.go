package binlog

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/midstreamdb/midstream/internal/table"
)

// tableName is a name as a table map has it.
type tableName struct{ schema, name []byte }

// mostOthers is how many other tables of a transaction are named.
const mostOthers = 5

// noteOther notes that the open transaction has changed a table that is not watched.
func (a *assembler) noteOther(schema, name []byte) {
	if !a.ordered || !a.group.clock.MariaDB || len(a.others) == mostOthers {
		return
	}
	known := slices.ContainsFunc(a.others, func(t tableName) bool { return bytes.Equal(t.schema, schema) && bytes.Equal(t.name, name) })
	if !known {
		a.others = append(a.others, tableName{schema, name})
	}
}

// mustBeOrdered refuses a change of the source that the server commits by the statement COMMIT instead of an XID event, where the
// order counts. MariaDB does so where an engine without two-phase commit takes part, such as Aria, be it that a table of
// it was only read: then InnoDB commits after the log, beside the commits of others, and nothing tells when that is done.
func (a *assembler) mustBeOrdered() error {
	g := a.group
	if !a.ordered || !g.clock.MariaDB || len(g.changes) == 0 && g.pieces == 0 {
		return nil
	}
	var others []string
	for _, t := range a.others {
		others = append(others, table.Name{Schema: string(t.schema), Table: string(t.name)}.String())
	}
	also := "It changed no other table, so it has read one."
	if len(others) > 0 {
		also = fmt.Sprintf("The other tables that it changed: %s.", strings.Join(others, ", "))
	}
	return fmt.Errorf("a transaction that changed %s also used a table of an engine without two-phase commit, such as Aria: "+
		"the server makes it visible in another order than it stands in the log, which --apply=refresh cannot follow. %s "+
		"Keep such tables out of the transactions that write to %[1]s, or start again with --apply=replay --restart",
		a.watched[0].table.Name, also)
}
