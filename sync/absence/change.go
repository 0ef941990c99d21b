package absence

import (
	"slices"
	"time"
)

// A change is what became of one instance of a series (RFC 5545 §3.8.4.4), or
// of that one and all after it (RANGE=THISANDFUTURE, §3.2.13).
type change struct {
	id     DateTime
	onward bool
	event  *Event // nil if it cannot be told
}

// lost are the instances of a UID that could not be read.
func lost(errs []ObjectError, uid string) []change {
	var list []change
	for _, e := range errs {
		if e.UID == uid && e.Instance != nil && civil(e.Instance.Wall) {
			list = append(list, change{*e.Instance, e.Onward, nil})
		}
	}
	return list
}

// A part is a stretch of a series in which its instances are alike.
type part struct {
	after  time.Time // its instances come after this one; zero for the first part
	event  *Event    // nil if the part could not be read
	length Duration
	series *Event
	shift  time.Duration // of wall time, from where the series has its instances
}

// later returns the parts of the series that begin with a change, in order.
func (e *Event) later(changes []change, zone *time.Location) []part {
	var parts []part
	for _, c := range changes {
		if !c.onward {
			continue
		}
		id := e.alike(c.id, zone)
		p := part{after: id.In(zone), event: c.event, series: e}
		if c.event != nil {
			var err error
			p.length, err = c.event.length(zone)
			p.shift = c.event.Start.Wall.Sub(inWallOf(id, e, zone))
			// What is wrong with the change is said where it is expanded itself.
			if err != nil || !civil(c.event.Start.Wall) || p.shift.Abs() > maxLength {
				p = part{after: p.after}
			}
		}
		parts = append(parts, p)
	}
	slices.SortStableFunc(parts, func(a, b part) int { return a.after.Compare(b.after) })
	return parts
}

// inWallOf is the wall time that d has in the series of e, however it names it.
func inWallOf(d DateTime, e *Event, zone *time.Location) time.Time {
	if d.Date {
		return d.Wall
	}
	return wall(d.In(zone), e.zone(zone))
}

// partOf returns the part that the instance at s belongs to.
func partOf(parts []part, s DateTime, zone *time.Location) part {
	if len(parts) == 1 {
		return parts[0]
	}
	t := s.In(zone)
	i, _ := slices.BinarySearchFunc(parts[1:], t, func(p part, t time.Time) int { return p.after.Compare(t) })
	return parts[i] // the last that begins before t
}

// move returns where the instance that the series has at s is in p. It keeps
// its distance in wall time, so that it follows the change of the first
// instance across a change of the clock.
func (p part) move(s DateTime, zone *time.Location) DateTime {
	if p.after.IsZero() {
		return s
	}
	to := DateTime{Wall: inWallOf(s, p.series, zone).Add(p.shift), Date: p.event.Start.Date, Zone: p.event.Start.Zone}
	if to.Date {
		to.Wall = day(to.Wall)
	}
	return to
}

// A moments is a set of starts: of instants, and of days.
type moments struct {
	instants map[int64]bool
	days     map[time.Time]bool
}

// add reports whether d was not yet in the set, and adds it.
func (m moments) add(d DateTime, zone *time.Location) bool {
	if len(m.days) > 0 && m.days[day(d.Wall)] {
		return false
	}
	if d.Date {
		m.days[day(d.Wall)] = true
		return true
	}
	t := d.In(zone).Unix()
	known := m.instants[t]
	m.instants[t] = true
	return !known
}

// exclusions are the starts that EXDATE and RECURRENCE-ID take out of the
// series. A DATE takes out what starts on that day.
func exclusions(e *Event, changes []change, zone *time.Location) moments {
	m := moments{instants: make(map[int64]bool), days: make(map[time.Time]bool)}
	out := func(d DateTime) {
		if e.Start.Date || d.Date {
			m.days[d.date(zone)] = true
			return
		}
		m.instants[e.alike(d, zone).In(zone).Unix()] = true
	}
	for _, d := range e.ExDates {
		out(d)
	}
	for _, c := range changes {
		out(c.id)
	}
	return m
}
