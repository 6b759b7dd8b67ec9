package proof

import (
	"database/sql"
	"database/sql/driver"
)

// discard closes a session whose settings were changed, instead of giving it back to the pool.
func discard(session *sql.Conn) {
	_ = session.Raw(func(any) error { return driver.ErrBadConn }) // which is how a pool is told to close it
	_ = session.Close()                                           // it is closed already
}
