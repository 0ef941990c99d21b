package xmppout

import (
	"errors"
	"strings"
	"testing"
	"time"

	"awayd/cmd/testbed"
	"awayd/sync/plan"
	"awayd/xmppout/pep"
)

// A vacation on a real server: juliet has no other client online, and romeo
// subscribes to the node explicitly as soon as he sees it, which some servers
// remember even after the node was hidden.
func TestVacation(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		v := newVacation(t, x)
		now := time.Now()
		first := plan.NewPayload(now.Add(-time.Second), now.Add(time.Hour), "Gone fishing & <so> on")
		longer := plan.NewPayload(now.Add(-time.Second), now.Add(2*time.Hour), "Gone fishing for longer")
		second := plan.NewPayload(now.Add(24*time.Hour), now.Add(48*time.Hour), "Next year in Verona")

		v.do(plan.Action{Kind: plan.Stage, Payload: first})
		v.refused("before the start")
		v.holds(plan.ItemArchive, first, plan.Whitelist)
		for _, r := range v.romeo.Received() {
			if strings.HasPrefix(r.From, v.juliet) && (r.Event != nil || r.Type == "" && r.Name == "presence") {
				t.Errorf("before the start romeo was sent %s", r.Raw)
			}
		}

		v.do(plan.Action{Kind: plan.Reveal, Payload: first})
		v.told(first)
		v.holds(plan.ItemCurrent, first, plan.Presence)
		v.wait("presence", func(r testbed.Received) bool {
			return r.Name == "presence" && r.Show == "xa" && r.Status == first.Message
		})
		if err := v.romeo.Subscribe(t.Context(), v.juliet, nodeName); err != nil {
			t.Error(err)
		}

		v.do(plan.Action{Kind: plan.Amend, Payload: longer})
		v.told(longer)
		v.holds(plan.ItemCurrent, longer, plan.Presence)

		closing := longer
		closing.End = time.Now().UTC().Truncate(time.Second)
		v.do(plan.Action{Kind: plan.Withdraw, Payload: closing})
		v.wait("the end", func(r testbed.Received) bool {
			i, ok := r.Item(plan.ItemCurrent)
			return ok && i.End == writeTime(closing.End)
		})
		if x.Kind == testbed.Prosody { // ejabberd tells of retractions since 24.12
			v.wait("retraction", func(r testbed.Received) bool { return r.Retracts(plan.ItemCurrent) })
		}
		v.wait("unavailable", func(r testbed.Received) bool { return r.Name == "presence" && r.Type == "unavailable" })
		v.refused("after the end")

		v.do(plan.Action{Kind: plan.Stage, Payload: second})
		v.refused("while the next one is staged")
		revealed := time.Now()
		v.do(plan.Action{Kind: plan.Reveal, Payload: second})
		if r := v.told(second); r.At.Before(revealed) {
			t.Errorf("romeo was told %v too early: %s", revealed.Sub(r.At), r.Raw)
		}
	})
}

// What was cut short is done again: every action twice, and a withdrawal of
// what is already gone.
func TestActionsAgain(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		v := newVacation(t, x)
		p := plan.NewPayload(time.Now(), time.Now().Add(time.Hour), "Away")
		for _, a := range []plan.Action{
			{Kind: plan.Unstage}, {Kind: plan.Stage, Payload: p}, {Kind: plan.Unstage},
			{Kind: plan.Stage, Payload: p}, {Kind: plan.Stage, Payload: p, Fresh: true},
			{Kind: plan.Reveal, Payload: p}, {Kind: plan.Amend, Payload: p},
			{Kind: plan.Withdraw, Payload: p}, {Kind: plan.Withdraw, Quiet: true},
			{Kind: plan.Reveal, Payload: p}, {Kind: plan.Reveal, Payload: p, Fresh: true},
			{Kind: plan.Withdraw, Quiet: true},
		} {
			v.do(a)
			v.do(a)
		}
		v.refused("at last")
		if o := v.look(); o.Exists {
			t.Errorf("the node is still there: %+v", o)
		}
	})
}

// The person's own client made the node visible: nothing is staged on it, and
// the ledger learns that contacts were let in.
func TestStageOnVisibleNode(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		v := newVacation(t, x)
		p := plan.NewPayload(time.Now().Add(time.Hour), time.Now().Add(2*time.Hour), "Not yet")
		v.do(plan.Action{Kind: plan.Stage, Payload: p})
		if err := v.session.node.Configure(t.Context(), plan.Presence); err != nil {
			t.Fatal(err)
		}
		err := v.session.Do(t.Context(), plan.Action{Kind: plan.Stage, Payload: p}, v.ledger)
		if _, ok := errors.AsType[pep.ChangedError](err); !ok {
			t.Errorf("error is %v, want one that says to look again", err)
		}
		// The guard itself, should the node be opened after the look.
		err = v.session.node.Publish(t.Context(), plan.ItemArchive, p, plan.Whitelist)
		wantErr(t, err, pep.ErrPreconditionNotMet)
		if got := v.ledger.calls[len(v.ledger.calls)-1]; got != "opening" {
			t.Errorf("last call of the ledger is %s", got)
		}
		o := v.look()
		if o.Access != plan.Presence || o.Hidden() {
			t.Errorf("looks like %+v", o)
		}
	})
}

func TestLook(t *testing.T) {
	eachServer(t, func(t *testing.T, x *testbed.XMPP) {
		v := newVacation(t, x)
		other := x.LoginFor(t, v.person, testbed.ContactOptions{Quiet: true})
		payload := "<mine xmlns='urn:example'><deep/></mine>"
		if err := other.Publish(t.Context(), nodeName, "my own", payload, map[string]string{fieldAccess: "whitelist"}); err != nil {
			t.Fatal(err)
		}
		o := v.look()
		if !o.Exists || o.Access != plan.Whitelist || o.Guests || len(o.Items) != 1 || !o.Items[0].Odd || o.Items[0].ID != "my own" {
			t.Errorf("the person's own item looks like %+v", o)
		}
		const grant = "<pubsub xmlns='" + nsPubSubOwner + "'><affiliations node='" + nodeName + "'><affiliation jid='%s' affiliation='%s'/></affiliations></pubsub>"
		for affiliation, guests := range map[string]bool{"outcast": false, "member": true} {
			body := strings.NewReplacer("'%s'/", "'"+affiliation+"'/", "%s", v.romeo.Bare()).Replace(grant)
			if _, err := other.IQ(t.Context(), "set", "", body); err != nil {
				t.Fatal(err)
			}
			if o := v.look(); o.Guests != guests || o.Hidden() == guests {
				t.Errorf("with an affiliation %s it looks like %+v", affiliation, o)
			}
		}
	})
}

// A vacation is juliet, awayd's session of hers, and romeo, who watches.
type vacation struct {
	t       *testing.T
	person  testbed.Person
	juliet  string
	session *Session
	romeo   *testbed.Contact
	ledger  *ledger
}

func newVacation(t *testing.T, x *testbed.XMPP) *vacation {
	t.Helper()
	juliet := x.PersonFor(t, "juliet")
	romeo := x.LoginFor(t, x.PersonFor(t, "romeo"), testbed.ContactOptions{})
	client, err := x.Login(t.Context(), juliet, testbed.ContactOptions{Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := testbed.Befriend(t.Context(), client, romeo); err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	romeo.Forget()
	return &vacation{t: t, person: juliet, juliet: juliet.JID, session: dial(t, x, juliet), romeo: romeo, ledger: &ledger{}}
}

func (v *vacation) do(a plan.Action) {
	v.t.Helper()
	start := time.Now()
	if err := v.session.Do(v.t.Context(), a, v.ledger); err != nil {
		v.t.Fatalf("%s: %v", a.Kind, err)
	}
	v.t.Logf("%s took %v", a.Kind, time.Since(start).Round(time.Millisecond))
}

func (v *vacation) look() plan.Observed {
	v.t.Helper()
	o, err := v.session.Look(v.t.Context())
	if err != nil {
		v.t.Fatal(err)
	}
	return o
}

func (v *vacation) holds(id string, p plan.Payload, m plan.AccessModel) {
	v.t.Helper()
	o := v.look()
	if !o.Exists || o.Access != m || o.Guests || len(o.Items) != 1 || o.Items[0].ID != id || o.Items[0].Odd || !o.Items[0].Payload.Equal(p) {
		v.t.Errorf("node holds %+v, want %s %+v under %s", o, id, p, m)
	}
}

func (v *vacation) wait(what string, match func(testbed.Received) bool) testbed.Received {
	v.t.Helper()
	r, err := v.romeo.Wait(v.t.Context(), func(r testbed.Received) bool {
		return strings.HasPrefix(r.From, v.juliet) && match(r)
	})
	if err != nil {
		v.t.Fatalf("romeo is not told %s: %v", what, err)
	}
	return r
}

// told waits until romeo is told p, and returns the first time he was.
func (v *vacation) told(p plan.Payload) testbed.Received {
	v.t.Helper()
	return v.wait(p.Message, func(r testbed.Received) bool {
		for _, id := range []string{plan.ItemCurrent, plan.ItemArchive} {
			i, ok := r.Item(id)
			if ok && i.Message == p.Message && i.Start == writeTime(p.Start) && i.End == writeTime(p.End) {
				return true
			}
		}
		return false
	})
}

func (v *vacation) refused(when string) {
	v.t.Helper()
	switch _, err := v.romeo.Fetch(v.t.Context(), v.juliet, nodeName); testbed.Condition(err) {
	case "forbidden", "not-allowed", "not-authorized", "item-not-found":
	default:
		v.t.Errorf("romeo's fetch %s is not refused: %v", when, err)
	}
}
