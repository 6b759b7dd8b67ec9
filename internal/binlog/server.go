package binlog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/midstreamdb/midstream/internal/conn"
)

// Current returns the end of the server's binary log: where a new stream starts. It is a GTID position where the server has
// GTIDs, else a file and offset.
func Current(ctx context.Context, q conn.Querier, s *conn.Server) (Position, error) {
	p, err := current(ctx, q, s)
	if err != nil {
		return Position{}, fmt.Errorf("ask server for the end of its binary log: %w", err)
	}
	return p, nil
}

func current(ctx context.Context, q conn.Querier, s *conn.Server) (Position, error) {
	if s.IsMariaDB() {
		domains, err := mariaEnd(ctx, q)
		return Position{form: mariaForm, domains: domains}, err
	}
	if s.GTID {
		executed, _, err := gtidState(ctx, q)
		return Position{form: gtidForm, set: executed}, err
	}
	statement := "SHOW MASTER STATUS"
	if s.Version.AtLeast(8, 2, 0) {
		statement = "SHOW BINARY LOG STATUS"
	}
	row, err := firstRow(ctx, q, statement)
	if err != nil {
		return Position{}, err
	}
	if row == nil {
		return Position{}, errors.New("the server writes no binary log")
	}
	return parsePosition(prefixes[fileForm] + row[0] + ":" + row[1])
}

// CanStream returns nil if the server can still stream everything after p, and has p's witness, else an error that says what
// is missing. That a file position belongs to this server is for the caller to know.
func CanStream(ctx context.Context, q conn.Querier, s *conn.Server, p Position) error {
	err := canStream(ctx, q, s, p)
	if err == nil && p.witness != nil {
		err = canStream(ctx, q, s, p.witness.Before)
	}
	if err != nil {
		return fmt.Errorf("continue at a position in the binary log: %w", err)
	}
	return nil
}

func canStream(ctx context.Context, q conn.Querier, s *conn.Server, p Position) error {
	switch {
	case p.form == mariaForm && s.IsMariaDB():
		return canStreamMaria(ctx, q, p)
	case p.form == gtidForm && s.Flavor == conn.MySQL && s.GTID:
		return canStreamGTID(ctx, q, p)
	case p.form == fileForm && s.Flavor == conn.MySQL:
		return canStreamFile(ctx, q, p)
	default:
		return &LostError{Position: p, Reason: fmt.Sprintf("it is not of a kind that this server, a %s, counts by", s)}
	}
}

// LostError says that a server cannot stream from a position: what stands after it would be lost. The migration can only
// be started again, or continued on another server.
type LostError struct {
	Position Position
	Reason   string
	// Ahead says that the server has not got that far, rather than no longer having what comes next. If it is the very one
	// that was read from it only lags: transactions are sent before they count as executed.
	Ahead bool
}

// Error implements error.
func (e *LostError) Error() string {
	return fmt.Sprintf("cannot continue from %s: %s", e.Position, e.Reason)
}

func canStreamGTID(ctx context.Context, q conn.Querier, p Position) error {
	executed, purged, err := gtidState(ctx, q)
	if err != nil {
		return err
	}
	if lacks := p.set.without(executed); len(lacks) > 0 {
		return &LostError{Position: p, Ahead: true, Reason: fmt.Sprintf("the server does not have the transactions %s", lacks)}
	}
	if gone := purged.without(p.set); len(gone) > 0 {
		return &LostError{Position: p, Reason: fmt.Sprintf("the server has purged the binary logs with transactions %s", gone)}
	}
	return nil
}

// gtidState returns what a MySQL server has executed, and what of that is no longer in its log.
func gtidState(ctx context.Context, q conn.Querier) (executed, purged gtidSet, err error) {
	var e, p string
	if err := q.QueryRowContext(ctx, `SELECT @@global.gtid_executed, @@global.gtid_purged`).Scan(&e, &p); err != nil {
		return nil, nil, err
	}
	if executed, err = parseGTIDSet(e); err == nil {
		purged, err = parseGTIDSet(p)
	}
	return executed, purged, err
}

func canStreamFile(ctx context.Context, q conn.Querier, p Position) error {
	const statement = `SHOW BINARY LOGS`
	rows, err := q.QueryContext(ctx, statement)
	if err != nil {
		return fmt.Errorf("list binary logs: %w", err)
	}
	names, sizes, err := binaryLogs(rows)
	if err != nil {
		return fmt.Errorf("list binary logs: %w", err)
	}
	for i, name := range names {
		if name != p.file {
			continue
		}
		if sizes[i] < p.offset {
			return &LostError{Position: p, Ahead: true, Reason: fmt.Sprintf("the file ends at %d already", sizes[i])}
		}
		return nil
	}
	return &LostError{Position: p, Reason: "the server does not have that file any more"}
}

// binaryLogs reads SHOW BINARY LOGS, whose further columns differ between versions.
func binaryLogs(rows *sql.Rows) (names []string, sizes []uint64, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, nil, err
	}
	for rows.Next() {
		var name string
		var size uint64
		cells := []any{&name, &size}
		for range columns[len(cells):] {
			cells = append(cells, new(sql.RawBytes))
		}
		if err := rows.Scan(cells...); err != nil {
			return nil, nil, err
		}
		names, sizes = append(names, name), append(sizes, size)
	}
	return names, sizes, rows.Err()
}

// canStreamMaria compares with the end of the log, and with what was already past where its oldest file begins.
func canStreamMaria(ctx context.Context, q conn.Querier, p Position) error {
	end, err := mariaEnd(ctx, q)
	if err != nil {
		return err
	}
	if !end.contains(p.domains) {
		return &LostError{Position: p, Ahead: true, Reason: fmt.Sprintf("the server's binary log ends at %s already", end)}
	}
	rows, err := q.QueryContext(ctx, `SHOW BINARY LOGS`)
	if err != nil {
		return fmt.Errorf("list binary logs: %w", err)
	}
	names, _, err := binaryLogs(rows)
	if err != nil {
		return fmt.Errorf("list binary logs: %w", err)
	}
	if len(names) == 0 {
		return &LostError{Position: p, Reason: "the server has no binary log"}
	}
	var text sql.NullString
	if err := q.QueryRowContext(ctx, `SELECT BINLOG_GTID_POS(?, 4)`, names[0]).Scan(&text); err != nil {
		return fmt.Errorf("ask for the start of the oldest binary log: %w", err)
	}
	begin, err := parseDomainSet(text.String)
	if err != nil {
		return fmt.Errorf("ask for the start of the oldest binary log: %w", err)
	}
	if !p.domains.contains(begin) {
		return &LostError{Position: p, Reason: fmt.Sprintf("the server's oldest binary log begins at %s only: older ones were purged", begin)}
	}
	return nil
}

func mariaEnd(ctx context.Context, q conn.Querier) (domainSet, error) {
	var text sql.NullString
	if err := q.QueryRowContext(ctx, `SELECT @@global.gtid_binlog_pos`).Scan(&text); err != nil {
		return nil, err
	}
	return parseDomainSet(text.String)
}

// firstRow returns the columns of a statement's first row as text; nil: it has none.
func firstRow(ctx context.Context, q conn.Querier, statement string) (_ []string, err error) {
	rows, err := q.QueryContext(ctx, statement)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil || !rows.Next() {
		return nil, errors.Join(err, rows.Err())
	}
	row := make([]string, len(columns))
	cells := make([]any, len(columns))
	for i := range cells {
		cells[i] = &nullText{&row[i]}
	}
	return row, rows.Scan(cells...)
}

// nullText scans a column into a string, NULL as "".
type nullText struct{ to *string }

// Scan implements sql.Scanner.
func (n *nullText) Scan(value any) error {
	var s sql.NullString
	err := s.Scan(value)
	*n.to = s.String
	return err
}
