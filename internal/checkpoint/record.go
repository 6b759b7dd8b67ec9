// Package checkpoint keeps what a migration needs to go on after its process, its host or its server has died: one row
// in a table of its own, never ahead of what is durably in the shadow table.
package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/midstreamdb/midstream/internal/status"
	"github.com/midstreamdb/midstream/internal/table"
)

// Version is that of the records that this program writes; it reads no other.
const Version = 3

// Record is what is known at one moment. It never claims what is not yet durable: everything up to Position is applied
// to the shadow, and every range of Copied is committed there.
type Record struct {
	Tool      string // version of the program that wrote it
	Migration string // names the migration in the sessions' attributes and in the log, for all of its runs
	Server    Server
	Phase     status.Phase
	Statement string // the ALTER, as the user gave it
	Settings  Settings
	Names     table.Names

	// Fingerprints of the definitions, and the columns of both tables as the cut-over tells them apart; "" while the shadow may
	// not exist yet.
	Source, Shadow               string
	SourceColumns, ShadowColumns string

	Deferred *Deferred // nil: the shadow has all its indexes from the beginning

	Position string   // binlog.Position.String; "" before the first row is written
	Witness  *Witness // of the position; nil before the first mark was applied, and then nothing is copied
	Copied   Extent
	Rows     uint64    // copied
	Verified *Verified `json:",omitempty"` // nil: nothing
	Changes  uint64    // row changes applied
	Retries  uint64
	Started  time.Time // of the first run
	Written  time.Time
}

// Witness is a binlog.Witness.
type Witness struct {
	Before string // a position
	ID     int64
	Value  uint64
}

// MadeAs says whether the shadow was made with that definition, given as a fingerprint: with its deferred indexes, or without.
func (r *Record) MadeAs(shadow string) bool {
	return shadow == r.Shadow || r.Deferred != nil && shadow == r.Deferred.Shadow
}

// Deferred are the indexes that the shadow gets when all rows are copied, all by one statement.
type Deferred struct {
	Indexes []Index // in the order in which they are added
	Shadow  string  // fingerprint of its definition with them; Record.Shadow is that without
}

// Index is an index as SHOW CREATE TABLE has it.
type Index struct{ Name, Definition string }

// Server is who the record was written on. Another start time means that commits may have been lost.
type Server struct {
	UUID      string
	StartedAt time.Time
}

// Settings are the choices that must not change between the runs of a migration.
type Settings struct {
	Apply string
	Watch string // by what others who write the shadow are noticed; "": by nothing
	Key   string // the migration key's name
	Zone  string // time zone of conversions
	Lossy string // the columns in which losses are accepted, as the user gave them
}

// Extent is what is done of the table: everything up to After but for the open ranges. The zero Extent is nothing.
type Extent struct {
	Open  []Range       // planned and not done, in order
	After []table.Value // upper end of what was planned; nil: nothing was, or Ended
	Ended bool          // everything was planned
	Done  bool          // everything is done
}

// Verified is what was compared on the server that holds the record: rows of the extent were seen equal, but for the suspects.
type Verified struct {
	Extent
	Suspects [][]table.Value // keys of rows that are to be compared again, wherever they stand
	Rows     uint64          // compared
}

// Range is a part of the migration key's order, as sqlgen.Range, planned for Size rows.
type Range struct {
	Lower, Upper []table.Value
	Size         int
}

// encode returns the record as text.
func (r *Record) encode() (string, error) {
	text, err := json.Marshal(r)
	return string(text), err
}

// decode reads what encode wrote.
func decode(version int, text string) (*Record, error) {
	if version != Version {
		return nil, fmt.Errorf("its version is %d, and this program reads %d only: go on with the program that wrote it", version, Version)
	}
	var r Record
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return nil, err
	}
	if r.Migration == "" || r.Phase == "" {
		return nil, errors.New("its record is not complete")
	}
	return &r, nil
}
