package testbed

import (
	"encoding/xml"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestContactSeesPublishedItem(t *testing.T) {
	eachXMPP(t, func(t *testing.T, kind string) {
		x := bed.XMPPFor(t, kind)
		romeo := x.PersonFor(t, "romeo")
		owner := x.LoginFor(t, x.PersonFor(t, "juliet"), ContactOptions{})
		contact := x.LoginFor(t, romeo, ContactOptions{Resource: "garden"})
		if want := romeo.JID + "/garden"; contact.JID != want {
			t.Errorf("JID is %s, want %s", contact.JID, want)
		}
		if err := Befriend(t.Context(), owner, contact); err != nil {
			t.Fatal(err)
		}

		if _, err := contact.Fetch(t.Context(), owner.Bare(), NodeOOO); Condition(err) != "item-not-found" {
			t.Errorf("fetch before publishing: %v", err)
		}
		start := time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
		payload := OOO(start, start.AddDate(0, 0, 14), "Away & out <of> office")
		if err := owner.Publish(t.Context(), NodeOOO, "current", payload, map[string]string{"pubsub#access_model": "presence"}); err != nil {
			t.Fatal(err)
		}
		got, err := contact.Wait(t.Context(), func(r Received) bool { _, ok := r.Item("current"); return ok })
		if err != nil {
			t.Fatal(err)
		}
		item, _ := got.Item("current")
		if item.Start != "2026-08-01T00:00:00Z" || item.End != "2026-08-15T00:00:00Z" || item.Message != "Away & out <of> office" {
			t.Errorf("event brings %+v", item)
		}
		if !strings.HasPrefix(got.Raw, "<message") || !strings.HasSuffix(got.Raw, "</message>") {
			t.Errorf("raw stanza is %q", got.Raw)
		}
		items, err := contact.Fetch(t.Context(), owner.Bare(), NodeOOO)
		if err != nil || len(items) != 1 || items[0].Message != item.Message || !items[0].OOO {
			t.Errorf("fetch brings %+v, %v", items, err)
		}
	})
}

func TestContactSubscribesAndSeesNodeDeleted(t *testing.T) {
	eachXMPP(t, func(t *testing.T, kind string) {
		x := bed.XMPPFor(t, kind)
		owner := x.LoginFor(t, x.PersonFor(t, "juliet"), ContactOptions{})
		contact := x.LoginFor(t, x.PersonFor(t, "nurse"), ContactOptions{})
		if err := Befriend(t.Context(), owner, contact); err != nil {
			t.Fatal(err)
		}
		if err := owner.Publish(t.Context(), NodeOOO, "current", OOO(time.Now(), time.Now(), "x"), nil); err != nil {
			t.Fatal(err)
		}
		if err := contact.Subscribe(t.Context(), owner.Bare(), NodeOOO); err != nil {
			t.Fatal(err)
		}
		if _, err := contact.Wait(t.Context(), func(r Received) bool { _, ok := r.Item("current"); return ok }); err != nil {
			t.Fatal(err)
		}
		if err := owner.DeleteNode(t.Context(), NodeOOO); err != nil {
			t.Fatal(err)
		}
		if kind == Ejabberd {
			return // it tells nobody
		}
		if _, err := contact.Wait(t.Context(), func(r Received) bool {
			return r.Event != nil && r.Event.Node == NodeOOO && r.Event.Deleted
		}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestContactRetractsAndConfigures(t *testing.T) {
	eachXMPP(t, func(t *testing.T, kind string) {
		x := bed.XMPPFor(t, kind)
		owner := x.LoginFor(t, x.PersonFor(t, "juliet"), ContactOptions{Quiet: true})
		contact := x.LoginFor(t, x.PersonFor(t, "romeo"), ContactOptions{Quiet: true})
		if err := Befriend(t.Context(), owner, contact); err != nil {
			t.Fatalf("befriend people who are not available: %v", err)
		}
		if err := owner.Publish(t.Context(), NodeOOO, "archive", OOO(time.Now(), time.Now(), "x"), nil); err != nil {
			t.Fatal(err)
		}
		if err := owner.Configure(t.Context(), NodeOOO, map[string]string{"pubsub#access_model": "whitelist"}); err != nil {
			t.Fatal(err)
		}
		fields, err := owner.Configuration(t.Context(), NodeOOO)
		if err != nil || fields["pubsub#access_model"] != "whitelist" {
			t.Errorf("configuration is %v, %v", fields, err)
		}
		err = owner.Publish(t.Context(), NodeOOO, "archive", OOO(time.Now(), time.Now(), "x"), map[string]string{"pubsub#access_model": "open"})
		if e, ok := errors.AsType[*StanzaError](err); !ok || e.Condition != "conflict" || e.App != "precondition-not-met" {
			t.Errorf("publish with another access model: %v", err)
		}
		if _, err := contact.Fetch(t.Context(), owner.Bare(), NodeOOO); !slices.Contains([]string{"forbidden", "not-allowed"}, Condition(err)) {
			t.Errorf("fetch of what is hidden: %v", err)
		}
		if err := owner.Retract(t.Context(), NodeOOO, "archive", true); err != nil {
			t.Error(err)
		}
		if err := owner.Retract(t.Context(), NodeOOO, "archive", true); Condition(err) != "item-not-found" {
			t.Errorf("retract twice: %v", err)
		}
		if got := contact.Received(); slices.ContainsFunc(got, func(r Received) bool { return r.Name == "message" }) {
			t.Errorf("a contact who is not available was sent %v", got)
		}
	})
}

func TestWrongPassword(t *testing.T) {
	eachXMPP(t, func(t *testing.T, kind string) {
		x := bed.XMPPFor(t, kind)
		p := x.PersonFor(t, "tybalt")
		wrong := p
		wrong.Password = "guess"
		if c, err := x.Login(t.Context(), wrong, ContactOptions{}); err == nil {
			t.Error(c.Close())
			t.Fatal("a wrong password was accepted")
		}
		if err := x.Register(t.Context(), p.User, "guess"); err != nil {
			t.Fatal(err)
		}
		x.LoginFor(t, wrong, ContactOptions{})
	})
}

func TestContactEndsWithItsConnection(t *testing.T) {
	eachXMPP(t, func(t *testing.T, kind string) {
		x := bed.XMPPFor(t, kind)
		p := x.PersonFor(t, "mercutio")
		proxy := ProxyFor(t, NewProxy, x.TLSAddr)
		c := x.LoginFor(t, p, ContactOptions{Addr: proxy.Addr})

		proxy.Pause()
		begin := time.Now()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took > closeTimeout+time.Second {
			t.Errorf("closing a frozen connection took %v", took)
		}
		proxy.Resume()

		c = x.LoginFor(t, p, ContactOptions{Addr: proxy.Addr})
		proxy.Sever()
		<-c.Done()
		if c.Err() == nil {
			t.Error("a severed connection ended without an error")
		}
		if _, err := c.IQ(t.Context(), "get", "", "<ping xmlns='urn:xmpp:ping'/>"); err == nil {
			t.Error("a request on a severed connection succeeded")
		}
		if proxy.Connections() != 2 || len(proxy.Sent()) == 0 {
			t.Errorf("proxy saw %d connections and %d bytes", proxy.Connections(), len(proxy.Sent()))
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("<message from='a@b'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:xmpp:ooo:0'>" +
		"<item id='current'><ooo xmlns='urn:xmpp:ooo:0'><start/></ooo></item><retract id='x'/></items></event></message>"))
	f.Add([]byte("<iq type='error'><error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, st, err := parse(raw)
		if err != nil {
			return
		}
		if r.Raw != string(raw) {
			t.Error("the raw stanza is not what came")
		}
		if (st.err(raw) != nil) != (r.Type == "error") {
			t.Errorf("type %q gives error %v", r.Type, st.err(raw))
		}
		if err := xml.Unmarshal([]byte("<x>"+escape(r.Body)+"</x>"), new(struct{})); err != nil {
			t.Errorf("escaped body does not parse: %v", err)
		}
	})
}
