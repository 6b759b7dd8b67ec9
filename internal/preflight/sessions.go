package preflight

import (
	"context"
	"fmt"

	"github.com/midstreamdb/midstream/internal/conn"
)

// checkOtherSessions looks for sessions that log less than whole rows by settings of their own, where the server shows those of
// others: MySQL does to a user with SELECT on performance_schema.
func checkOtherSessions(ctx context.Context, in *inspection) ([]finding, error) {
	if in.Server.IsMariaDB() {
		return nil, nil
	}
	const query = `
		SELECT t.PROCESSLIST_ID AS id, t.PROCESSLIST_USER AS user, v.VARIABLE_NAME AS name, v.VARIABLE_VALUE AS value
		  FROM performance_schema.variables_by_thread v
		  JOIN performance_schema.threads t USING (THREAD_ID)
		 WHERE t.TYPE = 'FOREGROUND' AND t.PROCESSLIST_ID IS NOT NULL
		   AND (v.VARIABLE_NAME = 'binlog_format' AND v.VARIABLE_VALUE <> 'ROW'
		     OR v.VARIABLE_NAME = 'binlog_row_image' AND v.VARIABLE_VALUE <> 'FULL'
		     OR v.VARIABLE_NAME = 'binlog_row_value_options' AND v.VARIABLE_VALUE <> ''
		     OR v.VARIABLE_NAME = 'sql_log_bin' AND v.VARIABLE_VALUE IN ('OFF', '0'))
		 ORDER BY id, name`
	rows, err := queryRows(ctx, in.DB, query)
	if conn.IsAccessDenied(err) {
		return []finding{note("settings of other sessions that would hide rows from the binary log cannot be seen",
			fmt.Sprintf("to have them checked: GRANT SELECT ON performance_schema.* TO %s", in.account))}, nil
	}
	if err != nil {
		return nil, err
	}
	var found []finding
	for _, r := range rows {
		found = append(found, fail(fmt.Sprintf("session %s of user %q has %s=%s: rows that it changes would not, or not whole, be in the binary log",
			r["id"], r["user"], r["name"], r["value"]), fmt.Sprintf("end it or wait for its end: KILL %s", r["id"])))
	}
	return found, nil
}
