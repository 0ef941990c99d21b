package caldav

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"awayd/sync/absence"
)

// Bounds on one event.
const (
	maxDates      = 5_000 // of EXDATE or RDATE
	maxRules      = 8
	maxCategories = 200
)

// A faultError is a fault as an error.
type faultError struct{ fault }

func (e *faultError) Error() string { return e.reason }

// An eventReader turns the properties of one VEVENT, which the guard split into
// lines, into an Event.
type eventReader struct {
	block *block
	zones *zones
}

// fail says that the i-th property of a name is wrong.
func (r *eventReader) fail(name string, i int, err error) error {
	number, reason := r.block.number, ""
	if p := r.block.all(name); i < len(p) {
		number, reason = p[i].number, inWords(name, p[i].value, err)
	} else {
		reason = fmt.Sprintf("%s: %v", name, err)
	}
	return &faultError{fault{number, reason}}
}

// raw returns the value of the first property of a name.
func (r *eventReader) raw(name string) string { return r.block.first(name) }

// word returns a value that is one word of a fixed set, in upper case.
func (r *eventReader) word(name string) string { return strings.ToUpper(r.raw(name)) }

func (r *eventReader) read() (absence.Event, error) {
	e := absence.Event{
		UID:            r.raw("UID"),
		Summary:        unescape(r.raw("SUMMARY")),
		Description:    unescape(r.raw("DESCRIPTION")),
		Private:        r.raw("CLASS") != "" && r.word("CLASS") != "PUBLIC",
		Status:         r.status(),
		Free:           r.word("TRANSP") == "TRANSPARENT",
		Organizer:      r.raw("ORGANIZER"),
		OrganizerName:  r.organizerName(),
		Attendees:      r.attendees(),
		BusyStatus:     r.busyStatus(),
		IntendedStatus: r.word("X-MICROSOFT-CDO-INTENDEDSTATUS"),
		OutOfOffice:    r.block.one("X-NEXTCLOUD-OUT-OF-OFFICE") != nil && r.word("X-NEXTCLOUD-OUT-OF-OFFICE") != "FALSE",
	}
	if e.UID == "" {
		return e, r.fail("UID", 0, errors.New("missing"))
	}
	if len(e.UID) > maxUID {
		return e, r.fail("UID", 0, fmt.Errorf("longer than %d bytes", maxUID))
	}
	for _, p := range r.block.all("CATEGORIES") {
		if e.Categories = append(e.Categories, splitList(p.value)...); len(e.Categories) > maxCategories {
			e.Categories = e.Categories[:maxCategories]
		}
	}
	if n := r.raw("SEQUENCE"); len(n) <= 9 && allDigits(n) {
		e.Sequence = atoi(n)
	}
	if err := r.times(&e); err != nil {
		return e, err
	}
	return e, r.recurrence(&e)
}

// times reads when the event is.
func (r *eventReader) times(e *absence.Event) error {
	if r.block.one("DTSTART") == nil {
		return r.fail("DTSTART", 0, errors.New("missing"))
	}
	var err error
	if e.Start, err = r.dateTime("DTSTART"); err != nil {
		return err
	}
	// The other times of the event follow its start.
	if e.Start.Floating() && !e.Start.Date {
		e.Start.Zone = r.zones.of.floating
	}
	switch {
	case r.block.one("DTEND") != nil: // RFC 5545 §3.6.1 allows DURATION or this
		end, err := r.dateTime("DTEND")
		if err != nil {
			return err
		}
		// A midnight is how some programs end what is all-day; RFC 5545 §3.6.1
		// wants a date there.
		if e.Start.Date && end.Wall.Equal(end.Wall.Truncate(24*time.Hour)) {
			end.Date, end.Zone = true, nil
		}
		if end.Date != e.Start.Date {
			return r.fail("DTEND", 0, errors.New("a date where DTSTART has a time, or the reverse"))
		}
		e.End = &end
	case r.block.one("DURATION") != nil:
		d, err := parseDuration(r.raw("DURATION"))
		if err != nil {
			return r.fail("DURATION", 0, err)
		}
		e.Duration = &d
	}
	return nil
}

// recurrence reads how often the event is.
func (r *eventReader) recurrence(e *absence.Event) error {
	if p := r.block.one("RECURRENCE-ID"); p != nil {
		switch rng := strings.ToUpper(strings.TrimSpace(p.param("RANGE"))); rng {
		case "":
		case thisAndFuture:
			e.Onward = true
		default: // RFC 2445's THISANDPRIOR, which RFC 5545 §A.1 dropped
			return r.fail("RECURRENCE-ID", 0, fmt.Errorf("RANGE=%s is not understood", shorten(rng, 20)))
		}
		id, err := r.dateTime("RECURRENCE-ID")
		if err != nil {
			return err
		}
		e.RecurrenceID = &id
	}
	var err error
	if e.Rules, err = r.rules("RRULE"); err != nil {
		return err
	}
	if e.ExRules, err = r.rules("EXRULE"); err != nil {
		return err
	}
	if e.RDates, e.RPeriods, err = r.dates("RDATE"); err != nil {
		return err
	}
	// What an exclusion takes out is told by its start alone.
	var periods []absence.Span
	e.ExDates, periods, err = r.dates("EXDATE")
	for _, p := range periods {
		e.ExDates = append(e.ExDates, p.Start)
	}
	return err
}

const thisAndFuture = "THISANDFUTURE"

func (r *eventReader) rules(name string) ([]absence.Rule, error) {
	var all []absence.Rule
	for i, p := range r.block.all(name) {
		if i == maxRules {
			return nil, r.fail(name, i, fmt.Errorf("more than %d rules", maxRules))
		}
		rule, err := parseRule(p.value)
		if err != nil {
			return nil, r.fail(name, i, err)
		}
		all = append(all, rule)
	}
	return all, nil
}

// dateTime reads the first property of a name, of a single value.
func (r *eventReader) dateTime(name string) (absence.DateTime, error) {
	p := r.block.one(name)
	d, err := parseDateTime(p.value, p.param("VALUE"), r.zone(p))
	if err != nil {
		return d, r.fail(name, 0, err)
	}
	return d, nil
}

// dates reads EXDATE and RDATE, which hold lists (RFC 5545 §3.8.5.1, §3.8.5.2).
func (r *eventReader) dates(name string) (dates []absence.DateTime, periods []absence.Span, err error) {
	for i, p := range r.block.all(name) {
		zone := r.zone(&p)
		for v := range splitDates(p.value) {
			if len(dates)+len(periods) == maxDates {
				return nil, nil, r.fail(name, i, fmt.Errorf("more than %d values", maxDates))
			}
			start, end, period := strings.Cut(v, "/")
			d, err := parseDateTime(start, p.param("VALUE"), zone)
			if err == nil && period {
				var span absence.Span
				span, err = parsePeriod(d, end, zone)
				periods = append(periods, span)
			} else {
				dates = append(dates, d)
			}
			if err != nil {
				return nil, nil, r.fail(name, i, err)
			}
		}
	}
	return dates, periods, nil
}

// zone returns how to find the zone of a property: nil for a floating time.
func (r *eventReader) zone(p *line) func() (*time.Location, error) {
	if !p.has("TZID") {
		return nil
	}
	return func() (*time.Location, error) { return r.zones.get(p.param("TZID")) }
}

func (r *eventReader) organizerName() string {
	if p := r.block.one("ORGANIZER"); p != nil {
		return p.param("CN")
	}
	return ""
}

func (r *eventReader) status() string {
	switch s := r.word("STATUS"); s {
	case "CONFIRMED", "TENTATIVE", "CANCELLED":
		return s
	case "CANCELED":
		return "CANCELLED"
	}
	return ""
}

// busyStatus returns the first of the properties by which Outlook and those who
// follow it say how busy an event makes.
func (r *eventReader) busyStatus() string {
	for _, name := range []string{"X-MICROSOFT-CDO-BUSYSTATUS", "X-MICROSOFT-MSNCALENDAR-BUSYSTATUS", "X-APPLE-EWS-BUSYSTATUS"} {
		if s := r.word(name); s != "" {
			return s
		}
	}
	return ""
}

func (r *eventReader) attendees() []absence.Attendee {
	var all []absence.Attendee
	for _, p := range r.block.all("ATTENDEE") {
		a := absence.Attendee{
			Address:  strings.TrimSpace(p.value),
			PartStat: strings.ToUpper(strings.TrimSpace(p.param("PARTSTAT"))),
			Name:     p.param("CN"),
		}
		// Apple gives people it knows a URN and their address beside it.
		if mail := p.param("EMAIL"); mail != "" && !strings.HasPrefix(strings.ToLower(a.Address), "mailto:") {
			a.Address = "mailto:" + mail
		}
		if a.PartStat == "" {
			a.PartStat = "NEEDS-ACTION"
		}
		all = append(all, a)
	}
	return all
}
