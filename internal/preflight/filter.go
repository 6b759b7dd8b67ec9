package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/midstreamdb/midstream/internal/conn"
)

// checkBinlogFilter refuses a table whose changes the server's filters keep out of the binary log.
func checkBinlogFilter(ctx context.Context, in *inspection) ([]finding, error) {
	if !in.global.on("log_bin") {
		return nil, nil
	}
	rows, err := queryRows(ctx, in.DB, logStatus(in.Server))
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return filterFindings(in.Names.Source.Schema, rows[0]["Binlog_Do_DB"], rows[0]["Binlog_Ignore_DB"]), nil
}

func filterFindings(schema, do, ignore string) []finding {
	const fix = "start the server without this filter: it keeps the table from the replicas, too"
	if do != "" && !listed(do, schema) {
		return []finding{fail(fmt.Sprintf("binlog-do-db=%s keeps the database %s out of the binary log", do, schema), fix)}
	}
	if listed(ignore, schema) {
		return []finding{fail(fmt.Sprintf("binlog-ignore-db=%s keeps the database %s out of the binary log", ignore, schema), fix)}
	}
	return nil
}

func listed(list, schema string) bool {
	for name := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(name, schema) {
			return true
		}
	}
	return false
}

func logStatus(s *conn.Server) string {
	if !s.IsMariaDB() && s.Version.AtLeast(8, 2, 0) {
		return "SHOW BINARY LOG STATUS"
	}
	return "SHOW MASTER STATUS"
}
