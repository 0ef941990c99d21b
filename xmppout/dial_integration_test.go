package xmppout

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"mellium.im/xmpp/jid"

	"awayd/cmd/testbed"
	"awayd/sync/account"
)

func TestLogin(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		p := x.PersonFor(t, "juliet")
		for name, addr := range map[string]string{"STARTTLS": x.Addr, "direct TLS": x.TLSAddr} {
			t.Run(name, func(t *testing.T) {
				s, err := new(Dialer).Dial(t.Context(), linked(x, p, addr))
				if err != nil {
					t.Fatal(err)
				}
				if name := strings.ToLower(s.Server()); !strings.HasPrefix(name, x.Kind+" ") {
					t.Errorf("server is %q", s.Server())
				}
				if r := s.jid.Resourcepart(); !strings.HasPrefix(r, "awayd-") || s.jid.Bare().String() != p.JID {
					t.Errorf("bound as %s", s.jid)
				}
				if o, err := s.Look(t.Context()); err != nil || o.Exists {
					t.Errorf("looks like %+v, %v", o, err)
				}
				if s.Err() != nil {
					t.Errorf("lives, and says %v", s.Err())
				}
				if err := s.Close(t.Context()); err != nil {
					t.Error(err)
				}
				<-s.Done()
				wantKind(t, s.Err(), Closed)
				if _, err := s.Look(t.Context()); err == nil {
					t.Error("a closed session answers")
				}
				wantErr(t, s.Close(t.Context()), nil)
			})
		}
	})
}

// SRV records lead to the port that speaks TLS at once and to the other one.
func TestLoginBySRV(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		p := x.PersonFor(t, "juliet")
		record := func(service, addr string) zone {
			return zone{service: {{Target: "xmpp.example.org.", Port: port(t, addr)}}}
		}
		for name, records := range map[string]zone{
			"xmpp-client": record("xmpp-client", x.Addr), "xmpps-client": record("xmpps-client", x.TLSAddr),
		} {
			d := &Dialer{Resolver: anyName{records}, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, strings.Replace(addr, "xmpp.example.org", "127.0.0.1", 1))
			}}
			s, err := d.Dial(t.Context(), linked(x, p, ""))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			wantErr(t, s.Close(t.Context()), nil)
		}
		// Something is wrong with the first server, and nothing with the second.
		silent, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		for name, first := range map[string]struct {
			service, host string
			port          uint16
		}{
			"down":        {"xmpp-client", "xmpp.example.org.", 1},
			"silent":      {"xmpp-client", "xmpp.example.org.", port(t, silent.Addr().String())},
			"swallowed":   {"xmpp-client", "swallowed.example.org.", 5222},
			"no address":  {"xmpp-client", "gone.example.org.", 5222},
			"without TLS": {"xmpps-client", "xmpp.example.org.", port(t, x.Addr)},
		} {
			records := zone{first.service: {{Target: first.host, Port: first.port, Priority: 1}}}
			records["xmpp-client"] = append(records["xmpp-client"], &net.SRV{Target: "xmpp.example.org.", Port: port(t, x.Addr), Priority: 2})
			d := &Dialer{Timeout: 6 * time.Second, Resolver: anyName{records}, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				switch {
				case strings.HasPrefix(addr, "gone"):
					return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: addr, IsNotFound: true}}
				case strings.HasPrefix(addr, "swallowed"):
					<-ctx.Done()
					return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
				}
				return new(net.Dialer).DialContext(ctx, network, strings.Replace(addr, "xmpp.example.org", "127.0.0.1", 1))
			}}
			s, err := d.Dial(t.Context(), linked(x, p, ""))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			wantErr(t, s.Close(t.Context()), nil)
		}
		// The password is refused by one for all of them.
		both := zone{"xmpp-client": {{Target: "xmpp.example.org.", Port: port(t, x.Addr), Priority: 1}, {Target: "gone.example.org.", Port: 5222, Priority: 2}}}
		d := &Dialer{Resolver: anyName{both}, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if strings.HasPrefix(addr, "gone") {
				t.Error("the second is tried")
			}
			return new(net.Dialer).DialContext(ctx, network, strings.Replace(addr, "xmpp.example.org", "127.0.0.1", 1))
		}}
		wrong := linked(x, p, "")
		wrong.Login.Password = account.NewSecret("not the s3cret")
		_, err = d.Dial(t.Context(), wrong)
		wantKind(t, err, Credentials)

		// What the second says counts where the first is no server at all.
		for name, second := range map[string]struct {
			port      uint16
			acct      account.Account
			kind      Kind
			temporary bool
		}{
			"refused": {port(t, x.Addr), wrong, Credentials, false},
			"down":    {1, linked(x, p, ""), Unreachable, true},
		} {
			d.Resolver = anyName{zone{"xmpp-client": {{Target: "gone.example.org.", Port: 5222, Priority: 1}, {Target: "xmpp.example.org.", Port: second.port, Priority: 2}}}}
			d.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				if strings.HasPrefix(addr, "gone") {
					return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: addr, IsNotFound: true}}
				}
				return new(net.Dialer).DialContext(ctx, network, strings.Replace(addr, "xmpp.example.org", "127.0.0.1", 1))
			}
			_, err := d.Dial(t.Context(), second.acct)
			if wantKind(t, err, second.kind).Temporary() != second.temporary {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// A request from a resource that servers allow, and the library does not, leaves
// the session alone.
func TestSenderThatIsNoAddress(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		s, err := new(Dialer).Dial(t.Context(), linked(x, x.PersonFor(t, "juliet"), x.Addr))
		if err != nil {
			t.Fatal(err)
		}
		romeo, err := x.Login(t.Context(), x.PersonFor(t, "romeo"), testbed.ContactOptions{Resource: "Home·PC"})
		if err != nil {
			t.Fatal(err)
		}
		defer romeo.Close()
		if _, err := jid.Parse(romeo.JID); err == nil {
			t.Fatalf("the library reads %s", romeo.JID)
		}
		wantErr(t, romeo.Send("<iq type='get' id='odd' to='"+s.jid.String()+"'><ping xmlns='urn:xmpp:ping'/></iq>"), nil)
		// Once this is answered, the session was sent that.
		if _, err := romeo.IQ(t.Context(), "get", x.Domain, "<ping xmlns='urn:xmpp:ping'/>"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Look(t.Context()); err != nil {
			t.Error(err)
		}
		wantErr(t, s.Close(t.Context()), nil)
	})
}

type anyName struct{ zone }

func (z anyName) LookupSRV(ctx context.Context, service, proto, _ string) (string, []*net.SRV, error) {
	return z.zone.LookupSRV(ctx, service, proto, "example.org")
}

func port(t *testing.T, addr string) uint16 {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(a.Port)
}

func TestLoginRefused(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		p := x.PersonFor(t, "juliet")
		good := linked(x, p, x.Addr)
		other, err := testbed.NewCA(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		closed := freePort(t)
		otherName := Untrusted
		if x.Kind == testbed.Prosody { // it answers with an alert: unrecognized name
			otherName = NoTLS
		}
		for name, test := range map[string]struct {
			change    func(*account.Account)
			kind      Kind
			temporary bool
			says      []string // in the error and its hint
		}{
			"wrong password": {func(a *account.Account) { a.Login.Password = account.NewSecret("not the s3cret") }, Credentials, false, []string{p.JID, x.Addr, "password", "--jid-password-file"}},
			"unknown user":   {func(a *account.Account) { a.JID = "nobody@" + x.Domain }, Credentials, false, []string{"nobody@", "password"}},
			"no CA":          {func(a *account.Account) { a.Login.TLSCA = "" }, Untrusted, false, []string{"certificate", "--tls-ca"}},
			"another CA":     {func(a *account.Account) { a.Login.TLSCA = string(other.PEM) }, Untrusted, false, []string{"certificate", "--tls-ca"}},
			"direct, no CA":  {func(a *account.Account) { a.Login.TLSCA, a.Login.Address = "", x.TLSAddr }, Untrusted, false, []string{"certificate", "--tls-ca"}},
			"unknown domain": {func(a *account.Account) { a.JID = "juliet@elsewhere.test" }, Stream, false, []string{"elsewhere.test", "does not serve"}},
			"another name":   {func(a *account.Account) { a.JID, a.Login.Address = "juliet@elsewhere.test", x.TLSAddr }, otherName, false, []string{"elsewhere.test"}},
			"nobody there":   {func(a *account.Account) { a.Login.Address = closed }, Unreachable, true, []string{closed, "refused"}},
			"bad address":    {func(a *account.Account) { a.Login.Address = "example.org" }, BadAddress, false, []string{"HOST:PORT"}},
			"bad CA":         {func(a *account.Account) { a.Login.TLSCA = "nonsense" }, BadAddress, false, []string{"no certificate"}},
			"bad JID":        {func(a *account.Account) { a.JID = "example.org" }, BadAddress, false, []string{"user@"}},
			"group":          {func(a *account.Account) { a.Settings.Audience = "group: " }, BadAddress, false, []string{"group: ", "no group"}},
		} {
			t.Run(name, func(t *testing.T) {
				a := good
				test.change(&a)
				_, err := new(Dialer).Dial(t.Context(), a)
				e := wantKind(t, err, test.kind)
				if e.Temporary() != test.temporary || e.Credentials() != (test.kind == Credentials) {
					t.Errorf("%v: temporary is %t, credentials is %t", err, e.Temporary(), e.Credentials())
				}
				text := e.Error() + " Try: " + e.Hint()
				t.Log(text)
				for _, s := range test.says {
					if !strings.Contains(text, s) {
						t.Errorf("%q does not say %q", text, s)
					}
				}
				if strings.Contains(text, a.Login.Password.Reveal()) {
					t.Errorf("%q tells the password", text)
				}
			})
		}
	})
}

// Nobody in between gets anything but the stream's header and the wish for TLS.
func TestNoTLS(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		p := x.PersonFor(t, "juliet")
		for name, attack := range map[string]func(string) (*testbed.Proxy, error){
			"stripped": testbed.StripSTARTTLS, "refused": testbed.RefuseSTARTTLS,
		} {
			t.Run(name, func(t *testing.T) {
				proxy := testbed.ProxyFor(t, attack, x.Addr)
				_, err := new(Dialer).Dial(t.Context(), linked(x, p, proxy.Addr))
				e := wantKind(t, err, NoTLS)
				if e.Temporary() || e.Hint() == "" || !strings.Contains(e.Error(), "STARTTLS") {
					t.Errorf("error is %v", e)
				}
				t.Log(e.Error())
				sent := proxy.Sent()
				for _, s := range []string{"<iq", "<presence", "<message", "<auth", "PLAIN", "SCRAM", p.Password} {
					if bytes.Contains(sent, []byte(s)) {
						t.Errorf("%s was sent in clear: %s", s, sent)
					}
				}
				if proxy.Connections() != 1 {
					t.Errorf("%d connections", proxy.Connections())
				}
			})
		}
	})
}

// A server that freezes is noticed by a request and by a ping, and does not
// keep the session from closing.
func TestFrozen(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		p := x.PersonFor(t, "juliet")
		frozen := func(t *testing.T, d Dialer) (*Session, *testbed.Proxy) {
			proxy := testbed.ProxyFor(t, testbed.NewProxy, x.Addr)
			s, err := d.Dial(t.Context(), linked(x, p, proxy.Addr))
			if err != nil {
				t.Fatal(err)
			}
			proxy.Pause()
			return s, proxy
		}
		t.Run("request", func(t *testing.T) {
			s, _ := frozen(t, Dialer{IQTimeout: 300 * time.Millisecond})
			_, err := s.Look(t.Context())
			if !wantKind(t, err, NoAnswer).Temporary() {
				t.Errorf("not temporary: %v", err)
			}
			<-s.Done()
			wantKind(t, s.Err(), NoAnswer)
			closesWithin(t, s, time.Second)
		})
		t.Run("ping", func(t *testing.T) {
			s, _ := frozen(t, Dialer{IQTimeout: 200 * time.Millisecond, KeepAlive: 50 * time.Millisecond})
			select {
			case <-s.Done():
				wantKind(t, s.Err(), NoAnswer)
			case <-time.After(5 * time.Second):
				t.Error("not noticed")
			}
			closesWithin(t, s, time.Second)
		})
		t.Run("ping soon after an answer", func(t *testing.T) {
			proxy := testbed.ProxyFor(t, testbed.NewProxy, x.Addr)
			s, err := (&Dialer{IQTimeout: 200 * time.Millisecond}).Dial(t.Context(), linked(x, p, proxy.Addr))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Look(t.Context()); err != nil {
				t.Fatal(err)
			}
			proxy.Pause()
			if s.ping(); s.Err() != nil {
				t.Errorf("a ping was sent: %v", s.Err())
			}
			s.pause.Store(0)
			s.ping()
			wantKind(t, s.Err(), NoAnswer)
			closesWithin(t, s, time.Second)
		})
		t.Run("ping while everybody asks", func(t *testing.T) {
			s, _ := frozen(t, Dialer{IQTimeout: 200 * time.Millisecond, KeepAlive: 50 * time.Millisecond, Turns: NewTurns()})
			for range maxInFlight { // that never give up their places
				if _, err := s.turns.servers.Enter(t.Context(), s.jid.Domain().String(), true); err != nil {
					t.Fatal(err)
				}
			}
			select {
			case <-s.Done():
				wantKind(t, s.Err(), NoAnswer)
			case <-time.After(5 * time.Second):
				t.Error("not noticed")
			}
		})
		t.Run("hurried request", func(t *testing.T) {
			s, _ := frozen(t, Dialer{})
			s.Pace(200*time.Millisecond, time.Hour, 0)
			start := time.Now()
			_, err := s.Look(t.Context())
			if wantKind(t, err, NoAnswer); time.Since(start) > 2*time.Second {
				t.Errorf("after %v", time.Since(start))
			}
		})
		t.Run("closer pings", func(t *testing.T) {
			s, _ := frozen(t, Dialer{IQTimeout: 200 * time.Millisecond})
			s.Pace(time.Hour, 50*time.Millisecond, time.Hour)
			select {
			case <-s.Done():
				wantKind(t, s.Err(), NoAnswer)
			case <-time.After(5 * time.Second):
				t.Error("not noticed")
			}
		})
		t.Run("close", func(t *testing.T) {
			s, _ := frozen(t, Dialer{})
			closesWithin(t, s, 2*time.Second)
		})
		t.Run("full buffers", func(t *testing.T) {
			s, _ := frozen(t, Dialer{IQTimeout: 500 * time.Millisecond, DialContext: narrow})
			text := strings.Repeat("x", 64<<10)
			var err error
			for i := 0; i < 1000 && err == nil; i++ {
				err = s.Show(t.Context(), text+strings.Repeat("y", i))
			}
			if !wantKind(t, err, NoAnswer).Temporary() {
				t.Errorf("not temporary: %v", err)
			}
			closesWithin(t, s, 2*time.Second)
		})
		t.Run("login", func(t *testing.T) {
			proxy := testbed.ProxyFor(t, testbed.NewProxy, x.Addr)
			proxy.Pause()
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			start := time.Now()
			_, err := new(Dialer).Dial(ctx, linked(x, p, proxy.Addr))
			if !wantKind(t, err, NoAnswer).Temporary() || time.Since(start) > 2*time.Second {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
		})
		t.Run("lost", func(t *testing.T) {
			proxy := testbed.ProxyFor(t, testbed.NewProxy, x.Addr)
			s, err := new(Dialer).Dial(t.Context(), linked(x, p, proxy.Addr))
			if err != nil {
				t.Fatal(err)
			}
			proxy.Sever()
			select {
			case <-s.Done():
				if !wantKind(t, s.Err(), Unreachable).Temporary() {
					t.Errorf("not temporary: %v", s.Err())
				}
			case <-time.After(5 * time.Second):
				t.Error("not noticed")
			}
			_, err = s.Look(t.Context())
			wantKind(t, err, Unreachable)
			closesWithin(t, s, time.Second)
		})
	})
}

// A caller that gives up costs neither the session nor its time.
func TestCancelled(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		s := dial(t, x, x.PersonFor(t, "juliet"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Look(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
		for range 3 {
			if _, err := s.Look(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// The server tells why it goes.
func TestShutdown(t *testing.T) {
	for _, kind := range []string{testbed.Prosody, testbed.Ejabberd} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			x := testbed.XMPPFor(t, kind, testbed.XMPPOptions{})
			s := dial(t, x, x.PersonFor(t, "juliet"))
			if err := x.Stop(); err != nil {
				t.Fatal(err)
			}
			select {
			case <-s.Done():
			case <-time.After(10 * time.Second):
				t.Fatal("not noticed")
			}
			t.Log(s.Err())
			var e *Error
			if !errors.As(s.Err(), &e) || !e.Temporary() {
				t.Errorf("session ended with %v", s.Err())
			}
		})
	}
}

func closesWithin(t *testing.T, s *Session, d time.Duration) {
	t.Helper()
	start := time.Now()
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > d {
		t.Errorf("closing took %v", took)
	}
}

// narrow dials a connection whose buffers are soon full.
func narrow(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if tcp, ok := conn.(*net.TCPConn); ok {
		err = tcp.SetWriteBuffer(8 << 10)
	}
	return conn, err
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
