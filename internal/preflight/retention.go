package preflight

import (
	"context"
	"fmt"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
)

// shortRetention is how long binary logs should be kept at least: a migration that pauses over night can go on.
const shortRetention = 24 * time.Hour

// checkRetention warns where binary logs may be gone before they are read.
func checkRetention(ctx context.Context, in *inspection) ([]finding, error) {
	found := retentionFindings(in.global)
	const query = "SELECT value FROM mysql.rds_configuration WHERE name = 'binlog retention hours'"
	rows, err := queryRows(ctx, in.DB, query)
	if conn.IsNoSuchTable(err) || conn.IsAccessDenied(err) {
		return found, nil // not that service, or its users may not look
	}
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if r["value"] == "" {
			found = append(found, warn("this managed server (RDS) removes binary logs as soon as it can",
				"CALL mysql.rds_set_configuration('binlog retention hours', 48)"))
		} else {
			found = append(found, note(fmt.Sprintf("this managed server (RDS) keeps binary logs for %s hours", r["value"]), ""))
		}
	}
	return found, nil
}

func retentionFindings(global variables) []finding {
	var found []finding
	keep := time.Duration(global.number("binlog_expire_logs_seconds") * float64(time.Second))
	if keep == 0 {
		keep = time.Duration(global.number("expire_logs_days") * 24 * float64(time.Hour))
	}
	if keep > 0 && keep < shortRetention && !global.off("binlog_expire_logs_auto_purge") {
		found = append(found, warn(fmt.Sprintf("the server keeps binary logs for %s only: a migration that reads them later than that cannot go on", keep.Round(time.Second)),
			fmt.Sprintf("SET GLOBAL binlog_expire_logs_seconds = %d", int(2*shortRetention/time.Second))))
	}
	if limit := global.number("max_binlog_total_size"); limit > 0 {
		found = append(found, warn(fmt.Sprintf("the server removes binary logs when they exceed %s together (max_binlog_total_size): a migration that has not read them by then cannot go on",
			bytesText(uint64(limit))), "SET GLOBAL max_binlog_total_size = 0"))
	}
	return found
}
