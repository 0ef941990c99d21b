package caldav

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"awayd/sync/absence"
)

func TestParseDuration(t *testing.T) {
	for value, want := range map[string]absence.Duration{
		"P1W": {Days: 7}, "P1D": {Days: 1}, "+P1D": {Days: 1}, "p1dt2h": {Days: 1, Exact: 2 * time.Hour},
		"PT24H": {Exact: 24 * time.Hour}, "PT1H30M5S": {Exact: 90*time.Minute + 5*time.Second},
		"P1W2D": {Days: 9}, "P1DT": {Days: 1}, "PT0S": {}, "P0D": {},
	} {
		if got, err := parseDuration(value); err != nil || got != want {
			t.Errorf("%s: %+v, %v", value, got, err)
		}
	}
	for _, value := range []string{"", "P", "PT", "1D", "P1", "PD", "P1H", "PT1D", "P1D1D", "P1D1W", "PT1S1H", "-P1D", "P1.5D", "P 1D",
		"P9999999W", "PT99999999999S", "P9999999999999999999D", "PT999999999999H", "P1Y", "P1M", "P１D"} {
		if got, err := parseDuration(value); err == nil {
			t.Errorf("%s: accepted as %+v", value, got)
		}
	}
}

func TestParseRule(t *testing.T) {
	day := func(s string) *absence.DateTime {
		d, err := parseDateTime(s, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		return &d
	}
	base := absence.Rule{Freq: absence.Weekly, Interval: 1, WeekStart: time.Monday}
	with := func(change func(*absence.Rule)) absence.Rule {
		r := base
		change(&r)
		return r
	}
	for value, want := range map[string]absence.Rule{
		"FREQ=WEEKLY":                      base,
		"FREQ=WEEKLY;":                     base,
		" freq=weekly ; ":                  base,
		"FREQ=WEEKLY;RSCALE=GREGORIAN":     base,
		"FREQ=WEEKLY;SKIP=OMIT":            base,
		"FREQ=WEEKLY;X-WHO=me":             base,
		"FREQ=WEEKLY;INTERVAL=2;COUNT=010": with(func(r *absence.Rule) { r.Interval, r.Count = 2, 10 }),
		"FREQ=WEEKLY;UNTIL=20251231":       with(func(r *absence.Rule) { r.Until = day("20251231") }),
		"FREQ=WEEKLY;UNTIL=20251231T090000Z": with(func(r *absence.Rule) {
			r.Until = day("20251231T090000Z")
		}),
		"FREQ=WEEKLY;WKST=SU": with(func(r *absence.Rule) { r.WeekStart = time.Sunday }),
		"FREQ=WEEKLY;BYDAY=TU, mo,TU": with(func(r *absence.Rule) {
			r.ByDay = []absence.WeekdayNum{{Day: time.Tuesday}, {Day: time.Monday}}
		}),
		"FREQ=WEEKLY;BYSECOND=60,59,0": with(func(r *absence.Rule) { r.BySecond = []int{0, 59} }),
		"FREQ=MONTHLY;BYDAY=-1FR,+2MO;BYSETPOS=-1": with(func(r *absence.Rule) {
			r.Freq = absence.Monthly
			r.ByDay = []absence.WeekdayNum{{N: -1, Day: time.Friday}, {N: 2, Day: time.Monday}}
			r.BySetPos = []int{-1}
		}),
	} {
		got, err := parseRule(value)
		if err != nil || !cmp.Equal(got, want, cmp.Comparer(sameDateTime)) {
			t.Errorf("%s: %+v, %v", value, got, err)
		}
	}
	for _, value := range []string{
		"", ";", "FREQ", "FREQ=", "FREQ=FORTNIGHTLY", "COUNT=3", "FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;INTERVAL=0",
		"FREQ=DAILY;COUNT=-1", "FREQ=DAILY;COUNT=99999999999", "FREQ=DAILY;UNTIL=soon", "FREQ=DAILY;UNTIL=20250230", "FREQ=DAILY;WKST=XX",
		"FREQ=DAILY;BYDAY=", "FREQ=DAILY;BYDAY=X", "FREQ=DAILY;BYDAY=MO,,TU", "FREQ=MONTHLY;BYDAY=0MO", "FREQ=MONTHLY;BYDAY=53MO", "FREQ=MONTHLY;BYDAY=-6MO",
		"FREQ=YEARLY;BYEASTER=400", "FREQ=YEARLY;BYMONTH=13", "FREQ=YEARLY;BYMONTH=+-1", "FREQ=YEARLY;BYMONTH=1e1", "FREQ=YEARLY;BYHOUR=24",
		"FREQ=YEARLY;BYSECOND=61", "FREQ=YEARLY;RSCALE=CHINESE", "FREQ=YEARLY;SKIP=FORWARD", "FREQ=YEARLY;BYNIGHT=1",
		"FREQ=YEARLY;BYYEARDAY=" + strings.Repeat("1,", maxList) + "1", "FREQ=YEARLY;X-A=" + strings.Repeat("a", maxRule),
	} {
		if r, err := parseRule(value); err == nil {
			t.Errorf("%.60s: accepted as %+v", value, r)
		}
	}
}

// Whatever a text is, escaping and reading it gives it back.
func TestUnescapeUndoesEscape(t *testing.T) {
	escape := strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`).Replace
	rapid.Check(t, func(t *rapid.T) {
		want := strings.TrimSpace(rapid.String().Draw(t, "text"))
		if got := unescape(escape(want)); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
		list := rapid.SliceOfN(rapid.StringMatching(`[a-z,;\\]{1,8}`), 1, 5).Draw(t, "list")
		escaped := make([]string, len(list))
		for i := range list {
			escaped[i] = escape(list[i])
		}
		if got := splitList(strings.Join(escaped, ",")); !reflect.DeepEqual(got, list) {
			t.Fatalf("got %q, want %q", got, list)
		}
	})
}

// A date-time that is read is written back the same.
func TestDateTimeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-11_000_000_000, 200_000_000_000).Draw(t, "unix"), 0).UTC()
		layout := rapid.SampledFrom([]string{"20060102", "20060102T150405", "20060102T150405Z"}).Draw(t, "form")
		want := at.Format(layout)
		d, err := parseDateTime(want, "", nil)
		if err != nil || d.String() != want || d.Wall.Location() != time.UTC {
			t.Fatalf("%s: %s, %v", want, d, err)
		}
	})
}

// Days are those that package time knows, from the year 1 on.
func TestParseDay(t *testing.T) {
	for _, year := range []int{0, 1, 1900, 2000, 2023, 2024, 9999} {
		for rest := range 1400 {
			s := fmt.Sprintf("%04d%04d", year, rest)
			want, wrong := time.Parse("20060102", s)
			if got, err := parseDay(s); (err != nil) != (wrong != nil || year == 0) || err == nil && got != want {
				t.Errorf("%s: %v, %v, not %v, %v", s, got, err, want, wrong)
			}
		}
	}
}

func TestZoneOfTimezone(t *testing.T) {
	zone := func(lines string) string {
		return "BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\n" + lines + "\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nEND:VCALENDAR"
	}
	for text, want := range map[string]string{
		zone("TZID:Europe/Berlin"):                              "Europe/Berlin",
		zone("TZID:/citadel.org/1_0/Europe/Berlin"):             "Europe/Berlin",
		zone("TZID:Mitteleuropa\nX-LIC-LOCATION:Europe/Vienna"): "Europe/Vienna",
		zone("TZID:Mitteleuropa"):                               "",
		zone("TZID:Local"):                                      "",
		"":                                                      "",
		"Europe/Berlin":                                         "",
	} {
		if got := zoneOfTimezone([]byte(text)); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
