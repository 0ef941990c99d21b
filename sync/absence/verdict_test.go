package absence

import (
	"testing"
	"time"
)

// verdictOn is the verdict on one event of two days, as "rule" or "reason".
func verdictOn(s Settings, e Event, every bool) string {
	e.UID = "u"
	if e.Start.Wall.IsZero() {
		e.Start, e.End = at("20250707"), ref("20250709")
	}
	r := Build([]Calendar{{Name: "Work", EveryEvent: every, Objects: []Object{{Events: []Event{e}}}}}, s, at("20250701").Wall, at("20250801").Wall)
	switch {
	case len(r.Absences) == 1 && len(r.Ignored) == 0:
		return r.Absences[0].Matched
	case len(r.Absences) == 0 && len(r.Ignored) == 1 && r.Ignored[0].Detail != "":
		return string(r.Ignored[0].Reason)
	}
	return "neither absence nor ignored with a detail"
}

func TestVerdict(t *testing.T) {
	me, boss := "mailto:Me@Example.org", "mailto:boss@example.org"
	guest := func(address, partstat string) []Attendee { return []Attendee{{Address: address, PartStat: partstat}} }
	for _, c := range []struct {
		name  string
		event Event
		every bool
		want  string
	}{
		{"plain", Event{Summary: "Dentist"}, false, "no-rule"},
		{"no title", Event{}, false, "no-rule"},
		{"every event", Event{Summary: "Dentist"}, true, "every-event"},
		{"nextcloud", Event{OutOfOffice: true}, false, "nextcloud"},
		{"busy status", Event{BusyStatus: "OOF"}, false, "busy-status"},
		{"busy status, long form", Event{BusyStatus: "OUTOFOFFICE"}, false, "busy-status"},
		{"intended status", Event{IntendedStatus: "OOF"}, false, "busy-status"},
		{"intended status of the organiser's", Event{IntendedStatus: "OOF", Organizer: me, Attendees: guest(boss, "NEEDS-ACTION")}, false, "busy-status"},
		{"intended status of somebody else's", Event{IntendedStatus: "OOF", Organizer: boss, Attendees: guest(me, "ACCEPTED")}, false, "no-rule"},
		{"busy status wins", Event{BusyStatus: "BUSY", IntendedStatus: "OOF"}, false, "no-rule"},
		{"busy status wins the other way", Event{BusyStatus: "OOF", IntendedStatus: "BUSY", Organizer: boss, Attendees: guest(me, "ACCEPTED")}, false, "busy-status"},
		{"shown as free, as all-day events are", Event{BusyStatus: "FREE", Summary: "Vacation"}, false, "word"},
		{"shown as tentative", Event{BusyStatus: "TENTATIVE", Summary: "Vacation"}, false, "tentative"},
		{"category", Event{Categories: []string{"Private", " URLAUB "}}, false, "category"},
		{"category of a public holiday", Event{Summary: "Vacation", Categories: []string{"Public Holiday"}}, false, "public-holiday"},
		{"category of a birthday", Event{Summary: "Vacation", Categories: []string{"Birthday"}}, false, "birthday"},
		{"order of the rules", Event{OutOfOffice: true, BusyStatus: "OOF", Categories: []string{"Vacation"}, Summary: "ooo"}, false, "nextcloud"},

		{"cancelled", Event{Status: "CANCELLED", OutOfOffice: true}, true, "cancelled"},
		{"tentative", Event{Status: "TENTATIVE", Summary: "Vacation"}, false, "tentative"},
		{"confirmed", Event{Status: "CONFIRMED", Summary: "Vacation"}, false, "word"},
		{"declined", Event{Summary: "Vacation", Organizer: boss, Attendees: guest(me, "DECLINED")}, true, "declined"},
		{"passed on", Event{Summary: "Vacation", Organizer: boss, Attendees: guest(me, "DELEGATED")}, false, "declined"},
		{"declined one's own", Event{Summary: "Vacation", Organizer: me, Attendees: guest(me, "DECLINED")}, false, "declined"},
		{"unanswered", Event{Summary: "Vacation", Organizer: boss, Attendees: guest(me, "NEEDS-ACTION")}, true, "tentative"},
		{"perhaps", Event{Summary: "Vacation", Organizer: boss, Attendees: guest(me, "TENTATIVE")}, false, "tentative"},
		{"accepted", Event{Summary: "Vacation", Organizer: boss, Attendees: guest(me, "ACCEPTED")}, false, "word"},
		{"accepted with one of two addresses", Event{Summary: "Vacation", Organizer: boss, Attendees: append(guest(me, "NEEDS-ACTION"), guest("mailto:me@home.example", "ACCEPTED")...)}, false, "word"},
		{"organised", Event{Summary: "Vacation", Organizer: me, Attendees: guest(boss, "DECLINED")}, false, "word"},
		{"among strangers", Event{Summary: "Vacation", Organizer: boss, Attendees: guest("mailto:other@example.org", "ACCEPTED")}, false, "tentative"},
		{"among strangers, every event", Event{Summary: "Vacation", Organizer: boss, Attendees: guest("mailto:other@example.org", "ACCEPTED")}, true, "every-event"},
		{"guests without organiser", Event{Summary: "Vacation", Attendees: guest(boss, "NEEDS-ACTION")}, false, "word"},

		{"short", Event{Summary: "OOO", Start: at("20250707T090000Z"), End: ref("20250707T125959Z")}, false, "too-short"},
		{"long enough", Event{Summary: "OOO", Start: at("20250707T090000Z"), End: ref("20250707T130000Z")}, false, "word"},
		{"short, marked", Event{OutOfOffice: true, Start: at("20250707T090000Z"), End: ref("20250707T093000Z")}, false, "nextcloud"},
		{"short, by category", Event{Categories: []string{"Vacation"}, Start: at("20250707T090000Z"), End: ref("20250707T093000Z")}, false, "category"},
		{"zero length", Event{OutOfOffice: true, Start: at("20250707T090000Z")}, true, "zero-length"},
		{"zero length and cancelled", Event{Status: "CANCELLED", Start: at("20250707T090000Z")}, true, "cancelled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Defaults()
			s.Addresses = []string{"MAILTO:me@example.org", "me@home.example"}
			if got := verdictOn(s, c.event, c.every); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// Without the person's addresses, an invitation whose guests agree has theirs.
func TestVerdictWithoutAddresses(t *testing.T) {
	for _, c := range []struct {
		guests []Attendee
		want   string
	}{
		{[]Attendee{{Address: "mailto:a@example.org", PartStat: "ACCEPTED"}}, "word"},
		{[]Attendee{{Address: "mailto:a@example.org", PartStat: "DECLINED"}}, "declined"},
		{[]Attendee{{Address: "mailto:a@example.org", PartStat: "NEEDS-ACTION"}}, "tentative"},
		{[]Attendee{{Address: "mailto:boss@example.org", PartStat: "ACCEPTED"}, {Address: "mailto:a@example.org", PartStat: "DECLINED"}}, "declined"},
		{[]Attendee{{Address: "mailto:a@example.org", PartStat: "ACCEPTED"}, {Address: "mailto:b@example.org", PartStat: "DECLINED"}}, "tentative"},
		{[]Attendee{{Address: "mailto:boss@example.org", PartStat: "ACCEPTED"}}, "word"},
	} {
		e := Event{Summary: "Vacation", Organizer: "mailto:boss@example.org", Attendees: c.guests}
		if got := verdictOn(Defaults(), e, false); got != c.want {
			t.Errorf("%v: got %s, want %s", c.guests, got, c.want)
		}
	}
}

func TestSummaryWords(t *testing.T) {
	for summary, want := range map[string]string{
		"OOO": "word", "ooo: Lisbon": "word", "O.O.O.": "word", "Out-of-office": "word", "Out of Office (Bob)": "word", "Annual leave": "word",
		"PTO": "word", "Vacation!": "word", "VACATION": "word", "On holiday in Spain": "word", "Sick leave": "word", "Day off": "word",
		"Urlaub": "word", "Urlaub, Italien": "word", "Betriebsausflug/Urlaub": "word", "Im Urlaub 🏖": "word", "abwesend": "word",
		"Congés": "word", "congés payés": "word", "CONGÉS": "word", "conge\u0301s": "word", "RTT": "word", "Vacaciones en Málaga": "word",
		"Ferie": "word", "Férias": "word", "Vakantie": "word", "På semester": "word", "Loma": "word", "Dovolená": "word",
		"Urlop": "word", "Szabadságon": "word", "TATİL": "word", "Yıllık izin": "word", "ОТПУСК": "word", "В отпуске": "word", "Відпустка": "word",
		"休暇": "word", "夏季休暇(北海道)": "word", "不在です": "word", "年假": "word", "휴가입니다": "word",
		"Urlaub (Feiertag inklusive)": "word", "Vacation, no meetings": "word", "Urlaub, keine Besprechung": "word",

		"Dentist": "no-rule", "Off to the gym": "no-rule", "Kickoff": "no-rule", "Switch off the server": "no-rule", "Leave the car at the garage": "no-rule",
		"Urlaubsplanung": "no-rule", "Vacationers' club": "no-rule", "Laptop": "no-rule", "Semester begins": "no-rule", "Friday": "no-rule", "🏖": "no-rule",
		"Team meeting": "no-rule", "Planning": "no-rule",

		"Public holiday": "public-holiday", "Bank Holiday Monday": "public-holiday", "Feiertag": "public-holiday", "Jour férié": "public-holiday",
		"Tag der Deutschen Einheit (Feiertag)": "public-holiday", "School holidays": "public-holiday", "Holiday party": "public-holiday", "祝日": "public-holiday",
		"Resmi tatil": "public-holiday", "Schulferien": "public-holiday", "Vacances scolaires": "public-holiday",

		"Anna's birthday": "birthday", "Geburtstag von Opa": "birthday", "День рождения": "birthday", "誕生日": "birthday",

		"Vacation planning meeting": "meeting", "Meeting: vacation": "meeting", "Besprechung Urlaub": "meeting", "PTO request": "meeting",
		"休暇の計画": "meeting", "Réunion congés": "meeting",
	} {
		if got := verdictOn(Defaults(), Event{Summary: summary}, false); got != want {
			t.Errorf("%q: got %s, want %s", summary, got, want)
		}
	}
}

func TestOwnWordsAndCategories(t *testing.T) {
	s := Defaults()
	s.Words, s.Categories = []string{"Offsite", "auf  Montage", "出張", "", "!"}, []string{"Reise"}
	for summary, want := range map[string]string{"OFFSITE Berlin": "word", "Auf Montage in Kiel": "word", "東京出張": "word", "Montage": "no-rule"} {
		if got := verdictOn(s, Event{Summary: summary}, false); got != want {
			t.Errorf("%q: got %s, want %s", summary, got, want)
		}
	}
	if got := verdictOn(s, Event{Categories: []string{"reise"}}, false); got != "category" {
		t.Errorf("own category: %s", got)
	}
	for lang, want := range map[string]string{"sv": "word", "sv-SE": "word", "de": "no-rule", "": "no-rule", "xx": "no-rule"} {
		s.Lang = lang
		if got := verdictOn(s, Event{Summary: "Semester"}, false); got != want {
			t.Errorf("Semester in %q: got %s, want %s", lang, got, want)
		}
	}
}

func TestCalendarsThatNeverCount(t *testing.T) {
	event := Event{UID: "u", Start: at("20250707"), Summary: "Vacation"}
	for name, want := range map[string]Reason{
		"Birthdays": ReasonBirthday, "Contact birthdays": ReasonBirthday, "Geburtstage": ReasonBirthday, "Holidays in Germany": ReasonPublicHoliday,
		"Feiertage": ReasonPublicHoliday, "Jours fériés": ReasonPublicHoliday, "Holidays": "", "Work": "",
	} {
		r := Build([]Calendar{{Name: name, Objects: []Object{{Events: []Event{event}}}}}, Defaults(), at("20250701").Wall, at("20250801").Wall)
		switch {
		case want == "" && len(r.Absences) != 1:
			t.Errorf("%s: %+v", name, r.Ignored)
		case want != "" && (len(r.Ignored) != 1 || r.Ignored[0].Reason != want):
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// The shortest length may be nothing.
func TestSummaryWordsNeedNoTime(t *testing.T) {
	s := Defaults()
	s.MinDuration = 0
	e := Event{Summary: "OOO", Start: at("20250707T090000Z"), End: ref("20250707T090100Z")}
	if got := verdictOn(s, e, false); got != RuleWord {
		t.Errorf("got %s", got)
	}
	if got := span(90 * time.Minute); got != "1h30m" {
		t.Errorf("got %s", got)
	}
}

func FuzzSummary(f *testing.F) {
	for _, s := range []string{"Urlaub", "İ", "ﬁ", "\xff休", "no meeting vacation", "o.o.o"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, summary, word string) {
		s := Defaults()
		s.Words = []string{word}
		verdictOn(s, Event{Summary: summary, Categories: []string{word}}, false)
		p := newPhrases([]string{word})
		if l := newLine(word); len(l.words) > 0 && len(word) < 500 {
			if _, _, ok := p.find(l); !ok {
				t.Errorf("%q does not find itself", word)
			}
		}
	})
}
