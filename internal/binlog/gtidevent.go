package binlog

import (
	"errors"
	"fmt"
	"math/bits"
	"time"
)

// opening is what the event at the front of a transaction says about it.
type opening struct {
	anonymous bool // MySQL without GTIDs
	source    uuid
	tag       string
	number    int64
	maria     domainGTID // MariaDB

	clock       Clock
	committedAt time.Time // zero: the event does not say

	standalone bool // MariaDB: one statement, without a commit behind it
	xaPrepare  bool // MariaDB: ends with XA PREPARE
	phase      alterPhase
	thread     uint32 // MariaDB from 11.5 on: whose transaction it is; 0: it does not say
}

// alterPhase tells the two log entries of MariaDB's two-phase ALTER apart; both carry the whole statement.
type alterPhase uint8

const (
	wholeAlter alterPhase = iota // every other statement, too
	startAlter
	commitAlter
	rollbackAlter
)

// parseGTID parses GTID_LOG_EVENT and ANONYMOUS_GTID_LOG_EVENT (MySQL's control_events.h).
func parseGTID(kind byte, body []byte) (opening, error) {
	r := &reader{data: body}
	r.bytes(1) // flags
	o := opening{anonymous: kind == anonymousGTIDEvent}
	copy(o.source[:], r.bytes(len(o.source)))
	o.number = int64(r.uint(8))
	if r.short {
		return opening{}, errShort
	}
	const logicalClock = 2
	if len(r.data) == 0 || r.uint(1) != logicalClock {
		return o, o.check()
	}
	o.clock.LastCommitted, o.clock.SequenceNumber = int64(r.uint(8)), int64(r.uint(8))
	if len(r.data) >= 7 {
		// The top bit says that the time of the commit at its origin follows; the time here is the one of this server.
		o.committedAt = microseconds(r.uint(7) &^ (1 << 55))
	}
	if r.short {
		return opening{}, errShort
	}
	return o, o.check()
}

func (o *opening) check() error {
	if !o.anonymous && (o.number <= 0 || o.number == 1<<63-1) {
		return fmt.Errorf("%d is no transaction number", o.number)
	}
	return nil
}

func microseconds(us uint64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(us)).UTC()
}

// The fields of GTID_TAGGED_LOG_EVENT, by their number.
const (
	taggedFlags = iota
	taggedSource
	taggedNumber
	taggedTag
	taggedLastCommitted
	taggedSequenceNumber
	taggedImmediateCommit
	taggedOriginalCommit
	taggedLength
	taggedImmediateVersion
	taggedOriginalVersion
	taggedGroupTicket
	taggedFields
)

// parseTaggedGTID parses GTID_TAGGED_LOG_EVENT, which is written in the mysql::serialization format: version, size, the last
// field that must be understood, then each field with its number in front.
func parseTaggedGTID(body []byte) (opening, error) {
	s := &serialized{reader{data: body}}
	s.unsigned() // version
	s.unsigned() // size
	if last := s.unsigned(); last >= taggedFields {
		return opening{}, fmt.Errorf("it has a field %d, which must be understood and is not known", last)
	}
	var o opening
	seen := 0
	for len(s.data) > 0 {
		field := s.unsigned()
		if field >= taggedFields {
			break // may be ignored, and so may what follows
		}
		s.field(field, &o)
		seen |= 1 << field
	}
	if s.short {
		return opening{}, errShort
	}
	if needed := 1<<taggedSource | 1<<taggedNumber; seen&needed != needed {
		return opening{}, errors.New("it has no GTID")
	}
	return o, o.check()
}

// serialized reads the mysql::serialization format.
type serialized struct{ reader }

func (s *serialized) field(field uint64, o *opening) {
	switch field {
	case taggedSource:
		for i := range o.source {
			o.source[i] = byte(s.unsigned())
		}
	case taggedNumber:
		o.number = s.signed()
	case taggedTag:
		o.tag = string(s.bytes(int(s.unsigned() & 0xff)))
	case taggedLastCommitted:
		o.clock.LastCommitted = s.signed()
	case taggedSequenceNumber:
		o.clock.SequenceNumber = s.signed()
	case taggedImmediateCommit:
		o.committedAt = microseconds(s.unsigned())
	default:
		s.unsigned()
	}
}

// unsigned reads a number of 1 to 9 bytes: as many bits at the bottom of the first byte are set as bytes follow it.
func (s *serialized) unsigned() uint64 {
	if len(s.data) == 0 {
		s.short = true
		return 0
	}
	more := bits.TrailingZeros8(^s.data[0])
	if more == 8 {
		s.bytes(1)
		return s.uint(8)
	}
	return s.uint(more+1) >> (more + 1)
}

// signed reads a number with its sign in the lowest bit.
func (s *serialized) signed() int64 {
	n := s.unsigned()
	if n&1 == 1 {
		return -int64(n>>1) - 1
	}
	return int64(n >> 1)
}

// Flags of MariaDB's GTID event.
const (
	mariaStandalone    = 1
	mariaGroupCommitID = 2
	mariaTransactional = 4
	mariaParallel      = 8
	mariaWaited        = 16
	mariaDDL           = 32
	mariaPreparedXA    = 64
	mariaCompletedXA   = 128

	mariaExtraEngines       = 1 // of the second flags byte
	mariaExtraStartAlter    = 2
	mariaExtraCommitAlter   = 4
	mariaExtraRollbackAlter = 8
	mariaExtraThread        = 16
)

// parseMariaGTID parses MariaDB's GTID_EVENT (Gtid_log_event in its log_event.cc); the server id stands in the event's
// header and is given.
func parseMariaGTID(body []byte, server uint32) (opening, error) {
	r := &reader{data: body}
	sequence, domain, flags := r.uint(8), uint32(r.uint(4)), r.uint(1)
	o := opening{
		maria:      domainGTID{domain: domain, server: server, sequence: sequence},
		standalone: flags&mariaStandalone != 0,
		xaPrepare:  flags&mariaPreparedXA != 0,
		clock: Clock{
			MariaDB: true, Parallel: flags&mariaParallel != 0,
			Waited: flags&mariaWaited != 0, DDL: flags&mariaDDL != 0,
		},
	}
	if flags&mariaGroupCommitID != 0 {
		o.clock.Group = r.uint(8)
	}
	if flags&(mariaPreparedXA|mariaCompletedXA) != 0 {
		r.bytes(4) // format
		r.bytes(int(r.uint(1)) + int(r.uint(1)))
	}
	if r.short {
		return opening{}, errShort
	}
	if flags&mariaTransactional == 0 || flags&(mariaPreparedXA|mariaCompletedXA) != 0 {
		o.clock.Group = 0 // such a transaction never runs beside others
	}
	o.extras(r)
	if r.short {
		return opening{}, errShort
	}
	return o, nil
}

// extras reads the second flags byte and what it announces; old events end before it or are filled up with zeros.
func (o *opening) extras(r *reader) {
	if len(r.data) == 0 {
		return
	}
	extra := r.uint(1)
	switch {
	case extra&mariaExtraStartAlter != 0:
		o.phase = startAlter
	case extra&mariaExtraCommitAlter != 0:
		o.phase = commitAlter
	case extra&mariaExtraRollbackAlter != 0:
		o.phase = rollbackAlter
	}
	if extra&mariaExtraThread == 0 {
		return
	}
	if extra&mariaExtraEngines != 0 {
		r.bytes(1) // how many
	}
	if extra&(mariaExtraCommitAlter|mariaExtraRollbackAlter) != 0 {
		r.bytes(8) // the GTID of its start
	}
	o.thread = uint32(r.uint(4))
}
