package conn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Flavor is the family of a server.
type Flavor string

// The families that Midstream knows. Percona Server counts as MySQL.
const (
	MySQL   Flavor = "MySQL"
	MariaDB Flavor = "MariaDB"
)

// Version is a server version; versions are compared by number, never by prefix.
type Version struct{ Major, Minor, Patch int }

// AtLeast says whether v is the given version or a later one.
func (v Version) AtLeast(major, minor, patch int) bool {
	if v.Major != major {
		return v.Major > major
	}
	if v.Minor != minor {
		return v.Minor > minor
	}
	return v.Patch >= patch
}

// String returns e.g. "9.7.4".
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// ParseVersion reads the start of VERSION(): "9.7.4", "8.0.36-28", "10.11.19-MariaDB-0+deb12u1", "5.5.5-10.6.1-MariaDB".
func ParseVersion(s string) (Version, error) {
	number, _, _ := strings.Cut(strings.TrimPrefix(s, "5.5.5-"), "-")
	var v Version
	for i, part := range strings.SplitN(number, ".", 3) {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 {
			return Version{}, fmt.Errorf("read server version %q: not three numbers", s)
		}
		*[]*int{&v.Major, &v.Minor, &v.Patch}[i] = n
	}
	return v, nil
}

// Server is who answers at an address: its kind, and what tells one instance and one run of it from another.
type Server struct {
	Flavor    Flavor
	Version   Version
	Text      string // VERSION()
	UUID      string // @@server_uuid; MariaDB: @@server_uid where it has one, else "server_id@hostname:port"
	ServerID  uint32
	StartedAt time.Time // by the server's clock, to the second: a restart changes it
	GTID      bool      // positions are GTID sets: MySQL with gtid_mode=ON, MariaDB always
}

// String returns e.g. "MySQL 9.7.4".
func (s *Server) String() string { return string(s.Flavor) + " " + s.Version.String() }

// IsMariaDB says whether the server is a MariaDB.
func (s *Server) IsMariaDB() bool { return s.Flavor == MariaDB }

// RenamesUnderLock says whether RENAME TABLE works in a session that holds LOCK TABLES … WRITE on both tables.
func (s *Server) RenamesUnderLock() bool {
	return s.Flavor == MySQL && s.Version.AtLeast(8, 0, 13)
}

// HasRowAlias says whether INSERT … VALUES … AS alias is known; VALUES(column) is deprecated there.
func (s *Server) HasRowAlias() bool {
	return s.Flavor == MySQL && s.Version.AtLeast(8, 0, 19)
}

// OrdersCommits says whether commits become visible in the order in which they stand in the binary log: a fence then proves
// that everything before it can be read. MariaDB knows no other way.
func (s *Server) OrdersCommits(ctx context.Context, q Querier) (bool, error) {
	if s.Flavor == MariaDB {
		return true, nil
	}
	var ordered bool
	if err := q.QueryRowContext(ctx, `SELECT @@GLOBAL.binlog_order_commits`).Scan(&ordered); err != nil {
		return false, fmt.Errorf("ask server for binlog_order_commits: %w", err)
	}
	return ordered, nil
}

// OrdersXACommits says whether XA COMMIT is among them. MariaDB writes it to the log first and has the tables commit afterwards;
// so did MySQL 8.0, for a transaction whose session had gone, in its first years.
func (s *Server) OrdersXACommits() bool { return s.Flavor == MySQL && s.Version.AtLeast(8, 4, 0) }

// KeepsCommits says whether tables and binary log hold the same commits after a crash, of the host too. Otherwise the log may
// hold changes that the tables have lost, or the tables such as the log has lost.
func (s *Server) KeepsCommits(ctx context.Context, q Querier) (bool, error) {
	var flush, sync int
	if err := q.QueryRowContext(ctx, `SELECT @@GLOBAL.innodb_flush_log_at_trx_commit, @@GLOBAL.sync_binlog`).Scan(&flush, &sync); err != nil {
		return false, fmt.Errorf("ask server for innodb_flush_log_at_trx_commit and sync_binlog: %w", err)
	}
	return (flush == 1 || flush == 3) && sync == 1, nil // 3 is MariaDB's
}

// ReplicationGroup returns the name of the group that the server belongs to, "" for none.
func (s *Server) ReplicationGroup(ctx context.Context, q Querier) (string, error) {
	var name, group string
	err := q.QueryRowContext(ctx, `SHOW GLOBAL VARIABLES LIKE 'group_replication_group_name'`).Scan(&name, &group)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil // the plugin is not there
	}
	if err != nil {
		return "", fmt.Errorf("ask server for its replication group: %w", err)
	}
	return group, nil
}

// SharedReadClause returns the clause that makes a SELECT take shared row locks.
func (s *Server) SharedReadClause() string {
	if s.Flavor == MySQL {
		return "FOR SHARE"
	}
	return "LOCK IN SHARE MODE"
}

// Inspect asks who the server is.
func Inspect(ctx context.Context, q Querier) (*Server, error) {
	s := &Server{Flavor: MySQL}
	if err := q.QueryRowContext(ctx, `SELECT VERSION(), @@server_id`).Scan(&s.Text, &s.ServerID); err != nil {
		return nil, fmt.Errorf("ask server for its version: %w", err)
	}
	var err error
	if s.Version, err = ParseVersion(s.Text); err != nil {
		return nil, err
	}
	if strings.Contains(s.Text, "MariaDB") {
		s.Flavor, s.GTID = MariaDB, true
	}
	var identity string
	if err := q.QueryRowContext(ctx, s.IdentityQuery()).Scan(&identity); err != nil {
		return nil, fmt.Errorf("ask server who it is: %w", err)
	}
	if s.UUID, s.StartedAt, err = parseIdentity(identity); err != nil || s.IsMariaDB() {
		return s, err
	}
	var mode string
	if err := q.QueryRowContext(ctx, `SELECT @@gtid_mode`).Scan(&mode); err != nil {
		return nil, fmt.Errorf("ask server for its gtid_mode: %w", err)
	}
	s.GTID = mode == "ON"
	return s, nil
}

// Querier asks a server: a *sql.DB, *sql.Conn or *sql.Tx.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}
