package main

import (
	"fmt"
	"time"
)

// What is said of one account is in that person's zone, which the heading names:
// a vacation begins at their midnight, wherever the reader sits. What is said
// of many, and the log, is in the reader's own, that of this machine or of TZ.

// zoneOf returns an account's zone and its name; the reader's for one that has
// none or one that this machine does not know.
func zoneOf(name string) *time.Location {
	if zone, err := time.LoadLocation(name); err == nil && name != "" {
		return zone
	}
	return systemZone()
}

// moment is t with the zone it is in.
func moment(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format("Mon 2006-01-02 15:04 MST")
}

// minute is t in a zone that the page names.
func minute(t time.Time) string { return t.Format("Mon 2006-01-02 15:04") }

// relative says how far t is from now, rounded to what a person would say. The
// libraries for this say "3 days from now", or do not look ahead at all.
func relative(t, now time.Time) string {
	d := t.Sub(now)
	ago := d < 0
	if ago {
		d = -d
	}
	const day = 24 * time.Hour
	var s string
	switch {
	case d < time.Second:
		return "now"
	case d < 90*time.Second:
		s = fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 100*time.Minute:
		s = fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
	case d < 36*time.Hour:
		s = fmt.Sprintf("%d h", int(d.Round(time.Hour).Hours()))
	case d < 100*day:
		s = fmt.Sprintf("%d days", int(d.Round(day)/day))
	default:
		s = fmt.Sprintf("%d months", int((d+15*day)/(30*day+10*time.Hour)))
	}
	if ago {
		return s + " ago"
	}
	return "in " + s
}

// dayOf names the day of t as seen from now, both in one zone.
func dayOf(t, now time.Time) string {
	y, m, d := t.Date()
	ny, nm, nd := now.Date()
	days := int(time.Date(ny, nm, nd, 0, 0, 0, 0, time.UTC).Sub(time.Date(y, m, d, 0, 0, 0, 0, time.UTC)) / (24 * time.Hour))
	switch {
	case days == 0:
		return "today"
	case days == 1:
		return "yesterday"
	case days > 1:
		return fmt.Sprintf("%d days ago", days)
	}
	return "ahead of this machine's clock"
}
