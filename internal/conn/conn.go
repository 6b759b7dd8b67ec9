// Package conn opens connections to the server with the session settings that every statement of Midstream relies on,
// knows who the server is, and answers questions about its errors.
package conn

import (
	"context"
	"crypto/tls"
	"database/sql"
	"fmt"
	"maps"
	"net"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"
)

// SQLMode is the mode of every session: strict, zero and invalid dates allowed as the source may hold them, no automatic
// value for a zero. NO_BACKSLASH_ESCAPES must not be in it: MySQL keeps the expressions of a table (generated columns,
// conditions, keys, defaults) as text with escapes, and a session that opens the table reads that text by its own mode.
const SQLMode = "STRICT_ALL_TABLES," + LenientMode

// LenientMode is SQLMode without being strict: values that do not fit are stored as far as they do, with a warning.
const LenientMode = "ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION"

// Config says how to reach a server.
type Config struct {
	Host     string
	Port     int
	Socket   string // used instead of host and port when set
	User     string
	Password string
	TLS      *tls.Config // nil: none
	// FallbackToPlain allows a plain connection where the server offers no TLS (the mysql client's PREFERRED).
	FallbackToPlain bool
	// Run marks the sessions of this process among all others (connection attribute midstream_run).
	Run string
	// Enlist is a statement that every new connection executes before its first use, and that must change a row, else the
	// connection is refused; "" for none. It notes the sessions that write rows, so that a later run can end them.
	Enlist string
	// Server is what every new connection must reach: this run of this server, else the connection is refused with a
	// *ServerChangedError. nil: whoever answers.
	Server *Server
	// Annotates makes every new connection one whose statements MariaDB logs beside the rows that they change, or no connection.
	Annotates bool
	// MultiStatements lets one call carry several statements: fewer round trips for the applier.
	MultiStatements bool
}

// Address returns how a person names the server: "host:port" or the socket.
func (c *Config) Address() string {
	if c.Socket != "" {
		return c.Socket
	}
	return net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
}

// Settings are session variables besides the common ones, by name, as SQL expressions.
type Settings map[string]string

// common are the settings of every session: times in UTC, a statement is a transaction unless one was begun, as after the end of one,
// waits that end.
// What a server may have set for all sessions and would cut statements or results short, or leave a duplicate unseen, is
// set back; the limits of time have another name on each engine, and each reads its own comment.
var common = Settings{
	"unique_checks":            "1",
	"foreign_key_checks":       "1",
	"sql_safe_updates":         "0",
	"sql_big_selects":          "1",
	"sql_select_limit":         "18446744073709551615 /*M!100600 , max_statement_time = 0 *//*!80000 , max_execution_time = 0 */",
	"sql_mode":                 "'" + SQLMode + "'",
	"time_zone":                "'+00:00'",
	"autocommit":               "1",
	"completion_type":          "'NO_CHAIN'",
	"lock_wait_timeout":        "10",
	"innodb_lock_wait_timeout": "10",
	"group_concat_max_len":     "1048576",
	// Warnings are read, by the names of columns in their texts; of roundings that nobody asks about there are none. MySQL shows
	// enough of them by default, and lets only administrators ask for more.
	"sql_notes":   "0",
	"lc_messages": "'en_US' /*M!100600 , max_error_count = 65535 */",
}

// Open returns a pool of connections for the server with the common session settings and the given ones. Isolation is READ
// COMMITTED, the connection's charset utf8mb4. It does not connect yet.
func Open(c Config, extra Settings) (*sql.DB, error) {
	d := mysql.NewConfig()
	d.User, d.Passwd = c.User, c.Password
	d.Net, d.Addr = "tcp", net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
	if c.Socket != "" {
		d.Net, d.Addr = "unix", c.Socket
	}
	d.TLS, d.AllowFallbackToPlaintext = c.TLS, c.FallbackToPlain
	d.Timeout = 10 * time.Second
	d.Logger = &mysql.NopLogger{} // what went wrong is in the errors
	d.InterpolateParams, d.MultiStatements = true, c.MultiStatements
	d.MaxAllowedPacket = 0 // ask the server
	d.Collation = "utf8mb4_bin"
	d.ConnectionAttributes = "program_name:midstream,midstream_run:" + c.Run
	d.Params = make(map[string]string)
	maps.Copy(d.Params, common)
	maps.Copy(d.Params, extra)
	connector, err := mysql.NewConnector(d)
	if err != nil {
		return nil, fmt.Errorf("configure connection to %s: %w", c.Address(), err)
	}
	return sql.OpenDB(prepared{connector, c.Annotates, c.Server, c.Enlist}), nil
}

// Session takes one connection out of the pool for exclusive use and returns it with its server-side id.
func Session(ctx context.Context, db *sql.DB) (*sql.Conn, uint64, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("open session: %w", err)
	}
	var id uint64
	if err := c.QueryRowContext(ctx, `SELECT CONNECTION_ID()`).Scan(&id); err != nil {
		_ = c.Close() // the first error says why
		return nil, 0, fmt.Errorf("ask session for its id: %w", err)
	}
	return c, id, nil
}
