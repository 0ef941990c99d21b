package absence

import (
	"strings"
	"testing"
	"time"

	"github.com/goodsign/monday"
)

// Whose absence a title tells.
func TestWhoseAbsence(t *testing.T) {
	for title, theirs := range map[string]bool{
		"Anna Urlaub": true, "Urlaub Peter": true, "OOO: Kim": true, "Kim OOO": true, "Kim: OOO": true, "OOO - Kim Larsson": true, "Anna: Urlaub Italien": true,
		"Peter ist im Urlaub": true, "Anna's vacation": true, "Annas Urlaub": true, "Urlaub von Peter": true, "Vacances de Marie": true, "Vacaciones Carlos": true,
		"Marie en congés": true, "Congés Pierre Dupont": true, "Anna Müller Urlaub": true, "Anna & Peter Urlaub": true, "Urlaub Anna und Peter": true,
		"Thandiwe is on leave": true, "Thandiwe's vacation": true, "Kim on vacation": true, "Kim is out of office": true, "Petra abwesend": true,
		"Urlaub Peter (Spanien)": true, "PTO: Kim 3 days": true, "anna urlaub": true, "ANNA URLAUB": true, "Vakantie Joost": true, "Urlop Katarzyna": true,
		"Dovolená Petr": true, "Отпуск Анна": true, "Анна в отпуске": true, "田中さん休暇": true, "田中さんの休暇": true, "김철수님 휴가": true,

		"Urlaub Italien": false, "OOO: Lisbon": false, "Vacation Rome": false, "Italien Urlaub": false, "Rom: Urlaub": false, "Urlaub": false, "Urlaub mit Peter": false,
		"Vacation with Anna": false, "Urlaub bei Oma Anna": false, "Urlaub (Peter vertritt)": false, "Urlaub, Vertretung: Peter": false, "Vacation, call Anna": false,
		"Sommer Urlaub": false, "Urlaub Sofia": false, "Urlaub Jan": false, "Vacances Noël": false, "Vacation in Sydney": false, "Urlaub St. Martin": false,
		"Vacation San José": false, "St. Patrick's day off": false, "New Year's vacation": false, "My vacation with Kim": false, "Ich bin im Urlaub": false,
		"Urlaub August": false, "Vacation Charlotte": false, "Ada Lovelace - Vacation": false, "Urlaub Ada": false, "Lovelace OOO": false, "Out of Office (Bob)": false,
		"On vacation": false, "Heute ist Urlaub": false, "Endlich Urlaub": false, "Vacation: Santa Barbara": false, "Urlaub in Petra": false, "Vacation day 3": false,
		"Family vacation": false, "休暇": false, "お客さん来訪": true, // no word of absence at all, so no absence either way
	} {
		s := Defaults()
		s.Addresses = []string{"mailto:a.lovelace@example.org"}
		s.Names = []string{"ada"}
		want := RuleWord
		if theirs {
			want = string(ReasonNoRule)
		}
		if got := verdictOn(s, Event{Summary: title}, false); got != want {
			t.Errorf("%q: got %s, want %s", title, got, want)
		}
	}
}

// Invitations and entries of colleagues.
func TestColleaguesEvents(t *testing.T) {
	me := []Attendee{{Address: "mailto:ada@example.org", PartStat: "ACCEPTED", Name: "Bettina Ada"}}
	for _, c := range []struct {
		name  string
		event Event
		want  string
	}{
		{"an invitation that names its sender", Event{Summary: "Nakamura OOO", Organizer: "mailto:n@example.org", OrganizerName: "Ken Nakamura", Attendees: me}, "no-rule"},
		{"by the address only", Event{Summary: "nakamura ooo", Organizer: "mailto:k.nakamura@example.org", Attendees: me}, "no-rule"},
		{"with an out-of-office status", Event{Summary: "OOO: Kim", BusyStatus: "OOF", Organizer: "mailto:kim@example.org", Attendees: me}, "no-rule"},
		{"shown as free", Event{Summary: "Out of office", Free: true, Organizer: "mailto:kim@example.org", Attendees: me}, "no-rule"},
		{"marked with a category", Event{Summary: "Kim", Categories: []string{"Vacation"}, Free: true, Organizer: "mailto:kim@example.org", Attendees: me}, "no-rule"},
		{"of the personnel office", Event{Summary: "Annual leave", Organizer: "mailto:hr@example.org", Attendees: me}, "word"},
		{"that names the person", Event{Summary: "Bettina: annual leave", Organizer: "mailto:hr@example.org", Attendees: me}, "word"},
		{"one's own, shown as free", Event{Summary: "Vacation", Free: true}, "word"},
		{"a colleague's entry in a shared calendar", Event{Summary: "Vacation", Organizer: "mailto:kim@example.org"}, "no-rule"},
		{"an entry under another address of one's own", Event{Summary: "Vacation", Organizer: "mailto:ada.lovelace@example.org"}, "word"},
		{"an entry in a calendar with an address", Event{Summary: "Vacation", Organizer: "mailto:c0ffee@group.calendar.example.com"}, "word"},
		{"an own event with a status, whatever it is called", Event{Summary: "Kim: vacation", BusyStatus: "OOF"}, "busy-status"},
	} {
		s := Defaults()
		s.Addresses = []string{"mailto:ada@example.org"}
		if got := verdictOn(s, c.event, false); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// No month or day of the week is taken for a name, in any language: "Urlaub
// Juli", "vacation Jan".
func TestGivenNamesAreNoDates(t *testing.T) {
	for _, l := range languages() {
		for d := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() == 2025; d = d.AddDate(0, 0, 1) {
			for _, layout := range []string{"January", "Jan", "Monday", "Mon"} {
				word := fold(strings.Trim(monday.Format(d, layout, l.locale), "."))
				if givenNames[word] || givenNames[strings.TrimSuffix(word, "s")] {
					t.Fatalf("%s: %q", l.tag, word)
				}
			}
		}
	}
}
