package binlog

import "fmt"

// mustBeOrdered refuses a change of the source that the server commits by the statement COMMIT instead of an XID event, where the
// order counts. MariaDB does so where an engine without two-phase commit takes part, such as Aria, be it that a table of
// it was only read: then InnoDB commits after the log, beside the commits of others, and nothing tells when that is done. Which table
// it was the log does not say: what was changed of it stands there as another transaction.
func (a *assembler) mustBeOrdered() error {
	g := a.group
	if !a.ordered || !g.clock.MariaDB || len(g.changes) == 0 && g.pieces == 0 {
		return nil
	}
	return fmt.Errorf("a transaction that changed %s also used a table of an engine without two-phase commit, such as those of "+
		"SELECT table_schema, table_name FROM information_schema.tables WHERE engine = 'Aria': the server makes it visible in "+
		"another order than it stands in the log, which --apply=refresh cannot follow. Start again with --apply=replay --restart, "+
		"or keep such tables out of the transactions that write to %[1]s", a.watched[0].table.Name)
}
