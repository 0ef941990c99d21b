package main

import (
	"strings"
	"testing"
	"time"

	"awayd/cmd/testbed"
)

// atWork is what a person shows with their phone.
const atWork = "<show>dnd</show><status>in a meeting</status><priority>5</priority>"

// A person who is online with a phone goes on being shown as the phone says,
// and goes on getting messages there; awayd stands beside it.
func TestPhoneKeepsItsPresence(t *testing.T) {
	for _, kind := range []string{testbed.Prosody, testbed.Ejabberd} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, bed.XMPPFor(t, kind))
			latecomer := s.xmpp.PersonFor(t, "mercutio")
			s.ok(testbed.Befriend(t.Context(), s.other, s.xmpp.LoginFor(t, latecomer, testbed.ContactOptions{Quiet: true})))
			phone := s.xmpp.LoginFor(t, s.ada, testbed.ContactOptions{Resource: "phone"})
			s.ok(phone.Available(t.Context(), atWork))
			if _, err := s.romeo.Wait(t.Context(), func(r testbed.Received) bool { return r.From == phone.JID && r.Show == "dnd" }); err != nil {
				t.Fatal(err)
			}
			s.romeo.Forget()

			start, end := s.absent(5*time.Second, 11*time.Second)
			s.reach(phone, "before")
			s.sleepUntil(start.Add(2 * time.Second))
			s.reach(phone, "during")
			s.seesBoth(s.xmpp.LoginFor(t, latecomer, testbed.ContactOptions{}), phone)
			s.sleepUntil(end.Add(2 * time.Second))
			s.reach(phone, "after")
			s.keptBeside(phone, start, end)
		})
	}
}

// reach sends the person a message, to no client in particular, which has to
// reach the phone.
func (s *scene) reach(phone *testbed.Contact, text string) {
	s.t.Helper()
	s.ok(s.romeo.Send("<message type='chat' to='" + s.ada.JID + "'><body>" + text + "</body></message>"))
	if _, err := phone.Wait(s.t.Context(), func(r testbed.Received) bool { return r.Body == text }); err != nil {
		s.t.Errorf("%s the vacation the phone was not reached: %v", text, err)
	}
}

// seesBoth demands that a contact who comes online in the vacation is shown the
// phone as it is, and awayd beside it.
func (s *scene) seesBoth(c, phone *testbed.Contact) {
	s.t.Helper()
	for _, is := range []func(testbed.Received) bool{
		func(r testbed.Received) bool { return r.From == phone.JID && saysAtWork(r) },
		func(r testbed.Received) bool { return r.From != phone.JID && s.saysAway(r) },
	} {
		if _, err := c.Wait(s.t.Context(), is); err != nil {
			s.t.Error(err)
		}
	}
}

// keptBeside demands that the contact saw nothing else of the phone, and of
// awayd only that the person is away, within the vacation.
func (s *scene) keptBeside(phone *testbed.Contact, start, end time.Time) {
	s.t.Helper()
	var away, gone bool
	for _, r := range s.romeo.Received() {
		switch {
		case r.Name != "presence" || !strings.HasPrefix(r.From, s.ada.JID):
		case r.From == phone.JID:
			if !saysAtWork(r) {
				s.t.Errorf("the phone was shown otherwise: %s", r.Raw)
			}
		case r.At.Before(start) || r.At.After(end.Add(2*time.Second)):
			s.t.Errorf("awayd was seen outside the vacation: %s", r.Raw)
		case r.Type == "unavailable":
			gone = true
		case s.saysAway(r):
			away, gone = away || r.Status != "", false
		default:
			s.t.Errorf("awayd was shown otherwise: %s", r.Raw)
		}
	}
	if !away || !gone {
		s.t.Errorf("awayd was shown as away: %t, and gone at the end: %t", away, gone)
	}
}

func saysAtWork(r testbed.Received) bool {
	return r.Name == "presence" && r.Type == "" && r.Show == "dnd" && r.Status == "in a meeting" && strings.Contains(r.Raw, "<priority>5</priority>")
}

// saysAway: a negative priority keeps messages to the bare JID away (RFC 6121
// §4.7.2.3).
func (s *scene) saysAway(r testbed.Received) bool {
	return r.Name == "presence" && strings.HasPrefix(r.From, s.ada.JID+"/") && r.Type == "" && r.Show == "xa" &&
		strings.Contains(r.Raw, "<priority>-1</priority>")
}
