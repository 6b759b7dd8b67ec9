package binlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxEvent bounds the size of one event; it is the servers' own bound.
const maxEvent = 1 << 30

// payload is a TRANSACTION_PAYLOAD_EVENT: the events of a whole transaction, compressed.
type payload struct {
	compressed bool
	size       uint64 // of the events
	data       []byte
}

// parsePayload parses the fields of the event (MySQL's transaction_payload_event): type, length, value, up to a zero byte.
func parsePayload(body []byte) (payload, error) {
	const (
		endField         = 0
		sizeField        = 1
		compressionField = 2
		fullSizeField    = 3

		zstdCompression = 0
		noCompression   = 255
	)
	r := &reader{data: body}
	p := payload{compressed: true}
	size := -1
	for {
		field := r.length()
		if r.short {
			return payload{}, errShort
		}
		if field == endField {
			break
		}
		value := &reader{data: r.bytes(r.length())}
		n := value.packed()
		if value.short {
			return payload{}, errShort
		}
		switch field {
		case sizeField:
			size = int(n)
		case compressionField:
			if n != zstdCompression && n != noCompression {
				return payload{}, fmt.Errorf("transaction is compressed by the unknown method %d", n)
			}
			p.compressed = n == zstdCompression
		case fullSizeField:
			p.size = n
		}
	}
	if size != len(r.data) {
		return payload{}, fmt.Errorf("compressed transaction: its header says %d bytes, %d came", size, len(r.data))
	}
	p.data = r.data
	if !p.compressed {
		p.size = uint64(len(p.data))
	}
	return p, nil
}

// packed reads a length-encoded number of any size.
func (r *reader) packed() uint64 {
	switch n := r.uint(1); n {
	case 0xfc:
		return r.uint(2)
	case 0xfd:
		return r.uint(3)
	case 0xfe:
		return r.uint(8)
	default:
		return n
	}
}

// inflater reads the events of payloads one by one, so that a transaction that is large when inflated never stands in memory
// as a whole. Its decoder is kept for the next payload.
type inflater struct{ decoder *zstd.Decoder }

// events calls f for each event of the payload; raw is f's to keep.
func (i *inflater) events(p payload, f func(raw []byte) error) error {
	in := io.Reader(bytes.NewReader(p.data))
	if p.compressed {
		decoder, err := i.reset(in)
		if err != nil {
			return err
		}
		in = decoder
	}
	read := uint64(0)
	for {
		raw, err := readEvent(in)
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("inflate transaction: %w", err)
		}
		if read += uint64(len(raw)); read > p.size {
			break
		}
		if err := f(raw); err != nil {
			return err
		}
	}
	if read != p.size {
		return fmt.Errorf("inflate transaction: its header says %d bytes, the events take %d", p.size, read)
	}
	return nil
}

func (i *inflater) reset(in io.Reader) (*zstd.Decoder, error) {
	if i.decoder == nil {
		var err error
		if i.decoder, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(1<<27)); err != nil {
			return nil, fmt.Errorf("prepare zstd: %w", err)
		}
	}
	if err := i.decoder.Reset(in); err != nil {
		return nil, fmt.Errorf("inflate transaction: %w", err)
	}
	return i.decoder, nil
}

// readEvent reads the next event; io.EOF: there is none.
func readEvent(in io.Reader) ([]byte, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(in, header[:]); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(header[9:])
	if size < headerSize || size > maxEvent {
		return nil, fmt.Errorf("an event cannot have %d bytes", size)
	}
	var raw bytes.Buffer
	raw.Grow(int(min(size, 1<<20))) // beyond that it grows as bytes come: a wrong size costs no memory
	raw.Write(header[:])
	if _, err := io.CopyN(&raw, in, int64(size)-headerSize); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return raw.Bytes(), nil
}
