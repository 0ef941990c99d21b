package testbed

import (
	"errors"
	"testing"
)

// TestAcquaint has people whose rosters were written see each other come online.
func TestAcquaint(t *testing.T) {
	x := bed.XMPPFor(t, Prosody)
	one, others := x.PersonFor(t, "one"), []Person{x.PersonFor(t, "other"), x.PersonFor(t, "other")}
	if err := x.Acquaint(one, others); err != nil {
		t.Fatal(err)
	}
	contact := x.LoginFor(t, one, ContactOptions{})
	for _, p := range others {
		other := x.LoginFor(t, p, ContactOptions{})
		for _, sees := range []struct {
			who  *Contact
			whom *Contact
		}{{contact, other}, {other, contact}} {
			if _, err := sees.who.Wait(t.Context(), func(r Received) bool {
				return r.Name == "presence" && r.From == sees.whom.JID && r.Type == ""
			}); err != nil {
				t.Error(err)
			}
		}
	}
	if err := bed.XMPPFor(t, Ejabberd).Acquaint(one, others); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("on ejabberd: %v", err)
	}
}
