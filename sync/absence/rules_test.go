package absence

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Thunderbird's category of a vacation in each of its languages, and a word of
// each language that people write into titles.
func TestLanguages(t *testing.T) {
	for language, c := range map[string]struct{ category, title string }{
		"English": {"Vacation", "Annual leave"}, "German": {"Urlaub", "Abwesend"}, "French": {"Congés", "Congés payés"},
		"Spanish": {"Vacaciones", "De vacaciones: vacaciones"}, "Portuguese": {"Férias", "Férias"}, "Italian": {"Ferie", "In ferie"},
		"Dutch": {"Vakantie", "Verlof"}, "Swedish": {"Semester", "På semester"}, "Finnish": {"Loma", "Lomalla"},
		"Czech": {"Dovolená", "Na dovolené"}, "Slovak": {"Dovolenka", "Dovolenka"}, "Polish": {"Wakacje", "Na urlopie"},
		"Hungarian": {"Szabadság", "Szabadságon"}, "Turkish": {"Tatil", "Yıllık izin"}, "Russian": {"Отпуск", "В отпуске"},
		"Japanese": {"休暇", "夏季休暇"}, "Chinese": {"休假", "年假"},
		"Danish": {"Ferie", "På ferie"}, "Norwegian": {"Ferie", "Fraværende"}, "Ukrainian": {"відпустка", "У відпустці"}, "Korean": {"휴가", "연차"},
		"Greek": {"Άδεια", "Διακοπές"}, "Romanian": {"Concediu", "În concediu"},
	} {
		if got := verdictOn(Defaults(), Event{Summary: "x", Categories: []string{c.category}}, false); got != RuleCategory {
			t.Errorf("%s category %q: %s", language, c.category, got)
		}
		if got := verdictOn(Defaults(), Event{Summary: c.title}, false); got != RuleWord {
			t.Errorf("%s title %q: %s", language, c.title, got)
		}
	}
}

// Titles about an absence that are none.
func TestAboutAnAbsence(t *testing.T) {
	for title, want := range map[string]string{
		"Back from vacation": "meeting", "Zurück aus dem Urlaub": "meeting", "Nach dem Urlaub": "meeting", "Before my vacation": "meeting", "Retour de vacances": "meeting",
		"No vacation": "no-rule", "Kein Urlaub": "no-rule", "Canceled: Vacation": "cancelled", "Urlaub abgesagt": "cancelled",
		"Vertretung Urlaub Peter": "meeting", "Covering for Kim (PTO)": "meeting", "Urlaub eintragen": "meeting", "Poser mes congés": "meeting",
		"Vacation deadline": "meeting", "Urlaub Übergabe": "meeting",
		"Vacation after the conference": "word", "Urlaub bis nach Ostern": "word", "Urlaub, Vertretung Kim": "word", "Vacation (Kim will cover)": "word",
	} {
		if got := verdictOn(Defaults(), Event{Summary: title}, false); got != want {
			t.Errorf("%q: got %s, want %s", title, got, want)
		}
	}
}

func TestOwnRules(t *testing.T) {
	s := Defaults()
	s.Rules = []OwnRule{
		{Name: "not in Rome", Summary: regexp.MustCompile("(?i:rome)"), Category: "Travel"},
		{Name: "travel", Category: "travel", Absence: true},
		{Name: "elsewhere", Calendar: "Other", Absence: true},
		{Name: "work", Calendar: "WORK", Summary: regexp.MustCompile("^Shift$"), Absence: true},
	}
	for _, c := range []struct {
		event Event
		every bool
		want  string
	}{
		{Event{Summary: "Trip to Rome", Categories: []string{"Travel"}}, false, "suppressed"},
		{Event{Summary: "Trip to Rome", Categories: []string{"Travel"}}, true, "suppressed"},
		{Event{Summary: "Trip to Oslo", Categories: []string{"x", " TRAVEL"}}, false, "travel"},
		{Event{Summary: "Shift"}, false, "work"},
		{Event{Summary: "Shift work"}, false, "no-rule"},
		{Event{Summary: "Trip to Rome, vacation"}, false, "word"},
		{Event{Summary: "Urlaub Peter", Categories: []string{"travel"}}, false, "travel"},
		{Event{Summary: "Shift", Status: "CANCELLED"}, false, "cancelled"},
		{Event{Summary: "Shift", Status: "TENTATIVE"}, false, "work"},
		{Event{Summary: "Shift", Start: at("20250707T090000Z"), End: ref("20250707T091000Z")}, false, "work"},
	} {
		if got := verdictOn(s, c.event, c.every); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.event, got, c.want)
		}
	}
}

// The kinds of blocks of RFC 7953, and which of them are vacations.
func TestAvailability(t *testing.T) {
	const m = "America/Montreal:"
	for _, c := range []struct {
		name  string
		block Availability
		want  []string
	}{
		{"a finite block", Availability{Start: ref(m + "20250707T000000"), End: ref(m + "20250712T000000")}, []string{"availability 07T00:00 12T00:00"}},
		{"with its busy type", Availability{Start: ref(m + "20250707T000000"), Duration: &Duration{Days: 5}, BusyType: "BUSY-UNAVAILABLE"}, []string{"availability 07T00:00 12T00:00"}},
		{"working hours", Availability{Hours: true}, []string{"no-rule 01T00:00 01T00:00"}},
		{"working hours of some weeks", Availability{Hours: true, Start: ref(m + "20250707T000000"), End: ref(m + "20250712T000000")}, []string{"no-rule 07T00:00 12T00:00"}},
		{"without an end", Availability{Start: ref(m + "20250707T000000")}, []string{"no-rule 07T00:00 01T00:00"}},
		{"without a start", Availability{End: ref(m + "20250712T000000")}, []string{"no-rule 01T00:00 12T00:00"}},
		{"without either", Availability{}, []string{"no-rule 01T00:00 01T00:00"}},
		{"open, elsewhere", Availability{End: ref(m + "20240712T000000")}, nil},
		{"busy", Availability{Start: ref(m + "20250707T000000"), End: ref(m + "20250712T000000"), BusyType: "BUSY"}, []string{"no-rule 07T00:00 12T00:00"}},
		{"tentative", Availability{Start: ref(m + "20250707T000000"), End: ref(m + "20250712T000000"), BusyType: "BUSY-TENTATIVE"}, []string{"tentative 07T00:00 12T00:00"}},
		{"a colleague's", Availability{Start: ref(m + "20250707T000000"), End: ref(m + "20250712T000000"), Organizer: "mailto:kim@example.org"}, []string{"no-rule 07T00:00 12T00:00"}},
		{"empty", Availability{Start: ref(m + "20250707T000000"), End: ref(m + "20250707T000000")}, []string{"zero-length 07T00:00 07T00:00"}},
		{"backwards", Availability{Start: ref(m + "20250707T000000"), End: ref(m + "20250706T000000")}, []string{"error"}},
	} {
		s := Defaults()
		s.Zone, s.Addresses = in("America/Montreal"), []string{"mailto:ada@example.org"}
		c.block.UID = "u"
		r := Build([]Calendar{{Objects: []Object{{Availability: []Availability{c.block}}}}}, s, at(m+"20250701T000000").In(s.Zone), at(m+"20250801T000000").In(s.Zone))
		var got []string
		const layout = " 02T15:04"
		for _, a := range r.Absences {
			got = append(got, a.Matched+a.Start.Format(layout)+a.End.Format(layout))
		}
		for _, i := range r.Ignored {
			got = append(got, string(i.Reason)+i.Start.Format(layout)+i.End.Format(layout))
		}
		for range r.Errors {
			got = append(got, "error")
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: -want +got\n%s", c.name, d)
		}
	}
}

func holidays(days ...string) Calendar {
	c := Calendar{Name: "Work-free", Holidays: true, EveryEvent: true}
	for _, d := range days {
		from, to, _ := strings.Cut(d, " ")
		e := Event{UID: d, Summary: "Vacation", Start: at(from), End: ref(to)}
		c.Objects = append(c.Objects, Object{Events: []Event{e}})
	}
	return c
}

// Public holidays never are absences, but bridge as weekends do.
func TestHolidaysBridge(t *testing.T) {
	zone := "Europe/Berlin"
	for _, c := range []struct {
		name     string
		holidays Calendar
		events   []string
		want     []string
	}{
		{"alone", holidays("20250708"), nil, nil},
		{"between", holidays("20250708"), []string{"20250707 20250708", "20250709 20250710"}, []string{"07T00:00 10T00:00 holiday 08T00:00 09T00:00"}},
		{"beside a weekend", holidays("20250711", "20250714"), []string{"20250710 20250711", "20250715 20250716"}, []string{"10T00:00 16T00:00 holiday 11T00:00 15T00:00"}},
		{"several days", holidays("20250707 20250711"), []string{"20250704 20250705", "20250711 20250712"}, []string{"04T00:00 12T00:00 holiday 05T00:00 11T00:00"}},
		{"on a weekend", holidays("20250712"), []string{"20250711 20250712", "20250714 20250715"}, []string{"11T00:00 15T00:00 weekend 12T00:00 14T00:00"}},
		{"not all of the day", holidays("20250708T120000 20250709T000000"), []string{"20250707 20250708", "20250709 20250710"}, []string{"07T00:00 08T00:00", "09T00:00 10T00:00"}},
		{"from midnight to midnight", holidays("20250708T000000 20250709T000000"), []string{"20250707 20250708", "20250709 20250710"}, []string{"07T00:00 10T00:00 holiday 08T00:00 09T00:00"}},
		{"school vacations", holidays("20250704 20250731"), []string{"20250703 20250704", "20250731 20250801"}, []string{"03T00:00 04T00:00", "31T00:00 01T00:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := july(zone, every(c.events...), c.holidays)
			if d := cmp.Diff(c.want, periodsOf(r)); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			for _, a := range r.Absences {
				if a.Calendar == c.holidays.Name {
					t.Errorf("a holiday is an absence: %+v", a)
				}
			}
		})
	}
	remembered := holidays("20250708")
	remembered.Objects[0].Events[0].Description = "Observance\nTo hide observances, …"
	if got := periodsOf(july(zone, every("20250707 20250708", "20250709 20250710"), remembered)); len(got) != 2 {
		t.Errorf("an observance bridges: %v", got)
	}
}

// The person is back after the holidays, not on them.
func TestReturnAfterHolidays(t *testing.T) {
	r := july("Europe/Berlin", every("20250707 20250712"), holidays("20250714"))
	if got, want := r.Timeline.Periods[0].Texts[0].Message, "I am away until Friday, 11 July and back on Tuesday, 15 July."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Nobody is free for ever, whatever a calendar of holidays says.
func TestHostileHolidays(t *testing.T) {
	c := holidays("20250101")
	c.Objects[0].Events[0].Rules = []Rule{recur("FREQ=DAILY")}
	r := july("Europe/Berlin", every("20250630 20250701", "20250701 20250702", "20250731 20250801"), c)
	if len(r.Timeline.Periods) != 2 || !strings.Contains(r.Timeline.Periods[0].Texts[0].Message, "1 July") {
		t.Errorf("%v %+v", periodsOf(r), r.Timeline.Periods)
	}
}
