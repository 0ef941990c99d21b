package main

import (
	"encoding/json"
	"strings"
	"testing"

	"awayd/cmd/awayd/control"
)

// TestCalendarsWithoutAbsence lists calendars that must never make anybody
// absent, each as a file that preview reads.
func TestCalendarsWithoutAbsence(t *testing.T) {
	event := func(summary string, lines ...string) string {
		return strings.Join(append([]string{"BEGIN:VEVENT", "UID:" + summary, "DTSTART;VALUE=DATE:20250707", "DTEND;VALUE=DATE:20250712", "SUMMARY:" + summary}, lines...), "\n") + "\nEND:VEVENT\n"
	}
	timed := func(summary, from, to string, lines ...string) string {
		return strings.Join(append([]string{"BEGIN:VEVENT", "UID:" + summary, "DTSTART:" + from, "DTEND:" + to, "SUMMARY:" + summary}, lines...), "\n") + "\nEND:VEVENT\n"
	}
	const hours = "BEGIN:VAVAILABILITY\nUID:h\nBEGIN:AVAILABLE\nUID:h1\nDTSTART:20250101T090000Z\nDTEND:20250101T170000Z\n" +
		"RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR\nEND:AVAILABLE\nEND:VAVAILABILITY\n"
	invited := []string{"ORGANIZER;CN=Kim Larsson:mailto:kim@example.org", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ada@example.org"}
	for name, c := range map[string]struct{ file, text string }{
		"a shared team calendar": {"team.ics", event("Anna Urlaub") + event("Urlaub Peter") + event("OOO: Kim") + event("Kim OOO") + event("Peter ist im Urlaub") +
			event("Marie en congés") + event("Carlos: vacaciones") + event("Thandiwe is on leave") + event("Nguyen's vacation") + event("Anna & Peter Urlaub", "CATEGORIES:Urlaub")},
		"a colleague's out-of-office invitation": {"own.ics", event("Kim OOO", invited...) + event("OOO: Larsson", invited...) +
			event("Out of office", append(invited, "TRANSP:TRANSPARENT")...) + event("Larsson annual leave", append(invited, "X-MICROSOFT-CDO-BUSYSTATUS:OOF")...)},
		"invitations without an answer": {"own.ics", event("Vacation", "ORGANIZER:mailto:kim@example.org", "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:ada@example.org") +
			event("Urlaub", "ORGANIZER:mailto:kim@example.org", "ATTENDEE;PARTSTAT=TENTATIVE:mailto:ada@example.org") +
			event("Congés", "ORGANIZER:mailto:kim@example.org", "ATTENDEE;PARTSTAT=DECLINED:mailto:ada@example.org")},
		"birthdays":                {"own.ics", event("Mum's birthday") + event("Geburtstag Opa") + event("Anniversaire de Marie") + event("誕生日") + event("Kim", "CATEGORIES:Birthday")},
		"a calendar of birthdays":  {"Birthdays.ics", event("Kim (vacation buddy)") + event("Urlaub")},
		"public holidays":          {"own.ics", event("Public holiday") + event("Bank Holiday") + event("Jour férié") + event("Feiertag") + event("Resmi tatil") + event("Easter", "CATEGORIES:Public Holiday") + event("Schulferien")},
		"a calendar of holidays":   {"Holidays in Germany.ics", event("Holiday") + event("Tag der Arbeit") + event("Urlaub")},
		"meetings about vacations": {"own.ics", event("Vacation planning meeting") + event("Besprechung Urlaub") + event("PTO request") + event("Réunion congés") + event("休暇の計画")},
		"the days around":          {"own.ics", event("Back from vacation") + event("Zurück aus dem Urlaub") + event("Kein Urlaub") + event("Urlaub eintragen") + event("Vertretung Urlaub Anna")},
		"cancelled":                {"own.ics", event("Vacation", "STATUS:CANCELLED") + event("Canceled: Vacation") + event("Urlaub abgesagt")},
		"weekly working hours":     {"own.ics", hours + timed("Working hours", "20250707T080000Z", "20250707T160000Z", "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR") + timed("Home office", "20250708T080000Z", "20250708T160000Z")},
		"words in other places": {"own.ics", event("Trip", "DESCRIPTION:vacation", "LOCATION:Urlaub", "COMMENT:OOO") + event("Off to the gym") + event("Kickoff") +
			event("Water the plants", "BEGIN:VALARM", "ACTION:DISPLAY", "SUMMARY:Vacation", "DESCRIPTION:OOO", "CATEGORIES:Vacation", "X-MICROSOFT-CDO-BUSYSTATUS:OOF", "END:VALARM")},
		"short ones": {"own.ics", timed("OOO", "20250707T080000Z", "20250707T093000Z") + timed("Urlaub", "20250708T080000Z", "20250708T080000Z")},
	} {
		t.Run(name, func(t *testing.T) {
			p := previewOf(t, write(t, c.file, "BEGIN:VCALENDAR\n"+c.text+"END:VCALENDAR\n"))
			for _, a := range p.Absences {
				t.Errorf("%q is an absence (%s)", a.Summary, a.Matched)
			}
			if len(p.Periods)+len(p.Actions)+len(p.Errors) > 0 || len(p.Ignored) == 0 {
				t.Errorf("%d periods, %d actions, %d ignored, errors %v", len(p.Periods), len(p.Actions), len(p.Ignored), p.Errors)
			}
			for _, i := range p.Ignored {
				if i.Detail == "" {
					t.Errorf("%q is ignored without a word", i.Summary)
				}
			}
		})
	}
}

// An edit of alarms alone changes nothing at all.
func TestAlarmOnlyEdits(t *testing.T) {
	const before = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\nDTSTAMP:20250101T000000Z\nDTSTART;VALUE=DATE:20250707\nSUMMARY:Vacation\nRRULE:FREQ=YEARLY\n"
	const end = "END:VEVENT\nEND:VCALENDAR\n"
	was := previewOf(t, write(t, "own.ics", before+end))
	if len(was.Periods) != 1 {
		t.Fatalf("%+v", was)
	}
	for name, edit := range map[string]string{
		"an alarm":        "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT15M\nDESCRIPTION:x\nEND:VALARM\n",
		"acknowledged":    "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT15M\nACKNOWLEDGED:20250601T000000Z\nEND:VALARM\n",
		"Thunderbird's":   "X-MOZ-LASTACK:20250601T000000Z\nX-MOZ-SNOOZE-TIME:20250602T000000Z\nX-MOZ-GENERATION:4\n",
		"a touched stamp": "LAST-MODIFIED:20250601T000000Z\nSEQUENCE:7\n",
	} {
		is := previewOf(t, write(t, "own.ics", before+edit+end))
		a, _ := json.Marshal(was)
		b, _ := json.Marshal(is)
		if string(a) != string(b) {
			t.Errorf("%s changes\n%s\nto\n%s", name, a, b)
		}
	}
}

func previewOf(t *testing.T, file string) control.Preview {
	t.Helper()
	r := awayd(t, "preview", "--ics", file, "--zone", "Europe/Berlin", "--from", "2025-07-01", "--to", "2025-08-01", "--json")
	var p control.Preview
	if err := json.Unmarshal([]byte(r.out), &p); err != nil || r.code != exitOK {
		t.Fatalf("%v: %+v", err, r)
	}
	return p
}
