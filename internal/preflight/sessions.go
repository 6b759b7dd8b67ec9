package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/midstreamdb/midstream/internal/conn"
)

// checkOtherSessions looks for sessions that log less than whole rows by settings of their own, where the server shows those of
// others: MySQL does to a user with SELECT on performance_schema.
func checkOtherSessions(ctx context.Context, in *inspection) ([]finding, error) {
	if in.Server.IsMariaDB() {
		return nil, nil
	}
	const query = `
		SELECT t.PROCESSLIST_ID AS id, CONCAT(v.VARIABLE_NAME, '=', v.VARIABLE_VALUE) AS setting
		  FROM performance_schema.variables_by_thread v
		  JOIN performance_schema.threads t USING (THREAD_ID)
		 WHERE t.TYPE = 'FOREGROUND' AND t.PROCESSLIST_ID <> CONNECTION_ID()
		   AND (v.VARIABLE_NAME = 'binlog_format' AND v.VARIABLE_VALUE <> 'ROW'
		     OR v.VARIABLE_NAME = 'binlog_row_image' AND v.VARIABLE_VALUE <> 'FULL'
		     OR v.VARIABLE_NAME = 'binlog_row_value_options' AND v.VARIABLE_VALUE <> ''
		     OR v.VARIABLE_NAME = 'sql_log_bin' AND v.VARIABLE_VALUE IN ('OFF', '0'))
		 ORDER BY setting, id`
	rows, err := queryRows(ctx, in.DB, query)
	if conn.IsAccessDenied(err) {
		return []finding{note("settings of other sessions that would hide rows from the binary log cannot be seen",
			fmt.Sprintf("to have them checked: GRANT SELECT ON performance_schema.* TO %s", in.account))}, nil
	}
	if err != nil {
		return nil, err
	}
	return sessionFindings(rows), nil
}

// sessionFindings makes one finding of the sessions with the same setting; rows have id and setting and are in order of settings.
func sessionFindings(rows []map[string]string) []finding {
	const shown = 10
	var found []finding
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n]["setting"] == rows[0]["setting"] {
			n++
		}
		var ids, kills []string
		for _, r := range rows[:min(n, shown)] {
			ids, kills = append(ids, r["id"]), append(kills, "KILL "+r["id"]+";")
		}
		if n > shown {
			ids, kills = append(ids, "…"), append(kills, "…")
		}
		found = append(found, fail(fmt.Sprintf("other sessions (%s) have %s: rows that they change would not, or not whole, be in the binary log",
			strings.Join(ids, ", "), rows[0]["setting"]), "end them or wait for their end: "+strings.Join(kills, " ")))
		rows = rows[n:]
	}
	return found
}
