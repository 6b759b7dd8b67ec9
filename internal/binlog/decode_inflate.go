package binlog

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
)

var errInflate = errors.New("compressed data is damaged or of an unknown kind")

// maxInflation is more than the factor by which deflate can make data smaller.
const maxInflation = 1100

// inflateRows returns the rows of a compressed rows event of MariaDB: a byte 0x80 | algorithm << 4 | n, n bytes of length,
// high byte first, and a zlib stream.
func inflateRows(data []byte) ([]byte, error) {
	if len(data) == 0 || data[0]&0xf0 != 0x80 {
		return nil, fmt.Errorf("inflate rows: %w", errInflate)
	}
	rows, err := inflate(data[1:], int(data[0]&0x07), true)
	if err != nil {
		return nil, fmt.Errorf("inflate rows: %w", err)
	}
	return rows, nil
}

// inflateColumn returns the value of a COMPRESSED column of MariaDB. It is empty, or stands behind a byte 0, or behind
// algorithm << 4 | raw << 3 | n and n bytes of length as a zlib stream (raw: deflate without zlib's frame).
func inflateColumn(cell []byte) ([]byte, error) {
	if len(cell) == 0 {
		return cell, nil
	}
	head, data := cell[0], cell[1:]
	switch head >> 4 {
	case 0:
		return data, nil
	case 8:
		text, err := inflate(data, int(head&0x07), head&0x08 == 0)
		if err != nil {
			return nil, fmt.Errorf("inflate value: %w", err)
		}
		return text, nil
	}
	return nil, fmt.Errorf("inflate value: %w", errInflate)
}

// inflate reads a big-endian length of n bytes and as many bytes out of the stream that follows.
func inflate(data []byte, n int, framed bool) ([]byte, error) {
	if n < 1 || n > 4 || n > len(data) {
		return nil, errInflate
	}
	length, data := bigEndian(data[:n]), data[n:]
	if length > uint64(len(data))*maxInflation {
		return nil, errInflate
	}
	var stream io.ReadCloser
	if framed {
		var err error
		if stream, err = zlib.NewReader(bytes.NewReader(data)); err != nil {
			return nil, err
		}
	} else {
		stream = flate.NewReader(bytes.NewReader(data))
	}
	out := make([]byte, length)
	if _, err := io.ReadFull(stream, out); err != nil {
		return nil, err
	}
	if n, _ := stream.Read(make([]byte, 1)); n > 0 {
		return nil, errInflate
	}
	return out, stream.Close()
}
