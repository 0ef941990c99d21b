package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"awayd/cmd/proof/explore"
	"awayd/cmd/testbed"
	"awayd/sync/plan"
)

// probed are the servers whose model is proven, each with the facts that it is
// to have.
var probed = []struct {
	kind  string
	facts explore.Facts
}{{testbed.Prosody, explore.Prosody012}, {testbed.Ejabberd, explore.Ejabberd2301}}

func probes(ctx context.Context) (table, error) {
	t := table{
		intro: "Small experiments, each made with the model of a server and with the real one. Were a model kinder than its server, the exploration below would prove nothing; so both must answer alike, word for word.",
		head:  []string{"probe"},
	}
	bed, err := testbed.New()
	if err != nil {
		return t, err
	}
	defer bed.Close()
	list := explore.Probes()
	t.rows = make([][]string, len(list))
	for i, p := range list {
		t.rows[i] = []string{p.Name}
	}
	differ := 0
	for _, s := range probed {
		t.head = append(t.head, s.facts.Name)
		x, err := bed.XMPP(ctx, s.kind)
		if err != nil {
			return t, err
		}
		results, err := probeAll(ctx, x, s.facts, list)
		if err != nil {
			return t, err
		}
		for i, r := range results {
			if !slices.Equal(r.real, r.model) {
				differ++
			}
			t.rows[i] = append(t.rows[i], r.String())
		}
	}
	if differ > 0 {
		return t, fmt.Errorf("%d models are not like their servers", differ)
	}
	return t, nil
}

// A comparison is what one probe brought on a server and on its model.
type comparison struct{ real, model []string }

// String tells the outcome, and where both differ.
func (c comparison) String() string {
	if slices.Equal(c.real, c.model) {
		return strings.Join(c.real, "<br>")
	}
	return "**differs**: " + strings.Join(c.real, "<br>") + "<br>**the model**: " + strings.Join(c.model, "<br>")
}

// probesAtOnce is how many probes run at once; most of their time they wait.
const probesAtOnce = 6

func probeAll(ctx context.Context, x *testbed.XMPP, f explore.Facts, list []explore.Probe) ([]comparison, error) {
	results := make([]comparison, len(list))
	var creating sync.Mutex
	err := sideBySide(ctx, len(list), probesAtOnce, func(ctx context.Context, i int) error {
		results[i].model = list[i].Run(explore.NewModelBench(f))
		for range attempts {
			var err error
			if results[i].real, err = probe(ctx, x, &creating, list[i]); err != nil {
				return fmt.Errorf("probe %q on %s: %w", list[i].Name, x.Kind, err)
			}
			if slices.Equal(results[i].real, results[i].model) {
				return nil
			}
		}
		return nil
	})
	return results, err
}

// attempts is how often a probe is made that a server answers otherwise than its
// model: one that is busy tells contacts late.
const attempts = 3

// probe makes a probe on a real server, with people of its own.
func probe(ctx context.Context, x *testbed.XMPP, creating *sync.Mutex, p explore.Probe) ([]string, error) {
	b := newRealBench(ctx, x)
	b.creating = creating
	defer b.close()
	if b.err != nil {
		return nil, b.err
	}
	lines := p.Run(b)
	return lines, b.err
}

// A realBench is a person and three contacts on a real server.
type realBench struct {
	ctx      context.Context
	x        *testbed.XMPP
	owner    *testbed.Contact
	people   map[explore.Who]testbed.Person
	contacts map[explore.Who]*testbed.Contact
	// creating is held while a node may be made: ejabberd 23.01 answers
	// item-not-found to some of many people who make theirs at one moment.
	creating *sync.Mutex
	err      error // the first that says nothing about the server
}

var _ explore.Bench = (*realBench)(nil)

func newRealBench(ctx context.Context, x *testbed.XMPP) *realBench {
	b := &realBench{ctx: ctx, x: x, people: map[explore.Who]testbed.Person{}, contacts: map[explore.Who]*testbed.Contact{}}
	b.err = b.gather()
	return b
}

// gather logs everybody in and makes them know each other.
func (b *realBench) gather() error {
	juliet, err := b.x.Person(b.ctx, "juliet")
	if err != nil {
		return err
	}
	if b.owner, err = b.x.Login(b.ctx, juliet, testbed.ContactOptions{Quiet: true}); err != nil {
		return err
	}
	for who, name := range map[explore.Who]string{explore.Romeo: "romeo", explore.Benvolio: "benvolio", explore.Tybalt: "tybalt"} {
		if b.people[who], err = b.x.Person(b.ctx, name); err != nil {
			return err
		}
		c, err := b.x.Login(b.ctx, b.people[who], testbed.ContactOptions{})
		if err != nil {
			return err
		}
		b.contacts[who] = c
		if who == explore.Tybalt {
			continue
		}
		if err := testbed.Befriend(b.ctx, b.owner, c); err != nil {
			return err
		}
	}
	_, err = b.owner.IQ(b.ctx, "set", "", "<query xmlns='jabber:iq:roster'><item jid='"+b.people[explore.Romeo].JID+"'><group>"+groupName+"</group></item></query>")
	return err
}

const groupName = "Friends"

func (b *realBench) close() {
	for _, c := range b.contacts {
		_ = c.Close()
	}
	if b.owner != nil {
		_ = b.owner.Close()
	}
}

// outcome tells an answer in the words of the probes.
func (b *realBench) outcome(err error) string {
	if err == nil {
		return explore.OK
	}
	e, ok := errors.AsType[*testbed.StanzaError](err)
	switch {
	case !ok:
		if b.err == nil {
			b.err = err
		}
		return err.Error()
	case e.App == "precondition-not-met":
		return explore.Guarded
	case e.Condition == "item-not-found":
		return explore.Missing
	case e.Condition == "not-acceptable":
		return explore.Unknown
	case e.Condition == "forbidden", e.Condition == "not-allowed", e.Condition == "not-authorized":
		return explore.Refused
	}
	return e.Error()
}

// moment is what probes publish: its times are of no interest.
var moment = time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)

func (b *realBench) Publish(id, text string, guard plan.AccessModel) string {
	var options map[string]string
	if guard != "" {
		options = map[string]string{"pubsub#access_model": string(guard), "pubsub#persist_items": "1"}
	}
	b.creating.Lock()
	defer b.creating.Unlock()
	return b.outcome(b.owner.Publish(b.ctx, testbed.NodeOOO, id, testbed.OOO(moment, moment, text), options))
}

func (b *realBench) Retract(id string, notify bool) string {
	return b.outcome(b.owner.Retract(b.ctx, testbed.NodeOOO, id, notify))
}

func (b *realBench) Configure(a plan.AccessModel) string {
	fields := map[string]string{"pubsub#access_model": string(a)}
	if a == explore.Roster {
		fields["pubsub#roster_groups_allowed"] = groupName
	}
	return b.outcome(b.owner.Configure(b.ctx, testbed.NodeOOO, fields))
}

func (b *realBench) Delete() string {
	return b.outcome(b.owner.DeleteNode(b.ctx, testbed.NodeOOO))
}

func (b *realBench) Member() string {
	_, err := b.owner.IQ(b.ctx, "set", "", "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><affiliations node='"+testbed.NodeOOO+
		"'><affiliation jid='"+b.people[explore.Romeo].JID+"' affiliation='member'/></affiliations></pubsub>")
	return b.outcome(err)
}

func (b *realBench) Items() string { return b.listing(b.owner.Fetch(b.ctx, "", testbed.NodeOOO)) }

func (b *realBench) Fetch(c explore.Who) string {
	return b.listing(b.contacts[c].Fetch(b.ctx, b.owner.Bare(), testbed.NodeOOO))
}

func (b *realBench) listing(items []testbed.Item, err error) string {
	if err != nil {
		return b.outcome(err)
	}
	var list []plan.Item
	for _, i := range items {
		list = append(list, plan.Item{ID: i.ID, Payload: plan.Payload{Message: i.Message}})
	}
	return explore.Listing(list, nil)
}

func (b *realBench) Subscribe(c explore.Who) string {
	return b.outcome(b.contacts[c].Subscribe(b.ctx, b.owner.Bare(), testbed.NodeOOO))
}

func (b *realBench) Available(yes bool) {
	if !yes {
		b.note(b.owner.Send("<presence type='unavailable'/>"))
		return
	}
	b.note(b.owner.Available(b.ctx, ""))
	b.settle() // until the presence of the contacts has come
}

func (b *realBench) Offline(c explore.Who) {
	b.note(b.contacts[c].Close())
	b.settle()
}

func (b *realBench) Online(c explore.Who) {
	back, err := b.x.Login(b.ctx, b.people[c], testbed.ContactOptions{})
	if err != nil {
		b.note(err)
		return
	}
	b.contacts[c] = back
}

func (b *realBench) note(err error) {
	if b.err == nil {
		b.err = err
	}
}

// settleTime is longer than any of the servers takes to tell contacts, on a
// machine that is busy.
const settleTime = 700 * time.Millisecond

func (b *realBench) settle() {
	select {
	case <-time.After(settleTime):
	case <-b.ctx.Done():
	}
}

func (b *realBench) Heard(c explore.Who) string {
	b.settle()
	var words []string
	for _, r := range b.contacts[c].Received() {
		if r.Event == nil || r.Event.Node != testbed.NodeOOO {
			continue
		}
		for _, i := range r.Event.Items {
			words = append(words, fmt.Sprintf("%s %q", i.ID, i.Message))
		}
		for _, id := range r.Event.Retracted {
			words = append(words, "gone: "+id)
		}
		if r.Event.Deleted {
			words = append(words, "gone:")
		}
	}
	b.contacts[c].Forget()
	return explore.Several(words)
}
