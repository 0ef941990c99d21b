package testbed

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// speaker is the client's side of a stream in clear.
type speaker struct {
	t    *testing.T
	conn net.Conn
	got  string
}

func speak(t *testing.T, addr string) *speaker {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &speaker{t: t, conn: conn}
}

func (s *speaker) say(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.conn, text); err != nil {
		s.t.Fatal(err)
	}
}

// until reads until text has come.
func (s *speaker) until(text string) {
	s.t.Helper()
	buf := make([]byte, 4096)
	for !strings.Contains(s.got, text) {
		n, err := s.conn.Read(buf)
		if err != nil {
			s.t.Fatalf("wait for %s: %v; got %s", text, err, s.got)
		}
		s.got += string(buf[:n])
	}
}

func TestProxyStripsSTARTTLS(t *testing.T) {
	eachXMPP(t, func(t *testing.T, kind string) {
		x := bed.XMPPFor(t, kind)
		p := ProxyFor(t, StripSTARTTLS, x.Addr)
		s := speak(t, p.Addr)
		s.say(streamHeader(x.Domain))
		s.until(featuresEnd)
		if strings.Contains(s.got, "starttls") || !strings.Contains(s.got, "PLAIN") {
			t.Errorf("features are %s", s.got)
		}
		if got := string(p.Sent()); got != streamHeader(x.Domain) {
			t.Errorf("proxy heard %q", got)
		}
	})
}

func TestProxyRefusesSTARTTLS(t *testing.T) {
	eachXMPP(t, func(t *testing.T, kind string) {
		x := bed.XMPPFor(t, kind)
		p := ProxyFor(t, RefuseSTARTTLS, x.Addr)
		s := speak(t, p.Addr)
		s.say(streamHeader(x.Domain))
		s.until(featuresEnd)
		if !strings.Contains(s.got, "<starttls") || strings.Contains(s.got, "required") {
			t.Errorf("features are %s", s.got)
		}
		s.say("<starttls xmlns='" + nsTLS + "'/>")
		s.until("<failure xmlns='" + nsTLS + "'/>")
		s.say("<auth>secret</auth>")
		deadline := time.Now().Add(5 * time.Second)
		for !strings.HasSuffix(string(p.Sent()), "<auth>secret</auth>") {
			if time.Now().After(deadline) {
				t.Fatalf("proxy heard %q", p.Sent())
			}
			time.Sleep(time.Millisecond)
		}
	})
}

func TestProxyPauses(t *testing.T) {
	x := bed.XMPPFor(t, Prosody)
	p := ProxyFor(t, NewProxy, x.Addr)
	p.Pause()
	p.Pause()
	s := speak(t, p.Addr)
	s.say(streamHeader(x.Domain))
	if err := s.conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := s.conn.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Error("a paused proxy forwards")
	}
	if err := s.conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	p.Resume()
	p.Resume()
	s.until(featuresEnd)

	p.Sever()
	if _, err := io.Copy(io.Discard, s.conn); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("a severed connection reads %v", err)
	}
	again := speak(t, p.Addr)
	again.say(streamHeader(x.Domain))
	again.until(featuresEnd)
}

func TestProxyForsakes(t *testing.T) {
	p := ProxyFor(t, NewProxy, echoServer(t))
	old := speak(t, p.Addr)
	old.say("one")
	old.until("one")
	p.Pause()
	between := speak(t, p.Addr)
	between.say("two")
	// Accepted, and so paused, before the proxy is asked to forsake it.
	for p.Connections() < 2 {
		time.Sleep(time.Millisecond)
	}
	p.Forsake()
	for _, s := range []*speaker{old, between} {
		s.say("three")
		if err := s.conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if n, err := s.conn.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Error("a forsaken connection forwards")
		}
	}
	fresh := speak(t, p.Addr)
	fresh.say("four")
	fresh.until("four")
}

// echoServer answers with what it is told.
func echoServer(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	return l.Addr().String()
}
