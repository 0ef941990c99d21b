package caldav

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emersion/go-ical"

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

// An eventReader turns the properties of one VEVENT into an Event. It takes
// their raw values from go-ical, whose own readers of values know neither
// lists nor sloppy writing.
type eventReader struct {
	props ical.Props
	lines map[string][]int // line numbers of the properties of a name, in order
	begin int
	zones zones
}

func newEventReader(b *block, comp *ical.Component, z zones) *eventReader {
	r := &eventReader{props: comp.Props, lines: map[string][]int{}, begin: b.number, zones: z}
	for _, l := range b.lines {
		r.lines[l.name] = append(r.lines[l.name], l.number)
	}
	return r
}

// fail says that the i-th property of a name is wrong.
func (r *eventReader) fail(name string, i int, err error) error {
	number := r.begin
	if l := r.lines[name]; i < len(l) {
		number = l[i]
	}
	reason := fmt.Sprintf("%s: %v", name, err)
	if p := r.props[name]; i < len(p) {
		reason = inWords(name, p[i].Value, err)
	}
	return &faultError{fault{number, reason}}
}

// raw returns the value of the first property of a name.
func (r *eventReader) raw(name string) string {
	if p := r.props[name]; len(p) > 0 {
		return strings.TrimSpace(p[0].Value)
	}
	return ""
}

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
		OutOfOffice:    len(r.props["X-NEXTCLOUD-OUT-OF-OFFICE"]) > 0 && r.word("X-NEXTCLOUD-OUT-OF-OFFICE") != "FALSE",
	}
	if e.UID == "" {
		return e, r.fail("UID", 0, errors.New("missing"))
	}
	if len(e.UID) > maxUID {
		return e, r.fail("UID", 0, fmt.Errorf("longer than %d bytes", maxUID))
	}
	for _, p := range r.props["CATEGORIES"] {
		if e.Categories = append(e.Categories, splitList(p.Value)...); len(e.Categories) > maxCategories {
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
	if len(r.props["DTSTART"]) == 0 {
		return r.fail("DTSTART", 0, errors.New("missing"))
	}
	var err error
	if e.Start, err = r.dateTime("DTSTART", 0); err != nil {
		return err
	}
	switch {
	case len(r.props["DTEND"]) > 0: // RFC 5545 §3.6.1 allows DURATION or this
		end, err := r.dateTime("DTEND", 0)
		if err != nil {
			return err
		}
		if end.Date != e.Start.Date {
			return r.fail("DTEND", 0, errors.New("a date where DTSTART has a time, or the reverse"))
		}
		e.End = &end
	case len(r.props["DURATION"]) > 0:
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
	if len(r.props["EXRULE"]) > 0 {
		return r.fail("EXRULE", 0, errors.New("exception rules are not understood"))
	}
	if p := r.props["RECURRENCE-ID"]; len(p) > 0 {
		if rng := p[0].Params.Get("RANGE"); rng != "" {
			return r.fail("RECURRENCE-ID", 0, fmt.Errorf("RANGE=%s is not understood", cleanLine(rng)))
		}
		id, err := r.dateTime("RECURRENCE-ID", 0)
		if err != nil {
			return err
		}
		e.RecurrenceID = &id
	}
	for i, p := range r.props["RRULE"] {
		if i == maxRules {
			return r.fail("RRULE", i, fmt.Errorf("more than %d rules", maxRules))
		}
		rule, err := parseRule(p.Value)
		if err != nil {
			return r.fail("RRULE", i, err)
		}
		e.Rules = append(e.Rules, rule)
	}
	var err error
	if e.RDates, err = r.dates("RDATE"); err != nil {
		return err
	}
	e.ExDates, err = r.dates("EXDATE")
	return err
}

// dateTime reads the i-th property of a name, of a single value.
func (r *eventReader) dateTime(name string, i int) (absence.DateTime, error) {
	p := r.props[name][i]
	d, err := parseDateTime(p.Value, p.Params.Get("VALUE"), r.zone(p))
	if err != nil {
		return d, r.fail(name, i, err)
	}
	return d, nil
}

// dates reads EXDATE and RDATE, which hold lists (RFC 5545 §3.8.5.1, §3.8.5.2).
func (r *eventReader) dates(name string) ([]absence.DateTime, error) {
	var all []absence.DateTime
	for i, p := range r.props[name] {
		for v := range strings.SplitSeq(p.Value, ",") {
			if strings.TrimSpace(v) == "" {
				continue
			}
			if len(all) == maxDates {
				return nil, r.fail(name, i, fmt.Errorf("more than %d values", maxDates))
			}
			// Of a PERIOD the start says when; how long is the series' to say.
			v, _, _ = strings.Cut(v, "/")
			d, err := parseDateTime(v, p.Params.Get("VALUE"), r.zone(p))
			if err != nil {
				return nil, r.fail(name, i, err)
			}
			all = append(all, d)
		}
	}
	return all, nil
}

// zone returns how to find the zone of a property: nil for a floating time.
func (r *eventReader) zone(p ical.Prop) func() (*time.Location, error) {
	if len(p.Params.Values("TZID")) == 0 {
		return nil
	}
	return func() (*time.Location, error) { return r.zones.get(p.Params.Get("TZID")) }
}

func (r *eventReader) organizerName() string {
	if p := r.props["ORGANIZER"]; len(p) > 0 {
		return p[0].Params.Get("CN")
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
	for _, p := range r.props["ATTENDEE"] {
		a := absence.Attendee{
			Address:  strings.TrimSpace(p.Value),
			PartStat: strings.ToUpper(strings.TrimSpace(p.Params.Get("PARTSTAT"))),
			Name:     p.Params.Get("CN"),
		}
		// Apple gives people it knows a URN and their address beside it.
		if mail := p.Params.Get("EMAIL"); mail != "" && !strings.HasPrefix(strings.ToLower(a.Address), "mailto:") {
			a.Address = "mailto:" + mail
		}
		if a.PartStat == "" {
			a.PartStat = "NEEDS-ACTION"
		}
		all = append(all, a)
	}
	return all
}
