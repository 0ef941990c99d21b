package absence

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestExpand(t *testing.T) {
	series := func(start, end, rule string, change ...func(*Event)) Event {
		e := Event{UID: "u", Start: at(start), End: ref(end)}
		if rule != "" {
			e.Rules = []Rule{recur(rule)}
		}
		for _, c := range change {
			c(&e)
		}
		return e
	}
	changed := func(id, start, end string) Event {
		return Event{UID: "u", RecurrenceID: ref(id), Start: at(start), End: ref(end)}
	}
	ex := func(list ...string) func(*Event) { return func(e *Event) { e.ExDates = ats(list...) } }
	rd := func(list ...string) func(*Event) { return func(e *Event) { e.RDates = ats(list...) } }
	onward := func(id, start, end string) Event {
		e := changed(id, start, end)
		e.Onward = true
		return e
	}
	lasts := func(d Duration) func(*Event) { return func(e *Event) { e.End, e.Duration = nil, &d } }
	const berlin, newYork = "Europe/Berlin", "America/New_York"

	for _, c := range []struct {
		name     string
		zone     string
		from, to string
		events   []Event
		want     []string
	}{
		{"all-day", berlin, "2025-07-01", "2025-08-01", []Event{series("20250707", "20250719", "")},
			[]string{"2025-07-07T00:00+02/2025-07-19T00:00+02"}},
		{"all-day without end", berlin, "2025-01-01", "2026-01-01", []Event{series("20250330", "", "")},
			[]string{"2025-03-30T00:00+01/2025-03-31T00:00+02"}},
		{"all-day that ends where it starts", berlin, "2025-01-01", "2026-01-01", []Event{series("20250707", "20250707", "")},
			[]string{"2025-07-07T00:00+02/2025-07-08T00:00+02"}},
		{"all-day, a week across summer time", berlin, "2025-01-01", "2026-01-01", []Event{series("20250327", "", "", lasts(Duration{Days: 7}))},
			[]string{"2025-03-27T00:00+01/2025-04-03T00:00+02"}},
		{"all-day in hours", berlin, "2025-01-01", "2026-01-01", []Event{series("20251026", "", "", lasts(Duration{Exact: 24 * time.Hour}))},
			[]string{"2025-10-26T00:00+02/2025-10-27T00:00+01"}},
		{"all-day that ends at a time", berlin, "2025-01-01", "2026-01-01", []Event{series("20250707", "20250708T120000", "")},
			[]string{"2025-07-07T00:00+02/2025-07-09T00:00+02"}},
		{"all-day without midnight", "America/Havana", "2025-03-01", "2025-03-12", []Event{series("20250308", "20250309", "FREQ=DAILY;COUNT=3")},
			[]string{"2025-03-08T00:00-05/2025-03-09T01:00-04", "2025-03-09T01:00-04/2025-03-10T00:00-04", "2025-03-10T00:00-04/2025-03-11T00:00-04"}},
		{"day that did not exist", "Pacific/Apia", "2011-12-28", "2012-01-02", []Event{series("20111229", "20111230", "FREQ=DAILY;COUNT=3")},
			[]string{"2011-12-29T00:00-10/2011-12-31T00:00+14", "2011-12-31T00:00+14/2012-01-01T00:00+14"}},

		{"nominal days, then hours", berlin, "2025-01-01", "2026-01-01", []Event{series(berlin+":20250329T120000", "", "", lasts(Duration{Days: 1, Exact: time.Hour}))},
			[]string{"2025-03-29T12:00+01/2025-03-30T13:00+02"}},
		{"exact hours", berlin, "2025-01-01", "2026-01-01", []Event{series(berlin+":20250329T120000", "", "", lasts(Duration{Exact: 25 * time.Hour}))},
			[]string{"2025-03-29T12:00+01/2025-03-30T14:00+02"}},
		{"no end", berlin, "2025-01-01", "2026-01-01", []Event{series(berlin+":20250707T120000", "", "")},
			[]string{"2025-07-07T12:00+02/2025-07-07T12:00+02"}},
		{"end in another zone", berlin, "2025-01-01", "2026-01-01", []Event{series(berlin+":20250707T120000", newYork+":20250707T150000", "")},
			[]string{"2025-07-07T12:00+02/2025-07-07T21:00+02"}},
		{"floating end", berlin, "2025-01-01", "2026-01-01", []Event{series(newYork+":20250707T120000", "20250707T130000", "")},
			[]string{"2025-07-07T18:00+02/2025-07-07T19:00+02"}},
		{"floating", newYork, "2025-01-01", "2026-01-01", []Event{series("20250707T120000", "20250707T130000", "")},
			[]string{"2025-07-07T12:00-04/2025-07-07T13:00-04"}},

		{"keeps its wall time", berlin, "2025-03-28", "2025-04-01", []Event{series(newYork+":20250227T220000", newYork+":20250227T230000", "FREQ=DAILY")},
			[]string{"2025-03-28T03:00+01/2025-03-28T04:00+01", "2025-03-29T03:00+01/2025-03-29T04:00+01", "2025-03-30T04:00+02/2025-03-30T05:00+02", "2025-03-31T04:00+02/2025-03-31T05:00+02"}},
		{"in a gap", berlin, "2025-03-29", "2025-04-01", []Event{series(berlin+":20250301T023000", berlin+":20250301T030000", "FREQ=DAILY")},
			[]string{"2025-03-29T02:30+01/2025-03-29T03:00+01", "2025-03-30T03:30+02/2025-03-30T04:00+02", "2025-03-31T02:30+02/2025-03-31T03:00+02"}},
		{"hourly across a gap", berlin, "2025-03-30T00:00", "2025-03-30T05:00", []Event{series(berlin+":20250330T000000", berlin+":20250330T001000", "FREQ=HOURLY")},
			[]string{"2025-03-30T00:00+01/2025-03-30T00:10+01", "2025-03-30T01:00+01/2025-03-30T01:10+01", "2025-03-30T03:00+02/2025-03-30T03:10+02", "2025-03-30T04:00+02/2025-03-30T04:10+02"}},

		{"only what overlaps", berlin, "2025-07-08T12:00", "2025-07-10", []Event{series("20250707", "20250708", "FREQ=DAILY")},
			[]string{"2025-07-08T00:00+02/2025-07-09T00:00+02", "2025-07-09T00:00+02/2025-07-10T00:00+02"}},
		{"long before the window", berlin, "2025-07-08", "2025-07-10", []Event{series("16010101", "16010102", "FREQ=DAILY;INTERVAL=2")},
			[]string{"2025-07-09T00:00+02/2025-07-10T00:00+02"}},
		{"a month long", berlin, "2025-07-31", "2025-08-02", []Event{series("20240701", "20240801", "FREQ=YEARLY")},
			[]string{"2025-07-01T00:00+02/2025-08-01T00:00+02"}},
		{"first instance outside of the rule", berlin, "2025-01-01", "2025-02-01", []Event{series("20250101", "20250102", "FREQ=WEEKLY;BYDAY=MO;COUNT=3")},
			[]string{"2025-01-01T00:00+01/2025-01-02T00:00+01", "2025-01-06T00:00+01/2025-01-07T00:00+01", "2025-01-13T00:00+01/2025-01-14T00:00+01"}},
		{"two rules", berlin, "2025-01-01", "2026-01-01", []Event{series("20250106", "20250107", "FREQ=WEEKLY;COUNT=2", func(e *Event) { e.Rules = append(e.Rules, recur("FREQ=DAILY;INTERVAL=7;COUNT=3")) })},
			[]string{"2025-01-06T00:00+01/2025-01-07T00:00+01", "2025-01-13T00:00+01/2025-01-14T00:00+01", "2025-01-20T00:00+01/2025-01-21T00:00+01"}},
		{"days with and without ordinal", berlin, "2025-01-01", "2025-02-01", []Event{series("20250102", "20250103", "FREQ=MONTHLY;BYDAY=TH,1FR")},
			[]string{"2025-01-02T00:00+01/2025-01-03T00:00+01", "2025-01-03T00:00+01/2025-01-04T00:00+01", "2025-01-09T00:00+01/2025-01-10T00:00+01", "2025-01-16T00:00+01/2025-01-17T00:00+01", "2025-01-23T00:00+01/2025-01-24T00:00+01", "2025-01-30T00:00+01/2025-01-31T00:00+01"}},
		{"times in a rule of dates", berlin, "2025-01-01", "2026-01-01", []Event{series("20250106", "20250107", "FREQ=DAILY;COUNT=2;BYHOUR=9,10")},
			[]string{"2025-01-06T00:00+01/2025-01-07T00:00+01", "2025-01-07T00:00+01/2025-01-08T00:00+01"}},

		{"UNTIL as a date beside a time", berlin, "2025-01-01", "2026-01-01", []Event{series(berlin+":20250106T220000", berlin+":20250106T230000", "FREQ=DAILY;UNTIL=20250107")},
			[]string{"2025-01-06T22:00+01/2025-01-06T23:00+01", "2025-01-07T22:00+01/2025-01-07T23:00+01"}},
		{"UNTIL as a date beside a date", newYork, "2025-01-01", "2026-01-01", []Event{series("20250106", "20250107", "FREQ=DAILY;UNTIL=20250107")},
			[]string{"2025-01-06T00:00-05/2025-01-07T00:00-05", "2025-01-07T00:00-05/2025-01-08T00:00-05"}},
		{"UNTIL at midnight UTC beside a date, west", newYork, "2025-01-01", "2026-01-01", []Event{series("20250106", "20250107", "FREQ=DAILY;UNTIL=20250107T000000Z")},
			[]string{"2025-01-06T00:00-05/2025-01-07T00:00-05", "2025-01-07T00:00-05/2025-01-08T00:00-05"}},
		{"UNTIL at local midnight in UTC beside a date, east", berlin, "2025-01-01", "2026-01-01", []Event{series("20250106", "20250107", "FREQ=DAILY;UNTIL=20250106T230000Z")},
			[]string{"2025-01-06T00:00+01/2025-01-07T00:00+01", "2025-01-07T00:00+01/2025-01-08T00:00+01"}},
		{"UNTIL at the local end of day in UTC beside a date, west", newYork, "2025-01-01", "2026-01-01", []Event{series("20250106", "20250107", "FREQ=DAILY;UNTIL=20250108T045959Z")},
			[]string{"2025-01-06T00:00-05/2025-01-07T00:00-05", "2025-01-07T00:00-05/2025-01-08T00:00-05"}},
		{"UNTIL at the local end of day in UTC beside a date, east", berlin, "2025-01-01", "2026-01-01", []Event{series("20250106", "20250107", "FREQ=DAILY;UNTIL=20250106T225959Z")},
			[]string{"2025-01-06T00:00+01/2025-01-07T00:00+01"}},
		{"UNTIL at the end of the day in UTC beside a date, east", berlin, "2025-01-01", "2026-01-01", []Event{series("20250107", "20250108", "FREQ=DAILY;UNTIL=20250107T235959Z")},
			[]string{"2025-01-07T00:00+01/2025-01-08T00:00+01"}},
		{"UNTIL at the end of the day in UTC beside a date, west", newYork, "2025-01-01", "2026-01-01", []Event{series("20250107", "20250108", "FREQ=DAILY;UNTIL=20250107T235959Z")},
			[]string{"2025-01-07T00:00-05/2025-01-08T00:00-05"}},
		{"UNTIL in local time", newYork, "2025-01-01", "2026-01-01", []Event{series(newYork+":20250106T220000", newYork+":20250106T230000", "FREQ=DAILY;UNTIL=20250107T220000")},
			[]string{"2025-01-06T22:00-05/2025-01-06T23:00-05", "2025-01-07T22:00-05/2025-01-07T23:00-05"}},
		{"UNTIL in UTC", newYork, "2025-01-01", "2026-01-01", []Event{series(newYork+":20250106T220000", newYork+":20250106T230000", "FREQ=DAILY;UNTIL=20250108T030000Z")},
			[]string{"2025-01-06T22:00-05/2025-01-06T23:00-05", "2025-01-07T22:00-05/2025-01-07T23:00-05"}},
		{"UNTIL before the start", berlin, "2025-01-01", "2026-01-01", []Event{series("20250106", "20250107", "FREQ=DAILY;UNTIL=20250101")},
			[]string{"2025-01-06T00:00+01/2025-01-07T00:00+01"}},

		{"EXDATE", berlin, "2025-01-01", "2026-01-01", []Event{series(berlin+":20250106T090000", berlin+":20250106T100000", "FREQ=DAILY;COUNT=6",
			ex("20250106T080000Z", berlin+":20250107T090000", "20250108T090000", "20250109", newYork+":20250110T030000"))},
			[]string{"2025-01-11T09:00+01/2025-01-11T10:00+01"}},
		{"EXDATE beside a date", berlin, "2025-01-01", "2026-01-01", []Event{series("20250106", "20250107", "FREQ=DAILY;COUNT=5",
			ex("20250106", "20250107T000000", "20250107T230000Z", "20250109T000000Z"))},
			[]string{"2025-01-10T00:00+01/2025-01-11T00:00+01"}},
		{"RDATE", berlin, "2025-01-01", "2026-01-01", []Event{series(berlin+":20250106T090000", berlin+":20250106T100000", "",
			rd("20250107T080000Z", "20250108", berlin+":20250109T120000", "20250107T090000"), ex(berlin+":20250109T120000"))},
			[]string{"2025-01-06T09:00+01/2025-01-06T10:00+01", "2025-01-07T09:00+01/2025-01-07T10:00+01", "2025-01-08T09:00+01/2025-01-08T10:00+01"}},
		{"RDATE beside a date", berlin, "2025-01-01", "2026-01-01", []Event{series("20250106", "20250107", "", rd("20250108", "20250109T230000Z"))},
			[]string{"2025-01-06T00:00+01/2025-01-07T00:00+01", "2025-01-08T00:00+01/2025-01-09T00:00+01", "2025-01-10T00:00+01/2025-01-11T00:00+01"}},

		{"moved instance", berlin, "2025-01-01", "2026-01-01", []Event{series("20250106", "20250107", "FREQ=WEEKLY;COUNT=2"), changed("20250113", "20250120", "20250122")},
			[]string{"2025-01-06T00:00+01/2025-01-07T00:00+01", "2025-01-20T00:00+01/2025-01-22T00:00+01"}},
		{"moved out of the window", berlin, "2025-01-01", "2025-02-01", []Event{series("20250106", "20250107", "FREQ=WEEKLY;COUNT=2"), changed("20250113", "20250220", "20250221")},
			[]string{"2025-01-06T00:00+01/2025-01-07T00:00+01"}},
		{"moved into the window", berlin, "2025-02-01", "2025-03-01", []Event{series("20250106", "20250107", "FREQ=WEEKLY;COUNT=2"), changed("20250113", "20250220", "20250221")},
			[]string{"2025-02-20T00:00+01/2025-02-21T00:00+01"}},
		{"moved, named in UTC", berlin, "2025-01-01", "2026-01-01", []Event{series(berlin+":20250106T090000", berlin+":20250106T100000", "FREQ=DAILY;COUNT=2"), changed("20250107T080000Z", "20250108T080000Z", "20250108T090000Z")},
			[]string{"2025-01-06T09:00+01/2025-01-06T10:00+01", "2025-01-08T09:00+01/2025-01-08T10:00+01"}},
		{"instance without its series", berlin, "2025-01-01", "2026-01-01", []Event{changed("20250113", "20250120", "20250121")},
			[]string{"2025-01-20T00:00+01/2025-01-21T00:00+01"}},
		{"instance changed twice", berlin, "2025-01-01", "2026-01-01", []Event{
			series("20250106", "20250107", "FREQ=WEEKLY;COUNT=2"),
			{UID: "u", RecurrenceID: ref("20250113"), Sequence: 2, Start: at("20250114")},
			{UID: "u", RecurrenceID: ref("20250113"), Sequence: 1, Start: at("20250115")}},
			[]string{"2025-01-06T00:00+01/2025-01-07T00:00+01", "2025-01-14T00:00+01/2025-01-15T00:00+01"}},
		{"outdated copy", berlin, "2025-01-01", "2026-01-01", []Event{
			{UID: "u", Sequence: 1, Start: at("20250114")},
			{UID: "u", Start: at("20250115")}},
			[]string{"2025-01-14T00:00+01/2025-01-15T00:00+01"}},
		{"this and future, moved by a day", berlin, "2025-01-01", "2026-01-01", []Event{series("20250106", "20250107", "FREQ=WEEKLY;COUNT=4", ex("20250127")), onward("20250113", "20250114", "20250116")},
			[]string{"2025-01-06T00:00+01/2025-01-07T00:00+01", "2025-01-14T00:00+01/2025-01-16T00:00+01", "2025-01-21T00:00+01/2025-01-23T00:00+01"}},
		{"this and future twice, and one of its own", berlin, "2025-01-01", "2026-01-01", []Event{series("20250106", "20250107", "FREQ=DAILY;COUNT=6"),
			onward("20250110", "20250210", "20250211"), onward("20250107", "20250607", "20250608"), changed("20250111", "20250901", "20250902")},
			[]string{"2025-01-06T00:00+01/2025-01-07T00:00+01", "2025-02-10T00:00+01/2025-02-11T00:00+01", "2025-06-07T00:00+02/2025-06-08T00:00+02", "2025-06-08T00:00+02/2025-06-09T00:00+02", "2025-06-09T00:00+02/2025-06-10T00:00+02", "2025-09-01T00:00+02/2025-09-02T00:00+02"}},
		{"this and future, from a time to days", berlin, "2025-01-01", "2026-01-01", []Event{series(berlin+":20250106T090000", berlin+":20250106T100000", "FREQ=DAILY;COUNT=3"), onward(berlin+":20250107T090000", "20250107", "20250108")},
			[]string{"2025-01-06T09:00+01/2025-01-06T10:00+01", "2025-01-07T00:00+01/2025-01-08T00:00+01", "2025-01-08T00:00+01/2025-01-09T00:00+01"}},
		{"this and future, from days to a time, named in UTC", berlin, "2025-01-01", "2026-01-01", []Event{series("20250106", "20250107", "FREQ=DAILY;COUNT=3"), onward("20250106T230000Z", berlin+":20250107T090000", berlin+":20250107T100000")},
			[]string{"2025-01-06T00:00+01/2025-01-07T00:00+01", "2025-01-07T09:00+01/2025-01-07T10:00+01", "2025-01-08T09:00+01/2025-01-08T10:00+01"}},
		{"this and future, to another zone", berlin, "2025-03-01", "2025-04-01", []Event{series(berlin+":20250306T090000", berlin+":20250306T100000", "FREQ=WEEKLY"), onward(berlin+":20250313T090000", newYork+":20250313T090000", newYork+":20250313T100000")},
			[]string{"2025-03-06T09:00+01/2025-03-06T10:00+01", "2025-03-13T14:00+01/2025-03-13T15:00+01", "2025-03-20T14:00+01/2025-03-20T15:00+01", "2025-03-27T14:00+01/2025-03-27T15:00+01"}},
		{"this and future, moved into the window from afar", berlin, "2026-01-05", "2026-01-07", []Event{series("20250106", "20250107", "FREQ=DAILY;COUNT=9"), onward("20250107", "20260102", "20260103")},
			[]string{"2026-01-05T00:00+01/2026-01-06T00:00+01", "2026-01-06T00:00+01/2026-01-07T00:00+01"}},
		{"EXRULE", berlin, "2025-01-01", "2026-01-01", []Event{series(berlin+":20250106T090000", berlin+":20250106T100000", "FREQ=DAILY;COUNT=5", func(e *Event) { e.ExRules = []Rule{recur("FREQ=DAILY;INTERVAL=2;COUNT=2")} })},
			[]string{"2025-01-07T09:00+01/2025-01-07T10:00+01", "2025-01-09T09:00+01/2025-01-09T10:00+01", "2025-01-10T09:00+01/2025-01-10T10:00+01"}},
		{"periods", berlin, "2025-01-01", "2026-01-01", []Event{series(berlin+":20250106T090000", berlin+":20250106T100000", "FREQ=DAILY;COUNT=3", ex("20250108"), func(e *Event) {
			e.RPeriods = []Span{{Start: at("20250107T080000Z"), Duration: &Duration{Days: 1}}, {Start: at("20250108T080000Z"), End: ref("20250108T220000Z")}, {Start: at("20250110T120000"), End: ref("20250110T130000")}}
		})},
			[]string{"2025-01-06T09:00+01/2025-01-06T10:00+01", "2025-01-07T09:00+01/2025-01-08T09:00+01", "2025-01-10T12:00+01/2025-01-10T13:00+01"}},
		{"other events of the object", berlin, "2025-01-01", "2026-01-01", []Event{
			series("20250106", "20250107", "FREQ=WEEKLY;COUNT=1"),
			{UID: "v", RecurrenceID: ref("20250106"), Start: at("20250108")}},
			[]string{"2025-01-06T00:00+01/2025-01-07T00:00+01", "2025-01-08T00:00+01/2025-01-09T00:00+01"}},
		{"empty window", berlin, "2025-01-06", "2025-01-06", []Event{series("20250106", "20250107", "FREQ=DAILY")}, nil},
		{"window before the start", berlin, "2024-01-06", "2024-02-06", []Event{series("20250106", "20250107", "FREQ=DAILY")}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			zone := in(c.zone)
			got, errs := Expand(Object{Events: c.events}, moment(t, c.from, zone), moment(t, c.to, zone), zone)
			if len(errs) > 0 {
				t.Errorf("errors: %v", errs)
			}
			if d := cmp.Diff(c.want, shown(got)); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// What became of a changed instance that cannot be read is not known, so what it
// was is not taken for it.
func TestExpandWithoutWhatCannotBeRead(t *testing.T) {
	master := Event{UID: "u", Start: at("20250106"), Rules: []Rule{recur("FREQ=DAILY;COUNT=4")}}
	for _, c := range []struct {
		lost ObjectError
		days string
	}{
		{ObjectError{UID: "u"}, "6 7 8 9"},
		{ObjectError{UID: "v", Instance: ref("20250107")}, "6 7 8 9"},
		{ObjectError{UID: "u", Instance: ref("20250107")}, "6 8 9"},
		{ObjectError{UID: "u", Instance: ref("20250107T000000")}, "6 8 9"},
		{ObjectError{UID: "u", Instance: ref("20250107"), Onward: true}, "6"},
		{ObjectError{UID: "u", Instance: &DateTime{}}, "6 7 8 9"},
	} {
		got, errs := Expand(Object{Events: []Event{master}, Errors: []ObjectError{c.lost}}, at("20250101").Wall, at("20260101").Wall, time.UTC)
		var days []string
		for _, o := range got {
			days = append(days, o.Start.Format("2"))
		}
		if len(errs) > 0 || strings.Join(days, " ") != c.days {
			t.Errorf("%+v: %v, %v", c.lost, days, errs)
		}
	}
	bad := Event{UID: "u", RecurrenceID: ref("20250107"), Onward: true, Start: at("20250107"), End: ref("20250101")}
	got, errs := Expand(Object{Events: []Event{master, bad}}, at("20250101").Wall, at("20260101").Wall, time.UTC)
	if len(got) != 1 || len(errs) != 1 {
		t.Errorf("an end before the start, and onward: %v, %v", shown(got), errs)
	}
}

func TestExpandZeroLengthAtTheEdge(t *testing.T) {
	from, to := at("20250707T090000Z").Wall, at("20250707T100000Z").Wall
	for start, want := range map[string]int{"20250707T085959Z": 0, "20250707T090000Z": 1, "20250707T095959Z": 1, "20250707T100000Z": 0} {
		got, _ := Expand(Object{Events: []Event{{Start: at(start)}}}, from, to, time.UTC)
		if len(got) != want {
			t.Errorf("%s: %d occurrences, want %d", start, len(got), want)
		}
	}
}

func TestExpandErrors(t *testing.T) {
	good := Event{UID: "good", Start: at("20250707")}
	for _, c := range []struct {
		name  string
		event Event
		want  string
	}{
		{"no start", Event{}, "DTSTART"},
		{"ends before it starts", Event{Start: at("20250707T090000Z"), End: ref("20250707T080000Z")}, "before it starts"},
		{"ends on an earlier day", Event{Start: at("20250707"), End: ref("20250706")}, "before it starts"},
		{"negative length", Event{Start: at("20250707"), Duration: &Duration{Days: -1}}, "before it starts"},
		{"length that overflows", Event{Start: at("20250707"), Duration: &Duration{Days: 1 << 62}}, "century"},
		{"end far away", Event{Start: at("20250707T090000Z"), End: ref("99991231T000000Z")}, "century"},
		{"rule out of range", Event{Start: at("20250707"), Rules: []Rule{recur("FREQ=MONTHLY;BYDAY=53MO")}}, "BYDAY=53MO"},
		{"hours of an all-day event", Event{Start: at("20250707"), Rules: []Rule{recur("FREQ=HOURLY")}}, "all-day"},
		{"too many", Event{Start: at("20250707T000000Z"), Rules: []Rule{recur("FREQ=MINUTELY")}}, "occurrences"},
		{"instance", Event{Start: at("20250707"), RecurrenceID: ref("20250707"), End: ref("20250701")}, "instance of 20250707"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.event.UID = "bad"
			got, errs := Expand(Object{Events: []Event{c.event, good}}, at("20250101").Wall, at("20260101").Wall, time.UTC)
			if len(got) != 1 || got[0].Event.UID != "good" {
				t.Errorf("got %v, want the good one alone", shown(got))
			}
			if len(errs) != 1 || errs[0].UID != "bad" || !strings.Contains(errs[0].Reason, c.want) {
				t.Errorf("got %v, want one about %q", errs, c.want)
			}
		})
	}
}

// TestExpandAgainstOracle compares with walking through every day.
func TestExpandAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := at("20240101").AddDays(rapid.IntRange(0, 500).Draw(t, "start"))
		rule := Rule{Freq: rapid.SampledFrom([]Frequency{Daily, Weekly, Monthly}).Draw(t, "freq"), Interval: rapid.IntRange(1, 5).Draw(t, "interval"), WeekStart: time.Weekday(rapid.IntRange(0, 6).Draw(t, "wkst"))}
		if rapid.Bool().Draw(t, "count?") {
			rule.Count = rapid.IntRange(1, 30).Draw(t, "count")
		}
		if rapid.Bool().Draw(t, "until?") {
			until := start.AddDays(rapid.IntRange(0, 400).Draw(t, "until"))
			rule.Until = &until
		}
		switch rule.Freq {
		case Weekly:
			for _, d := range rapid.SliceOfNDistinct(rapid.IntRange(0, 6), 0, 4, rapid.ID).Draw(t, "byday") {
				rule.ByDay = append(rule.ByDay, WeekdayNum{Day: time.Weekday(d)})
			}
		case Monthly:
			rule.ByMonthDay = rapid.SliceOfNDistinct(rapid.SampledFrom([]int{1, 2, 15, 28, 29, 30, 31, -1, -2, -31}), 0, 3, rapid.ID).Draw(t, "bymonthday")
		case Daily:
			rule.ByMonth = rapid.SliceOfNDistinct(rapid.IntRange(1, 12), 0, 4, rapid.ID).Draw(t, "bymonth")
		}
		from := start.AddDays(rapid.IntRange(-30, 600).Draw(t, "from")).Wall
		to := from.AddDate(0, 0, rapid.IntRange(1, 300).Draw(t, "days"))
		got, errs := Expand(Object{Events: []Event{{UID: "u", Start: start, Rules: []Rule{rule}}}}, from, to, time.UTC)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		var days []time.Time
		for _, o := range got {
			days = append(days, o.Start)
		}
		if want := daysOf(rule, start.Wall, from, to); !slices.EqualFunc(days, want, time.Time.Equal) {
			t.Fatalf("%v from %v in [%v, %v)\ngot  %v\nwant %v", rule, start, from, to, days, want)
		}
	})
}

// daysOf looks at each day from start on and asks whether the rule means it.
func daysOf(r Rule, start, from, to time.Time) []time.Time {
	var days []time.Time
	count := 0
	for d := start; d.Before(to); d = d.AddDate(0, 0, 1) {
		if !d.Equal(start) && !means(r, start, d) {
			continue
		}
		if count++; r.Count > 0 && count > r.Count || r.Until != nil && d.After(r.Until.Wall) && !d.Equal(start) {
			break
		}
		if !d.Before(from) {
			days = append(days, d)
		}
	}
	return days
}

func means(r Rule, start, d time.Time) bool {
	since := int(d.Sub(start).Hours() / 24)
	switch r.Freq {
	case Daily:
		return since%r.Interval == 0 && (len(r.ByMonth) == 0 || slices.Contains(r.ByMonth, int(d.Month())))
	case Weekly:
		into := (int(start.Weekday()) - int(r.WeekStart) + 7) % 7
		on := len(r.ByDay) == 0 && d.Weekday() == start.Weekday() || slices.Contains(r.ByDay, WeekdayNum{Day: d.Weekday()})
		return on && (since+into)/7%r.Interval == 0
	default:
		months := (d.Year()-start.Year())*12 + int(d.Month()-start.Month())
		last := d.AddDate(0, 1, -d.Day()).Day()
		on := len(r.ByMonthDay) == 0 && d.Day() == start.Day()
		for _, n := range r.ByMonthDay {
			on = on || d.Day() == n || d.Day() == last+1+n
		}
		return on && months%r.Interval == 0
	}
}

// A window gives of a series what a wider one gives of it there, so skipping to
// the window changes nothing; and every occurrence keeps its wall time.
func TestExpandWindows(t *testing.T) {
	rules := []string{
		"FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=DAILY;BYHOUR=9,17;BYSETPOS=-1", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;WKST=SU",
		"FREQ=MONTHLY;BYDAY=-1FR", "FREQ=MONTHLY;INTERVAL=5;BYMONTHDAY=31", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=2,-2",
		"FREQ=YEARLY", "FREQ=YEARLY;INTERVAL=3;BYDAY=20MO", "FREQ=YEARLY;BYWEEKNO=1,53;BYDAY=SU", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
		"FREQ=HOURLY;INTERVAL=7", "FREQ=MINUTELY;INTERVAL=1441", "FREQ=SECONDLY;INTERVAL=86401;BYSECOND=0,30",
	}
	zones := []string{"Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "UTC"}
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		start := at(zone + ":20150105T090000").AddDays(rapid.IntRange(0, 2000).Draw(t, "start"))
		rule := recur(rapid.SampledFrom(rules).Draw(t, "rule"))
		o := Object{Events: []Event{{UID: "u", Start: start, Duration: &Duration{Exact: 5 * time.Hour}, Rules: []Rule{rule}}}}
		from := start.In(time.UTC).AddDate(0, 0, rapid.IntRange(-100, 1500).Draw(t, "from"))
		to := from.AddDate(0, 0, rapid.IntRange(1, 400).Draw(t, "days"))
		got, errs := Expand(o, from, to, in(zone))
		all, more := Expand(o, start.In(time.UTC), to.AddDate(1, 0, 0), in(zone))
		if len(errs)+len(more) > 0 {
			t.Fatal(errs, more)
		}
		overlaps := func(o Occurrence) bool { return o.Start.Before(to) && o.End.After(from) }
		all = slices.DeleteFunc(all, func(o Occurrence) bool { return !overlaps(o) })
		if d := cmp.Diff(shown(all), shown(got)); d != "" {
			t.Fatalf("%v\n%s", rule, d)
		}
		for _, o := range got {
			if !overlaps(o) {
				t.Fatalf("%v is not in the window", shown([]Occurrence{o}))
			}
			if h := o.Start.Hour(); !rule.Freq.subDaily() && h != 9 && h != 17 {
				t.Fatalf("%v lost its wall time", shown([]Occurrence{o}))
			}
		}
	})
}

// FuzzExpand expands whatever can be written: it ends soon, does not panic, and
// every occurrence overlaps the window.
func FuzzExpand(f *testing.F) {
	for _, rule := range []string{"FREQ=DAILY", "FREQ=MONTHLY;BYDAY=1MO,-1FR;BYSETPOS=2", "FREQ=HOURLY;INTERVAL=2;BYHOUR=1", "FREQ=YEARLY;BYWEEKNO=53;COUNT=3", "FREQ=SECONDLY;UNTIL=20250101T000000Z"} {
		b, err := json.Marshal(Event{UID: "u", Start: at("Europe/Berlin:20250101T090000"), End: ref("20250101T170000Z"), Rules: []Rule{recur(rule)}, RDates: ats("20250101"), ExDates: ats("20250102T080000Z")})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Event
		if json.Unmarshal(b, &e) != nil {
			return
		}
		changed := e
		changed.RecurrenceID = &e.Start
		changed.Onward = e.Sequence%2 == 1
		from, to := at("20250101").Wall, at("20260101").Wall
		began := time.Now()
		got, _ := Expand(Object{Events: []Event{e, changed}}, from, to, in("America/Havana"))
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("took %v", took)
		}
		for _, o := range got {
			if o.End.Before(o.Start) || !o.Start.Before(to) || o.End.Before(from) {
				t.Errorf("%v", shown([]Occurrence{o}))
			}
		}
	})
}
