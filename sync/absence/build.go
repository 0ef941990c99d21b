package absence

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Settings are one person's rules.
type Settings struct {
	Zone        *time.Location // nil: UTC
	Addresses   []string       // the person's own calendar addresses
	MinDuration time.Duration  // of a timed event that only a word marks
	Words       []string       // that mark an absence, beside the built-in ones
	Categories  []string       // likewise
	Names       []string       // what the person is called, beside what Addresses tell
	Rules       []OwnRule      // tried before the built-in ones

	Bridge    bool    // join absences with only non-working time between them
	WorkDays  [7]bool // by time.Weekday
	WorkStart int     // minutes since midnight
	WorkEnd   int     // minutes since midnight; not after WorkStart: of the next day

	Message  string // text/template (see [CheckMessage]); empty: the language's own
	Lang     string // BCP 47; empty: en
	Delegate string // whom the message names
	// MessageFromEvent lets the description of an own event that is not private
	// carry the message: see [eventMessage].
	MessageFromEvent bool

	// Suppressed holds the fingerprints of absences that are not to count,
	// because the person withdrew them.
	Suppressed map[string]bool
}

// Defaults are the settings that hold where nothing else is said.
func Defaults() Settings {
	return Settings{
		Zone:        time.UTC,
		Lang:        "en",
		MinDuration: 4 * time.Hour,
		Bridge:      true,
		WorkDays:    [7]bool{time.Monday: true, time.Tuesday: true, time.Wednesday: true, time.Thursday: true, time.Friday: true},
		WorkStart:   8 * 60,
		WorkEnd:     18 * 60,
	}
}

// A Result is what calendars say within a window.
type Result struct {
	Absences []Absence // that overlap the window, by start, end and UID
	Ignored  []Ignored // the other occurrences that overlap the window, likewise
	Timeline Timeline  // of the periods that overlap the window, whole
	Errors   []Error
}

// reach is how far around the window absences are looked for, so that a period
// is whole at its edges: less first, more if a period reaches that far.
var reach = []time.Duration{32 * 24 * time.Hour, 128 * 24 * time.Hour, 512 * 24 * time.Hour}

// Build turns calendars into what they mean for the window [from, to). The
// order of calendars, objects and events does not matter. It is total: whatever
// cannot be used is an error in the result.
func Build(calendars []Calendar, s Settings, from, to time.Time) Result {
	if s.Zone == nil {
		s.Zone = time.UTC
	}
	from, to = from.In(s.Zone), to.In(s.Zone)
	week := newWeek(s)
	var found collection
	var periods []Period
	for i, d := range reach {
		// On a grid, so that a period without end does not change with every call.
		lo, hi := from.Truncate(d).Add(-d), to.Truncate(d).Add(2*d)
		wider := collect(calendars, s, window{from, to, lo, hi})
		if i > 0 && len(wider.errors) > len(found.errors) {
			break // the wider search hit a limit that the window itself does not
		}
		found = wider
		week.holidays = found.holidays
		periods = overlapping(merge(found.absences, week, s.Bridge), from, to)
		if n := len(periods); n == 0 || !week.reaches(lo, periods[0].Start) && !week.reaches(periods[n-1].End, hi) {
			break
		}
	}
	composer, err := newComposer(s, week)
	if err != nil {
		found.errors = append(found.errors, Error{Source: "message", Reason: err.Error()})
	}
	for i := range periods {
		if err := composer.compose(&periods[i]); err != nil {
			found.errors = append(found.errors, Error{Source: "message", Reason: err.Error()})
		}
	}
	return Result{
		Absences: slices.DeleteFunc(found.absences, func(a Absence) bool { return !a.Start.Before(to) || !a.End.After(from) }),
		Ignored:  found.ignored,
		Timeline: Timeline{Periods: periods},
		Errors:   found.errors,
	}
}

func overlapping(periods []Period, from, to time.Time) []Period {
	return slices.DeleteFunc(periods, func(p Period) bool { return !p.Start.Before(to) || !p.End.After(from) })
}

// A window is what is asked for, and the wider stretch in which absences are
// looked for.
type window struct{ from, to, lo, hi time.Time }

// A collection is what calendars hold: every absence in the wider stretch,
// ignored occurrences in the window.
type collection struct {
	absences []Absence
	ignored  []Ignored
	errors   []Error
	holidays map[time.Time]bool // civil days
}

// maxPerCalendar bounds the occurrences that a calendar can make the process
// look at.
const maxPerCalendar = 250_000

func collect(calendars []Calendar, s Settings, w window) collection {
	j := newJudge(s)
	c := collection{holidays: make(map[time.Time]bool)}
	for _, cal := range calendars {
		c.calendar(cal, j.court(cal), s.Zone, w)
	}
	c.order()
	c.suppress(s.Suppressed, w)
	return c
}

func (c *collection) calendar(cal Calendar, k court, zone *time.Location, w window) {
	total := 0
	x := expansion{from: w.lo, to: w.hi, zone: zone}
	for _, o := range cal.Objects {
		if total > maxPerCalendar {
			c.errors = append(c.errors, Error{Source: cal.Name, Reason: fmt.Sprintf("more than %d occurrences; the events that follow are not read", maxPerCalendar)})
			return
		}
		x.object(o)
		found, errs := x.found, x.errors
		if len(found)+len(errs)+len(o.Errors)+len(o.Availability) == 0 {
			continue
		}
		verdicts := make(map[*Event]verdict, 1)
		for i := range o.Availability {
			blocks, bad := o.Availability[i].occurrences(w, zone)
			for _, b := range blocks {
				verdicts[b.Event] = k.block(&o.Availability[i], b.Event)
			}
			found, errs = append(found, blocks...), append(errs, bad...)
		}
		for _, e := range slices.Concat(o.Errors, errs) {
			c.errors = append(c.errors, Error{Source: source(cal, o, e.UID), Reason: e.text()})
		}
		total += len(found)
		for _, occurrence := range found {
			v, ok := verdicts[occurrence.Event]
			if !ok {
				v = k.event(occurrence.Event)
				verdicts[occurrence.Event] = v
			}
			if v = v.occurrence(occurrence); cal.Holidays && v.reason == ReasonPublicHoliday {
				v = c.holiday(occurrence, v, zone)
			}
			c.add(cal, occurrence, v, w)
		}
	}
}

// maxHoliday is the length of the longest public holiday; what is longer, such
// as the vacations of schools, is no day off for everybody.
const maxHoliday = 14 * 24 * time.Hour

// holiday notes the days that o covers from midnight to midnight.
func (c *collection) holiday(o Occurrence, v verdict, zone *time.Location) verdict {
	if o.End.Sub(o.Start) > maxHoliday+2*time.Hour {
		v.detail = "it is longer than public holidays are, so its days are not taken for days off"
		return v
	}
	if observance(o.Event) {
		v.detail = "it is observed, but its description says that it is no day off"
		return v
	}
	first := day(wall(o.Start, zone))
	if !midnight(o.Start.In(zone)) {
		first = first.AddDate(0, 0, 1)
	}
	for d, end := first, day(wall(o.End, zone)); d.Before(end); d = d.AddDate(0, 0, 1) {
		c.holidays[d] = true
	}
	return v
}

// observance reports whether the first line of a description is what Google's
// calendars of holidays write for days that are remembered but worked on.
func observance(e *Event) bool {
	first, _, _ := strings.Cut(e.Description, "\n")
	return fold(strings.TrimSpace(clip(first, 100))) == "observance"
}

func (c *collection) add(cal Calendar, o Occurrence, v verdict, w window) {
	e := o.Event
	if v.rule != "" {
		c.absences = append(c.absences, Absence{
			UID: e.UID, Start: o.Start, End: o.End, AllDay: o.AllDay, Private: e.Private,
			Summary: e.Summary, Description: e.Description, Calendar: cal.Name, Matched: v.rule, Own: v.own,
		})
		return
	}
	zeroInside := o.Start.Equal(o.End) && !o.Start.Before(w.from)
	if o.Start.Before(w.to) && (o.End.After(w.from) || zeroInside) {
		if len(c.ignored) == cap(c.ignored) { // they are large, and mostly many
			c.ignored = slices.Grow(c.ignored, max(64, len(c.ignored)))
		}
		c.ignored = append(c.ignored, Ignored{
			UID: e.UID, Start: o.Start, End: o.End, Summary: e.Summary, Calendar: cal.Name, Reason: v.reason, Detail: v.detail,
		})
	}
}

// order sorts everything and keeps one of each absence that several calendars
// hold. If one copy is private, so is the absence.
func (c *collection) order() {
	slices.SortFunc(c.absences, func(a, b Absence) int {
		if n := compareAbsences(a, b); n != 0 {
			return n
		}
		return compareCopies(a, b)
	})
	kept := c.absences[:0]
	for _, a := range c.absences {
		if n := len(kept); n > 0 && a.UID != "" && compareAbsences(kept[n-1], a) == 0 {
			kept[n-1].Private = kept[n-1].Private || a.Private
			kept[n-1].Own = kept[n-1].Own && a.Own
			continue
		}
		kept = append(kept, a)
	}
	c.absences = kept
	c.orderIgnored()
	slices.SortFunc(c.errors, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Reason, b.Reason))
	})
}

func (c *collection) orderIgnored() {
	if len(c.ignored) < 2 {
		return
	}
	// There may be very many, and they are large: what is compared and moved is
	// small.
	type place struct {
		start int64
		at    *Ignored
	}
	places := make([]place, len(c.ignored))
	for i := range c.ignored {
		places[i] = place{c.ignored[i].Start.Unix(), &c.ignored[i]}
	}
	slices.SortFunc(places, func(a, b place) int {
		if a.start != b.start {
			return cmp.Compare(a.start, b.start)
		}
		return compareIgnored(a.at, b.at)
	})
	ordered := make([]Ignored, len(places))
	for i, p := range places {
		ordered[i] = *p.at
	}
	c.ignored = ordered
}

func compareIgnored(a, b *Ignored) int {
	if n := cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End), cmp.Compare(a.UID, b.UID)); n != 0 {
		return n
	}
	return cmp.Or(cmp.Compare(a.Calendar, b.Calendar), cmp.Compare(a.Reason, b.Reason),
		cmp.Compare(a.Summary, b.Summary), cmp.Compare(a.Detail, b.Detail))
}

// suppress turns the absences that the person withdrew into ignored ones. It
// comes after order, because a copy in another calendar was withdrawn as well.
func (c *collection) suppress(fingerprints map[string]bool, w window) {
	if len(fingerprints) == 0 {
		return
	}
	c.absences = slices.DeleteFunc(c.absences, func(a Absence) bool {
		if !fingerprints[a.Fingerprint()] {
			return false
		}
		if a.Start.Before(w.to) && a.End.After(w.from) {
			c.ignored = append(c.ignored, Ignored{
				UID: a.UID, Start: a.Start, End: a.End, Summary: a.Summary, Calendar: a.Calendar,
				Reason: ReasonSuppressed, Detail: "you withdrew it; a new time or text brings it back",
			})
		}
		return true
	})
	c.orderIgnored()
}

func compareAbsences(a, b Absence) int {
	return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End), cmp.Compare(a.UID, b.UID))
}

// compareCopies leaves nothing to the order in which calendars were read.
func compareCopies(a, b Absence) int {
	return cmp.Or(cmp.Compare(a.Calendar, b.Calendar), cmp.Compare(a.Matched, b.Matched), cmp.Compare(a.Summary, b.Summary),
		cmp.Compare(a.Description, b.Description), cmp.Compare(fmt.Sprint(a.AllDay, a.Private, a.Own), fmt.Sprint(b.AllDay, b.Private, b.Own)))
}

// source names the place of an error: calendar, then UID, or the last part of
// the address, because a private feed's address is a secret.
func source(c Calendar, o Object, uid string) string {
	where := uid
	if where == "" && o.Href != "" {
		where = path.Base(o.Href)
	}
	switch {
	case c.Name == "":
		return where
	case where == "":
		return c.Name
	}
	return c.Name + ": " + where
}

func (e ObjectError) text() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %s", e.Line, e.Reason)
	}
	return e.Reason
}
