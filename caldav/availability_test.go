package caldav

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"awayd/cmd/testbed"
	"awayd/sync/absence"
)

func calendarOf(lines ...string) []byte {
	return []byte("BEGIN:VCALENDAR\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCALENDAR\r\n")
}

// The examples of RFC 7953 §3.1: hours of every week, and hours of one week at
// two offices.
var (
	everyWeek = []string{
		"BEGIN:VAVAILABILITY", "ORGANIZER:mailto:bernard@example.com", "UID:0428C7D2-688E-4D2E-AC52-CD112E2469DF", "DTSTAMP:20111005T133225Z",
		"BEGIN:AVAILABLE", "UID:34EDA59B-6BB1-4E94-A66C-64999089C0AF", "SUMMARY:Monday to Friday from 9:00 to 17:00",
		"DTSTART;TZID=America/Montreal:20111002T090000", "DTEND;TZID=America/Montreal:20111002T170000", "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
		"END:AVAILABLE", "END:VAVAILABILITY",
	}
	twoOffices = []string{
		"BEGIN:VAVAILABILITY", "ORGANIZER:mailto:bernard@example.com", "UID:84D0F948-7FC6-4C1D-BBF3-BA9827B424B5", "DTSTAMP:20111005T133225Z",
		"DTSTART;TZID=America/Montreal:20111002T000000", "DTEND;TZID=America/Montreal:20111202T000000",
		"BEGIN:AVAILABLE", "UID:7B33093A-7F98-4EED-B381-A5652530F04D", "SUMMARY:Monday to Thursday from 9:00 to 17:00",
		"DTSTART;TZID=America/Montreal:20111002T090000", "DTEND;TZID=America/Montreal:20111002T170000", "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH",
		"LOCATION:Main Office", "END:AVAILABLE",
		"BEGIN:AVAILABLE", "UID:DF39DC9E-D8C3-492F-9101-0434E8FC1896", "SUMMARY:Friday from 9:00 to 12:00",
		"DTSTART;TZID=America/Montreal:20111006T090000", "DTEND;TZID=America/Montreal:20111006T120000", "RRULE:FREQ=WEEKLY",
		"LOCATION:Branch Office", "END:AVAILABLE", "END:VAVAILABILITY",
	}
	// What RFC 7953 §1 describes in words: unavailable for a while.
	vacation = []string{
		"BEGIN:VAVAILABILITY", "UID:v", "DTSTAMP:20111005T133225Z", "BUSYTYPE:busy-unavailable", "CLASS:PRIVATE",
		"DTSTART;TZID=America/Montreal:20111218T000000", "DURATION:P2W", "PRIORITY:1", `SUMMARY:Skiing\, at last`, "END:VAVAILABILITY",
	}
)

func blocksOf(data []byte) ([]absence.Availability, []absence.ObjectError) {
	o := readObject(data)
	return o.Availability, o.Errors
}

func TestReadAvailability(t *testing.T) {
	at := func(s string) *absence.DateTime {
		var d absence.DateTime
		if err := d.UnmarshalText([]byte(s)); err != nil {
			t.Fatal(err)
		}
		return &d
	}
	const m, who = "America/Montreal:", "mailto:bernard@example.com"
	for _, c := range []struct {
		name  string
		lines []string
		want  absence.Availability
	}{
		{"every week", everyWeek, absence.Availability{UID: "0428C7D2-688E-4D2E-AC52-CD112E2469DF", Hours: true, Organizer: who}},
		{"two offices", twoOffices, absence.Availability{
			UID: "84D0F948-7FC6-4C1D-BBF3-BA9827B424B5", Hours: true, Organizer: who, Start: at(m + "20111002T000000"), End: at(m + "20111202T000000"),
		}},
		{"a vacation", vacation, absence.Availability{
			UID: "v", BusyType: "BUSY-UNAVAILABLE", Summary: "Skiing, at last", Private: true, Start: at(m + "20111218T000000"), Duration: &absence.Duration{Days: 14},
		}},
		{"nothing but its name", []string{"begin:vavailability", "end:vavailability"}, absence.Availability{}},
	} {
		got, errs := blocksOf(calendarOf(c.lines...))
		if d := cmp.Diff([]absence.Availability{c.want}, got, cmp.Comparer(sameDateTime)); d != "" || errs != nil {
			t.Errorf("%s: errors %v, -want +got\n%s", c.name, errs, d)
		}
		if events, errs := parts(calendarOf(c.lines...)); len(events)+len(errs) > 0 {
			t.Errorf("%s: %d events, errors %v", c.name, len(events), errs)
		}
	}
}

func TestAvailabilityErrors(t *testing.T) {
	for lines, want := range map[string]string{
		"DTSTART:2011": "DTSTART",
		"DTSTART:20111218T000000Z\nDTEND:20111219":     "a date where DTSTART has a time",
		"DTSTART:20111218T000000Z\nDURATION:P":         "DURATION",
		"DTSTART:20111218T000000Z\nDTEND:x":            "DTEND",
		"DTEND;TZID=No/Where:20111218T000000":          "unknown time zone",
		"UID:" + strings.Repeat("x", 1001):             "UID",
		"BEGIN:AVAILABLE\nEND:AVAILABLE\nDTSTART;X=\"": "quotation mark not closed",
	} {
		data := calendarOf("BEGIN:VAVAILABILITY", lines, "END:VAVAILABILITY", strings.Join(vacation, "\n"))
		got, errs := blocksOf(data)
		if len(got) != 1 || len(errs) != 1 || !strings.Contains(errs[0].Reason, want) || errs[0].Line == 0 {
			t.Errorf("%.60q: %d blocks, errors %v", lines, len(got), errs)
		}
	}
}

// From text to timeline: the vacation counts, hours do not.
func TestAvailabilityInAFile(t *testing.T) {
	var lines []string
	for _, l := range [][]string{everyWeek, vacation, twoOffices} {
		lines = append(lines, l...)
	}
	objects, err := ReadICS(bytes.NewReader(calendarOf(lines...)), "f")
	if err != nil || len(objects) != 3 {
		t.Fatalf("%d objects, %v", len(objects), err)
	}
	from := time.Date(2011, 10, 1, 0, 0, 0, 0, time.UTC)
	r := absence.Build([]absence.Calendar{{Objects: objects}}, absence.Defaults(), from, from.AddDate(0, 6, 0))
	if len(r.Absences) != 1 || r.Absences[0].Matched != absence.RuleAvailability || r.Absences[0].End.Sub(r.Absences[0].Start) != 14*24*time.Hour {
		t.Errorf("absences %+v", r.Absences)
	}
	if len(r.Ignored) != 2 || len(r.Errors) != 0 {
		t.Errorf("ignored %+v, errors %v", r.Ignored, r.Errors)
	}
	if strings.Contains(r.Timeline.Periods[0].Texts[0].Message, "Skiing") {
		t.Error("a private block tells its title")
	}
}

func TestHostileAvailability(t *testing.T) {
	for name, lines := range map[string]string{
		"many":      strings.Repeat("BEGIN:VAVAILABILITY\nEND:VAVAILABILITY\n", maxObject/40),
		"few":       strings.Repeat("BEGIN:VAVAILABILITY\nEND:VAVAILABILITY\n", 1000) + strings.Repeat("x\n", maxObject/4),
		"available": "BEGIN:VAVAILABILITY\n" + strings.Repeat("BEGIN:AVAILABLE\nEND:AVAILABLE\n", maxObject/40),
		"nested":    "BEGIN:VAVAILABILITY\n" + strings.Repeat("BEGIN:AVAILABLE\n", maxObject/20),
	} {
		data := calendarOf(lines)
		took, cost := measure(t, func() { blocksOf(data) })
		if took > hostileTime || cost > 64<<20 {
			t.Errorf("%s: took %v and %d KiB", name, took, cost>>10)
		}
	}
}

func FuzzReadAvailability(f *testing.F) {
	f.Add(calendarOf(everyWeek...))
	f.Add(calendarOf(twoOffices...))
	f.Add(calendarOf(vacation...))
	f.Fuzz(func(t *testing.T, data []byte) {
		blocks, errs := blocksOf(data)
		from := time.Date(2011, 10, 1, 0, 0, 0, 0, time.UTC)
		absence.Build([]absence.Calendar{{Objects: []absence.Object{{Availability: blocks}}}}, absence.Defaults(), from, from.AddDate(1, 0, 0))
		for _, e := range errs {
			if e.Reason == "" || !utf8.ValidString(e.Reason) || strings.Contains(e.Reason, "decoded") {
				t.Errorf("reason %q of %q", e.Reason, data)
			}
		}
	})
}

// Radicale keeps such an object among events (Xandikos refuses it).
func TestAvailabilityOnRealServer(t *testing.T) {
	r := realServer{bed.DAVFor(t, testbed.Radicale), testbed.BedUser, testbed.BedPassword}
	cal := r.calendar(t, "availability")
	text := calendarOf(append([]string{"VERSION:2.0", "PRODID:-//awayd//test//EN"}, vacation...)...)
	if err := r.Put(t.Context(), cal.URL.Reveal()+"v.ics", string(text)); err != nil {
		t.Fatal(err)
	}
	s, _ := open(t, cal)
	d, _ := mustPoll(t, s, "")
	if len(d.Changed) != 1 || len(d.Changed[0].Availability) != 1 || d.Changed[0].Availability[0].UID != "v" || len(d.Changed[0].Errors) > 0 {
		t.Errorf("%+v", d)
	}
}
