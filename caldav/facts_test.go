package caldav

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"awayd/sync/absence"
)

// occurrences reads an object and expands it, as "start/end" in zone.
func occurrences(t *testing.T, data []byte, zone string, from, to time.Time) (list []string, errs []absence.ObjectError) {
	t.Helper()
	loc := zoneNamed(t, zone)
	o := readObject(data)
	found, errs := absence.Expand(o, from, to, loc)
	for _, x := range found {
		list = append(list, x.Start.Format("2006-01-02T15:04Z07")+"/"+x.End.Format("2006-01-02T15:04Z07"))
	}
	return list, append(errs, o.Errors...)
}

// TestFacts holds what iCalendar libraries are known to get wrong, each with
// what it means. Every case is seen from its zone in the year 2025; one that
// is to be refused names the reason.
func TestFacts(t *testing.T) {
	const berlin, newYork, havana = "Europe/Berlin", "America/New_York", "America/Havana"
	custom := "BEGIN:VTIMEZONE\nTZID:Mitteleuropa\n" +
		standard("16010101T030000", "+0200", "+0100", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10") +
		daylight("16010101T020000", "+0100", "+0200", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3") + "END:VTIMEZONE"
	july := []string{"2025-07-07T09:00+02/2025-07-07T10:00+02"}
	for _, c := range []struct {
		name  string
		zone  string
		lines string
		want  []string
		err   string
		head  string // lines of the VCALENDAR
	}{
		{name: "TZID of Windows", zone: berlin, lines: "DTSTART;TZID=W. Europe Standard Time:20250707T090000\nDURATION:PT1H", want: july},
		{name: "TZID of a custom VTIMEZONE", zone: berlin, head: custom, lines: "DTSTART;TZID=Mitteleuropa:20250707T090000\nDURATION:PT1H", want: july},
		{name: "custom VTIMEZONE from 1601, a series across its change", zone: berlin, head: custom,
			lines: "DTSTART;TZID=Mitteleuropa:20250328T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;INTERVAL=2;COUNT=2",
			want:  []string{"2025-03-28T09:00+01/2025-03-28T10:00+01", "2025-03-30T09:00+02/2025-03-30T10:00+02"}},
		{name: "quoted GMT+01:00", zone: berlin, lines: `DTSTART;TZID="GMT+01:00":20250707T080000` + "\nDURATION:PT1H", want: july},
		{name: "TZID in lower case", zone: berlin, lines: "DTSTART;TZID=europe/berlin:20250707T090000\nDURATION:PT1H", want: july},
		{name: "TZID of Evolution", zone: berlin, lines: "DTSTART;TZID=/freeassociation.sourceforge.net/Europe/Berlin:20250707T090000\nDURATION:PT1H", want: july},
		{name: "TZID of Mozilla", zone: berlin, lines: "DTSTART;TZID=/mozilla.org/20070129_1/Europe/Berlin:20250707T090000\nDURATION:PT1H", want: july},
		{name: "TZID with a slash in front", zone: berlin, lines: "DTSTART;TZID=/Europe/Berlin:20250707T090000\nDURATION:PT1H", want: july},
		{name: "unquoted TZID with a colon", zone: berlin, head: strings.Replace(custom, "TZID:Mitteleuropa", "TZID:(UTC+01:00) Berlin", 1),
			lines: "DTSTART;TZID=(UTC+01:00) Berlin:20250707T090000\nDURATION:PT1H", want: july},
		{name: "unquoted TZID with a colon that nothing explains", zone: berlin, lines: "DTSTART;TZID=(UTC+01:00) Berlin:20250707T090000", err: `unknown time zone "(UTC+01:00) Berlin"`},
		{name: "TZID=Local", zone: berlin, lines: "DTSTART;TZID=Local:20250707T090000", err: `unknown time zone "Local"`},
		{name: "floating", zone: newYork, lines: "DTSTART:20250707T090000\nDURATION:PT1H", want: []string{"2025-07-07T09:00-04/2025-07-07T10:00-04"}},
		{name: "X-WR-TIMEZONE", zone: newYork, head: "X-WR-TIMEZONE:Europe/Berlin", lines: "DTSTART:20250707T090000\nDTEND:20250707T100000", want: []string{"2025-07-07T03:00-04/2025-07-07T04:00-04"}},
		{name: "X-WR-TIMEZONE and its EXDATE, RDATE and RECURRENCE-ID", zone: berlin, head: "X-WR-TIMEZONE:America/New_York",
			lines: "DTSTART:20250707T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20250708T090000\nRDATE:20250710T090000\n" +
				"END:VEVENT\nBEGIN:VEVENT\nUID:u\nRECURRENCE-ID:20250709T090000\nDTSTART:20250709T120000\nDURATION:PT1H",
			want: []string{"2025-07-07T15:00+02/2025-07-07T16:00+02", "2025-07-09T18:00+02/2025-07-09T19:00+02", "2025-07-10T15:00+02/2025-07-10T16:00+02"}},
		{name: "all-day until a midnight", zone: newYork, lines: "DTSTART;VALUE=DATE:20250707\nDTEND:20250712T000000", want: []string{"2025-07-07T00:00-04/2025-07-12T00:00-04"}},
		{name: "all-day without DTEND on a DST day", zone: berlin, lines: "DTSTART;VALUE=DATE:20250330", want: []string{"2025-03-30T00:00+01/2025-03-31T00:00+02"}},
		{name: "P7D across DST", zone: berlin, lines: "DTSTART;VALUE=DATE:20251020\nDURATION:P7D", want: []string{"2025-10-20T00:00+02/2025-10-27T00:00+01"}},
		{name: "P1D of a time across DST", zone: berlin, lines: "DTSTART;TZID=Europe/Berlin:20250329T120000\nDURATION:P1D", want: []string{"2025-03-29T12:00+01/2025-03-30T12:00+02"}},
		{name: "all-day without midnight, Havana", zone: havana, lines: "DTSTART;VALUE=DATE:20250309", want: []string{"2025-03-09T01:00-04/2025-03-10T00:00-04"}},
		{name: "all-day without midnight, Santiago", zone: "America/Santiago", lines: "DTSTART;VALUE=DATE:20250907", want: []string{"2025-09-07T01:00-03/2025-09-08T00:00-03"}},
		{name: "all-day without midnight, Azores", zone: "Atlantic/Azores", lines: "DTSTART;VALUE=DATE:20250330", want: []string{"2025-03-30T01:00Z/2025-03-31T00:00Z"}},
		{name: "series of days across the missing midnight", zone: havana, lines: "DTSTART;VALUE=DATE:20250308\nRRULE:FREQ=DAILY;COUNT=3",
			want: []string{"2025-03-08T00:00-05/2025-03-09T01:00-04", "2025-03-09T01:00-04/2025-03-10T00:00-04", "2025-03-10T00:00-04/2025-03-11T00:00-04"}},
		{name: "in a fold", zone: berlin, lines: "DTSTART;TZID=Europe/Berlin:20251026T023000\nDURATION:PT1H", want: []string{"2025-10-26T02:30+02/2025-10-26T02:30+01"}},
		{name: "in a gap", zone: berlin, lines: "DTSTART;TZID=Europe/Berlin:20250330T023000\nDURATION:PT1H", want: []string{"2025-03-30T03:30+02/2025-03-30T04:30+02"}},
		{name: "date without VALUE", zone: berlin, lines: "DTSTART:20250707", want: []string{"2025-07-07T00:00+02/2025-07-08T00:00+02"}},
		{name: "VALUE=date", zone: berlin, lines: "DTSTART;VALUE=date:20250707", want: []string{"2025-07-07T00:00+02/2025-07-08T00:00+02"}},
		{name: "DURATION:P9999999W", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707\nDURATION:P9999999W", err: `line 5: DURATION "P9999999W": longer than 100 years`},
		{name: "no DTSTART", zone: berlin, lines: "SUMMARY:x", err: "DTSTART: missing"},
		{name: "no DTSTART but a rule", zone: berlin, lines: "RRULE:FREQ=DAILY", err: "DTSTART: missing"},
		{name: "UNTIL as a date with a time", zone: berlin, lines: "DTSTART;TZID=Europe/Berlin:20250707T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20250708",
			want: append(july[:1:1], "2025-07-08T09:00+02/2025-07-08T10:00+02")},
		{name: "UNTIL of an all-day series west of UTC", zone: newYork, lines: "DTSTART;VALUE=DATE:20250707\nRRULE:FREQ=DAILY;UNTIL=20250708T000000Z",
			want: []string{"2025-07-07T00:00-04/2025-07-08T00:00-04", "2025-07-08T00:00-04/2025-07-09T00:00-04"}},
		{name: "UNTIL local without Z", zone: newYork, lines: "DTSTART;TZID=America/New_York:20250707T210000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20250708T210000",
			want: []string{"2025-07-07T21:00-04/2025-07-07T22:00-04", "2025-07-08T21:00-04/2025-07-08T22:00-04"}},
		{name: "EXDATE with a list", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE;VALUE=DATE:20250708,20250709",
			want: []string{"2025-07-07T00:00+02/2025-07-08T00:00+02", "2025-07-10T00:00+02/2025-07-11T00:00+02"}},
		{name: "EXDATE as dates against times", zone: berlin, lines: "DTSTART;TZID=Europe/Berlin:20250706T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20250706\nEXDATE:20250708", want: july},
		{name: "RDATE", zone: berlin, lines: "DTSTART;TZID=Europe/Berlin:20250707T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=1\nRDATE;TZID=Europe/Berlin:20250901T090000",
			want: append(july[:1:1], "2025-09-01T09:00+02/2025-09-01T10:00+02")},
		{name: "RDATE;VALUE=PERIOD", zone: berlin, lines: "DTSTART;TZID=Europe/Berlin:20250707T090000\nDURATION:PT1H\nRDATE;VALUE=PERIOD:20250901T070000Z/PT3H,20250902T070000Z/20250903T070000Z",
			want: append(july[:1:1], "2025-09-01T09:00+02/2025-09-01T12:00+02", "2025-09-02T09:00+02/2025-09-03T09:00+02")},
		{name: "period where the rule has an instance, RFC 5545 §3.8.5.3", zone: berlin, lines: "DTSTART;TZID=Europe/Berlin:20250706T090000\nDURATION:PT3H\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE:20250706T090000\nRDATE;VALUE=PERIOD:20250707T070000Z/PT1H", want: july},
		{name: "RDATE without RRULE", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707\nRDATE;VALUE=DATE:20250801", want: []string{"2025-07-07T00:00+02/2025-07-08T00:00+02", "2025-08-01T00:00+02/2025-08-02T00:00+02"}},
		{name: "RECURRENCE-ID", zone: berlin, lines: "DTSTART;VALUE=DATE:20250701\nRRULE:FREQ=DAILY;COUNT=2\nEND:VEVENT\nBEGIN:VEVENT\nUID:u\nRECURRENCE-ID;VALUE=DATE:20250702\nDTSTART;VALUE=DATE:20250801",
			want: []string{"2025-07-01T00:00+02/2025-07-02T00:00+02", "2025-08-01T00:00+02/2025-08-02T00:00+02"}},
		{name: "RANGE=THISANDFUTURE", zone: berlin,
			lines: "DTSTART;TZID=Europe/Berlin:20250320T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=4\nEND:VEVENT\nBEGIN:VEVENT\nUID:u\nRECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20250327T090000\nDTSTART;TZID=Europe/Berlin:20250328T140000\nDURATION:PT2H",
			want:  []string{"2025-03-20T09:00+01/2025-03-20T10:00+01", "2025-03-28T14:00+01/2025-03-28T16:00+01", "2025-04-04T14:00+02/2025-04-04T16:00+02", "2025-04-11T14:00+02/2025-04-11T16:00+02"}},
		{name: "second RRULE", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707\nRRULE:FREQ=DAILY;COUNT=1\nRRULE:FREQ=MONTHLY;COUNT=2", want: []string{"2025-07-07T00:00+02/2025-07-08T00:00+02", "2025-08-07T00:00+02/2025-08-08T00:00+02"}},
		{name: "EXRULE", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707\nRRULE:FREQ=DAILY;COUNT=4\nEXRULE:FREQ=DAILY;INTERVAL=2", want: []string{"2025-07-08T00:00+02/2025-07-09T00:00+02", "2025-07-10T00:00+02/2025-07-11T00:00+02"}},
		{name: "DTSTART that the RRULE does not produce", zone: berlin, lines: "DTSTART;VALUE=DATE:20250708\nRRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=2", want: []string{"2025-07-08T00:00+02/2025-07-09T00:00+02", "2025-07-14T00:00+02/2025-07-15T00:00+02"}},
		{name: "HOURLY across DST", zone: berlin, lines: "DTSTART;TZID=Europe/Berlin:20250330T000000\nDURATION:PT10M\nRRULE:FREQ=HOURLY;UNTIL=20250330T020000Z",
			want: []string{"2025-03-30T00:00+01/2025-03-30T00:10+01", "2025-03-30T01:00+01/2025-03-30T01:10+01", "2025-03-30T03:00+02/2025-03-30T03:10+02", "2025-03-30T04:00+02/2025-03-30T04:10+02"}},
		{name: "trailing semicolon", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707\nRRULE:FREQ=DAILY;COUNT=1;", want: []string{"2025-07-07T00:00+02/2025-07-08T00:00+02"}},
		{name: "lower case", zone: berlin, lines: "dtstart;value=date:20250707\nrrule:freq=daily;count=1", want: []string{"2025-07-07T00:00+02/2025-07-08T00:00+02"}},
		{name: "RSCALE and X-", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707\nRRULE:RSCALE=GREGORIAN;FREQ=DAILY;X-NAME=a;COUNT=1", want: []string{"2025-07-07T00:00+02/2025-07-08T00:00+02"}},
		{name: "RSCALE of another calendar", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707\nRRULE:RSCALE=CHINESE;FREQ=YEARLY", err: "RSCALE"},
		{name: "BYSECOND=60", zone: berlin, lines: "DTSTART;TZID=Europe/Berlin:20250707T090059\nDURATION:PT59M1S\nRRULE:FREQ=DAILY;COUNT=1;BYSECOND=60", want: july},
		{name: "series from 1601", zone: berlin, lines: "DTSTART;VALUE=DATE:16010101\nRRULE:FREQ=YEARLY", want: []string{"2025-01-01T00:00+01/2025-01-02T00:00+01"}},
		{name: "BYDAY=53MO", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707\nRRULE:FREQ=MONTHLY;BYDAY=53MO", err: "BYDAY=53MO"},
		{name: "BYDAY=-6MO", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707\nRRULE:FREQ=MONTHLY;BYDAY=-6MO", err: "BYDAY=-6MO"},
		{name: "BYEASTER", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707\nRRULE:FREQ=YEARLY;BYEASTER=400", err: "BYEASTER"},
		{name: "huge INTERVAL", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707\nRRULE:FREQ=YEARLY;INTERVAL=9223372036854775807", err: "INTERVAL"},
		{name: "rule that never comes back", zone: berlin, lines: "DTSTART;TZID=Europe/Berlin:20250707T090000\nDURATION:PT1H\nRRULE:FREQ=HOURLY;INTERVAL=2;BYHOUR=10", want: july},
		{name: "SECONDLY from long ago", zone: berlin, lines: "DTSTART:19700101T000000Z\nRRULE:FREQ=SECONDLY", err: "more than"},
		{name: "thousands of entries", zone: berlin, lines: "DTSTART:20250707T090000Z\nRRULE:FREQ=DAILY;BYHOUR=" + strings.Repeat("1,", 2000) + "1", err: "more than 400 entries"},
		{name: "line without colon", zone: berlin, lines: "DTSTART", err: "line 4: DTSTART: no colon"},
		{name: "text after a quoted parameter", zone: berlin, lines: `DTSTART;TZID="Europe/Berlin"x:20250707T090000`, err: "line 4: DTSTART: text after a quoted parameter"},
		{name: "text after a quoted parameter of a text", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707\n" + `DESCRIPTION;ALTREP="a"b:c`, want: []string{"2025-07-07T00:00+02/2025-07-08T00:00+02"}},
		{name: "256 KiB parameter", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707\nSUMMARY;X-A=" + strings.Repeat("a", 256<<10) + ":x", want: []string{"2025-07-07T00:00+02/2025-07-08T00:00+02"}},
		{name: "nested", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707\n" + strings.Repeat("BEGIN:X\n", 70_000), err: "nested too deep"},
		{name: "trailing blanks", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707 \nEND:VEVENT \nBEGIN:VEVENT \nUID:v \nDTSTART;VALUE=DATE:20250801 ", want: []string{"2025-07-07T00:00+02/2025-07-08T00:00+02", "2025-08-01T00:00+02/2025-08-02T00:00+02"}},
		{name: "missing END", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707\nBEGIN:VEVENT\nUID:v\nDTSTART;VALUE=DATE:20250801", want: []string{"2025-07-07T00:00+02/2025-07-08T00:00+02", "2025-08-01T00:00+02/2025-08-02T00:00+02"}},
		{name: "stray line", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707\nDESCRIPTION:one\ntwo, and no fold\n", want: []string{"2025-07-07T00:00+02/2025-07-08T00:00+02"}},
		{name: "changed instance that cannot be read", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707\nRRULE:FREQ=DAILY;COUNT=2\nEND:VEVENT\nBEGIN:VEVENT\nUID:u\nRECURRENCE-ID;VALUE=DATE:20250707\nDTSTART;VALUE=DATE:soon",
			err: `line 10: DTSTART "soon"`, want: []string{"2025-07-08T00:00+02/2025-07-09T00:00+02"}},
		{name: "changed instance and all after it that cannot be read", zone: berlin, lines: "DTSTART;VALUE=DATE:20250707\nRRULE:FREQ=DAILY;COUNT=9\nEND:VEVENT\nBEGIN:VEVENT\nUID:u\nRECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20250708\nDTSTART;VALUE=DATE:soon",
			err: `line 10: DTSTART "soon"`, want: []string{"2025-07-07T00:00+02/2025-07-08T00:00+02"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.head != "" {
				c.head += "\n"
			}
			text := "BEGIN:VCALENDAR\n" + c.head + "BEGIN:VEVENT\nUID:u\n" + strings.TrimSuffix(c.lines, "\n") + "\nEND:VEVENT\nEND:VCALENDAR\n"
			zone := zoneNamed(t, c.zone)
			if c.head == "" {
				text = string(object(c.lines))
			}
			got, errs := occurrences(t, []byte(text), c.zone, time.Date(2025, 1, 1, 0, 0, 0, 0, zone), time.Date(2026, 1, 1, 0, 0, 0, 0, zone))
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			var reasons []string
			for _, e := range errs {
				reasons = append(reasons, fmt.Sprintf("line %d: %s", e.Line, e.Reason))
			}
			if (c.err != "") != (len(errs) == 1) || !strings.Contains(strings.Join(reasons, "\n"), c.err) {
				t.Errorf("errors %q, want %q", reasons, c.err)
			}
		})
	}
}

// TestTexts holds what go-ical's own reader of texts gets wrong.
func TestTexts(t *testing.T) {
	for raw, want := range map[string]string{
		"Urlaub, Italien": "Urlaub, Italien", `Urlaub\, Italien`: "Urlaub, Italien", `a\:b`: "a:b", `a\"b`: `a"b`, `C:\dir`: `C:\dir`,
		`a\nb`: "a\nb", `a\Nb`: "a\nb", `a\`: `a\`, `a\\nb`: `a\nb`,
	} {
		if e := one(t, "DTSTART:20250707", "SUMMARY:"+raw); e.Summary != want {
			t.Errorf("%s: %q, want %q", raw, e.Summary, want)
		}
	}
	if e := one(t, "DTSTART:20250707", "STATUS:CANCELLED "); e.Status != "CANCELLED" {
		t.Errorf("STATUS with a trailing blank: %q", e.Status)
	}
}
