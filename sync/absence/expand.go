package absence

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Bounds of what one object may bring into a window.
const (
	maxOccurrences = 10_000
	maxLength      = 36525 * 24 * time.Hour // a century
)

var errOccurrences = fmt.Errorf("more than %d occurrences in the window", maxOccurrences)

// slack covers what naive wall time and instants may differ by.
const slack = 48 * time.Hour

// Expand returns the occurrences of o that overlap [from, to), in order of
// time, and what could not be expanded. A zero-length occurrence overlaps the
// window if it lies in it. zone is the zone of dates and floating times.
//
// An event that cannot be expanded loses all its occurrences, because half a
// series would say that the person is there.
func Expand(o Object, from, to time.Time, zone *time.Location) ([]Occurrence, []ObjectError) {
	x := expansion{from: from, to: to, zone: zone}
	x.object(o)
	return x.found, x.errors
}

// object expands o, and nothing but o.
func (x *expansion) object(o Object) {
	x.budget, x.found, x.errors = budget{maxCost}, x.found[:0], nil
	if len(o.Events) == 1 { // as in most objects
		e := &o.Events[0]
		x.series([]*Event{e}, lost(o.Errors, e.UID))
	} else {
		x.all(o)
	}
	slices.SortStableFunc(x.found, func(a, b Occurrence) int {
		if n := a.Start.Compare(b.Start); n != 0 {
			return n
		}
		return a.End.Compare(b.End)
	})
}

// all expands the events of each UID.
func (x *expansion) all(o Object) {
	byUID := make(map[string][]*Event, 1)
	var uids []string
	for i := range o.Events {
		e := &o.Events[i]
		if byUID[e.UID] == nil {
			uids = append(uids, e.UID)
		}
		byUID[e.UID] = append(byUID[e.UID], e)
	}
	for _, uid := range uids {
		x.series(byUID[uid], lost(o.Errors, uid))
	}
}

type expansion struct {
	from, to time.Time
	zone     *time.Location
	budget   budget
	found    []Occurrence
	errors   []ObjectError
	room     []start // of the series before
}

// series expands the events of one UID: masters, and the changed instances that
// take the place of theirs (RFC 5545 §3.8.4.4).
func (x *expansion) series(events []*Event, lost []change) {
	masters, changed := split(events)
	changes := lost
	for _, e := range changed {
		changes = append(changes, change{*e.RecurrenceID, e.Onward, e})
	}
	for _, e := range masters {
		x.event(e, changes)
	}
	for _, e := range changed {
		x.event(e, nil)
	}
}

// split separates masters from changed instances and drops outdated ones: those
// with a lower SEQUENCE, and of equals the earlier (RFC 5545 §3.8.7.4).
func split(events []*Event) (masters, changed []*Event) {
	if len(events) == 1 && events[0].RecurrenceID == nil {
		return events, nil
	}
	newest := 0
	place := make(map[string]int)
	for _, e := range events {
		if e.RecurrenceID == nil {
			newest = max(newest, e.Sequence)
			continue
		}
		id := e.RecurrenceID.String()
		i, ok := place[id]
		switch {
		case !ok:
			place[id] = len(changed)
			changed = append(changed, e)
		case e.Sequence >= changed[i].Sequence:
			changed[i] = e
		}
	}
	for _, e := range events {
		if e.RecurrenceID == nil && e.Sequence >= newest {
			masters = append(masters, e)
		}
	}
	return masters, changed
}

func (x *expansion) event(e *Event, changes []change) {
	others := len(x.found)
	err := x.occurrences(e, changes)
	if err == nil && len(x.found) > maxOccurrences {
		err = errOccurrences
	}
	if err != nil {
		x.found = x.found[:others]
		reason := err.Error()
		if e.RecurrenceID != nil {
			reason = "instance of " + e.RecurrenceID.String() + ": " + reason
		}
		x.errors = append(x.errors, ObjectError{UID: e.UID, Reason: reason})
	}
}

// occurrences finds those of e. After an error, what it found is not to be used.
func (x *expansion) occurrences(e *Event, changes []change) error {
	if !civil(e.Start.Wall) {
		return errors.New("DTSTART is missing or outside of the years 1 to 9999")
	}
	length, err := e.length(x.zone)
	if err != nil {
		return err
	}
	series := part{event: e, length: length}
	// A changed instance is itself; rules on it mean nothing.
	if e.RecurrenceID != nil || len(e.Rules)+len(e.RDates)+len(e.RPeriods)+len(e.ExDates)+len(changes) == 0 {
		x.collect(series, e.Start)
		return nil
	}
	parts := append([]part{series}, e.later(changes, x.zone)...)
	starts, err := x.starts(e, parts, changes)
	if err != nil {
		return err
	}
	if !x.budget.spend(costPlace * len(starts)) {
		return errSteps
	}
	for _, s := range starts {
		p := partOf(parts, s.at, x.zone)
		if p.event == nil {
			continue
		}
		if s.length != nil && p.event == e {
			p.length = *s.length
		}
		if x.collect(p, s.at); len(x.found) > maxOccurrences {
			return errOccurrences
		}
	}
	return nil
}

// collect adds the instance of p that the series has at s, if it is in the
// window.
func (x *expansion) collect(p part, s DateTime) {
	s = p.move(s, x.zone)
	start := s.In(x.zone).In(x.zone)
	end := start.Add(p.length.Exact)
	if p.length.Days > 0 {
		end = s.AddDays(p.length.Days).In(x.zone).In(x.zone).Add(p.length.Exact)
	}
	if s.Date && end.Equal(start) {
		return // a day that did not exist, as in Apia when the date line moved
	}
	if start.Before(x.to) && (end.After(x.from) || end.Equal(start) && !start.Before(x.from)) {
		x.found = append(x.found, Occurrence{Event: p.event, Start: start, End: end, AllDay: s.Date})
	}
}

// A start is where a series has an instance, which may have a length of its own
// (RFC 5545 §3.8.5.3).
type start struct {
	at     DateTime
	length *Duration
}

// starts returns the start of every instance of e that may overlap the window,
// each once, without those that are excluded or changed.
func (x *expansion) starts(e *Event, parts []part, changes []change) ([]start, error) {
	if !x.budget.spend(costValue * (len(e.RDates) + len(e.RPeriods) + len(e.ExDates) + len(changes))) {
		return nil, errSteps
	}
	from, to := x.reach(e, parts)
	seen := exclusions(e, changes, x.zone)
	excluded := 0
	err := x.rules(e, e.ExRules, from, to, func(d DateTime) bool {
		seen.add(d, x.zone)
		excluded++
		return excluded <= 2*maxOccurrences
	})
	if err != nil {
		return nil, err
	}
	starts := x.room[:0]
	defer func() { x.room = starts }()
	add := func(d DateTime, length *Duration) {
		if seen.add(d, x.zone) {
			starts = append(starts, start{d, length})
		}
	}
	// Of two that start together, the one with its own length counts.
	for _, p := range e.RPeriods {
		at := e.alike(p.Start, x.zone)
		length, err := (&Event{Start: at, End: p.End, Duration: p.Duration}).length(x.zone)
		if err != nil {
			return nil, fmt.Errorf("RDATE of %v: %w", p.Start, err)
		}
		if civil(at.Wall) {
			add(at, &length)
		}
	}
	add(e.Start, nil)
	err = x.rules(e, e.Rules, from, to, func(d DateTime) bool {
		add(d, nil)
		return len(starts) <= 2*maxOccurrences
	})
	if err != nil {
		return nil, err
	}
	for _, d := range e.RDates {
		if d = e.alike(d, x.zone); civil(d.Wall) {
			add(d, nil)
		}
	}
	// Some of these are not quite in the window, hence twice as many.
	if len(starts) > 2*maxOccurrences || excluded > 2*maxOccurrences {
		return nil, errOccurrences
	}
	return starts, nil
}

// reach is the wall time in which an instance of any part may start that
// overlaps the window.
func (x *expansion) reach(e *Event, parts []part) (from, to time.Time) {
	zone := e.zone(x.zone)
	for _, p := range parts {
		lo := wall(x.from.Add(-p.length.Exact-p.shift), zone).AddDate(0, 0, -p.length.Days).Add(-slack)
		hi := wall(x.to.Add(-p.shift), zone).Add(slack)
		if from.IsZero() || lo.Before(from) {
			from = lo
		}
		if hi.After(to) {
			to = hi
		}
	}
	if last := time.Date(9999, 12, 30, 0, 0, 0, 0, time.UTC); to.After(last) {
		to = last
	}
	return from, to
}

// rules calls yield with what the rules of e say in [from, to], until it
// returns false.
func (x *expansion) rules(e *Event, rules []Rule, from, to time.Time, yield func(DateTime) bool) error {
	for _, rule := range rules {
		r, err := e.recurrence(rule, x.zone)
		if err == nil {
			err = r.between(from, to, &x.budget, func(t time.Time) bool {
				return yield(DateTime{Wall: t, Date: e.Start.Date, Zone: e.Start.Zone})
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// recurrence checks a rule against the event it stands in.
func (e *Event) recurrence(rule Rule, zone *time.Location) (recurrence, error) {
	if err := rule.Check(); err != nil {
		return recurrence{}, err
	}
	if e.Start.Date && rule.Freq.subDaily() {
		return recurrence{}, rule.fault("FREQ=%s does not go with an all-day event", rule.Freq)
	}
	// Nothing before 1583 was a date of this calendar, and counting from there
	// would cost more than it can be worth.
	if rule.Count > 0 && e.Start.Wall.Year() < 1583 {
		return recurrence{}, rule.fault("COUNT does not go with a start in the year %d", e.Start.Wall.Year())
	}
	return newRecurrence(rule, e.Start, e.last(rule.Until, zone)), nil
}

// last is UNTIL in the wall time of the event, inclusive, however it was
// written (RFC 5545 §3.3.10 asks for a DATE beside a DATE, for local time
// beside local time and for UTC otherwise; calendars write all of them).
func (e *Event) last(until *DateTime, zone *time.Location) time.Time {
	switch {
	case until == nil:
		return time.Time{}
	case e.Start.Date:
		return until.lastDay(zone)
	case until.Date:
		return until.Wall.AddDate(0, 0, 1).Add(-time.Second)
	case until.Zone == nil:
		return until.Wall
	}
	return wall(until.In(zone), e.zone(zone))
}

// zone is the zone in which the event's wall time runs.
func (e *Event) zone(local *time.Location) *time.Location {
	if e.Start.Zone == nil {
		return local
	}
	return e.Start.Zone
}

// alike is d as the same kind of value as DTSTART: a DATE for an all-day event,
// else a time, which for a DATE is that of DTSTART.
func (e *Event) alike(d DateTime, zone *time.Location) DateTime {
	switch {
	case e.Start.Date:
		return DateTime{Wall: d.date(zone), Date: true}
	case d.Date:
		h, m, s := e.Start.Wall.Clock()
		d.Wall = d.Wall.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second)
		d.Date, d.Zone = false, e.Start.Zone
	case d.Zone == nil:
		d.Zone = e.Start.Zone
	}
	return d
}

// date is the day that d means where a date is asked for. A time in UTC that
// is midnight here means the day that begins here; any other, the day that is
// written.
func (d DateTime) date(zone *time.Location) time.Time {
	if !d.Date && d.Zone != nil {
		if t := wall(d.In(zone), zone); t.Equal(day(t)) {
			return t
		}
	}
	return day(d.Wall)
}

// lastDay is the day that an UNTIL beside a DATE means: [DateTime.date], but for
// the last second of a day here, which west of UTC is written with the next day.
func (d DateTime) lastDay(zone *time.Location) time.Time {
	if !d.Date && d.Zone != nil {
		if t := wall(d.In(zone), zone); t.Equal(day(t).Add(24*time.Hour - time.Second)) {
			return day(t)
		}
	}
	return d.date(zone)
}

// wall is the civil time of t in zone.
func wall(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	h, mi, s := t.In(zone).Clock()
	return time.Date(y, m, d, h, mi, s, 0, time.UTC)
}

// day is the beginning of a civil day.
func day(wall time.Time) time.Time {
	y, m, d := wall.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}
