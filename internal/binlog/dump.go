package binlog

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	library "github.com/go-mysql-org/go-mysql/client"
	protocol "github.com/go-mysql-org/go-mysql/mysql"
	driver "github.com/go-sql-driver/mysql"

	"github.com/midstreamdb/midstream/internal/conn"
)

const (
	dialTimeout     = 10 * time.Second
	heartbeatPeriod = 2 * time.Second
	// readTimeout is how long nothing at all may come, with the server's heartbeats, before the connection counts as dead.
	readTimeout = 10 * time.Second
	// writeTimeout is how long the server waits for a stream that does not read, because its consumer is behind.
	writeTimeout = time.Hour
)

// maxDumpOffset is the largest offset that the protocol can ask for.
const maxDumpOffset = 1<<32 - 1

// dump is a connection on which a server sends its binary log. The library makes the connection and cuts it into packets;
// what is asked for and what comes is handled here.
type dump struct {
	conn   *library.Conn
	search *searching
	buffer bytes.Buffer
	memory []byte // of small packets that were handed out, and room for more
}

// Most events are small and short-lived, and memory for each would cost more than anything else that is done with it: packets of
// up to sharedPacket bytes share memory.
const (
	packetMemory = 16 << 10
	sharedPacket = 2 << 10
)

// packet returns the next packet.
func (d *dump) packet() ([]byte, error) {
	d.buffer.Reset()
	if err := d.conn.ReadPacketTo(&d.buffer); err != nil {
		return nil, err
	}
	packet := d.buffer.Bytes()
	if len(packet) > sharedPacket {
		d.buffer = bytes.Buffer{} // it is handed out
		return packet, nil
	}
	if cap(d.memory)-len(d.memory) < len(packet) {
		d.memory = make([]byte, 0, packetMemory)
	}
	from := len(d.memory)
	d.memory = append(d.memory, packet...)
	return d.memory[from:len(d.memory):len(d.memory)], nil
}

// request is what a replica asks for.
type request struct {
	replicaID   uint32
	after       Position
	patience    time.Duration // with which the server is let look for that position
	annotations bool          // the statements that changed the rows, of a MariaDB that logs them
}

// openDump connects as a replica and asks for the log.
func openDump(ctx context.Context, c *conn.Config, s *conn.Server, want request) (*dump, error) {
	d, err := connectDump(ctx, c, &searching{patience: want.patience})
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", c.Address(), libraryError(err))
	}
	stop := context.AfterFunc(ctx, d.close)
	defer stop()
	if err := d.ask(s, want); err != nil {
		d.close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("ask for the binary log: %w", libraryError(err))
	}
	return d, nil
}

func connectDump(ctx context.Context, c *conn.Config, search *searching) (*dump, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	connect := func(secure bool) (*library.Conn, error) {
		network, address := "tcp", net.JoinHostPort(c.Host, fmt.Sprint(c.Port))
		if c.Socket != "" {
			network, address = "unix", c.Socket
		}
		return library.ConnectWithDialer(ctx, network, address, c.User, c.Password, "", search.dial, func(l *library.Conn) error {
			if secure {
				l.SetTLSConfig(c.TLS)
			}
			l.SetAttributes(map[string]string{"program_name": "midstream", "midstream_run": c.Run, "_client_role": "binary_log_listener"})
			l.ReadTimeout = readTimeout
			return nil
		})
	}
	l, err := connect(c.TLS != nil)
	if err != nil && c.TLS != nil && c.FallbackToPlain && !isServerError(err) && ctx.Err() == nil {
		l, err = connect(false)
	}
	if err != nil {
		return nil, err
	}
	return &dump{conn: l, search: search}, nil
}

func isServerError(err error) bool {
	var e *protocol.MyError
	return errors.As(err, &e)
}

// isTold says whether an error is the server's answer, not a failure to reach it.
func isTold(err error) bool {
	var e *driver.MySQLError
	return errors.As(err, &e) && !conn.IsConnectionLost(err) && !conn.IsInterrupted(err)
}

// libraryError turns an error that the server sent through the library into the one that package conn knows.
func libraryError(err error) error {
	var e *protocol.MyError
	if errors.As(err, &e) {
		return &driver.MySQLError{Number: e.Code, Message: e.Message}
	}
	return err
}

// close may be called while another goroutine reads.
func (d *dump) close() {
	_ = d.conn.Conn.Conn.Close() // nothing is left to be told by it
}

// ask makes the connection a replica's and requests the log.
func (d *dump) ask(s *conn.Server, want request) error {
	settings := []string{
		// Checksums stay in the events, so that they cover the way from the server's disk to here.
		"SET @master_binlog_checksum = @@global.binlog_checksum, @source_binlog_checksum = @@global.binlog_checksum",
		fmt.Sprintf("SET @master_heartbeat_period = %[1]d, @source_heartbeat_period = %[1]d", heartbeatPeriod.Nanoseconds()),
		fmt.Sprintf("SET SESSION net_write_timeout = %d", int(writeTimeout.Seconds())),
	}
	if s.IsMariaDB() {
		settings = append(settings,
			"SET @mariadb_slave_capability = 4", // knows GTIDs
			"SET @slave_connect_state = '"+want.after.domains.String()+"'",
			"SET @slave_gtid_strict_mode = 1") // a GTID that is not there is an error, not a gap
	} else {
		id := replicaUUID(want.replicaID) // the server ends an older connection with the same one
		settings = append(settings, fmt.Sprintf("SET @slave_uuid = '%[1]s', @replica_uuid = '%[1]s'", id))
	}
	answer, err := d.conn.Execute(s.IdentityQuery())
	if err != nil {
		return fmt.Errorf("ask server who it is: %w", err)
	}
	identity, err := answer.GetString(0, 0)
	if err != nil {
		return fmt.Errorf("ask server who it is: %w", err)
	}
	if err := s.Is(identity); err != nil {
		return err
	}
	for _, statement := range settings {
		if _, err := d.conn.Execute(statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	if err := d.command(registerCommand(want.replicaID)); err != nil {
		return err
	}
	if _, err := d.conn.ReadOKPacket(); err != nil {
		return err
	}
	return d.command(dumpCommand(want))
}

// command sends the command; its packet begins with four bytes that the library fills in.
func (d *dump) command(body []byte) error {
	d.conn.ResetSequence()
	return d.conn.WritePacket(append(make([]byte, 4), body...))
}

// replicaUUID makes the uuid of a replica out of its id.
func replicaUUID(id uint32) uuid {
	u := uuid{'m', 'i', 'd', 's', 't', 'r', 0x40, 'a', 0x80, 'm'}
	binary.BigEndian.PutUint32(u[12:], id)
	return u
}

func registerCommand(replicaID uint32) []byte {
	const noHostUserPassword, noPort, noRank, noSource = "\x00\x00\x00", "\x00\x00", "\x00\x00\x00\x00", "\x00\x00\x00\x00"
	b := binary.LittleEndian.AppendUint32([]byte{protocol.COM_REGISTER_SLAVE}, replicaID)
	return append(b, noHostUserPassword+noPort+noRank+noSource...)
}

func dumpCommand(want request) []byte {
	const sendAnnotations = 2
	var flags uint16
	if want.annotations {
		flags = sendAnnotations
	}
	p := want.after
	if p.form == gtidForm {
		set := p.set.encode()
		b := binary.LittleEndian.AppendUint16([]byte{protocol.COM_BINLOG_DUMP_GTID}, flags)
		b = binary.LittleEndian.AppendUint32(b, want.replicaID)
		b = binary.LittleEndian.AppendUint32(b, 0) // no file
		b = binary.LittleEndian.AppendUint64(b, 4)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(set)))
		return append(b, set...)
	}
	offset := max(p.offset, 4)
	if offset > maxDumpOffset {
		offset = 4 // the assembler passes over what was read
	}
	b := binary.LittleEndian.AppendUint32([]byte{protocol.COM_BINLOG_DUMP}, uint32(offset))
	b = binary.LittleEndian.AppendUint16(b, flags)
	b = binary.LittleEndian.AppendUint32(b, want.replicaID)
	return append(b, p.file...)
}

// next returns the next event, from its first byte to its last; it stays as it is, and keeps others in memory. errEnded: the server sends no more.
func (d *dump) next() ([]byte, error) {
	packet, err := d.packet()
	if err != nil {
		return nil, err
	}
	if len(packet) == 0 {
		return nil, errShort
	}
	switch packet[0] {
	case protocol.OK_HEADER:
		d.search.note(packet[1:])
		return packet[1:], nil
	case protocol.ERR_HEADER:
		return nil, libraryError(d.conn.HandleErrorPacket(packet))
	case protocol.EOF_HEADER:
		return nil, errEnded
	}
	return nil, fmt.Errorf("the server sent a packet that begins with %#x", packet[0])
}

var errEnded = errors.New("the server ended the stream")
