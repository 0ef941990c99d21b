package main

import (
	"strings"
	"testing"
	"time"

	"awayd/cmd/testbed"
)

// A scene is a household whose person has another client, and a contact.
type scene struct {
	*household
	other *testbed.Contact // the person's other client; sends no presence
	romeo *testbed.Contact
}

// own is what the person publishes themselves.
const own = "in my own words"

func newScene(t *testing.T, x *testbed.XMPP) *scene {
	s := &scene{household: newHouseholdOn(t, x)}
	s.other = x.LoginFor(t, s.ada, testbed.ContactOptions{Quiet: true})
	s.romeo = x.LoginFor(t, x.PersonFor(t, "romeo"), testbed.ContactOptions{})
	if err := testbed.Befriend(t.Context(), s.other, s.romeo); err != nil {
		t.Fatal(err)
	}
	s.daemon()
	s.put("far", "Far ahead", 2000*time.Hour, 2100*time.Hour)
	if r := s.link(); r.code != exitOK {
		t.Fatal(r)
	}
	return s
}

// absent puts an absence [from, to) into the calendar, rounded to seconds, and
// returns when it begins and ends.
func (s *scene) absent(from, to time.Duration) (start, end time.Time) {
	s.t.Helper()
	n := now()
	start, end = n.Add(from).Truncate(time.Second), n.Add(to).Truncate(time.Second)
	s.put("trip", "Trip", start.Sub(n), end.Sub(n))
	s.must("sync")
	return start, end
}

func (s *scene) sleepUntil(t time.Time) {
	s.t.Helper()
	if err := pause(s.t.Context(), time.Until(t)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// publish is the person publishing something of their own, for contacts to see.
func (s *scene) publish() {
	s.t.Helper()
	s.ok(s.other.Configure(s.t.Context(), testbed.NodeOOO, map[string]string{"pubsub#access_model": "presence"}))
	s.ok(s.other.Publish(s.t.Context(), testbed.NodeOOO, "current", testbed.OOO(now(), now().Add(time.Hour), own), nil))
}

// read is what the contact can fetch: messages, or why not.
func (s *scene) read() string {
	items, err := s.romeo.Fetch(s.t.Context(), s.ada.JID, testbed.NodeOOO)
	if err != nil {
		if testbed.Condition(err) == "" {
			s.t.Fatal(err)
		}
		return ""
	}
	var messages []string
	for _, i := range items {
		messages = append(messages, i.Message)
	}
	return strings.Join(messages, "; ")
}

func (s *scene) logs(kind string) bool { return s.must("log", "--json", "--kind", kind) != "" }

// What the person does on the node wins, up to the very instant of a flip; and
// what is awayd's own never stays behind.
func TestThePersonWins(t *testing.T) {
	stories := map[string]func(*testing.T, *scene){
		"their own message just before a start": func(t *testing.T, s *scene) {
			start, _ := s.absent(6*time.Second, time.Hour)
			s.sleepUntil(start.Add(-2 * time.Second))
			s.publish()
			s.sleepUntil(start.Add(2 * time.Second))
			if got := s.read(); got != own || !s.logs("override") || s.status().Mode != "overridden" {
				t.Errorf("contacts read %q", got)
			}
			expectError(t, s.run("withdraw", s.ada.JID), exitFailed, "another client", "take it off there")
			if got := s.read(); got != own {
				t.Errorf("contacts read %q", got)
			}
		},
		"their own message just before an end": func(t *testing.T, s *scene) {
			_, end := s.absent(-time.Hour, 6*time.Second)
			s.sleepUntil(end.Add(-2 * time.Second))
			s.publish()
			s.sleepUntil(end.Add(2 * time.Second))
			if got := s.read(); got != own {
				t.Errorf("contacts read %q", got)
			}
		},
		"the staged message removed just before a start": func(t *testing.T, s *scene) {
			start, _ := s.absent(6*time.Second, time.Hour)
			s.sleepUntil(start.Add(-2 * time.Second))
			s.ok(s.other.Retract(t.Context(), testbed.NodeOOO, "archive", true))
			s.sleepUntil(start.Add(2 * time.Second))
			if got := s.read(); got != "" || !s.logs("override") {
				t.Errorf("contacts read %q", got)
			}
		},
		"the live message removed": func(t *testing.T, s *scene) {
			s.absent(-time.Hour, time.Hour)
			if s.read() == "" {
				t.Fatal("nothing was revealed")
			}
			s.ok(s.other.Retract(t.Context(), testbed.NodeOOO, "current", true))
			s.must("sync")
			s.put("more", "An adjacent absence", time.Hour, 2*time.Hour)
			s.must("sync")
			if got := s.read(); got != "" || !s.logs("override") {
				t.Errorf("contacts read %q", got)
			}
		},
		"the staged message made visible": func(t *testing.T, s *scene) {
			s.absent(time.Hour, 2*time.Hour)
			s.ok(s.other.Configure(t.Context(), testbed.NodeOOO, map[string]string{"pubsub#access_model": "presence"}))
			s.must("sync")
			if got := s.read(); got != "" || s.status().Staged == nil {
				t.Errorf("contacts read %q", got)
			}
		},
		"the node given to others while live": func(t *testing.T, s *scene) {
			_, end := s.absent(-time.Hour, 6*time.Second)
			fields := map[string]string{"pubsub#access_model": "open"}
			if s.xmpp.Kind == testbed.Ejabberd { // which then hides it from its owner too
				_, err := s.other.IQ(t.Context(), "set", "", "<query xmlns='jabber:iq:roster'><item jid='"+s.romeo.Bare()+"'><group>friends</group></item></query>")
				s.ok(err)
				fields = map[string]string{"pubsub#access_model": "roster", "pubsub#roster_groups_allowed": "friends"}
			}
			s.ok(s.other.Configure(t.Context(), testbed.NodeOOO, fields))
			s.must("sync")
			if c, err := s.other.Configuration(t.Context(), testbed.NodeOOO); err != nil || c["pubsub#access_model"] != fields["pubsub#access_model"] {
				t.Errorf("awayd changed the access model to %q (%v)", c["pubsub#access_model"], err)
			}
			s.sleepUntil(end.Add(2 * time.Second))
			if got := s.read(); got != "" {
				t.Errorf("stale: contacts read %q", got)
			}
		},
	}
	for _, kind := range []string{testbed.Prosody, testbed.Ejabberd} {
		for name, story := range stories {
			t.Run(kind+": "+name, func(t *testing.T) {
				t.Parallel()
				story(t, newScene(t, bed.XMPPFor(t, kind)))
			})
		}
	}
}

// A server that crashes brings back what it had acknowledged to be deleted:
// ejabberd does so for what happened in its last moments.
func TestServerBringsAMessageBack(t *testing.T) {
	t.Parallel()
	x := testbed.XMPPFor(t, testbed.Ejabberd, testbed.XMPPOptions{})
	s := newScene(t, x)
	s.absent(-time.Hour, time.Hour)
	s.sleepUntil(now().Add(5 * time.Second)) // until the message is on the server's disk
	s.must("withdraw", s.ada.JID)
	s.ok(x.Kill())
	s.ok(x.Restart(t.Context()))
	s.other = x.LoginFor(t, s.ada, testbed.ContactOptions{Quiet: true})
	deadline := now().Add(20 * time.Second)
	for {
		s.sleepUntil(now().Add(500 * time.Millisecond))
		s.run("sync")
		items, err := s.other.Fetch(t.Context(), s.ada.JID, testbed.NodeOOO)
		c, _ := s.other.Configuration(t.Context(), testbed.NodeOOO)
		if (err == nil || testbed.Condition(err) == "item-not-found") && (len(items) == 0 || c["pubsub#access_model"] == "whitelist") {
			return
		}
		if now().After(deadline) {
			t.Fatalf("still on the node under %s: %+v %v\n%s", c["pubsub#access_model"], items, err, s.must("log"))
		}
	}
}
