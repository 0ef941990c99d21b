package testbed

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// A Tap is a proxy on loopback before an XMPP server that ends the encryption
// on both sides, and so sees each stanza before the other side does. To a
// client that trusts the testbed's CA it is the server.
type Tap struct {
	Addr string // host:port that wants STARTTLS, or direct TLS

	server   *XMPP
	client   *tls.Config // towards the client
	handle   func(s Stanza, pass func())
	listener net.Listener
	running  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]bool
	count  int
}

// A Stanza is one on its way through a [Tap].
type Stanza struct {
	At       time.Time // when it came
	Conn     int       // over which of the client's connections, counted from 1
	ToServer bool
	Name     string // message, presence or iq
	Type     string
	ID       string
	Raw      string // byte for byte
}

// drainTime is how long a server has to take in what was sent by a client that
// is gone.
const drainTime = 2 * time.Second

// Tap puts a tap before the server. handle is called with each stanza; pass
// hands it on. A stanza that handle does not pass ends the connection that it
// came by, as if the network had failed before it. Stanzas of one connection
// and direction come one after another, others at the same time.
//
// Both sides speak TLS 1.3, on which no server of the testbed binds a login to
// the channel (XEP-0440); such a login would notice the tap.
func (x *XMPP) Tap(handle func(s Stanza, pass func())) (*Tap, error) {
	cert, err := tls.LoadX509KeyPair(x.cert, x.key)
	if err != nil {
		return nil, fmt.Errorf("start tap: %w", err)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start tap: %w", err)
	}
	t := &Tap{
		Addr: l.Addr().String(), server: x, handle: handle, listener: l, conns: map[net.Conn]bool{},
		client: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13},
	}
	t.running.Go(t.accept)
	return t, nil
}

// Close ends the tap and every connection through it.
func (t *Tap) Close() error {
	err := t.listener.Close()
	t.mu.Lock()
	t.closed = true
	for c := range t.conns {
		c.Close()
	}
	t.mu.Unlock()
	t.running.Wait()
	return err
}

func (t *Tap) accept() {
	for {
		conn, err := t.listener.Accept()
		if err != nil {
			return // closed
		}
		t.mu.Lock()
		t.count++
		n := t.count
		t.mu.Unlock()
		t.running.Go(func() { t.serve(conn, n) })
	}
}

// own makes Close reach c.
func (t *Tap) own(c net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		c.Close()
		return false
	}
	t.conns[c] = true
	return true
}

func (t *Tap) disown(c net.Conn) {
	c.Close()
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.conns, c)
}

// serve hands on what passes by one connection until either side ends it.
func (t *Tap) serve(plain net.Conn, n int) {
	if !t.own(plain) {
		return
	}
	defer t.disown(plain)
	client, err := t.secure(plain)
	if err != nil {
		return // the client sees it, and says so
	}
	cfg := t.server.CA.TLS(t.server.Domain)
	cfg.MinVersion = tls.VersionTLS13
	ctx, cancel := context.WithTimeout(context.Background(), loginTimeout)
	defer cancel()
	dialed, err := (&tls.Dialer{Config: cfg}).DialContext(ctx, "tcp", t.server.TLSAddr)
	if err != nil || !t.own(dialed) {
		return
	}
	defer t.disown(dialed)
	server := dialed.(*tls.Conn)
	var both sync.WaitGroup
	both.Go(func() {
		t.pump(server, client, Stanza{Conn: n, ToServer: true})
		client.Close()
		// The end arrives as that of the client would. What was passed before
		// it arrives too: a connection that is closed with answers unread would
		// take it back.
		server.NetConn().(*net.TCPConn).CloseWrite()
		server.SetReadDeadline(time.Now().Add(drainTime))
	})
	both.Go(func() {
		t.pump(client, server, Stanza{Conn: n})
		client.Close()
		io.Copy(io.Discard, server)
	})
	both.Wait()
}

// secure gives a client the encryption that it begins with.
func (t *Tap) secure(plain net.Conn) (*tls.Conn, error) {
	if err := plain.SetDeadline(time.Now().Add(loginTimeout)); err != nil {
		return nil, err
	}
	conn := &peeked{Conn: plain, r: bufio.NewReader(plain)}
	first, err := conn.r.Peek(1)
	if err != nil {
		return nil, err
	}
	if first[0] == '<' {
		if err := t.startTLS(conn); err != nil {
			return nil, err
		}
	}
	client := tls.Server(conn, t.client)
	if err := client.Handshake(); err != nil {
		return nil, err
	}
	return client, plain.SetDeadline(time.Time{})
}

// A peeked is a connection of which the first bytes were looked at.
type peeked struct {
	net.Conn
	r *bufio.Reader
}

func (p *peeked) Read(b []byte) (int, error) { return p.r.Read(b) }

// startTLS answers a client as a server does that wants STARTTLS (RFC 6120
// §5.4).
func (t *Tap) startTLS(plain net.Conn) error {
	in := newSplitter(plain)
	for _, answer := range []struct {
		to   pieceKind
		text string
	}{
		{header, "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='" + nsStream + "' version='1.0' id='tap' from='" +
			escape(t.server.Domain) + "'><stream:features><starttls xmlns='" + nsTLS + "'><required/></starttls></stream:features>"},
		{element, "<proceed xmlns='" + nsTLS + "'/>"},
	} {
		for {
			p, err := in.piece()
			if err != nil {
				return err
			}
			if p.kind == answer.to {
				break
			}
		}
		if _, err := io.WriteString(plain, answer.text); err != nil {
			return err
		}
	}
	return nil
}

// pump hands on what from sends, stanza by stanza, until one is not passed.
func (t *Tap) pump(to, from net.Conn, s Stanza) {
	in := newSplitter(from)
	for {
		p, err := in.piece()
		if err != nil {
			return
		}
		passed := false
		pass := func() {
			passed = true
			_, err = to.Write(p.raw)
		}
		if s.read(p) {
			t.handle(s, pass)
		} else {
			pass()
		}
		if !passed || err != nil {
			return
		}
	}
}

// read reports whether p is a stanza, and takes it up.
func (s *Stanza) read(p piece) bool {
	switch {
	case p.kind != element:
		return false
	case p.start.Name.Local != "iq" && p.start.Name.Local != "presence" && p.start.Name.Local != "message":
		return false
	}
	s.At, s.Name, s.Raw = time.Now(), p.start.Name.Local, string(p.raw)
	s.Type, s.ID = attribute(p.start, "type"), attribute(p.start, "id")
	return true
}

func attribute(start xml.StartElement, name string) string {
	for _, a := range start.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}
