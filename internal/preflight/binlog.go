package preflight

import (
	"context"
	"fmt"
	"strings"
)

// checkBinlog refuses settings with which changes of rows do not reach the binary log, or not whole.
func checkBinlog(_ context.Context, in *inspection) ([]finding, error) {
	return binlogFindings(in.global, in.session), nil
}

func binlogFindings(global, session variables) []finding {
	if !global.on("log_bin") {
		return []finding{fail("the binary log is off: the changes made meanwhile cannot be followed", "start the server with --log-bin and --binlog-format=ROW")}
	}
	found := rowSettings("", global)
	if len(found) == 0 {
		found = rowSettings(" in new sessions of this user", session)
	}
	if session.off("sql_log_bin") {
		found = append(found, fail("sql_log_bin is OFF in new sessions of this user: the replicas would not get the table",
			"look for what sets it, e.g. init_connect"))
	}
	if global.off("binlog_order_commits") {
		found = append(found, warn("binlog_order_commits is OFF: commits become visible in another order than they are logged, so that changes are replayed (--apply=replay)",
			"SET GLOBAL binlog_order_commits = ON, for --apply=refresh"))
	}
	return found
}

// rowSettings looks at the settings that say what is logged of a changed row; where says whose they are.
func rowSettings(where string, v variables) []finding {
	var found []finding
	if v.other("binlog_format", "ROW") {
		found = append(found, fail(fmt.Sprintf("binlog_format is %s%s: statements are logged without the rows that they change", v["binlog_format"], where),
			"SET GLOBAL binlog_format = 'ROW', then end the sessions that began before"))
	}
	if v.other("binlog_row_image", "FULL", "FULL_NODUP") {
		found = append(found, fail(fmt.Sprintf("binlog_row_image is %s%s: rows are logged without some of their columns", v["binlog_row_image"], where),
			"SET GLOBAL binlog_row_image = 'FULL', then end the sessions that began before"))
	}
	if strings.Contains(strings.ToUpper(v["binlog_row_value_options"]), "PARTIAL_JSON") {
		found = append(found, fail(fmt.Sprintf("binlog_row_value_options is PARTIAL_JSON%s: of JSON columns only the changed parts are logged", where),
			"SET GLOBAL binlog_row_value_options = '', then end the sessions that began before"))
	}
	return found
}
