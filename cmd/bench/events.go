package main

import (
	"fmt"
	"strings"
	"time"
)

// zoneText is what calendar programs put into each object beside its event.
const zoneText = `BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
`

// The events lie in these five years, around the year that is asked for.
var (
	firstDay    = time.Date(2023, 12, 4, 0, 0, 0, 0, time.UTC) // a Monday
	days        = 5 * 365
	windowStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	windowEnd   = windowStart.AddDate(1, 0, 0)
)

var (
	titles = []string{"Weekly with the team", "Lunch with Kim", "Gespräch über Verträge", "Dentist", "Review of the quarter", "School concert"}
	rules  = []string{"FREQ=WEEKLY;BYDAY=MO,WE", "FREQ=WEEKLY;INTERVAL=2", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=DAILY;COUNT=200", "FREQ=YEARLY"}
)

// seriesAmong is how many events there are to one series.
const seriesAmong = 20

// vevent is the i-th event of a calendar, in its state number version.
// Every 20th is a series, every 50th a vacation of a week.
func vevent(i, version int) string {
	day := firstDay.AddDate(0, 0, i*37%days)
	start := day.Add(time.Duration(8+i%9) * time.Hour)
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("BEGIN:VEVENT")
	line("UID:%08d-5b2e-4c5c-9a55-7d1f3f0a9c11", i)
	line("DTSTAMP:20251101T120000Z")
	line("CREATED:20251001T080000Z")
	line("LAST-MODIFIED:20251101T120000Z")
	line("SEQUENCE:%d", version)
	if i%50 == 1 {
		line("SUMMARY:Urlaub")
		line("DTSTART;VALUE=DATE:%s", day.Format("20060102"))
		line("DTEND;VALUE=DATE:%s", day.AddDate(0, 0, 7).Format("20060102"))
	} else {
		line("SUMMARY:%s", titles[i%len(titles)])
		line("DTSTART;TZID=Europe/Berlin:%s", start.Format("20060102T150405"))
		line("DTEND;TZID=Europe/Berlin:%s", start.Add(time.Hour).Format("20060102T150405"))
	}
	if i%seriesAmong == 0 {
		line("RRULE:%s", rules[i/seriesAmong%len(rules)])
	}
	line("LOCATION:Room %d on the second floor", i%30)
	line("DESCRIPTION:%s", strings.Repeat("What is to be said about it. ", 11))
	line("TRANSP:OPAQUE")
	line("BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT15M\nDESCRIPTION:Reminder\nEND:VALARM")
	line("END:VEVENT")
	return b.String()
}

// object is the calendar object of one event, some 1,140 bytes.
func object(i, version int) string { return calendarText(vevent(i, version)) }

// calendarOf is one calendar with n events.
func calendarOf(n int) string {
	events := make([]string, n)
	for i := range events {
		events[i] = vevent(i, 0)
	}
	return calendarText(events...)
}

func calendarText(events ...string) string {
	text := "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//awayd//bench//EN\n" + zoneText + strings.Join(events, "") + "END:VCALENDAR\n"
	return strings.ReplaceAll(text, "\n", "\r\n")
}
