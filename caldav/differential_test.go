package caldav

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"awayd/sync/absence"
)

// A randomCase is a calendar of one series, made by chance, with what the
// explanations want to know about it.
type randomCase struct {
	ICS  string `json:"ics"`
	From string `json:"from"`
	To   string `json:"to"`

	event   absence.Event
	changed []absence.DateTime // RECURRENCE-IDs
	nominal bool               // a time with a DURATION in days
}

// A span is an occurrence in Unix seconds.
type span [2]int64

// An explanation is a way in which the other engine differs from RFC 5545.
type explanation struct {
	name, paragraph string
	// holds reports whether it covers an occurrence that only one of both has.
	holds func(c randomCase, s span) bool
}

var explanations = []explanation{
	{"a time that occurs twice is read as the second", "RFC 5545 §3.3.5", func(c randomCase, s span) bool {
		return nearChange(c, s[0]) || nearChange(c, s[1])
	}},
	{"DTSTART that the rule does not produce is not counted", "RFC 5545 §3.8.5.3", func(c randomCase, _ span) bool {
		return slices.ContainsFunc(c.event.Rules, func(r absence.Rule) bool { return r.Count > 0 }) && !ruleHasStart(c.event)
	}},
	{"a changed instance takes the place of whatever begins on that day", "RFC 5545 §3.8.4.4", func(c randomCase, s span) bool {
		return slices.ContainsFunc(c.changed, func(d absence.DateTime) bool {
			return time.Unix(s[0], 0).UTC().Sub(d.In(time.UTC)).Abs() < 24*time.Hour
		})
	}},
	{"an RDATE where the rule has an instance is a second one", "RFC 5545 §3.8.5.2", func(c randomCase, s span) bool {
		return slices.ContainsFunc(c.event.RDates, func(d absence.DateTime) bool { return d.In(time.UTC).Unix() == s[0] })
	}},
	{"EXDATE is compared with instances that have the offset of DTSTART, an hour or half an hour off", "RFC 5545 §3.8.5.1", func(c randomCase, s span) bool {
		return slices.ContainsFunc(c.event.ExDates, func(d absence.DateTime) bool {
			off := d.In(time.UTC).Sub(time.Unix(s[0], 0)).Abs()
			return d.Zone != nil && off > 0 && off <= time.Hour
		})
	}},
	{"days of a DURATION are taken for 24 hours", "RFC 5545 §3.3.6", func(c randomCase, _ span) bool { return c.nominal }},
}

// nearChange reports whether the clock of the case's zone changes within an
// hour or two of t, so that wall time and instant are not one to one.
func nearChange(c randomCase, t int64) bool {
	zone := c.event.Start.Zone
	if zone == nil {
		return false
	}
	begin, end := time.Unix(t, 0).In(zone).ZoneBounds()
	near := func(change time.Time) bool {
		return !change.IsZero() && change.Sub(time.Unix(t, 0)).Abs() <= 2*time.Hour
	}
	return near(begin) || near(end)
}

// ruleHasStart asks the rule alone, from a year before, whether it produces the
// start of the event.
func ruleHasStart(e absence.Event) bool {
	for _, r := range e.Rules {
		r.Count, r.Until = 0, nil
		probe := absence.Event{UID: "u", Start: e.Start, Rules: []absence.Rule{r}, ExRules: []absence.Rule{r}}
		found, _ := absence.Expand(absence.Object{Events: []absence.Event{probe}}, e.Start.In(time.UTC), e.Start.In(time.UTC).Add(time.Second), time.UTC)
		if len(found) > 0 {
			return false
		}
	}
	return true
}

// TestAgainstAnotherEngine compares with python3-recurring-ical-events, which
// shares nothing with awayd, over random calendars. AWAYD_LONG makes other ones
// each time, and more.
func TestAgainstAnotherEngine(t *testing.T) {
	n, seed := 3_000, uint64(5545)
	if os.Getenv("AWAYD_LONG") != "" {
		n, seed = 30_000, uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	cases := make([]randomCase, n)
	for i := range cases {
		cases[i] = drawCase(rng)
	}
	answers := askPython(t, cases)
	used := map[string]int{}
	wrong, occurrences := 0, 0
	for i, c := range cases {
		ours, errs := expandCase(t, c)
		occurrences += len(ours)
		var theirs []span
		if err := json.Unmarshal(answers[i], &theirs); err != nil || len(errs) > 0 {
			t.Errorf("%s\nours: %v, theirs: %s", c.ICS, errs, answers[i])
			continue
		}
		theirs = inWindow(theirs, c)
		for _, s := range difference(ours, theirs) {
			k := slices.IndexFunc(explanations, func(e explanation) bool { return e.holds(c, s) })
			if k < 0 {
				t.Errorf("%s\nours   %v\ntheirs %v", c.ICS, shownSpans(without(ours, theirs)), shownSpans(without(theirs, ours)))
				wrong++
				break
			}
			used[explanations[k].name]++
		}
		if wrong > 3 {
			t.FailNow()
		}
	}
	t.Logf("%d calendars, %d occurrences; explained: %v", n, occurrences, used)
	if occurrences < 5*n {
		t.Errorf("only %d occurrences in %d calendars", occurrences, n)
	}
}

func askPython(t *testing.T, cases []randomCase) []json.RawMessage {
	t.Helper()
	input, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "testdata/expand.py")
	cmd.Stdin = bytes.NewReader(input)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: is python3-recurring-ical-events installed (make servers)?", err)
	}
	var answers []json.RawMessage
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(cases) {
		t.Fatalf("%d answers: %v", len(answers), err)
	}
	return answers
}

func window(c randomCase) (from, to time.Time) {
	from, _ = time.Parse("20060102", c.From)
	to, _ = time.Parse("20060102", c.To)
	return from, to
}

func expandCase(t *testing.T, c randomCase) ([]span, []absence.ObjectError) {
	t.Helper()
	o := readObject([]byte(c.ICS))
	from, to := window(c)
	found, errs := absence.Expand(o, from, to, time.UTC)
	var list []span
	for _, x := range found {
		list = append(list, span{x.Start.Unix(), x.End.Unix()})
	}
	return inWindow(list, c), append(errs, o.Errors...)
}

// inWindow sorts, and leaves out what only touches the window.
func inWindow(list []span, c randomCase) []span {
	from, to := window(c)
	list = slices.DeleteFunc(list, func(s span) bool { return s[0] >= to.Unix() || s[1] <= from.Unix() })
	slices.SortFunc(list, func(a, b span) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	return list
}

// difference is what only one of both has.
func difference(a, b []span) []span {
	count := map[span]int{}
	for _, s := range a {
		count[s]++
	}
	for _, s := range b {
		count[s]--
	}
	var list []span
	for s, n := range count {
		if n != 0 {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b span) int { return cmp.Compare(a[0], b[0]) })
	return list
}

func without(a, b []span) []span {
	return slices.DeleteFunc(slices.Clone(a), func(s span) bool { return slices.Contains(b, s) })
}

func shownSpans(list []span) (shown []string) {
	for _, s := range list {
		shown = append(shown, time.Unix(s[0], 0).UTC().Format("060102T1504")+"/"+time.Unix(s[1], 0).UTC().Format("060102T1504"))
	}
	return shown
}

var randomZones = []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Pacific/Apia", "Asia/Kolkata", "America/Santiago"}

// drawCase makes a series with exceptions.
func drawCase(rng *rand.Rand) randomCase {
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	chance := func(percent int) bool { return rng.IntN(100) < percent }
	kind := pick("date", "date", "utc", "zone", "zone", "zone", "floating")
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rng.IntN(600))
	param := ""
	form := func(t time.Time) string { return t.Format("20060102T150405") }
	switch kind {
	case "date":
		param, form = ";VALUE=DATE", func(t time.Time) string { return t.Format("20060102") }
	case "utc":
		form = func(t time.Time) string { return t.Format("20060102T150405Z") }
	case "zone":
		param = ";TZID=" + randomZones[rng.IntN(len(randomZones))]
	}
	if kind != "date" {
		start = start.Add(time.Duration(rng.IntN(48)) * 30 * time.Minute)
	}
	c := randomCase{From: start.AddDate(0, 0, rng.IntN(300)-30).Format("20060102")}
	from, _ := window(c)
	c.To = from.AddDate(0, 0, 1+rng.IntN(400)).Format("20060102")

	end := start.AddDate(0, 0, 1+rng.IntN(5))
	length := "DTEND" + param + ":" + form(end)
	switch {
	case kind != "date" && chance(70):
		end = start.Add(time.Duration(1+rng.IntN(20)) * 30 * time.Minute)
		length = "DTEND" + param + ":" + form(end)
		if chance(30) {
			length = fmt.Sprintf("DURATION:PT%dM", int(end.Sub(start).Minutes()))
		}
	case kind == "date" && chance(30):
		length = fmt.Sprintf("DURATION:P%dD", int(end.Sub(start).Hours())/24)
	case kind != "date" && chance(20):
		length, c.nominal = "DURATION:P2D", true
	}
	rule, step := drawRule(rng, kind, start, form)
	lines := []string{"DTSTART" + param + ":" + form(start), length, "RRULE:" + rule}
	near := func() time.Time { return start.AddDate(0, 0, step*rng.IntN(20)) }
	if chance(40) {
		lines = append(lines, "EXDATE"+param+":"+form(near())+","+form(near()), "EXDATE"+param+":"+form(near()))
	}
	if chance(30) {
		lines = append(lines, "RDATE"+param+":"+form(start.AddDate(0, 0, rng.IntN(100)))+","+form(start.AddDate(0, 0, rng.IntN(100))))
	}
	taken := map[string]bool{}
	for chance(25) {
		id := near()
		if taken[form(id)] {
			continue
		}
		taken[form(id)] = true
		to := id.AddDate(0, 0, rng.IntN(9)-4)
		lines = append(lines, "END:VEVENT", "BEGIN:VEVENT", "UID:u", "DTSTAMP:20240101T000000Z", "RECURRENCE-ID"+param+":"+form(id),
			"DTSTART"+param+":"+form(to), "DTEND"+param+":"+form(to.Add(end.Sub(start))))
	}
	c.ICS = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTAMP:20240101T000000Z\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	o := readObject([]byte(c.ICS))
	if len(o.Events) > 0 {
		c.event = o.Events[0]
	}
	for _, e := range o.Events {
		if e.RecurrenceID != nil {
			c.changed = append(c.changed, *e.RecurrenceID)
		}
	}
	return c
}

// drawRule makes a rule, and the days after which it is likely to come again.
func drawRule(rng *rand.Rand, kind string, start time.Time, form func(time.Time) string) (rule string, step int) {
	chance := func(percent int) bool { return rng.IntN(100) < percent }
	numbers := func(n int, draw func() int) string {
		var list []string
		for range 1 + rng.IntN(n) {
			list = append(list, fmt.Sprint(draw()))
		}
		return strings.Join(list, ",")
	}
	days := []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}
	weekdays := func(n int) string {
		var list []string
		for _, i := range rng.Perm(7)[:1+rng.IntN(n)] {
			list = append(list, days[i])
		}
		return strings.Join(list, ",")
	}
	month := func() int { return 1 + rng.IntN(12) }
	monthDay := func() int { return []int{1, 2, 13, 15, 28, 29, 30, 31, -1, -2, -10}[rng.IntN(11)] }
	interval := 1 + rng.IntN(3)
	parts := []string{}
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch rng.IntN(5) {
	case 0:
		add("FREQ=DAILY")
		step = interval
		if chance(30) {
			add("BYDAY=%s", weekdays(6))
		}
		if chance(20) {
			add("BYMONTH=%s", numbers(4, month))
		}
		if chance(10) {
			add("BYMONTHDAY=%s", numbers(4, monthDay))
		}
	case 1, 2:
		add("FREQ=WEEKLY")
		step = 7 * interval
		if chance(60) {
			add("BYDAY=%s", weekdays(4))
		}
		if chance(40) {
			add("WKST=%s", days[rng.IntN(7)])
		}
		if chance(10) {
			add("BYMONTH=%s", numbers(4, month))
		}
	case 3:
		add("FREQ=MONTHLY")
		step = 30 * interval
		switch rng.IntN(4) {
		case 0:
			add("BYMONTHDAY=%s", numbers(3, monthDay))
		case 1:
			add("BYDAY=%d%s", []int{1, 2, 3, 4, 5, -1, -2}[rng.IntN(7)], days[rng.IntN(7)])
		case 2:
			add("BYDAY=%s;BYSETPOS=%s", weekdays(5), numbers(2, func() int { return []int{1, 2, 3, -1, -2}[rng.IntN(5)] }))
		}
	default:
		add("FREQ=YEARLY")
		step, interval = 365, 1
		switch rng.IntN(6) {
		case 0:
			add("BYMONTH=%s", numbers(4, month))
		case 1:
			add("BYMONTH=%s;BYDAY=%d%s", numbers(3, month), []int{1, 2, -1}[rng.IntN(3)], days[rng.IntN(7)])
		case 2:
			add("BYYEARDAY=%s", numbers(4, func() int { return []int{1, 60, 100, 200, 366, -1, -60}[rng.IntN(7)] }))
		case 3:
			add("BYWEEKNO=%s;BYDAY=%s", numbers(3, func() int { return []int{1, 2, 20, 52, 53, -1}[rng.IntN(6)] }), weekdays(3))
		case 4:
			add("BYMONTH=%s;BYMONTHDAY=%s", numbers(3, month), numbers(3, monthDay))
		}
	}
	if interval > 1 {
		add("INTERVAL=%d", interval)
	}
	if kind != "date" && step < 300 && chance(10) {
		add("BYHOUR=%d", rng.IntN(24))
	}
	switch rng.IntN(4) {
	case 0:
		add("COUNT=%d", 1+rng.IntN(30))
	case 1:
		until := start.AddDate(0, 0, rng.IntN(400))
		if kind == "zone" {
			add("UNTIL=%s", until.Format("20060102T150405Z")) // RFC 5545 §3.3.10
		} else {
			add("UNTIL=%s", form(until))
		}
	}
	return strings.Join(parts, ";"), step
}
