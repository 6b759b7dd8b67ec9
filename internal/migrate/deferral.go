package migrate

import (
	"context"
	"fmt"
	"strings"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// Defer says when the new table gets its secondary indexes.
type Defer string

const (
	DeferOff  Defer = "off"  // before the first row
	DeferOn   Defer = "on"   // all at once, when the rows are copied
	DeferAuto Defer = "auto" // likewise, where nobody follows the binary log and the table is not small
)

// worthDeferring is the size in bytes from which on DeferAuto defers: of less, building takes as long as its statements.
const worthDeferring = 16 << 20

// chooseDeferral decides, for a migration that begins, whether indexes are deferred.
func (r *Runner) chooseDeferral(ctx context.Context) (err error) {
	r.whyIndexed = ""
	switch {
	case r.cfg.DeferIndexes == DeferOff:
		r.whyIndexed = "--defer-indexes=off"
	case r.cfg.DeferIndexes == DeferAuto && r.found.DataBytes < worthDeferring:
		r.whyIndexed = "the table is small"
	case r.cfg.DeferIndexes == DeferAuto:
		r.whyIndexed, err = r.followers(ctx)
	}
	return err
}

// followers says who applies this server's log, "" for nobody: a replica applies nothing else while it builds indexes. The
// server does not tell what its readers do with the log: whoever reads it under another name than ours counts.
func (r *Runner) followers(ctx context.Context) (string, error) {
	processes, err := conn.Processes(ctx, r.db)
	if err != nil {
		return "", fmt.Errorf("look for replicas: %w", err)
	}
	for _, p := range processes {
		if strings.HasPrefix(p.Command, "Binlog Dump") && p.User != r.cfg.Conn.User {
			return fmt.Sprintf("connection %d of %s@%s reads the binary log: a replica would lag behind while it builds indexes (--defer-indexes=on does it all the same)", p.ID, p.User, p.Host), nil
		}
	}
	group, err := r.server.ReplicationGroup(ctx, r.db)
	if err != nil || group == "" {
		return "", err
	}
	return fmt.Sprintf("the members of replication group %s would lag behind while they build indexes (--defer-indexes=on does it all the same)", group), nil
}

// indexPlan says for the dry run when the new table gets its indexes.
func (r *Runner) indexPlan(shadow *table.Table) string {
	var names []string
	for _, key := range shadow.Deferrable() {
		names = append(names, key.Name)
	}
	switch {
	case len(names) == 0:
		return "all from the beginning"
	case r.whyIndexed != "":
		return "all from the beginning: " + r.whyIndexed
	}
	return fmt.Sprintf("%s built when all rows are copied (--defer-indexes=%s), if the server can do so in place", table.QuoteList(names), r.cfg.DeferIndexes)
}
