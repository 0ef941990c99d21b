package testbed

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
)

// A Proxy is a TCP proxy on loopback that remembers what clients sent, and can
// stall, cut and falsify.
type Proxy struct {
	Addr string // host:port to connect to

	upstream string
	listener net.Listener
	attack   *attack // nil: forwards everything as it is
	closed   chan struct{}
	running  sync.WaitGroup

	mu    sync.Mutex
	gate  *gate // of the connections that are opened now
	conns map[net.Conn]bool
	dials int
	sent  bytes.Buffer
}

// A gate lets the bytes of some connections flow, or not.
type gate struct {
	flow chan struct{} // closed while bytes may flow
}

func openGate() *gate {
	g := &gate{make(chan struct{})}
	close(g.flow)
	return g
}

// An attack is what an active attacker does to STARTTLS (RFC 6120 §13.9).
type attack struct {
	starttls string // put in the place of the server's <starttls/>
	refuse   bool   // answer the client's <starttls/> with a failure
}

const (
	nsTLS = "urn:ietf:params:xml:ns:xmpp-tls"
	// An attacker wants the client to go on in clear.
	bait = "<mechanisms xmlns='" + nsSASL + "'><mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism></mechanisms>"

	featuresEnd = "</stream:features>"
)

// NewProxy returns a proxy before upstream, a host:port, that forwards
// everything.
func NewProxy(upstream string) (*Proxy, error) { return newProxy(anywhere, upstream, nil) }

// NewProxyAt is NewProxy at an address that is given, such as one where people
// expect a server.
func NewProxyAt(addr, upstream string) (*Proxy, error) { return newProxy(addr, upstream, nil) }

const anywhere = "127.0.0.1:0"

// StripSTARTTLS returns a proxy before an XMPP server that takes STARTTLS out of
// the stream features and offers authentication in clear instead.
func StripSTARTTLS(upstream string) (*Proxy, error) {
	return newProxy(anywhere, upstream, &attack{starttls: bait})
}

// RefuseSTARTTLS returns a proxy before an XMPP server that makes STARTTLS
// optional, answers it with <failure/> and keeps listening to what the client
// says then.
func RefuseSTARTTLS(upstream string) (*Proxy, error) {
	return newProxy(anywhere, upstream, &attack{starttls: "<starttls xmlns='" + nsTLS + "'/>" + bait, refuse: true})
}

func newProxy(addr, upstream string, a *attack) (*Proxy, error) {
	l, err := net.Listen("tcp4", addr)
	if err != nil {
		return nil, fmt.Errorf("start proxy: %w", err)
	}
	p := &Proxy{
		Addr: l.Addr().String(), upstream: upstream, listener: l, attack: a,
		closed: make(chan struct{}), gate: openGate(), conns: map[net.Conn]bool{},
	}
	p.running.Go(p.accept)
	return p, nil
}

// Pause stops every byte in both directions, without closing anything: to both
// ends the other one has frozen. New connections are accepted and stay silent.
func (p *Proxy) Pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.gate.flow:
		p.gate.flow = make(chan struct{})
	default: // paused already
	}
}

// Resume lets the bytes flow again, those that waited first.
func (p *Proxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.gate.flow:
	default:
		close(p.gate.flow)
	}
}

// Forsake lets the bytes of new connections flow. Those that are open stay
// silent for ever if they were paused, as when something on the way has
// forgotten them.
func (p *Proxy) Forsake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gate = openGate()
}

// Sever closes the connections that are open, and accepts new ones.
func (p *Proxy) Sever() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

// Sent returns everything that clients have sent so far.
func (p *Proxy) Sent() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Clone(p.sent.Bytes())
}

// Connections returns how many connections clients have opened so far.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dials
}

// Close ends the proxy and every connection through it. It is called once.
func (p *Proxy) Close() error {
	close(p.closed)
	err := p.listener.Close()
	p.Sever()
	p.running.Wait()
	return err
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.mu.Lock()
		p.dials++
		g := p.gate
		p.mu.Unlock()
		p.running.Go(func() { p.serve(client, g) })
	}
}

// serve forwards one connection until either end closes it.
func (p *Proxy) serve(client net.Conn, g *gate) {
	if !p.own(client) {
		return
	}
	defer p.disown(client)
	server, err := net.Dial("tcp", p.upstream)
	if err != nil || !p.own(server) {
		return
	}
	defer p.disown(server)
	var both sync.WaitGroup
	both.Go(func() {
		p.toServer(server, client, g)
		client.Close()
		server.Close()
	})
	both.Go(func() {
		p.toClient(client, server, g)
		client.Close()
		server.Close()
	})
	both.Wait()
}

// own makes Sever and Close reach c; too late, it closes it.
func (p *Proxy) own(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.closed:
		c.Close()
		return false
	default:
		p.conns[c] = true
		return true
	}
}

func (p *Proxy) disown(c net.Conn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

func (p *Proxy) toServer(server, client net.Conn, g *gate) {
	tail := ""
	refused := false
	p.each(client, g, func(b []byte) error {
		p.mu.Lock()
		p.sent.Write(b)
		p.mu.Unlock()
		if refused {
			return nil // heard, and kept from the server, which knows nothing of all this
		}
		if p.attack != nil && p.attack.refuse {
			tail += string(b)
			if strings.Contains(tail, "<starttls") {
				refused = true
				_, err := io.WriteString(client, "<failure xmlns='"+nsTLS+"'/>")
				return err
			}
			tail = tail[max(0, len(tail)-len("<starttls")):]
		}
		_, err := server.Write(b)
		return err
	})
}

var starttlsElement = regexp.MustCompile(`(?s)<starttls[^>]*/>|<starttls[^>]*>.*?</starttls>`)

func (p *Proxy) toClient(client, server net.Conn, g *gate) {
	falsified := p.attack == nil
	var held []byte
	p.each(server, g, func(b []byte) error {
		if !falsified {
			held = append(held, b...)
			if !bytes.Contains(held, []byte(featuresEnd)) {
				return nil
			}
			b, falsified = starttlsElement.ReplaceAll(held, []byte(p.attack.starttls)), true
		}
		_, err := client.Write(b)
		return err
	})
}

// each hands on what from sends, while bytes may flow.
func (p *Proxy) each(from net.Conn, g *gate, hand func([]byte) error) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && p.wait(g) {
			if hand(buf[:n]) != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// wait returns when bytes may flow; false when they never will.
func (p *Proxy) wait(g *gate) bool {
	p.mu.Lock()
	flow := g.flow
	p.mu.Unlock()
	select {
	case <-flow:
		return true
	case <-p.closed:
		return false
	}
}
