package absence

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// every is a calendar of which each event counts. An event is "start end
// summary", in the form of RFC 5545.
func every(events ...string) Calendar {
	c := Calendar{Name: "Away", EveryEvent: true}
	for _, s := range events {
		f := strings.SplitN(s, " ", 3)
		e := Event{UID: s, Start: at(f[0]), End: ref(f[1])}
		if len(f) == 3 {
			e.Summary = f[2]
		}
		c.Objects = append(c.Objects, Object{Events: []Event{e}})
	}
	return c
}

func july(zone string, calendars ...Calendar) Result {
	s := Defaults()
	s.Zone = in(zone)
	return Build(calendars, s, at("20250701").In(s.Zone), at("20250801").In(s.Zone))
}

// periodsOf are periods as "start end joins…".
func periodsOf(r Result) []string {
	const layout = "02T15:04"
	var list []string
	for _, p := range r.Timeline.Periods {
		s := p.Start.Format(layout) + " " + p.End.Format(layout)
		for _, j := range p.Joins {
			s += " " + j.Why + " " + j.From.Format(layout) + " " + j.To.Format(layout)
		}
		list = append(list, s)
	}
	return list
}

func TestPeriods(t *testing.T) {
	const b = "Europe/Berlin:"
	for _, c := range []struct {
		name   string
		events []string
		want   []string
	}{
		{"one", []string{"20250707 20250709"}, []string{"07T00:00 09T00:00"}},
		{"apart", []string{"20250707 20250708", "20250709 20250710"}, []string{"07T00:00 08T00:00", "09T00:00 10T00:00"}},
		{"back to back", []string{"20250707 20250708", "20250708 20250710"}, []string{"07T00:00 10T00:00"}},
		{"overlapping", []string{"20250707 20250709", b + "20250708T120000 " + b + "20250710T120000"}, []string{"07T00:00 10T12:00"}},
		{"nested", []string{"20250707 20250712", "20250708 20250709"}, []string{"07T00:00 12T00:00"}},
		{"over a weekend", []string{"20250711 20250712", "20250714 20250715"}, []string{"11T00:00 15T00:00 weekend 12T00:00 14T00:00"}},
		{"over a weekend, timed", []string{b + "20250711T120000 " + b + "20250711T180000", b + "20250714T080000 " + b + "20250714T120000"},
			[]string{"11T12:00 14T12:00 weekend 11T18:00 14T08:00"}},
		{"over a weekend with work after", []string{b + "20250711T120000 " + b + "20250711T180000", b + "20250714T080100 " + b + "20250714T120000"},
			[]string{"11T12:00 11T18:00", "14T08:01 14T12:00"}},
		{"over a night", []string{b + "20250707T090000 " + b + "20250707T180000", b + "20250708T080000 " + b + "20250708T120000"},
			[]string{"07T09:00 08T12:00 night 07T18:00 08T08:00"}},
		{"over a night with work before", []string{b + "20250707T090000 " + b + "20250707T175900", b + "20250708T080000 " + b + "20250708T120000"},
			[]string{"07T09:00 07T17:59", "08T08:00 08T12:00"}},
		{"from a day into a morning", []string{"20250707 20250708", b + "20250708T073000 " + b + "20250708T120000"},
			[]string{"07T00:00 08T12:00 night 08T00:00 08T07:30"}},
		{"before the window, over a weekend", []string{"20250627 20250628", "20250630 20250702"}, []string{"27T00:00 02T00:00 weekend 28T00:00 30T00:00"}},
		{"after the window", []string{"20250731 20250802", "20250804 20250806"}, []string{"31T00:00 06T00:00 weekend 02T00:00 04T00:00"}},
		{"only outside of the window", []string{"20250627 20250701", "20250801 20250802"}, nil},
		{"a long chain outside of the window", []string{"20250101 20250301", "20250301 20250601", "20250601 20250702", "20240601 20250101"},
			[]string{"01T00:00 02T00:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := july("Europe/Berlin", every(c.events...))
			if d := cmp.Diff(c.want, periodsOf(r)); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			if len(r.Errors) > 0 {
				t.Error(r.Errors)
			}
		})
	}
}

func TestPeriodReachesBeyondTheWindow(t *testing.T) {
	r := july("Europe/Berlin", every("20240601 20250101", "20250101 20250301", "20250301 20250601", "20250601 20250702"))
	p := r.Timeline.Periods[0]
	if got := p.Start.Format(time.DateOnly); got != "2024-06-01" || len(p.Absences) != 4 {
		t.Errorf("the period starts %s with %d absences", got, len(p.Absences))
	}
	if len(r.Absences) != 1 {
		t.Errorf("%d absences overlap the window", len(r.Absences))
	}
}

// A daily absence without end is a period without end; it must not look like
// another one at each poll.
func TestEndlessPeriodIsStable(t *testing.T) {
	c := every("20200101 20200102")
	c.Objects[0].Events[0].Rules = []Rule{recur("FREQ=DAILY")}
	s := Defaults()
	keys := make(map[string]bool)
	for d := range 6 {
		now := at("20250701").Wall.Add(time.Duration(d) * 36 * time.Hour)
		r := Build([]Calendar{c}, s, now, now.AddDate(1, 0, 0))
		if len(r.Errors) > 0 || len(r.Timeline.Periods) != 1 {
			t.Fatal(r.Errors, periodsOf(r))
		}
		keys[r.Timeline.Periods[0].Key()] = true
	}
	if len(keys) > 2 {
		t.Errorf("%d keys in nine days", len(keys))
	}
}

func TestBridgeSettings(t *testing.T) {
	calendars := []Calendar{every("20250710 20250711", "20250713 20250714")} // Thursday, Sunday
	for _, c := range []struct {
		name string
		set  func(*Settings)
		want []string
	}{
		{"off", func(s *Settings) { s.Bridge = false }, []string{"10T00:00 11T00:00", "13T00:00 14T00:00"}},
		{"weekend on Friday and Saturday", func(s *Settings) {
			s.WorkDays = [7]bool{true, true, true, true, true, false, false}
		}, []string{"10T00:00 14T00:00 weekend 11T00:00 13T00:00"}},
		{"no working days", func(s *Settings) { s.WorkDays = [7]bool{} }, []string{"10T00:00 11T00:00", "13T00:00 14T00:00"}},
		{"hours that cannot be", func(s *Settings) { s.WorkStart, s.WorkEnd = -1, 1<<40 }, []string{"10T00:00 11T00:00", "13T00:00 14T00:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Defaults()
			c.set(&s)
			r := Build(calendars, s, at("20250701").Wall, at("20250801").Wall)
			if d := cmp.Diff(c.want, periodsOf(r)); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// A night shift from 22:00 to 6:00 leaves the day free.
func TestNightShift(t *testing.T) {
	s := Defaults()
	s.WorkStart, s.WorkEnd = 22*60, 6*60
	w := newWeek(s)
	for from, want := range map[string]string{"20250707T070000": "20250707T220000", "20250708T030000": "20250708T030000", "20250712T050000": "20250712T050000", "20250712T060000": "20250714T220000"} {
		if got, ok := w.next(at(from).Wall); !ok || got.Format("20060102T150405") != want {
			t.Errorf("next after %s: %v, want %s", from, got, want)
		}
	}
}

func TestDuplicates(t *testing.T) {
	a, b := every("20250707 20250709 x"), every("20250707 20250709 x")
	b.Name = "Other"
	b.Objects[0].Events[0].Private = true
	r := july("Europe/Berlin", b, a)
	if len(r.Absences) != 1 || r.Absences[0].Calendar != "Away" || !r.Absences[0].Private {
		t.Errorf("%+v", r.Absences)
	}
}

func TestSuppressed(t *testing.T) {
	c := every("20250707 20250709 x", "20250710 20250711 y")
	s := Defaults()
	from, to := at("20250701").Wall, at("20250801").Wall
	first := Build([]Calendar{c}, s, from, to)
	s.Suppressed = map[string]bool{first.Absences[0].Fingerprint(): true}
	r := Build([]Calendar{c}, s, from, to)
	if len(r.Absences) != 1 || len(r.Ignored) != 1 || r.Ignored[0].Reason != ReasonSuppressed || len(r.Timeline.Periods) != 1 {
		t.Fatalf("%+v", r)
	}
	for name, change := range map[string]func(*Event){
		"a new time":        func(e *Event) { e.End = ref("20250710") },
		"a new title":       func(e *Event) { e.Summary = "z" },
		"a new description": func(e *Event) { e.Description = "z" },
	} {
		c := every("20250707 20250709 x")
		change(&c.Objects[0].Events[0])
		if r := Build([]Calendar{c}, s, from, to); len(r.Absences) != 1 {
			t.Errorf("%s does not revive it: %+v", name, r.Ignored)
		}
	}
	// What a person did not change does not.
	again := every("20250707 20250709 x")
	again.Objects[0].ETag, again.Objects[0].Events[0].Sequence = "2", 7
	if r := Build([]Calendar{again}, s, from, to); len(r.Absences) != 0 {
		t.Errorf("revived: %+v", r.Absences)
	}
}

// Keys are kept in the state, so they must not change between versions.
func TestKeysAreStable(t *testing.T) {
	p := july("Europe/Berlin", every("20250707 20250709 x")).Timeline.Periods[0]
	if got, want := p.Absences[0].Fingerprint(), "01c57b7139ed4fd9ff2c9783157f0afd"; got != want {
		t.Errorf("fingerprint %s, want %s", got, want)
	}
	if got, want := p.Key(), "97acdea8c98ba2120baba50df709efd4"; got != want {
		t.Errorf("key %s, want %s", got, want)
	}
}

func TestErrorsNameTheirSource(t *testing.T) {
	c := Calendar{Name: "Work", Objects: []Object{
		{Href: "/cal/secret/1.ics", Errors: []ObjectError{{UID: "a", Line: 3, Reason: "no colon"}, {Reason: "empty"}}},
		{Events: []Event{{UID: "b"}}},
		every("20250707 20250709 Urlaub").Objects[0],
	}}
	r := july("Europe/Berlin", c)
	want := []Error{{"Work: 1.ics", "empty"}, {"Work: a", "line 3: no colon"}, {"Work: b", "DTSTART is missing or outside of the years 1 to 9999"}}
	if d := cmp.Diff(want, r.Errors); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if len(r.Absences) != 1 {
		t.Errorf("the good event was lost: %+v", r)
	}
}

func TestZoneDecidesAboutDays(t *testing.T) {
	for zone, want := range map[string]string{"Europe/Berlin": "2025-07-06T22:00:00Z", "America/New_York": "2025-07-07T04:00:00Z", "Pacific/Apia": "2025-07-06T11:00:00Z"} {
		if got := july(zone, every("20250707 20250709")).Timeline.Periods[0].Start.UTC().Format(time.RFC3339); got != want {
			t.Errorf("%s: %s, want %s", zone, got, want)
		}
	}
}

func TestBuildIsTotal(t *testing.T) {
	Build(nil, Settings{}, time.Time{}, time.Time{})
	Build([]Calendar{{Objects: []Object{{Events: make([]Event, 3)}}}}, Settings{Lang: "xx", Message: "{{"}, time.Time{}, time.Unix(1<<60, 0))
	c := every("20250707 20250709")
	c.Objects[0].Events[0].Rules = []Rule{recur("FREQ=DAILY")}
	Build([]Calendar{c}, Settings{Bridge: true}, time.Unix(1<<60, 0), time.Unix(-1<<60, 0))
	Build([]Calendar{c}, Defaults(), time.Time{}, time.Date(30000, 1, 1, 0, 0, 0, 0, time.UTC))
}

// drawEvents makes calendars of everything that can meet in one.
func drawCalendars(t *rapid.T) []Calendar {
	zones := []*time.Location{nil, time.UTC, in("Europe/Berlin"), in("America/Havana"), in("Australia/Lord_Howe")}
	event := rapid.Custom(func(t *rapid.T) Event {
		e := Event{UID: rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "uid"), Summary: rapid.SampledFrom([]string{"Vacation", "Dentist", "OOO", "Public holiday"}).Draw(t, "summary")}
		e.Start = at("20250601").AddDays(rapid.IntRange(0, 90).Draw(t, "day"))
		if rapid.Bool().Draw(t, "timed") {
			e.Start.Date, e.Start.Zone = false, rapid.SampledFrom(zones).Draw(t, "zone")
			e.Start.Wall = e.Start.Wall.Add(time.Duration(rapid.IntRange(0, 47).Draw(t, "start")) * 30 * time.Minute)
		}
		e.Duration = &Duration{Days: rapid.IntRange(0, 5).Draw(t, "days"), Exact: time.Duration(rapid.IntRange(-1, 20).Draw(t, "hours")) * time.Hour}
		if rapid.Bool().Draw(t, "recurs") {
			e.Rules = []Rule{recur(rapid.SampledFrom([]string{"FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;COUNT=3", "FREQ=MONTHLY;BYDAY=1MO", "FREQ=HOURLY;INTERVAL=9;COUNT=9", "FREQ=SECONDLY"}).Draw(t, "rule"))}
		}
		if rapid.Bool().Draw(t, "changed") {
			id := e.Start.AddDays(rapid.IntRange(-7, 7).Draw(t, "instance"))
			e.RecurrenceID = &id
		}
		e.Status = rapid.SampledFrom([]string{"", "", "", "CANCELLED", "TENTATIVE"}).Draw(t, "status")
		e.Private = rapid.Bool().Draw(t, "private")
		return e
	})
	object := rapid.Custom(func(t *rapid.T) Object { return Object{Events: rapid.SliceOfN(event, 0, 3).Draw(t, "events")} })
	calendar := rapid.Custom(func(t *rapid.T) Calendar {
		return Calendar{Name: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "name"), EveryEvent: rapid.Bool().Draw(t, "every"), Objects: rapid.SliceOfN(object, 0, 5).Draw(t, "objects")}
	})
	return rapid.SliceOfN(calendar, 0, 3).Draw(t, "calendars")
}

func TestBuildProperties(t *testing.T) {
	zones := []*time.Location{in("Europe/Berlin"), in("America/Havana"), in("Pacific/Apia")}
	rapid.Check(t, func(t *rapid.T) {
		calendars := drawCalendars(t)
		s := Defaults()
		s.Zone = rapid.SampledFrom(zones).Draw(t, "account zone")
		s.Bridge = rapid.Bool().Draw(t, "bridge")
		s.Message = rapid.SampledFrom([]string{"", "{{.Summary}} until {{.Until}}"}).Draw(t, "message")
		from := at("20250625").In(s.Zone).Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "from")) * time.Hour)
		to := from.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "length")) * time.Hour)
		r := Build(calendars, s, from, to)
		checkResult(t, r, s, from, to)

		shuffle := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		shuffle.Shuffle(len(calendars), func(i, j int) { calendars[i], calendars[j] = calendars[j], calendars[i] })
		for _, c := range calendars {
			shuffle.Shuffle(len(c.Objects), func(i, j int) { c.Objects[i], c.Objects[j] = c.Objects[j], c.Objects[i] })
		}
		if d := cmp.Diff(r, Build(calendars, s, from, to)); d != "" {
			t.Fatalf("the order of calendars matters\n%s", d)
		}
	})
}

func checkResult(t *rapid.T, r Result, s Settings, from, to time.Time) {
	overlaps := func(a, b time.Time) bool { return a.Before(to) && (b.After(from) || a.Equal(b) && !a.Before(from)) }
	for _, a := range r.Absences {
		if !overlaps(a.Start, a.End) || !a.Start.Before(a.End) {
			t.Fatalf("absence outside of the window or empty: %+v", a)
		}
		if p, ok := r.Timeline.At(a.Start); ok == (p.Start.After(a.Start) || p.End.Before(a.End)) {
			t.Fatalf("absence without its period: %+v", a)
		}
	}
	for _, i := range r.Ignored {
		if !overlaps(i.Start, i.End) || i.Detail == "" || i.Reason == "" {
			t.Fatalf("ignored outside of the window or without reason: %+v", i)
		}
	}
	w := newWeek(s)
	for i, p := range r.Timeline.Periods {
		if !overlaps(p.Start, p.End) || !p.Start.Before(p.End) || len(p.Absences) == 0 {
			t.Fatalf("period outside of the window or empty: %+v", p)
		}
		if i > 0 && !r.Timeline.Periods[i-1].End.Before(p.Start) {
			t.Fatalf("periods touch: %v", periodsOf(r))
		}
		checkCover(t, p, w)
		if len(p.Texts) == 0 || !p.Texts[0].From.Equal(p.Start) {
			t.Fatalf("no text from the start on: %+v", p)
		}
		for k, x := range p.Texts {
			if x.Message == "" || !x.From.Before(p.End) || k > 0 && (!x.From.After(p.Texts[k-1].From) || x.Message == p.Texts[k-1].Message) {
				t.Fatalf("texts: %+v", p.Texts)
			}
		}
	}
}

// checkCover walks through a period: absences and joins, and nothing else, fill
// it from its start to its end.
func checkCover(t *rapid.T, p Period, w week) {
	reached, joins := p.Start, p.Joins
	for _, a := range p.Absences {
		if a.Start.After(reached) {
			if len(joins) == 0 || !joins[0].From.Equal(reached) || !joins[0].To.Equal(a.Start) || !w.free(reached, a.Start) {
				t.Fatalf("a gap that nothing bridges at %v: %+v", reached, p)
			}
			joins = joins[1:]
		}
		if a.End.After(reached) {
			reached = a.End
		}
	}
	if !reached.Equal(p.End) || len(joins) > 0 {
		t.Fatalf("the period ends at %v, its absences at %v", p.End, reached)
	}
}

// year is a calendar of one person: single events, weekly meetings, vacations.
func year(n int) Calendar {
	c := Calendar{Name: "Work"}
	for i := range n {
		e := Event{UID: fmt.Sprint(i), Summary: "Weekly with the team", Start: at("Europe/Berlin:20250106T090000").AddDays(i * 7 % 365)}
		e.Duration = &Duration{Exact: time.Hour}
		switch {
		case i%20 == 0:
			e.Rules = []Rule{recur("FREQ=WEEKLY;BYDAY=MO,WE")}
		case i%100 == 1:
			e = Event{UID: e.UID, Summary: "Urlaub", Start: DateTime{Wall: day(e.Start.Wall), Date: true}, Duration: &Duration{Days: 5}}
		case i%3 == 0:
			e.Summary = "Gespräch über Verträge"
		}
		c.Objects = append(c.Objects, Object{Events: []Event{e}})
	}
	return c
}

func BenchmarkBuild(b *testing.B) {
	s := Defaults()
	s.Zone = in("Europe/Berlin")
	calendars := []Calendar{year(2000)}
	from := at("20250101").In(s.Zone)
	b.ReportAllocs()
	for b.Loop() {
		if r := Build(calendars, s, from, from.AddDate(1, 0, 0)); len(r.Absences) == 0 || len(r.Errors) > 0 {
			b.Fatal(r.Errors)
		}
	}
}

func BenchmarkExpand(b *testing.B) {
	for _, rule := range []string{"FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,WE", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=YEARLY"} {
		b.Run(rule, func(b *testing.B) {
			o := Object{Events: []Event{{Start: at("Europe/Berlin:16010101T090000"), Rules: []Rule{recur(rule)}}}}
			from, zone := at("20250101").Wall, in("Europe/Berlin")
			b.ReportAllocs()
			for b.Loop() {
				Expand(o, from, from.AddDate(1, 0, 0), zone)
			}
		})
	}
}
