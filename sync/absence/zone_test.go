package absence

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// tzif is a zone of one offset, as RFC 9636 writes it.
func tzif(offset string) []byte {
	head := "TZif2" + strings.Repeat("\x00", 15)
	return []byte(head + strings.Repeat("\x00", 24) + head + strings.Repeat("\x00", 16) + "\x00\x00\x00\x01\x00\x00\x00\x02" + offset + "\x00\x00-\x00\n\n")
}

// A zone that only the object knows comes back with it.
func TestObjectKeepsItsZones(t *testing.T) {
	z := Zone{Name: "(UTC+01:00) Mine: own", TZif: tzif("\x00\x00\x0e\x10")}
	loc, err := z.Location()
	if err != nil {
		t.Fatal(err)
	}
	own := func() DateTime { return DateTime{Wall: at("20250707T090000").Wall, Zone: loc} }
	ref := func() *DateTime { d := own(); return &d }
	o := Object{Zones: []Zone{z}, Errors: []ObjectError{{UID: "u", Instance: ref()}}, Events: []Event{{
		UID: "u", Start: own(), End: ref(), RecurrenceID: ref(), Onward: true,
		Rules: []Rule{{Freq: Daily, Interval: 1, Until: ref()}}, ExRules: []Rule{{Freq: Daily, Interval: 1, Until: ref()}},
		RDates: []DateTime{own(), at("Europe/Berlin:20250707T090000")}, ExDates: []DateTime{own()}, RPeriods: []Span{{Start: own(), End: ref()}},
	}}, Availability: []Availability{{UID: "v", Start: ref(), End: ref()}}}
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var back Object
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	count := 0
	for d := range back.DateTimes() {
		if !Own(d.Zone) {
			continue
		}
		count++
		if got := d.In(time.UTC).UTC(); got.Hour() != 8 {
			t.Errorf("09:00 at +01:00 came back as %v", got)
		}
	}
	if again, err := json.Marshal(back); err != nil || string(again) != string(text) || count != 12 {
		t.Errorf("%d times in the zone, %v\n%s\n%s", count, err, text, again)
	}
	for range back.DateTimes() {
		break // stopping early is no harm
	}
}

func TestObjectWithoutItsZone(t *testing.T) {
	for text, reason := range map[string]string{
		`{"events":[{"uid":"u","start":"~Mine:20250707T090000"}]}`:          "does not explain its zone",
		`{"zones":[{"name":"Mine","tzif":"AAAA"}]}`:                         `read time zone "Mine"`,
		`{"events":[{"uid":"u","start":"Nowhere:20250707T090000"}]}`:        "unknown zone",
		`{"events":[{"uid":"u","start":"~Mine:soon"}]}`:                     "not a value",
		`{"zones":[{"name":"Mine"}],"events":[{"uid":"u","start":"soon"}]}`: "not a value",
	} {
		var o Object
		if err := json.Unmarshal([]byte(text), &o); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
