package binlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The events of both engines, by their type byte; those of rows stand beside the row decoder.
const (
	queryEvent             = 2
	stopEvent              = 3
	rotateEvent            = 4
	intVarEvent            = 5
	appendBlockEvent       = 9
	deleteFileEvent        = 11
	randEvent              = 13
	userVarEvent           = 14
	formatDescriptionEvent = 15
	xidEvent               = 16
	beginLoadQueryEvent    = 17
	executeLoadQueryEvent  = 18
	tableMapEvent          = 19
	incidentEvent          = 26
	heartbeatEvent         = 27
	ignorableEvent         = 28
	rowsQueryEvent         = 29
	gtidEvent              = 33
	anonymousGTIDEvent     = 34
	previousGTIDsEvent     = 35
	transactionContext     = 36
	viewChangeEvent        = 37
	xaPrepareEvent         = 38
	transactionPayload     = 40
	heartbeatV2Event       = 41
	taggedGTIDEvent        = 42

	annotateRowsEvent     = 160 // from here on MariaDB's
	binlogCheckpointEvent = 161
	mariaGTIDEvent        = 162
	mariaGTIDListEvent    = 163
	startEncryptionEvent  = 164
	compressedQueryEvent  = 165
)

// Bits of the flags of every event.
const (
	flagArtificial = 0x20 // made by the server for this stream, not in the log
	flagIgnorable  = 0x80 // a reader that does not know the event may skip it
)

const (
	headerSize   = 19
	checksumSize = 4
)

// event is one event with its common header taken apart.
type event struct {
	timestamp uint32 // seconds
	kind      byte
	server    uint32 // id of the server that committed it first
	size      uint32 // as sent, header and checksum included
	logPos    uint32 // where the next event stands in the file, modulo 2^32; 0: the server does not say
	flags     uint16
	body      []byte // what follows the header, without the checksum
}

// splitEvent takes the header off an event that is in raw from its first to its last byte. The body aliases raw and still
// has the checksum, if the stream has any.
func splitEvent(raw []byte) (event, error) {
	if len(raw) < headerSize {
		return event{}, fmt.Errorf("read event: %d bytes are less than a header", len(raw))
	}
	e := event{
		timestamp: binary.LittleEndian.Uint32(raw),
		kind:      raw[4],
		server:    binary.LittleEndian.Uint32(raw[5:]),
		size:      binary.LittleEndian.Uint32(raw[9:]),
		logPos:    binary.LittleEndian.Uint32(raw[13:]),
		flags:     binary.LittleEndian.Uint16(raw[17:]),
		body:      raw[headerSize:],
	}
	if int64(e.size) != int64(len(raw)) {
		return event{}, fmt.Errorf("read event of type %d: its header says %d bytes, %d came", e.kind, e.size, len(raw))
	}
	return e, nil
}

// artificial says whether the event is not in the log: the server made it up for this stream.
func (e *event) artificial() bool {
	return e.flags&flagArtificial != 0 || e.timestamp == 0 && e.logPos == 0
}

var errChecksum = errors.New("the checksum is wrong: the event was damaged in the log or on its way")

// checksums verifies the CRC32 at the end of each event and takes it off. What the log has is said by the format description
// at the start of each file; before it stands at most a made-up ROTATE, with a checksum or without.
type checksums struct {
	known bool
	on    bool
}

func (c *checksums) strip(raw []byte, e *event) error {
	if e.kind == formatDescriptionEvent {
		if len(e.body) < checksumSize+1 {
			return errShort
		}
		algorithm := e.body[len(e.body)-checksumSize-1]
		if algorithm > 1 {
			return fmt.Errorf("the binary log has the unknown checksum algorithm %d", algorithm)
		}
		c.known, c.on = true, algorithm == 1
		if !c.on {
			return nil // the room for the checksum is there all the same, and nobody reads it
		}
	}
	right := hasChecksum(raw)
	if e.kind == rotateEvent && (!c.known || e.artificial()) {
		if right {
			e.body = e.body[:len(e.body)-checksumSize]
		}
		return nil
	}
	if !c.known {
		return errors.New("the event comes before the log's format is told")
	}
	if !c.on {
		return nil
	}
	if !right {
		return errChecksum
	}
	e.body = e.body[:len(e.body)-checksumSize]
	return nil
}

func hasChecksum(raw []byte) bool {
	n := len(raw) - checksumSize
	return n >= headerSize && crc32.ChecksumIEEE(raw[:n]) == binary.LittleEndian.Uint32(raw[n:])
}
