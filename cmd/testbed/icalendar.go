package testbed

import (
	"strings"
	"time"
)

// An Entry is one event for a calendar.
type Entry struct {
	UID, Title string
	Start, End time.Time
	Cancelled  bool
}

// ICalendar returns an iCalendar object with these events (RFC 5545 §3.4).
func ICalendar(entries ...Entry) string {
	const form = "20060102T150405Z"
	lines := []string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//awayd//testbed//EN"}
	for _, e := range entries {
		lines = append(lines,
			"BEGIN:VEVENT", "UID:"+e.UID, "DTSTAMP:"+time.Now().UTC().Format(form),
			"DTSTART:"+e.Start.UTC().Format(form), "DTEND:"+e.End.UTC().Format(form), "SUMMARY:"+e.Title)
		if e.Cancelled {
			lines = append(lines, "STATUS:CANCELLED")
		}
		lines = append(lines, "END:VEVENT")
	}
	return strings.Join(append(lines, "END:VCALENDAR", ""), "\r\n")
}
