package engine

import (
	"encoding/json"
	"testing"
	"time"

	"awayd/sync/absence"
	"awayd/sync/account"
)

// An object that no longer reads stays what it was, in the state too: with its
// zones, its blocks of availability and every instance.
func TestUnreadableObjectStaysWhatItWas(t *testing.T) {
	zone := absence.Zone{}
	was := absence.Object{
		Href: "a", ETag: "1",
		Events:       []absence.Event{{UID: "u", Start: absence.DateTime{Wall: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), Date: true}}},
		Zones:        []absence.Zone{zone},
		Availability: []absence.Availability{{}},
		Errors:       []absence.ObjectError{{UID: "u", Reason: "earlier", Instance: &absence.DateTime{}}, {Reason: "outdated"}},
	}
	broken := absence.Object{Href: "a", ETag: "2", Errors: []absence.ObjectError{{UID: "u", Line: 7, Reason: "broken", Instance: &absence.DateTime{}}}}
	cached := map[string]account.CachedObject{"a": {Object: was}}

	p, hold := believe(cached, absence.Delta{Changed: []absence.Object{broken}}, false)
	if hold == "" || len(p.Changed) != 1 {
		t.Fatalf("not held: %+v", p)
	}
	got := p.Changed[0]
	if got.ETag != "2" || len(got.Events) != 1 || len(got.Zones) != 1 || len(got.Availability) != 1 {
		t.Errorf("kept only %+v", got)
	}
	if len(got.Errors) != 2 || got.Errors[0].Reason != "earlier" || got.Errors[1].Reason != "broken" || got.Errors[1].Instance != nil {
		text, _ := json.Marshal(got.Errors)
		t.Errorf("errors: %s", text)
	}

	// What was never read has nothing to keep, and what is accepted is believed.
	if p, hold := believe(nil, absence.Delta{Changed: []absence.Object{broken}}, false); hold != "" || len(p.Changed[0].Events) != 0 {
		t.Errorf("held without anything to hold: %+v", p)
	}
	if p, hold := believe(cached, absence.Delta{Changed: []absence.Object{broken}}, true); hold != "" || len(p.Changed[0].Events) != 0 {
		t.Errorf("accepted, but not believed: %+v", p)
	}
}

// What is missing stays held while the server does not list the calendar.
func TestMissingIsHeldWithoutListing(t *testing.T) {
	cached := map[string]account.CachedObject{"a": {Missing: true}, "b": {}}
	p, hold := believe(cached, absence.Delta{}, false)
	if hold == "" || len(p.Missing) != 1 || p.Missing[0] != "a" || len(p.Removed) != 0 {
		t.Errorf("%+v, %q", p, hold)
	}
	if p, hold := believe(cached, absence.Delta{Removed: []string{"a"}}, false); hold != "" || len(p.Missing) != 0 {
		t.Errorf("named as removed: %+v, %q", p, hold)
	}
}
