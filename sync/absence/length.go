package absence

import (
	"errors"
	"time"
)

// length returns how long each instance of e lasts: nominal days for an
// all-day event, the exact time between DTSTART and DTEND, or DURATION with its
// nominal days (RFC 5545 §3.6.1, §3.8.5.3). It is never negative.
func (e *Event) length(zone *time.Location) (Duration, error) {
	var l Duration
	switch {
	case e.Start.Date:
		l = e.days(zone)
	case e.End != nil:
		end := *e.End
		if end.Zone == nil {
			end.Date, end.Zone = false, e.Start.Zone
		}
		if !civil(end.Wall) || end.Wall.Year() > e.Start.Wall.Year()+100 {
			return l, errors.New("DTEND is more than a century after DTSTART")
		}
		l.Exact = end.In(zone).Sub(e.Start.In(zone))
	case e.Duration != nil:
		l = *e.Duration
	}
	const days = int(maxLength / (24 * time.Hour))
	if l.Days > days || l.Exact > maxLength {
		return l, errors.New("it lasts longer than a century")
	}
	// A mixture of signs cannot be written; refusing both spares the question.
	if l.Days < 0 || l.Exact < 0 {
		return l, errors.New("it ends before it starts")
	}
	return l, nil
}

// days is the length of an all-day event. Without an end, or with the end that
// some programs write for a single day, it is one day (RFC 5545 §3.6.1).
func (e *Event) days(zone *time.Location) Duration {
	var l Duration
	switch {
	case e.End != nil:
		last := e.End.date(zone)
		l.Days = int((last.Unix() - e.Start.Wall.Unix()) / 86400)
		if !e.End.Date && e.End.Wall.After(last) {
			l.Days++ // an end within a day
		}
	case e.Duration != nil:
		l = *e.Duration
		l.Days += int(l.Exact / (24 * time.Hour))
		l.Exact %= 24 * time.Hour
	}
	if l == (Duration{}) {
		l.Days = 1
	}
	return l
}
