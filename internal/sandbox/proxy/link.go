package proxy

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link is one connection through the proxy.
type link struct {
	info   ConnInfo
	client *net.TCPConn

	opaque   atomic.Bool // the packets can no longer be seen: TLS or compression
	deaf     atomic.Bool // nothing goes to the client any more
	stranded atomic.Bool // the server is not to learn that the client is gone

	mu     sync.Mutex   // guards what follows
	server *net.TCPConn // nil until it is joined
	gone   bool
}

// item is a piece of a stream on its way: a packet with its header, or opaque bytes.
type item struct {
	data    []byte
	due     time.Time
	verdict Verdict
}

// join adds the server's side; it tells false, and closes it, when the link was cut meanwhile.
func (l *link) join(server *net.TCPConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		_ = server.Close() // nothing was sent on it
		return false
	}
	l.server = server
	return true
}

// cut closes both sides; what is lost by that is meant to be lost.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = true
	_ = l.client.Close()
	if l.server != nil {
		_ = l.server.Close()
	}
}

func (l *link) ends(dir Direction) (from, to *net.TCPConn) {
	if dir == ToServer {
		return l.client, l.server
	}
	return l.server, l.client
}

// read takes packets from one side, has them judged and queues them, until that side ends.
func (p *Proxy) read(l *link, dir Direction, queue chan<- item) {
	defer close(queue)
	from, _ := l.ends(dir)
	in := bufio.NewReaderSize(from, 64<<10)
	for first := true; ; first = false {
		data, whole, err := l.next(in)
		if err != nil {
			return
		}
		if first && dir == ToServer && whole && turnsOpaque(data[4:]) {
			l.opaque.Store(true) // before the server answers: its side reads this after the answer came
		}
		delay, filter := p.settings(dir)
		verdict := Forward
		if whole && filter != nil {
			verdict = filter(l.info, dir, data[4:])
		}
		if verdict == CutBefore {
			l.cut()
			return
		}
		queue <- item{data: data, due: time.Now().Add(delay), verdict: verdict}
		if verdict != Forward && dir == ToServer {
			return // what the client sent after it is lost
		}
	}
}

// next returns the next packet with its header, or what there is when the stream is opaque.
func (l *link) next(in *bufio.Reader) (data []byte, whole bool, err error) {
	if _, err := in.Peek(1); err != nil {
		return nil, false, err
	}
	if l.opaque.Load() {
		data = make([]byte, in.Buffered())
		_, err = io.ReadFull(in, data)
		return data, false, err
	}
	header, err := in.Peek(4)
	if err != nil {
		return nil, false, err
	}
	length := int(header[0]) | int(header[1])<<8 | int(header[2])<<16
	data = make([]byte, 4+length)
	_, err = io.ReadFull(in, data)
	return data, true, err
}

// turnsOpaque tells whether a client's first packet asks for TLS or for compression; its first four bytes
// are the client's capability flags.
func turnsOpaque(packet []byte) bool {
	const compress, tls = 0x20, 0x800
	return len(packet) >= 4 && binary.LittleEndian.Uint32(packet)&(compress|tls) != 0
}

// write sends what is queued, each piece when it is due. It empties the queue to its end in any case, so
// that its reader never waits for it.
func (l *link) write(ctx context.Context, dir Direction, queue <-chan item) {
	_, to := l.ends(dir)
	out := bufio.NewWriterSize(to, 64<<10)
	for it := range queue {
		if dir == ToClient && l.deaf.Load() {
			continue
		}
		if wait := time.Until(it.due); wait > 0 {
			_ = out.Flush() // an error stays in out and comes with the next write
			pause(ctx, wait)
		}
		if it.verdict != Forward {
			l.deaf.Store(dir == ToServer) // before the server can answer
			l.stranded.Store(it.verdict == Strand)
		}
		_, err := out.Write(it.data)
		if err == nil && (len(queue) == 0 || it.verdict != Forward) {
			err = out.Flush()
		}
		switch {
		case err != nil:
			l.cut()
		case it.verdict != Forward:
			l.leaveClient(dir)
		}
	}
	if dir == ToClient {
		l.cut()
	} else if !l.stranded.Load() {
		_ = to.CloseWrite() // the server reads to the end, then ends the session
	}
}

// leaveClient ends the client's side only: closing the server's too, with unread answers in it, would
// reset it and could take the last packet from the server.
func (l *link) leaveClient(dir Direction) {
	if dir == ToClient && !l.stranded.Load() {
		l.cut()
		return
	}
	l.deaf.Store(true)
	_ = l.client.Close()
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
