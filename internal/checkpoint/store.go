package checkpoint

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/midstreamdb/midstream/internal/conn"
	"github.com/midstreamdb/midstream/internal/table"
)

// Store is the checkpoint table of one migration.
type Store struct {
	table    table.Name
	db       *sql.DB
	patience time.Duration
	while    string
}

// NewStore returns the store; nothing is created yet. db has the session settings of conn.Open. What fails for a passing
// reason is tried again for as long as patience.
func NewStore(db *sql.DB, name table.Name, patience time.Duration) *Store {
	return &Store{table: name, db: db, patience: patience}
}

// While returns the store for a run that writes only while the query, on whose row it takes a shared lock, returns one; then
// Save returns conn.ErrSuperseded.
func (s *Store) While(query string) *Store {
	limited := *s
	limited.while = query
	return &limited
}

// Create creates the table, marked as ours, with its one row. A table of that name is an error.
func (s *Store) Create(ctx context.Context, r *Record) error {
	create := `
		CREATE TABLE ` + s.table.String() + ` (
			id      TINYINT     NOT NULL,
			version INT         NOT NULL,
			phase   VARCHAR(32) NOT NULL,
			written DATETIME(6) NOT NULL COMMENT 'UTC',
			record  LONGTEXT    NOT NULL,
			PRIMARY KEY (id)
		) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='` + table.OwnershipMark + `'`
	if _, err := s.db.ExecContext(ctx, create); err != nil {
		return fmt.Errorf("create checkpoint %s: %w", s.table, err)
	}
	return s.Save(ctx, r)
}

// Save writes the record in a transaction of its own. After an error the one before it is stored, or this one.
func (s *Store) Save(ctx context.Context, r *Record) error {
	r.Written = time.Now().UTC()
	text, err := r.encode()
	if err != nil {
		return fmt.Errorf("write checkpoint %s: %w", s.table, err)
	}
	write := `REPLACE INTO ` + s.table.String() + ` (id, version, phase, written, record) SELECT 1, ?, ?, ?, ?`
	if s.while != "" {
		write += ` FROM (SELECT 1) AS one WHERE EXISTS (` + s.while + ` LOCK IN SHARE MODE)`
	}
	err = conn.Retry(ctx, s.patience, func() error {
		result, err := s.db.ExecContext(ctx, write, Version, string(r.Phase), r.Written.Format("2006-01-02 15:04:05.000000"), text)
		if err != nil {
			return err
		}
		if rows, err := result.RowsAffected(); err != nil || rows > 0 {
			return err
		}
		return conn.ErrSuperseded
	})
	if err != nil {
		return fmt.Errorf("write checkpoint %s: %w", s.table, err)
	}
	return nil
}

// What Load may find in place of a record.
var (
	ErrForeign = errors.New("it is not Midstream's")
	// ErrEmpty: the run that created the table ended at once, or is about to write. It has created nothing else.
	ErrEmpty = errors.New("it has no record")
)

// Load returns the record, or nil when there is no checkpoint table. An error never means that there is none: the table
// may be somebody else's (ErrForeign), empty (ErrEmpty), its record unreadable, or the server did not answer.
func (s *Store) Load(ctx context.Context) (*Record, error) {
	r, err := s.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("read checkpoint %s: %w", s.table, err)
	}
	return r, nil
}

func (s *Store) load(ctx context.Context) (*Record, error) {
	const look = `SELECT table_comment FROM information_schema.tables WHERE table_schema = ? AND table_name = ?`
	var comment, text string
	err := s.db.QueryRowContext(ctx, look, s.table.Schema, s.table.Table).Scan(&comment)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if comment != table.OwnershipMark {
		return nil, ErrForeign
	}
	var version int
	err = s.db.QueryRowContext(ctx, `SELECT version, record FROM `+s.table.String()+` WHERE id = 1`).Scan(&version, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrEmpty
	}
	if err != nil {
		return nil, err
	}
	return decode(version, text)
}

// Drop drops the table; one that is gone already is fine.
func (s *Store) Drop(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, `DROP TABLE IF EXISTS `+s.table.String()); err != nil {
		return fmt.Errorf("drop checkpoint %s: %w", s.table, err)
	}
	return nil
}
