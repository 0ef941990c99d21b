package testbed

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const (
	nsStream = "http://etherx.jabber.org/streams"
	nsSASL   = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsBind   = "urn:ietf:params:xml:ns:xmpp-bind"

	maxStanza    = 1 << 20
	writeTimeout = 5 * time.Second
)

// A stream is an XML stream over direct TLS that hands out its elements byte
// for byte as they came.
type stream struct {
	conn *tls.Conn
	*splitter

	write sync.Mutex
}

// dialStream connects, authenticates with PLAIN (RFC 4616), which is safe and
// offered everywhere under TLS, and binds a resource. Cancelling ctx ends it.
func dialStream(ctx context.Context, x *XMPP, addr string, p Person, resource string) (*stream, string, error) {
	dialer := tls.Dialer{Config: x.CA.TLS(x.Domain)}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, "", fmt.Errorf("connect: %w", err)
	}
	s := &stream{conn: conn.(*tls.Conn), splitter: newSplitter(conn)}
	stop := context.AfterFunc(ctx, s.drop)
	jid, err := s.negotiate(x.Domain, p, resource)
	if !stop() || err != nil {
		s.drop()
		return nil, "", errors.Join(err, ctx.Err())
	}
	return s, jid, nil
}

func (s *stream) negotiate(domain string, p Person, resource string) (jid string, err error) {
	if err := s.open(domain); err != nil {
		return "", err
	}
	token := base64.StdEncoding.EncodeToString([]byte("\x00" + p.User + "\x00" + p.Password))
	if err := s.send("<auth xmlns='" + nsSASL + "' mechanism='PLAIN'>" + token + "</auth>"); err != nil {
		return "", err
	}
	answer, raw, err := s.next()
	if err != nil {
		return "", err
	}
	if answer.Name.Local != "success" {
		return "", fmt.Errorf("authenticate: %s", raw)
	}
	if err := s.open(domain); err != nil {
		return "", err
	}
	if resource != "" {
		resource = "<resource>" + escape(resource) + "</resource>"
	}
	if err := s.send("<iq type='set' id='bind'><bind xmlns='" + nsBind + "'>" + resource + "</bind></iq>"); err != nil {
		return "", err
	}
	_, raw, err = s.next()
	if err != nil {
		return "", err
	}
	var bound struct {
		JID string `xml:"urn:ietf:params:xml:ns:xmpp-bind bind>jid"`
	}
	if err := xml.Unmarshal(raw, &bound); err != nil || bound.JID == "" {
		return "", fmt.Errorf("bind resource: %s", raw)
	}
	return bound.JID, nil
}

// open starts a stream, or starts it again (RFC 6120 §4.3.3), and reads its
// features.
func (s *stream) open(domain string) error {
	if err := s.send(streamHeader(domain)); err != nil {
		return err
	}
	first, raw, err := s.next()
	if err != nil {
		return fmt.Errorf("open stream: %w", err)
	}
	if first.Name.Local != "features" {
		return fmt.Errorf("open stream: %s", raw)
	}
	return nil
}

// next returns the next element of the stream; io.EOF at its end.
func (s *stream) next() (xml.StartElement, []byte, error) {
	for {
		p, err := s.piece()
		switch {
		case err != nil:
			return xml.StartElement{}, nil, err
		case p.kind == element && p.start.Name == (xml.Name{Space: nsStream, Local: "error"}):
			return p.start, p.raw, fmt.Errorf("stream error: %s", p.raw)
		case p.kind == element:
			return p.start, p.raw, nil
		case p.kind == footer:
			return xml.StartElement{}, nil, io.EOF
		}
	}
}

func (s *stream) send(text string) error {
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	if _, err := io.WriteString(s.conn, text); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

// drop closes the connection without a word and without waiting.
func (s *stream) drop() {
	_ = s.conn.NetConn().(*net.TCPConn).Close() // nobody is left to tell
}
