package xmppout

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"mellium.im/xmpp/jid"

	"awayd/cmd/testbed"
)

// A connection that is lost without the server's knowing leaves the person
// online with the message as status text. The next session puts an end to it.
func TestGhosts(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		juliet, romeo := x.PersonFor(t, "juliet"), x.LoginFor(t, x.PersonFor(t, "romeo"), testbed.ContactOptions{})
		me := x.LoginFor(t, juliet, testbed.ContactOptions{})
		if err := testbed.Befriend(t.Context(), me, romeo); err != nil {
			t.Fatal(err)
		}
		wantErr(t, me.Close(), nil)
		proxy := testbed.ProxyFor(t, testbed.NewProxy, x.Addr)
		d := &Dialer{Ghosts: new(Ghosts)}
		lost, err := d.Dial(t.Context(), linked(x, juliet, proxy.Addr))
		if err != nil {
			t.Fatal(err)
		}
		wantErr(t, lost.Show(t.Context(), "away"), nil)
		sees := func(typ string) func(testbed.Received) bool {
			return func(r testbed.Received) bool {
				return r.Name == "presence" && r.From == lost.jid.String() && r.Type == typ
			}
		}
		if _, err := romeo.Wait(t.Context(), sees("")); err != nil {
			t.Fatal(err)
		}

		proxy.Pause()
		lost.Pace(100*time.Millisecond, time.Hour, time.Hour)
		_, err = lost.Look(t.Context())
		wantKind(t, err, NoAnswer)
		closesWithin(t, lost, time.Second)
		proxy.Forsake()

		s, err := d.Dial(t.Context(), linked(x, juliet, proxy.Addr))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := romeo.Wait(t.Context(), sees("unavailable")); err != nil {
			t.Error(err)
		}
		if err := s.Err(); err != nil {
			t.Errorf("the new session suffered: %v", err)
		}
		closesWithin(t, s, 2*time.Second)
	})
}

// What could not be ended is tried again, but no more than so much is kept.
func TestGhostsAreKept(t *testing.T) {
	var none *Ghosts
	none.add("a@x", "r")
	if got := none.take("a@x"); got != nil {
		t.Errorf("nobody remembers %v", got)
	}
	g := new(Ghosts)
	for i := range 2 * maxGhosts {
		g.add("a@x", fmt.Sprint(i))
	}
	if got := g.take("a@x"); len(got) != maxGhosts || got[maxGhosts-1] != fmt.Sprint(2*maxGhosts-1) {
		t.Errorf("kept %v", got)
	}
	if got := g.take("a@x"); len(got) > 0 {
		t.Errorf("taken twice: %v", got)
	}

	g.add("juliet@awayd.test", "one", "two")
	d := &Dialer{Ghosts: g, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("connection refused")
	}}
	d.layGhosts(t.Context(), login{jid: jid.MustParse("juliet@awayd.test")}, target{addr: "127.0.0.1:1"})
	if got := g.take("juliet@awayd.test"); len(got) != 2 {
		t.Errorf("after a failure %v are left", got)
	}
}
