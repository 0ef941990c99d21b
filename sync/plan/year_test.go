package plan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"awayd/sync/absence"
	"awayd/sync/plan"
)

// A year is what a person's calendar holds, told twice: as events, and as what
// it means for somebody who looks at a clock on the wall.
type year struct {
	zone   *time.Location
	n      int
	events []absence.Event
	away   []func(here time.Time) bool
}

const clock = "2006-01-02 15:04"

func (y *year) wall(s string) time.Time {
	t, err := time.Parse(clock, fmt.Sprint(y.n, "-", s))
	if err != nil {
		panic(err)
	}
	return t
}

func (y *year) date(s string) absence.DateTime {
	return absence.DateTime{Wall: y.wall(s + " 00:00"), Date: true}
}

func (y *year) in(zone *time.Location, s string) absence.DateTime {
	return absence.DateTime{Wall: y.wall(s), Zone: zone}
}

// absent adds an event during which the person is away.
func (y *year) absent(e absence.Event, away func(here time.Time) bool) {
	e.BusyStatus = "OOF"
	y.events = append(y.events, e)
	if away != nil {
		y.away = append(y.away, away)
	}
}

// days is away from one day until before another, by the date on the wall.
func (y *year) days(from, to string) func(time.Time) bool {
	return func(here time.Time) bool {
		today := here.Format("01-02")
		return here.Year() == y.n && today >= from && today < to
	}
}

func (y *year) vacation(uid, from, to string) {
	end := y.date(to)
	y.absent(absence.Event{UID: uid, Start: y.date(from), End: &end}, y.days(from, to))
}

// fill makes the year of a person with 2,000 events.
func (y *year) fill() {
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		panic(err)
	}
	weekly := []absence.Rule{{Freq: absence.Weekly, Interval: 1, WeekStart: time.Monday}}
	y.vacation("a week in March", "03-05", "03-13")
	y.vacation("spring", "03-27", "04-09")
	y.vacation("September", "09-22", "09-27")
	y.vacation("autumn", "10-24", "11-05")

	// Every Friday afternoon, since the year before.
	start := absence.DateTime{Wall: y.wall("01-01 13:00").AddDate(-1, 0, 0), Zone: y.zone}
	for start.Wall.Weekday() != time.Friday {
		start = start.AddDays(1)
	}
	five := &absence.Duration{Exact: 5 * time.Hour}
	y.absent(absence.Event{UID: "Fridays", Start: start, Duration: five, Rules: weekly}, func(here time.Time) bool {
		return here.Weekday() == time.Friday && here.Hour() >= 13 && here.Hour() < 18
	})

	// A vacation every year in July, moved this year to August.
	july, until, august, later := y.date("07-07"), y.date("07-19"), y.date("08-04"), y.date("08-16")
	first, firstEnd := july, until
	first.Wall, firstEnd.Wall = first.Wall.AddDate(-3, 0, 0), firstEnd.Wall.AddDate(-3, 0, 0)
	y.absent(absence.Event{UID: "summer", Start: first, End: &firstEnd, Rules: []absence.Rule{{Freq: absence.Yearly, Interval: 1, WeekStart: time.Monday}}}, nil)
	y.absent(absence.Event{UID: "summer", RecurrenceID: &july, Start: august, End: &later}, y.days("08-04", "08-16"))

	// One that was called off.
	june := y.date("06-14")
	y.absent(absence.Event{UID: "cancelled", Start: y.date("06-02"), End: &june, Status: "CANCELLED"}, nil)

	// A trip that leaves here and ends there, and a day there.
	back := y.in(tokyo, "05-16 18:00")
	y.absent(absence.Event{UID: "trip", Start: y.in(y.zone, "05-12 09:00"), End: &back}, func(here time.Time) bool {
		return here.Format(clock) >= fmt.Sprint(y.n, "-05-12 09:00") && here.In(tokyo).Format(clock) < fmt.Sprint(y.n, "-05-16 18:00")
	})
	y.absent(absence.Event{UID: "fair", Start: y.in(tokyo, "05-21 10:00"), Duration: &absence.Duration{Days: 1, Exact: 2 * time.Hour}}, func(here time.Time) bool {
		there := here.In(tokyo).Format(clock)
		return there >= fmt.Sprint(y.n, "-05-21 10:00") && there < fmt.Sprint(y.n, "-05-22 12:00")
	})

	// All that a working week is full of.
	hour := &absence.Duration{Exact: time.Hour}
	for i := range 20 {
		at := absence.DateTime{Wall: y.wall("01-01 09:00").AddDate(0, 0, i%5).Add(time.Duration(i/5) * time.Hour), Zone: y.zone}
		y.events = append(y.events, absence.Event{UID: fmt.Sprint("weekly ", i), Summary: "Team meeting", Start: at, Duration: hour, Rules: weekly})
	}
	for i := range 2_000 - len(y.events) {
		at := absence.DateTime{Wall: y.wall("01-01 08:00").AddDate(0, 0, i*7%365).Add(time.Duration(i%20) * 30 * time.Minute), Zone: y.zone}
		y.events = append(y.events, absence.Event{UID: fmt.Sprint("single ", i), Summary: "Review", Start: at, Duration: hour})
	}
}

// calendar has one object for each series.
func (y *year) calendar() absence.Calendar {
	index := map[string]int{}
	c := absence.Calendar{Name: "work"}
	for _, e := range y.events {
		i, ok := index[e.UID]
		if !ok {
			i = len(c.Objects)
			index[e.UID] = i
			c.Objects = append(c.Objects, absence.Object{Href: e.UID})
		}
		c.Objects[i].Events = append(c.Objects[i].Events, e)
	}
	return c
}

// slot is how often the oracle looks at the clock.
const slot = 15 * time.Minute

// looked is the oracle: at every quarter of an hour from a month before the
// year until a month after, whether the person is away. Stretches between two
// absences in which nobody works count as away.
func (y *year) looked(from, to time.Time) (begin time.Time, away []bool) {
	begin = from.AddDate(0, -1, 0)
	var working []bool
	for t := begin; t.Before(to.AddDate(0, 1, 0)); t = t.Add(slot) {
		here := t.In(y.zone)
		away = append(away, slices.ContainsFunc(y.away, func(f func(time.Time) bool) bool { return f(here) }))
		weekend := here.Weekday() == time.Saturday || here.Weekday() == time.Sunday
		working = append(working, !weekend && here.Hour() >= 8 && here.Hour() < 18)
	}
	for i := 0; i < len(away); {
		j := i
		for j < len(away) && !away[j] {
			j++
		}
		if i > 0 && j < len(away) && !slices.Contains(working[i:j], true) {
			for k := i; k < j; k++ {
				away[k] = true
			}
		}
		i = j + 1
	}
	return begin, away
}

// The timeline of a whole year is right at every quarter of an hour, and what
// contacts can see changes exactly at its edges.
func TestYear(t *testing.T) {
	for _, c := range []struct {
		zone string
		n    int
	}{
		{"Europe/Berlin", 2025}, {"America/New_York", 2025}, {"Australia/Lord_Howe", 2025}, {"America/Havana", 2025},
		{"Pacific/Apia", 2011}, // in which 30 December did not exist
		{"Pacific/Apia", 2025},
	} {
		t.Run(fmt.Sprint(c.zone, " ", c.n), func(t *testing.T) {
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			y := &year{zone: zone, n: c.n}
			y.fill()
			y.vacation("the end of the year", "12-29", "12-31")
			if c.n == 2011 {
				// That day was a Friday. RFC 5545 §3.3.10 and §3.3.5 read its
				// afternoon with the offset before, which is a day later.
				y.away = append(y.away, func(here time.Time) bool {
					return here.Format("01-02") == "12-31" && here.Hour() >= 13 && here.Hour() < 18
				})
			}
			settings := absence.Defaults()
			settings.Zone = zone
			from, to := time.Date(c.n, 1, 2, 0, 0, 0, 0, zone), time.Date(c.n+1, 1, 1, 0, 0, 0, 0, zone)
			r := absence.Build([]absence.Calendar{y.calendar()}, settings, from, to)
			if len(r.Errors) > 0 || len(y.events) < 2_000 {
				t.Fatalf("%d events, errors %v", len(y.events), r.Errors)
			}
			begin, away := y.looked(from, to)
			var edges []string
			was := false
			for at := from; at.Before(to); at = at.Add(slot) {
				want := away[at.Sub(begin)/slot]
				if _, got := r.Timeline.At(at); got != want {
					t.Fatalf("%v: away %v, want %v", at.In(zone), got, want)
				}
				if want != was {
					kind := plan.Withdraw
					if want {
						kind = plan.Reveal
					}
					edges = append(edges, fmt.Sprint(kind, " ", at.UTC().Format(time.RFC3339)))
				}
				was = want
			}
			if len(edges) < 80 {
				t.Errorf("only %d changes in the year", len(edges))
			}
			var steps []string
			for _, s := range plan.Forecast(plan.Wish{Timeline: r.Timeline, Audience: plan.Presence}, plan.Observed{}, plan.Journal{}, from, to.Add(-time.Second)) {
				if s.Kind == plan.Reveal || s.Kind == plan.Withdraw {
					steps = append(steps, fmt.Sprint(s.Kind, " ", s.At.UTC().Format(time.RFC3339)))
				}
			}
			if !slices.Equal(steps, edges) {
				t.Errorf("steps %v\nwant  %v", steps, edges)
			}
		})
	}
}
