package xmppout

import (
	"crypto/tls"
	"net"
	"sync/atomic"
	"time"
)

// maxStanza bounds one element of the stream, and the whole of a login, in
// bytes: encoding/xml itself would read on until memory ends.
const maxStanza = 1 << 20

// A wire is the connection under a session. It bounds what is read and how
// long a write may take.
type wire struct {
	// Conn is what the stream runs over: raw, later TLS on top of it. It is
	// replaced once, during the login.
	net.Conn
	raw     *opening
	budget  atomic.Int64
	timeout time.Duration // of one write

	mechanism string // by which the login went (RFC 6120 §6)
}

func newWire(conn net.Conn, timeout time.Duration) *wire {
	raw := &opening{Conn: conn}
	w := &wire{Conn: raw, raw: raw, timeout: timeout}
	w.refill()
	return w
}

// secure puts TLS on top of the connection. It does no handshake yet.
func (w *wire) secure(cfg *tls.Config) *tls.Conn {
	conn := tls.Client(w.raw, cfg)
	w.Conn = conn
	w.refill()
	return conn
}

// refill allows another maxStanza bytes; it is called at each element.
func (w *wire) refill() { w.allow(maxStanza) }

// allow lets one element be larger.
func (w *wire) allow(bytes int64) { w.budget.Store(bytes) }

func (w *wire) Read(p []byte) (int, error) {
	if w.budget.Load() <= 0 {
		return 0, errTooLarge
	}
	n, err := w.Conn.Read(p)
	w.budget.Add(-int64(n))
	return n, err
}

func (w *wire) Write(p []byte) (int, error) {
	if err := w.raw.SetWriteDeadline(time.Now().Add(w.timeout)); err != nil {
		return 0, err
	}
	return w.Conn.Write(p)
}

// Close closes the socket itself: TLS would want to say goodbye, and wait.
func (w *wire) Close() error { return w.raw.Close() }

// The XMPP library sets a deadline to interrupt and clears it at once, which
// interrupts nothing and removes the one that is set. The deadlines of a wire
// are its own; a context that ends closes it.

func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// ConnectionState is the state of TLS, or zero before it.
func (w *wire) ConnectionState() tls.ConnectionState {
	if conn, ok := w.Conn.(*tls.Conn); ok {
		return conn.ConnectionState()
	}
	return tls.ConnectionState{}
}

// An opening remembers the first byte that the server sent, by which a TLS
// server can be told from one that speaks XML first.
type opening struct {
	net.Conn
	first atomic.Int32 // 0 before anything came; XML and TLS never send NUL
}

func (o *opening) Read(p []byte) (int, error) {
	n, err := o.Conn.Read(p)
	if n > 0 && o.first.Load() == 0 {
		o.first.Store(int32(p[0]))
	}
	return n, err
}

// Record types of TLS with which a server's first record can begin (RFC 8446
// §5.1).
const (
	recordAlert     = 0x15
	recordHandshake = 0x16
)

func (o *opening) speaksTLS() bool {
	b := o.first.Load()
	return b == recordAlert || b == recordHandshake
}

func (o *opening) speaksXML() bool { return o.first.Load() == '<' }
