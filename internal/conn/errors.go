package conn

import (
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// Questions about errors of the server and the connection. Error numbers stand here and nowhere else.

// IsDeadlock says whether the server rolled the transaction back to end a deadlock, or because it read a row that changed
// after its snapshot (MariaDB's 1020): try the whole transaction again at once. A deadlock that MariaDB meets while it
// reads the AUTO_INCREMENT counter is told as 1467.
func IsDeadlock(err error) bool { return isNumber(err, 1213, 1020, 1467, 3101) }

// IsLockWait says whether a lock was not granted in time: the statement is undone, the transaction is not.
func IsLockWait(err error) bool { return isNumber(err, 1205, 3572) }

// IsDuplicate says whether a unique key refused a row. The message names the value and the key.
func IsDuplicate(err error) bool { return isNumber(err, 1062, 1586) }

// IsDuplicateOf says whether the unique key of that name refused a row of that table. MySQL names the table with the key.
func IsDuplicateOf(err error, table, key string) bool {
	if !IsDuplicate(err) {
		return false
	}
	message := Message(err)
	return strings.HasSuffix(message, "for key '"+key+"'") || strings.HasSuffix(message, "for key '"+table+"."+key+"'")
}

// IsLoss says whether a statement found a value that its conversion would change, and refused it: see sqlgen's guards.
func IsLoss(err error) bool { return isNumber(err, 1242) }

// IsNoSuchTable says whether a table does not exist.
func IsNoSuchTable(err error) bool { return isNumber(err, 1146, 1051) }

// IsTableExists says whether a table of that name exists already.
func IsTableExists(err error) bool { return isNumber(err, 1050) }

// IsAccessDenied says whether the login or a privilege was refused.
func IsAccessDenied(err error) bool {
	return isNumber(err, 1044, 1045, 1142, 1143, 1227, 1370, 1698)
}

// IsReadOnly says whether the server refuses writes: it was made a replica, or a fail-over is under way.
func IsReadOnly(err error) bool { return isNumber(err, 1290, 1792, 1836, 3989) }

// IsNotLocked says whether a session under LOCK TABLES named a table that it has not locked.
func IsNotLocked(err error) bool { return isNumber(err, 1100) }

// IsSyntax says whether the server could not parse or accept a statement as such.
func IsSyntax(err error) bool { return isNumber(err, 1064, 1149) }

// IsBadDefinition says whether the server refuses a definition for what it says, and would of any table: unknown columns and
// types, keys that cannot be, syntax (SQL state 42 but for privileges), and what the servers give no state of its own.
func IsBadDefinition(err error) bool {
	var e *mysql.MySQLError
	if !errors.As(err, &e) || IsAccessDenied(err) {
		return false
	}
	return strings.HasPrefix(string(e.SQLState[:]), "42") ||
		isNumber(err, 1089, 1166, 1273, 1291, 1901, 1911, 3102, 3106, 3107, 3108, 3109, 3814, 3820, 4161)
}

// IsInterrupted says whether the statement was killed (KILL QUERY) or ran into a time limit.
func IsInterrupted(err error) bool { return isNumber(err, 1317, 1969, 3024) }

// IsNoSuchThread says whether KILL named a session that does not exist.
func IsNoSuchThread(err error) bool { return isNumber(err, 1094) }

// IsConnectionLost says whether the connection is gone: what the last statement did is not known.
func IsConnectionLost(err error) bool {
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return true
	}
	var network *net.OpError
	return errors.As(err, &network) || isNumber(err, 1053, 1077, 1079, 1927, 2006, 2013, 3169, 4031)
}

// IsPassing says whether the same may succeed a little later: a deadlock, a lock not granted, a lost connection, a server that
// is full, read-only for a while, or whose administrator ended the statement.
func IsPassing(err error) bool {
	return IsDeadlock(err) || IsLockWait(err) || IsConnectionLost(err) || IsReadOnly(err) || IsInterrupted(err) ||
		isNumber(err, 1040, 1203, 1226)
}

// IsRefused says whether the server answered with an error: what was asked for did not happen. Otherwise it may have.
func IsRefused(err error) bool {
	var e *mysql.MySQLError
	return errors.As(err, &e) && !IsConnectionLost(err)
}

// Message returns the server's own words, without the number; for other errors the error's text.
func Message(err error) string {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

func isNumber(err error, numbers ...uint16) bool {
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		return false
	}
	for _, n := range numbers {
		if e.Number == n {
			return true
		}
	}
	return false
}
