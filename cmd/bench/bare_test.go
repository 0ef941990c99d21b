package main

import (
	"slices"
	"testing"
)

// TestScript sorts what awayd was seen to send.
func TestScript(t *testing.T) {
	s := script{
		`<iq type="get" id="1"><pubsub xmlns="http://jabber.org/protocol/pubsub#owner"><configure node="urn:xmpp:ooo:0"></configure></pubsub></iq>`,
		`<presence><show>xa</show></presence>`,
		`<iq type="set" id="2"><pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="urn:xmpp:ooo:0"><item id="current"></item></publish></pubsub></iq>`,
		`<iq type="set" id="3"><pubsub xmlns="http://jabber.org/protocol/pubsub"><retract node="urn:xmpp:ooo:0"><item id="archive"></item></retract></pubsub></iq>`,
	}
	if n := s.requests(); n != 3 {
		t.Errorf("%d requests", n)
	}
	if got := s.changes(); !slices.Equal(got, s[2:]) {
		t.Errorf("changes: %q", got)
	}
	if got, err := s.publishing("current"); err != nil || !slices.Equal(got, s[2:3]) {
		t.Errorf("publishing: %q, %v", got, err)
	}
	if _, err := s.publishing("archive"); err == nil {
		t.Error("a retraction was taken for a publish")
	}
}
