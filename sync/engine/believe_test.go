package engine

import (
	"encoding/json"
	"slices"
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

// Only what would be lost is kept as it was: an instance that never could be read
// holds back no edit of its series.
func TestOnlyWhatIsLostIsKept(t *testing.T) {
	day := func(d int) *absence.DateTime {
		return &absence.DateTime{Wall: time.Date(2026, 7, d, 0, 0, 0, 0, time.UTC), Date: true}
	}
	event := func(status string, id *absence.DateTime) absence.Event {
		return absence.Event{UID: "u", Start: *day(1), RecurrenceID: id, Status: status}
	}
	instance := func(d int) absence.ObjectError {
		return absence.ObjectError{UID: "u", Reason: "broken", Instance: day(d)}
	}
	onward := func(d int) absence.ObjectError { e := instance(d); e.Onward = true; return e }
	vague := absence.ObjectError{Reason: "broken"}
	was := absence.Object{
		Events: []absence.Event{event("", nil), event("", day(8))},
		Errors: []absence.ObjectError{instance(15)}, Availability: []absence.Availability{{UID: "v"}},
	}
	for name, c := range map[string]struct {
		events []absence.Event
		errs   []absence.ObjectError
		blocks []absence.Availability
		kept   bool
	}{
		"the series is cancelled beside what never could be read": {
			[]absence.Event{event("CANCELLED", nil), event("", day(8))}, []absence.ObjectError{instance(15)}, was.Availability, false},
		"an instance is taken back beside it": {
			[]absence.Event{event("CANCELLED", nil)}, []absence.ObjectError{instance(15)}, was.Availability, false},
		"something else cannot be read, and nothing is lost": {
			[]absence.Event{event("CANCELLED", nil), event("", day(8))}, []absence.ObjectError{instance(15), vague}, was.Availability, false},
		"the series cannot be read": {
			[]absence.Event{event("", day(8))}, []absence.ObjectError{instance(15), vague}, was.Availability, true},
		"an instance cannot be read": {
			[]absence.Event{event("", nil)}, []absence.ObjectError{instance(15), instance(8)}, was.Availability, true},
		"another instance cannot be read": {
			[]absence.Event{event("", nil), event("", day(8))}, []absence.ObjectError{instance(15), instance(22)}, was.Availability, true},
		"what could not be read reaches further": {
			[]absence.Event{event("", nil), event("", day(8))}, []absence.ObjectError{onward(15)}, was.Availability, true},
		"a block cannot be read": {
			[]absence.Event{event("", nil), event("", day(8))}, []absence.ObjectError{instance(15), vague}, nil, true},
		"a block is taken back": {
			[]absence.Event{event("", nil), event("", day(8))}, []absence.ObjectError{instance(15)}, nil, false},
		"nothing can be read": {nil, []absence.ObjectError{vague}, nil, true},
		"all can be read":     {[]absence.Event{event("", nil)}, nil, nil, false},
	} {
		o := absence.Object{Href: "a", Events: c.events, Errors: c.errs, Availability: c.blocks}
		p, hold := believe(map[string]account.CachedObject{"a": {Object: was}}, absence.Delta{Changed: []absence.Object{o}}, false)
		if kept := len(p.Changed[0].Events) == 2 && p.Changed[0].Events[0].Status == "" && len(p.Changed[0].Availability) == 1; kept != c.kept || (hold != "") != c.kept {
			t.Errorf("%s: kept %t, %q", name, kept, hold)
		}
	}
}

// What is accepted is what the server has: without what it no longer lists, too.
func TestAcceptWithoutNews(t *testing.T) {
	was := absence.Object{Events: []absence.Event{{UID: "u"}, {UID: "x"}}}
	cached := map[string]account.CachedObject{"a": {Object: was}, "b": {Missing: true}, "c": {Object: was}}
	for href, o := range cached {
		o.Href = href
		cached[href] = o
	}
	half := absence.Object{Href: "a", ETag: "2", Events: []absence.Event{{UID: "x"}}, Errors: []absence.ObjectError{{UID: "u", Reason: "broken"}}}
	lost := half
	lost.Href = "c"
	p, hold := believe(cached, absence.Delta{Changed: []absence.Object{half, lost}}, false)
	if hold == "" || len(p.Missing) != 1 {
		t.Fatalf("%+v, %q", p, hold)
	}
	for _, o := range p.Changed {
		text, err := json.Marshal(o) // as the state does
		if err != nil {
			t.Fatal(err)
		}
		var read absence.Object
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		cached[o.Href] = account.CachedObject{Object: read, Missing: o.Href == "c"}
	}
	p, hold = believe(cached, absence.Delta{Unchanged: true}, true)
	slices.Sort(p.Removed)
	if hold != "" || !slices.Equal(p.Removed, []string{"b", "c"}) || len(p.Missing) > 0 {
		t.Errorf("%+v, %q", p, hold)
	}
	if len(p.Changed) != 1 || p.Changed[0].Href != "a" || p.Changed[0].ETag != "2" || len(p.Changed[0].Events) != 1 || len(p.Changed[0].Errors) != 1 {
		t.Errorf("%+v", p.Changed)
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
