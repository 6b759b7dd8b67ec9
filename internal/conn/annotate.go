package conn

import (
	"context"
	"fmt"
)

// LogsThreads says whether the binary log names the thread that made a transaction: MySQL's always does, MariaDB's from 11.5
// on.
func (s *Server) LogsThreads() bool { return s.Flavor == MySQL || s.Version.AtLeast(11, 5, 1) }

// annotate has MariaDB log the session's statements beside the rows that they change, or fails. Without the privilege to set
// that, the session has what was set for all when it began.
const annotate = `BEGIN NOT ATOMIC
	DECLARE CONTINUE HANDLER FOR 1227 BEGIN END;
	SET SESSION binlog_annotate_row_events = ON;
	IF NOT @@SESSION.binlog_annotate_row_events THEN
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT =
			'binlog_annotate_row_events was switched off during the run: SET GLOBAL binlog_annotate_row_events = ON';
	END IF;
END`

// CanAnnotate says whether sessions of this user can be such as Config.Annotates asks for; q becomes one. The server is a
// MariaDB.
func CanAnnotate(ctx context.Context, q Querier) (bool, error) {
	_, err := q.ExecContext(ctx, annotate)
	if isNumber(err, 1644) { // signalled
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ask server for annotations in its binary log: %w", err)
	}
	return true, nil
}
