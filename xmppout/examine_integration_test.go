package xmppout

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"awayd/cmd/testbed"
	"awayd/sync/account"
	"awayd/sync/finding"
	"awayd/sync/plan"
)

func examine(t *testing.T, acct account.Account, j plan.Journal) ([]finding.Finding, error) {
	t.Helper()
	_, found, err := new(Dialer).Examine(t.Context(), acct, j, time.Now())
	return found, err
}

func about(found []finding.Finding, topic string) finding.Finding {
	for _, f := range found {
		if f.Topic == topic {
			return f
		}
	}
	return finding.Finding{Topic: "nothing about " + topic}
}

// expectFinding demands one finding about a topic, with what its text and its
// advice hold.
func expectFinding(t *testing.T, found []finding.Finding, topic string, s finding.Severity, want ...string) {
	t.Helper()
	f := about(found, topic)
	if f.Severity != s {
		t.Errorf("%s: %+v, want %s", topic, f, s)
	}
	for _, w := range want {
		if !strings.Contains(f.Detail+" Try: "+f.Hint, w) {
			t.Errorf("%s: %q is not in %+v", topic, w, f)
		}
	}
	if s != finding.OK && f.Hint == "" {
		t.Errorf("%s: no advice in %+v", topic, f)
	}
}

// nodes lists the person's nodes as the server tells them (XEP-0060 §5.2).
func nodes(t *testing.T, c *testbed.Contact) string {
	t.Helper()
	raw, err := c.IQ(t.Context(), "get", c.Bare(), "<query xmlns='http://jabber.org/protocol/disco#items'/>")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// A server as it is packaged is well, and no contact hears of the examination.
func TestExamine(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		p := x.PersonFor(t, "juliet")
		own := x.LoginFor(t, p, testbed.ContactOptions{})
		romeo := x.LoginFor(t, x.PersonFor(t, "romeo"), testbed.ContactOptions{})
		if err := testbed.Befriend(t.Context(), own, romeo); err != nil {
			t.Fatal(err)
		}
		settle := func() {
			nodes(t, romeo) // whatever the server was going to send comes before the answer
			time.Sleep(300 * time.Millisecond)
		}
		settle() // what befriending leads to
		romeo.Forget()
		own.Forget()
		found, err := examine(t, linked(x, p, x.Addr), plan.Journal{})
		if err != nil {
			t.Fatal(err)
		}
		for _, topic := range []string{
			"address", "TLS", "certificate", "login", "clock", "PEP", "publish-options", "max_items", "access models", "node",
			"retractions", "own presence", "contacts",
		} {
			expectFinding(t, found, topic, finding.OK)
		}
		if len(found) != 13 {
			t.Errorf("%d findings: %+v", len(found), found)
		}
		expectFinding(t, found, "address", finding.OK, x.Addr, "as given")
		expectFinding(t, found, "certificate", finding.OK, "trusted by --tls-ca", "expires in 36")
		expectFinding(t, found, "node", finding.OK, "none yet")
		expectFinding(t, found, "contacts", finding.OK, "1 of 1")
		if left := nodes(t, own); strings.Contains(left, probePrefix) {
			t.Errorf("a node is left: %s", left)
		}
		settle()
		if heard := romeo.Received(); len(heard) > 0 {
			t.Errorf("a contact heard of the examination: %+v", heard)
		}
		// ejabberd tells the person's own clients of the first item, and that a
		// resource has gone that they never saw come.
		heard := slices.DeleteFunc(own.Received(), func(r testbed.Received) bool { return r.Type == "unavailable" })
		if len(heard) > 1 || len(heard) == 1 && (x.Kind != testbed.Ejabberd || heard[0].Event == nil) {
			t.Errorf("the person's own client heard of the examination: %+v", heard)
		}
	})
}

// Whose message is on the real node, and that it is left alone.
func TestExamineTheRealNode(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		p := x.PersonFor(t, "juliet")
		own := x.LoginFor(t, p, testbed.ContactOptions{Quiet: true})
		start := time.Now().UTC().Truncate(time.Second)
		away := plan.Payload{Start: start, End: start.Add(time.Hour), Message: "away"}
		publish := func(id string, access plan.AccessModel) {
			t.Helper()
			err := own.Publish(t.Context(), testbed.NodeOOO, id, testbed.OOO(away.Start, away.End, away.Message), map[string]string{fieldAccess: string(access)})
			if err != nil {
				t.Fatal(err)
			}
		}
		mine := plan.Journal{}.Sending(away, start)
		publish("archive", plan.Whitelist)
		found, _ := examine(t, linked(x, p, x.Addr), plan.Journal{})
		expectFinding(t, found, "node", finding.Warning, "whitelist", "did not write", "leaves alone")
		found, _ = examine(t, linked(x, p, x.Addr), mine)
		expectFinding(t, found, "node", finding.OK, "whitelist", "awayd's next message")

		if err := own.Configure(t.Context(), testbed.NodeOOO, map[string]string{fieldAccess: "open"}); err != nil {
			t.Fatal(err)
		}
		romeo := x.LoginFor(t, x.PersonFor(t, "romeo"), testbed.ContactOptions{})
		if err := romeo.Subscribe(t.Context(), p.JID, testbed.NodeOOO); err != nil {
			t.Fatal(err)
		}
		found, _ = examine(t, linked(x, p, x.Addr), mine)
		expectFinding(t, found, "node", finding.OK, "open", "holds awayd's message")
		if lists := strings.Contains(about(found, "node").Detail, "1 subscriptions of others"); lists != (x.Kind == testbed.Prosody) {
			t.Errorf("%s: %+v", x.Kind, about(found, "node"))
		}
		if err := own.Retract(t.Context(), testbed.NodeOOO, "archive", false); err != nil {
			t.Fatal(err)
		}
		found, _ = examine(t, linked(x, p, x.Addr), mine)
		expectFinding(t, found, "node", finding.OK, "open", "empty")
	})
}

// However early an examination is cut short, its node is removed.
func TestExamineCutShort(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		p := x.PersonFor(t, "juliet")
		own := x.LoginFor(t, p, testbed.ContactOptions{Quiet: true})
		cut := 0
		for n := int64(8); n < 32; n += 2 {
			ctx, cancel := context.WithCancel(t.Context())
			d := &Dialer{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, addr)
				return &cutting{Conn: conn, at: n, cut: cancel}, err
			}}
			_, _, err := d.Examine(ctx, linked(x, p, x.Addr), plan.Journal{}, time.Now())
			if err != nil {
				cut++
			}
			cancel()
			if left := nodes(t, own); strings.Contains(left, probePrefix) {
				t.Errorf("cut at write %d, a node is left: %s", n, left)
			}
		}
		if cut < 6 {
			t.Errorf("only %d examinations were cut short", cut)
		}
	})
}

// A cutting connection cancels something at its n-th write.
type cutting struct {
	net.Conn
	writes atomic.Int64
	at     int64
	cut    func()
}

func (c *cutting) Write(p []byte) (int, error) {
	if c.writes.Add(1) == c.at {
		defer c.cut()
	}
	return c.Conn.Write(p)
}

// What a killed examination left behind, the next one removes; but not the node
// of one that may be under way.
func TestExamineSweeps(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		p := x.PersonFor(t, "juliet")
		own := x.LoginFor(t, p, testbed.ContactOptions{Quiet: true})
		old, fresh := probeName(time.Now().Add(-time.Hour)), probeName(time.Now())
		for _, node := range []string{old, fresh} {
			if err := own.Publish(t.Context(), node, "1", "<x xmlns='x'/>", map[string]string{fieldAccess: "whitelist"}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := examine(t, linked(x, p, x.Addr), plan.Journal{}); err != nil {
			t.Fatal(err)
		}
		if left := nodes(t, own); strings.Contains(left, old) || !strings.Contains(left, fresh) {
			t.Errorf("old %s, fresh %s, and there is %s", old, fresh, left)
		}
	})
}

// begun is an examination that is logged in.
func begun(t *testing.T, x *testbed.XMPP) *examination {
	t.Helper()
	return &examination{Session: dial(t, x, x.PersonFor(t, "juliet")), now: time.Now()}
}

// Servers that lack publish-options, or do not heed them, are played by asking a
// real one for less.
func TestExamineWithoutPublishOptions(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		e := begun(t, x)
		e.can.announcesPEP = true
		if err := e.probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		expectFinding(t, e.found, "publish-options", finding.Warning, "when the absence begins", "upgrade")
		expectFinding(t, e.found, "access models", finding.OK)

		e = begun(t, x)
		e.can = abilities{announcesPEP: true, announcesOptions: true}
		deaf := &trial{examination: e, at: probeName(e.now)}
		if err := deaf.make(); err != nil {
			t.Fatal(err)
		}
		if _, err := deaf.ask(configure(deaf.at, field{Var: fieldAccess, Values: []string{"open"}}), nil); err != nil {
			t.Fatal(err)
		}
		if err := deaf.guard(); err != nil {
			t.Fatal(err)
		}
		expectFinding(t, e.found, "publish-options", finding.Error, "not heeded")
		wantErr(t, deaf.remove(t.Context()), nil)
	})
}

// fewModules are ejabberd's modules without mod_pubsub.
const fewModules = `
host_config:
  awayd.test:
    modules:
      mod_admin_extra: {}
      mod_caps: {}
      mod_disco: {}
      mod_http_api: {}
      mod_roster: {}
      mod_version: {}
`

// Servers whose administrator left something out.
func TestExamineCrippledServers(t *testing.T) {
	for _, test := range []struct {
		name, kind, extra string
		topic             string
		severity          finding.Severity
		want              []string
	}{
		{"without pep", testbed.Prosody, `modules_disabled = { "pep" }`,
			"PEP", finding.Error, []string{"modules_enabled", "prosody.cfg.lua"}},
		{"without mod_pubsub", testbed.Ejabberd, fewModules,
			"PEP", finding.Error, []string{"mod_pubsub", "plugins: [flat, pep]", "ejabberd.yml"}},
		{"without the plugin pep", testbed.Ejabberd, fewModules + "      mod_pubsub: {plugins: [flat]}\n",
			"PEP", finding.Error, []string{"plugins: [flat, pep]"}},
		{"with a pinned access model", testbed.Ejabberd,
			fewModules + "      mod_pubsub: {plugins: [flat, pep], force_node_config: {\"urn:xmpp:ooo:*\": {access_model: presence}}}\n",
			"access models", finding.Warning, []string{"whitelist", "when the absence begins", "force_node_config"}},
	} {
		t.Run(test.kind+" "+test.name, func(t *testing.T) {
			t.Parallel()
			x := testbed.XMPPFor(t, test.kind, testbed.XMPPOptions{Extra: test.extra})
			p := x.PersonFor(t, "juliet")
			own := x.LoginFor(t, p, testbed.ContactOptions{Quiet: true})
			found, err := examine(t, linked(x, p, x.Addr), plan.Journal{})
			if err != nil {
				t.Fatal(err)
			}
			expectFinding(t, found, test.topic, test.severity, test.want...)
			bad := func(f finding.Finding) bool { return f.Severity == finding.Error }
			if n := slices.IndexFunc(found, bad); n >= 0 && found[n].Topic != test.topic {
				t.Errorf("%+v", found)
			}
			if strings.Contains(nodes(t, own), probePrefix) {
				t.Error("a node is left")
			}
		})
	}
}

func TestExamineCertificatesAndPasswords(t *testing.T) {
	day := 24 * time.Hour
	for _, test := range []struct {
		left     time.Duration
		severity finding.Severity
		want     string
	}{
		{9*day + time.Hour, finding.Warning, "expires in 9 days"},
		{30*day + time.Hour, finding.OK, "expires in 30 days"},
		{-day, finding.Error, "renew"},
	} {
		t.Run(fmt.Sprint(test.left), func(t *testing.T) {
			t.Parallel()
			x := testbed.XMPPFor(t, testbed.Prosody, testbed.XMPPOptions{Expires: time.Now().Add(test.left)})
			p := x.PersonFor(t, "juliet")
			found, err := examine(t, linked(x, p, x.TLSAddr), plan.Journal{})
			if (err != nil) != (test.severity == finding.Error) {
				t.Error(err)
			}
			expectFinding(t, found, "certificate", test.severity, test.want)
			p.Password = "wrong"
			found, err = examine(t, linked(x, p, x.TLSAddr), plan.Journal{})
			if err == nil {
				t.Error("a wrong password is examined")
			}
			if test.severity != finding.Error {
				expectFinding(t, found, "login", finding.Error, "refused the password", "check the password")
			}
		})
	}
}

func TestExamineUnreachable(t *testing.T) {
	acct := account.Account{JID: "juliet@awayd.test", Login: account.Login{Address: "127.0.0.1:1"}}
	found, err := examine(t, acct, plan.Journal{})
	if err == nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	expectFinding(t, found, "address", finding.Error, "127.0.0.1:1", "reached from here")
	acct.Login.Address = "nonsense"
	found, _ = examine(t, acct, plan.Journal{})
	expectFinding(t, found, "address", finding.Error, "HOST:PORT")
}
