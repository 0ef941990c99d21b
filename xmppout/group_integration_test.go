package xmppout

import (
	"strings"
	"testing"
	"time"

	"awayd/cmd/testbed"
	"awayd/sync/account"
	"awayd/sync/plan"
)

const colleagues = "Work & <home>"

// A party is juliet with romeo, who is in the group of the audience, and paris,
// who is a contact of hers outside of it.
type party struct {
	*vacation
	paris *testbed.Contact
	chat  *testbed.Contact // juliet's own other client, which is not available
}

func newParty(t *testing.T, x *testbed.XMPP, audience string) *party {
	t.Helper()
	v := newVacation(t, x)
	p := &party{vacation: v, paris: x.LoginFor(t, x.PersonFor(t, "paris"), testbed.ContactOptions{})}
	p.chat = x.LoginFor(t, v.person, testbed.ContactOptions{Quiet: true})
	if err := testbed.Befriend(t.Context(), p.chat, p.paris); err != nil {
		t.Fatal(err)
	}
	p.group(v.romeo, colleagues)
	p.group(p.paris, "Suitors")
	// ejabberd sends events through whichever connection comes first, so
	// juliet's other client is there only when it has something to do.
	if err := p.chat.Close(); err != nil {
		t.Fatal(err)
	}
	v.romeo.Forget()
	p.paris.Forget()
	p.as(audience)
	return p
}

// as logs in anew for another audience, as the engine does.
func (p *party) as(audience string) {
	p.t.Helper()
	if err := p.session.Close(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	p.session = dialAs(p.t, p.romeo.XMPP, p.person, func(a *account.Account) { a.Settings.Audience = audience })
}

// group puts a contact into one group of juliet's roster; an empty name, into
// none.
func (p *party) group(c *testbed.Contact, name string) {
	p.t.Helper()
	group := "<group>" + strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(name) + "</group>"
	if name == "" {
		group = ""
	}
	if _, err := p.chat.IQ(p.t.Context(), "set", "", "<query xmlns='jabber:iq:roster'><item jid='"+c.Bare()+"'>"+group+"</item></query>"); err != nil {
		p.t.Fatal(err)
	}
}

// client logs juliet's other client in for as long as f runs.
func (p *party) client(f func()) {
	p.t.Helper()
	c, err := p.romeo.XMPP.Login(p.t.Context(), p.person, testbed.ContactOptions{Quiet: true})
	if err != nil {
		p.t.Fatal(err)
	}
	p.chat = c
	f()
	if err := c.Close(); err != nil {
		p.t.Fatal(err)
	}
}

// outside demands that paris has never been sent anything of the node, nor a
// status text, and may not fetch.
func (p *party) outside(when string) {
	p.t.Helper()
	switch _, err := p.paris.Fetch(p.t.Context(), p.juliet, nodeName); testbed.Condition(err) {
	case "forbidden", "not-allowed", "not-authorized", "item-not-found":
	default:
		p.t.Errorf("paris's fetch %s is not refused: %v", when, err)
	}
	for _, r := range p.paris.Received() {
		if strings.HasPrefix(r.From, p.juliet) && (r.Event != nil || r.Status != "" || strings.Contains(r.Raw, nodeName)) {
			p.t.Errorf("%s paris was sent %s", when, r.Raw)
		}
	}
}

// fits demands that juliet's node lets in the audience and holds m.
func (p *party) fits(m plan.Payload) {
	p.t.Helper()
	o := p.look()
	if !o.Fits(p.session.Audience()) || o.Hidden() || o.Unread || len(o.Items) != 1 || o.Items[0].ID != plan.ItemCurrent || !o.Items[0].Payload.Equal(m) {
		p.t.Errorf("the node looks like %+v with %+v, want %+v", o, o.Circle, m)
	}
}

func (p *party) message(text string) plan.Payload {
	return plan.NewPayload(time.Now().Add(-time.Second), time.Now().Add(time.Hour), text)
}

func (p *party) end(m plan.Payload) plan.Payload {
	m.End = time.Now().UTC().Truncate(time.Second)
	return m
}

// toldEnd waits until a contact has been told that m is over.
func (p *party) toldEnd(c *testbed.Contact, m plan.Payload) {
	p.t.Helper()
	if _, err := c.Wait(p.t.Context(), func(r testbed.Received) bool {
		i, ok := r.Item(plan.ItemCurrent)
		return ok && i.End == writeTime(m.End)
	}); err != nil {
		p.t.Fatalf("%s is not told the end: %v", c.Bare(), err)
	}
}

// A vacation that one group may see, on servers with different ways to do it.
func TestGroupVacation(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		p := newParty(t, x, "group:"+colleagues)
		first, longer := p.message("Gone fishing"), p.message("Gone fishing for longer")
		next := plan.NewPayload(time.Now().Add(24*time.Hour), time.Now().Add(48*time.Hour), "Next year in Verona")

		p.do(plan.Action{Kind: plan.Stage, Payload: first})
		p.refused("before the start")
		p.outside("before the start")
		p.do(plan.Action{Kind: plan.Reveal, Payload: first})
		p.told(first)
		if _, err := p.romeo.Fetch(t.Context(), p.juliet, nodeName); err != nil {
			t.Errorf("romeo cannot fetch: %v", err)
		}
		if err := p.romeo.Subscribe(t.Context(), p.juliet, nodeName); err != nil {
			t.Error(err)
		}
		p.fits(first)
		p.outside("after the start")
		p.do(plan.Action{Kind: plan.Amend, Payload: longer})
		p.told(longer)
		p.fits(longer)
		closing := p.end(longer)
		p.do(plan.Action{Kind: plan.Withdraw, Payload: closing})
		p.toldEnd(p.romeo, closing)
		p.refused("after the end")
		p.outside("after the end")

		p.romeo.Forget()
		p.do(plan.Action{Kind: plan.Stage, Payload: next})
		p.refused("while the next one is staged")
		p.outside("while the next one is staged")
		time.Sleep(300 * time.Millisecond) // for what should not come
		for _, r := range p.romeo.Received() {
			if strings.Contains(r.Raw, next.Message) {
				t.Errorf("romeo was sent %s", r.Raw)
			}
		}
		p.do(plan.Action{Kind: plan.Reveal, Payload: next})
		p.told(next)
		p.outside("when the next one began")
	})
}

// The roster is changed while a message is visible.
func TestGroupChanges(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		p := newParty(t, x, "group:"+colleagues)
		m := p.message("Gone fishing")
		p.do(plan.Action{Kind: plan.Stage, Payload: m})
		p.do(plan.Action{Kind: plan.Reveal, Payload: m})
		p.told(m)
		p.outside("before he joins")
		for len(p.session.News()) > 0 {
			<-p.session.News()
		}
		p.client(func() { p.group(p.paris, colleagues) })
		select {
		case <-p.session.News():
		case <-time.After(5 * time.Second):
			t.Error("the session does not hear of the roster")
		}
		wish := plan.Wish{Audience: p.session.Audience()}
		if o := p.look(); x.Kind == testbed.Prosody && (!o.Circle.Missing || o.Circle.Strangers || o.Circle.Contacts != 2) {
			t.Errorf("with paris in the group it looks like %+v", o.Circle)
		}
		p.do(plan.Action{Kind: plan.Reveal, Payload: m})
		if _, err := p.paris.Wait(t.Context(), func(r testbed.Received) bool { i, ok := r.Item(plan.ItemCurrent); return ok && i.Message == m.Message }); err != nil {
			t.Errorf("paris is not told: %v", err)
		}
		p.fits(m)

		p.client(func() { p.group(p.romeo, "") })
		o := p.look()
		if x.Kind == testbed.Prosody {
			if !o.Circle.Strangers || o.Fits(wish.Audience) {
				t.Errorf("with romeo out of the group it looks like %+v", o.Circle)
			}
			closing := p.end(m)
			p.do(plan.Action{Kind: plan.Withdraw, Payload: closing})
			p.toldEnd(p.romeo, closing)
			p.do(plan.Action{Kind: plan.Reveal, Payload: m})
		}
		p.refused("out of the group")
		p.fits(m)
	})
}

// The audience is made smaller while a message is visible: who saw it is told
// the end.
func TestAudienceNarrowed(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		p := newParty(t, x, "presence")
		m := p.message("Gone fishing")
		p.do(plan.Action{Kind: plan.Stage, Payload: m})
		p.do(plan.Action{Kind: plan.Reveal, Payload: m})
		if _, err := p.paris.Wait(t.Context(), func(r testbed.Received) bool { i, ok := r.Item(plan.ItemCurrent); return ok && i.Message == m.Message }); err != nil {
			t.Fatal(err)
		}
		p.as("group:" + colleagues)
		closing := p.end(m)
		p.do(plan.Action{Kind: plan.Withdraw, Payload: closing})
		p.toldEnd(p.paris, closing)
		time.Sleep(300 * time.Millisecond)
		p.paris.Forget()
		p.romeo.Forget()
		p.do(plan.Action{Kind: plan.Reveal, Payload: m})
		p.told(m)
		p.outside("as the audience is a group")

		p.as("presence")
		if o := p.look(); o.Hidden() {
			t.Errorf("what a group sees looks hidden: %+v", o)
		}
		if x.Kind == testbed.Prosody { // members stay on a node that is opened
			p.do(plan.Action{Kind: plan.Withdraw, Payload: p.end(m)})
		}
		p.do(plan.Action{Kind: plan.Reveal, Payload: m})
		if _, err := p.paris.Wait(t.Context(), func(r testbed.Received) bool { i, ok := r.Item(plan.ItemCurrent); return ok && i.Message == m.Message }); err != nil {
			t.Errorf("paris is not told: %v", err)
		}
	})
}

// A group nobody is in, and a restart, after which ejabberd shows nothing.
func TestGroupOfNobody(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		p := newParty(t, x, "group:Nobody")
		m := p.message("Gone fishing")
		p.do(plan.Action{Kind: plan.Stage, Payload: m})
		p.do(plan.Action{Kind: plan.Reveal, Payload: m})
		o := p.look()
		if !o.Fits(p.session.Audience()) || o.Circle.Contacts != 0 || strings.Join(o.Circle.Others, ", ") != "Suitors, "+colleagues {
			t.Errorf("looks like %+v with %+v", o, o.Circle)
		}
		p.refused("of nobody")
		p.outside("of nobody")

		p.as("group:Nobody")
		if o := p.look(); o.Unread != (x.Kind == testbed.Ejabberd) {
			t.Errorf("after a restart it looks like %+v", o)
		}
		p.do(plan.Action{Kind: plan.Withdraw, Payload: p.end(m)})
		if o := p.look(); o.Exists {
			t.Errorf("at last it looks like %+v", o)
		}
	})
}

// A server that was too slow to tell what it is during the login is asked again:
// who leaves the group is not to see the message any longer.
func TestServerNamesItselfLate(t *testing.T) {
	p := newParty(t, bed.XMPPFor(t, testbed.Prosody), "group:"+colleagues)
	m := p.message("Gone fishing")
	p.do(plan.Action{Kind: plan.Stage, Payload: m})
	p.do(plan.Action{Kind: plan.Reveal, Payload: m})
	p.session.server, p.session.named, p.session.node.tells = softwareVersion{}, false, false
	p.client(func() { p.group(p.romeo, "") })
	if o := p.look(); !o.ByMembers || !o.Circle.Strangers {
		t.Errorf("with romeo out of the group it looks like %+v with %+v", o, o.Circle)
	}
}

// What a server can do for a group is tried, and leaves nothing behind.
func TestReach(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		p := newParty(t, x, "group:"+colleagues)
		r, err := p.session.Reach(t.Context())
		want := map[string]string{testbed.Prosody: "members of a hidden node", testbed.Ejabberd: "access model roster"}[x.Kind]
		if err != nil || r.By != want || r.Circle == nil || r.Circle.Contacts != 1 {
			t.Errorf("reaches %+v, %v", r, err)
		}
		p.client(func() {
			raw, err := p.chat.IQ(t.Context(), "get", p.juliet, "<query xmlns='http://jabber.org/protocol/disco#items'/>")
			if err != nil || strings.Contains(raw, probePrefix) {
				t.Errorf("left behind: %s, %v", raw, err)
			}
		})
		if x.Kind == testbed.Prosody {
			p.session.node.tells = false // as a server of another name would be
			_, err := p.session.Reach(t.Context())
			if e := wantKind(t, err, NoGroups); e.Hint() == "" || e.Temporary() {
				t.Errorf("refused with %v, hint %q", err, e.Hint())
			}
			err = p.session.Do(t.Context(), plan.Action{Kind: plan.Reveal, Payload: p.message("Away")}, p.ledger)
			wantKind(t, err, NoGroups)
			p.refused("on a server without groups")
			p.outside("on a server without groups")
		}
	})
}
