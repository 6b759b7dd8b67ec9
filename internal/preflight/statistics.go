package preflight

import (
	"context"
	"fmt"

	"github.com/midstreamdb/midstream/internal/conn"
)

// checkStatistics says when MariaDB's statistics of columns cannot be seen, so that the new table would go without those that
// the source may have.
func checkStatistics(ctx context.Context, in *inspection) ([]finding, error) {
	if !in.Server.IsMariaDB() {
		return nil, nil
	}
	for _, list := range []string{"mysql.column_stats", "mysql.index_stats"} {
		_, err := queryRows(ctx, in.DB, "SELECT 1 AS one FROM "+list+" LIMIT 0")
		if conn.IsAccessDenied(err) {
			return []finding{note(fmt.Sprintf("whether %s has engine-independent statistics, such as histograms, is not to be seen: the new table gets none", in.source.Name),
				fmt.Sprintf("GRANT SELECT ON %s TO %s; or ANALYZE TABLE %s PERSISTENT FOR ALL after the swap", list, in.account, in.source.Name))}, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}
