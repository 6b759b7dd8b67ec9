// Package proxy is a TCP proxy between a tool and a MySQL or MariaDB server that misbehaves on demand: it
// delays, cuts and refuses connections, and can cut one at a chosen packet of the protocol.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Direction is the way that data takes through the proxy.
type Direction int

// The two directions.
const (
	ToServer Direction = iota
	ToClient
)

// Verdict says what becomes of a connection at a packet.
type Verdict int

const (
	// Forward passes the packet on.
	Forward Verdict = iota
	// CutBefore closes both sides; the packet is lost.
	CutBefore
	// CutAfter passes the packet on and then closes the connection; nothing that comes back arrives. A
	// server reads and obeys a packet that it got before it sees the end.
	CutAfter
	// Strand is CutAfter, but the server is not told: its session stays until the proxy cuts or ends.
	Strand
)

// ConnInfo identifies a connection through the proxy.
type ConnInfo struct {
	// ID counts the connections, from 1.
	ID int
}

// Filter judges a packet: its payload without the header, which must not be kept or changed. Packets of 16
// MiB and more come in their parts. It is called by several goroutines, and no more on a connection that
// turned to TLS or compression, whose packets are not to be seen.
type Filter func(conn ConnInfo, dir Direction, packet []byte) Verdict

// Proxy forwards connections to one server. Its methods may be called at any time by any goroutine.
type Proxy struct {
	listener *net.TCPListener

	mu      sync.Mutex // guards what follows
	target  string
	delay   [2]time.Duration
	filter  Filter
	refuses bool
	last    int
	links   map[*link]struct{}
}

// Listen opens a port of the loopback interface for connections to target, a host:port. Run serves them.
func Listen(target string) (*Proxy, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("open port of proxy: %w", err)
	}
	return &Proxy{target: target, listener: l, links: map[*link]struct{}{}}, nil
}

// Port returns the port that the proxy listens on, of 127.0.0.1.
func (p *Proxy) Port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// SetTarget has connections from now on go to another host:port; CutAll ends those that exist.
func (p *Proxy) SetTarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// SetDelay sets how long each packet is held back on its way, from now on; throughput is not limited.
func (p *Proxy) SetDelay(toServer, toClient time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = [2]time.Duration{ToServer: toServer, ToClient: toClient}
}

// SetFilter has every packet from now on judged by f; nil forwards all.
func (p *Proxy) SetFilter(f Filter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.filter = f
}

// Refuse makes the proxy close new connections at once, until it is called with false.
func (p *Proxy) Refuse(refuse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = refuse
}

// CutAll closes all present connections on both sides, stranded ones too, and returns how many they were.
func (p *Proxy) CutAll() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.cut()
	}
	return len(p.links)
}

// Run serves connections until ctx ends, which cuts them all; it returns nil then.
func (p *Proxy) Run(ctx context.Context) error {
	group, inner := errgroup.WithContext(ctx)
	stop := context.AfterFunc(inner, func() { _ = p.listener.Close() }) // wakes Accept, which tells the rest
	defer stop()
	group.Go(func() error {
		for {
			client, err := p.listener.AcceptTCP()
			if inner.Err() != nil && errors.Is(err, net.ErrClosed) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("accept connection: %w", err)
			}
			group.Go(func() error { p.serve(inner, client); return nil })
		}
	})
	return group.Wait()
}

// serve forwards one connection until both sides have ended. A server that cannot be reached is to the
// client a connection that ends at once.
func (p *Proxy) serve(ctx context.Context, client *net.TCPConn) {
	l, target := p.admit(client)
	if l == nil {
		return
	}
	defer p.forget(l)
	defer l.cut()
	var d net.Dialer
	server, err := d.DialContext(ctx, "tcp", target)
	if err != nil || !l.join(server.(*net.TCPConn)) {
		return
	}
	stop := context.AfterFunc(ctx, l.cut)
	defer stop()
	var group errgroup.Group
	for _, dir := range []Direction{ToServer, ToClient} {
		queue := make(chan item, 64)
		group.Go(func() error { p.read(l, dir, queue); return nil })
		group.Go(func() error { l.write(ctx, dir, queue); return nil })
	}
	_ = group.Wait() // the ends of connections are no errors here
}

// admit registers a new connection and says where it goes, or closes it and returns nil while the proxy refuses.
func (p *Proxy) admit(client *net.TCPConn) (_ *link, target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuses {
		_ = client.SetLinger(0) // the client is to see a reset
		_ = client.Close()
		return nil, ""
	}
	p.last++
	l := &link{info: ConnInfo{ID: p.last}, client: client}
	p.links[l] = struct{}{}
	return l, p.target
}

func (p *Proxy) forget(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

func (p *Proxy) settings(dir Direction) (time.Duration, Filter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay[dir], p.filter
}
