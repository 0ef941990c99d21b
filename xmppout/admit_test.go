package xmppout

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"testing"

	"mellium.im/xmpp/jid"

	"awayd/sync/plan"
)

// askerFunc is an [asker] made of a function.
type askerFunc func(q query, answer any) error

func (f askerFunc) ask(_ context.Context, q query, answer any) error { return f(q, answer) }

// However many are in a group, no request grows with them: servers cut off who
// sends much at once, and do nothing else while they work through it.
func TestAdmitsAFewAtATime(t *testing.T) {
	const many = 3000
	var contacts []string
	for i := range many {
		contacts = append(contacts, fmt.Sprintf("colleague.number%05d@example.org", i))
	}
	got := map[string]string{}
	n := node{name: nodeName, asker: askerFunc(func(q query, _ any) error {
		b, err := xml.Marshal(q.Payload)
		if err != nil || len(b) > 4<<10 {
			t.Fatalf("a request of %d bytes, %v", len(b), err)
		}
		for _, a := range q.Payload.(pubsub).Affiliations.Entries {
			got[a.JID] += a.Affiliation
		}
		return nil
	})}
	if err := n.Admit(t.Context(), contacts); err != nil {
		t.Fatal(err)
	}
	for _, j := range contacts {
		if got[j] != "member" {
			t.Fatalf("%s is made %q", j, got[j])
		}
	}
}

// A node can have as many members as a roster has contacts.
func TestManyMembersAreRead(t *testing.T) {
	var q query
	n := node{name: nodeName, owner: jid.MustParse("juliet@example.org"), asker: askerFunc(func(asked query, answer any) error {
		q = asked
		return nil
	})}
	if _, err := n.Members(t.Context()); err != nil || !q.Large {
		t.Errorf("asked with %+v, %v", q, err)
	}
	var b strings.Builder
	b.WriteString("<iq type='result'><pubsub xmlns='" + nsPubSubOwner + "'><affiliations node='x'>")
	for i := range maxContacts {
		fmt.Fprintf(&b, "<affiliation jid='colleague%d@example.org' affiliation='member'/>", i)
	}
	b.WriteString("</affiliations></pubsub></iq>")
	if b.Len() > maxLarge {
		t.Errorf("%d bytes", b.Len())
	}
	var answer pubsub
	if err := readAnswer(bound(xml.NewDecoder(strings.NewReader(b.String())), maxTokensLarge), &answer); err != nil || len(answer.Affiliations.Entries) != maxContacts {
		t.Errorf("read with %v", err)
	}
}

// Once contacts are told, the session's requests may wait; after what nobody sees,
// and after what failed, they may not.
func TestYieldsOnceContactsAreTold(t *testing.T) {
	failing := errors.New("no")
	for _, c := range []struct {
		item  string
		err   error
		yield bool
	}{{plan.ItemArchive, nil, false}, {plan.ItemCurrent, failing, false}, {plan.ItemCurrent, nil, true}} {
		yielded := false
		n := node{name: nodeName, yield: func() { yielded = true }, asker: askerFunc(func(query, any) error { return c.err })}
		if err := n.Publish(t.Context(), c.item, plan.Payload{}, plan.Presence); !errors.Is(err, c.err) || yielded != c.yield {
			t.Errorf("publish of %s: %v, yielded: %t", c.item, err, yielded)
		}
	}
}
