package preflight

import "context"

// checkRedoLog says when MySQL's sessions write the redo log themselves: one that commits may then sleep for 100 ms until another has
// filled the room that it reserved in the log buffer (log_self_write_up_to in MySQL's log0write.cc).
func checkRedoLog(_ context.Context, in *inspection) ([]finding, error) {
	if in.global.off("innodb_log_writer_threads") {
		return []finding{note("innodb_log_writer_threads is OFF: where its processors are busy, as they may be beside a copy, such a server can hold commits for 100 ms now and then",
			"SET GLOBAL innodb_log_writer_threads = ON")}, nil
	}
	return nil, nil
}
