package absence

import (
	"fmt"
	"strings"
	"time"
)

// A DateTime is a DATE or DATE-TIME value (RFC 5545 §3.3.4, §3.3.5): a civil
// date and time, and the zone it was written in. It is not an instant until
// [DateTime.In] gives it one.
type DateTime struct {
	// Wall holds the civil fields. Its location is always UTC and says nothing.
	Wall time.Time
	// Date marks a DATE; Wall is then at 00:00:00.
	Date bool
	// Zone is nil for a DATE and for a floating time, time.UTC for the form
	// with Z, else the zone of the TZID.
	Zone *time.Location
}

// Floating reports whether the value takes the zone of whoever reads it.
func (d DateTime) Floating() bool { return d.Zone == nil }

// In returns the instant that d names, local being the zone of dates and
// floating times. A wall time that occurs twice is the first occurrence and one
// that a forward step skips is read with the offset before the gap, as
// RFC 5545 §3.3.5 asks. A date whose midnight is skipped begins at the first
// instant of that day.
func (d DateTime) In(local *time.Location) time.Time {
	zone := d.Zone
	if zone == nil {
		zone = local
	}
	t := resolve(d.Wall, zone)
	if d.Date && !sameWall(t, d.Wall) {
		t, _ = t.ZoneBounds()
	}
	return t
}

// AddDays returns d moved by a nominal number of days.
func (d DateTime) AddDays(n int) DateTime {
	d.Wall = d.Wall.AddDate(0, 0, n)
	return d
}

// String is the value as RFC 5545 writes it, with the zone's name in front.
func (d DateTime) String() string {
	switch {
	case d.Date:
		return d.Wall.Format("20060102")
	case d.Zone == nil:
		return d.Wall.Format("20060102T150405")
	case d.Zone == time.UTC:
		return d.Wall.Format("20060102T150405Z")
	}
	return d.Zone.String() + ":" + d.Wall.Format("20060102T150405")
}

// MarshalText is [DateTime.String].
func (d DateTime) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what [DateTime.MarshalText] wrote. A zone that an object
// explains is known by name only, until [Object.UnmarshalJSON] puts it in.
func (d *DateTime) UnmarshalText(text []byte) error {
	s, zone := string(text), (*time.Location)(nil)
	if i := strings.LastIndexByte(s, ':'); i >= 0 && strings.HasPrefix(s, ownZone) {
		s, zone = s[i+1:], time.FixedZone(s[:i], 0) // until the object says what it means
	} else if i >= 0 {
		loc, err := LoadZone(s[:i])
		if err != nil {
			return fmt.Errorf("read date-time %q: unknown zone", s)
		}
		s, zone = s[i+1:], loc
	}
	for _, form := range []struct {
		layout string
		date   bool
		utc    bool
	}{{"20060102T150405Z", false, true}, {"20060102T150405", false, false}, {"20060102", true, false}} {
		if t, err := time.Parse(form.layout, s); err == nil {
			switch {
			case form.utc:
				zone = time.UTC
			case form.date:
				zone = nil
			}
			*d = DateTime{Wall: t, Date: form.date, Zone: zone}
			return nil
		}
	}
	return fmt.Errorf("read date-time %q: not a value of RFC 5545 §3.3.5", s)
}

// A Duration is a DURATION value (RFC 5545 §3.3.6): nominal days, which follow
// the calendar across a change of the clock, then an exact time.
type Duration struct {
	Days  int           `json:"days,omitempty"`
	Exact time.Duration `json:"exact,omitempty"` // nanoseconds
}

// resolve reads the civil fields of wall in zone.
func resolve(wall time.Time, zone *time.Location) time.Time {
	// Most times are far from any change of the clock: there is one offset only.
	about := wall.In(zone)
	_, offset := about.Zone()
	ahead := time.Duration(offset) * time.Second
	margin := 24*time.Hour + ahead.Abs()
	if start, end := about.ZoneBounds(); about.Add(-margin).After(start) && (end.IsZero() || about.Add(margin).Before(end)) {
		return wall.Add(-ahead).In(zone)
	}
	return resolveClose(wall, zone)
}

// resolveClose is resolve for any time, close to a change of the clock or not.
func resolveClose(wall time.Time, zone *time.Location) time.Time {
	y, m, day := wall.Date()
	t := time.Date(y, m, day, wall.Hour(), wall.Minute(), wall.Second(), 0, zone)
	// time.Date promises neither side of a fold or a gap, so try the offset in
	// force a day before: right for the first of a fold, and RFC 5545's answer
	// for a gap.
	_, before := t.Add(-24 * time.Hour).Zone()
	first := wall.Add(-time.Duration(before) * time.Second).In(zone)
	_, own := t.Zone()
	if own == before || sameWall(first, wall) {
		return first
	}
	if sameWall(t, wall) {
		return t
	}
	return first
}

func sameWall(t, wall time.Time) bool {
	return t.Day() == wall.Day() && t.Hour() == wall.Hour() && t.Minute() == wall.Minute() && t.Second() == wall.Second()
}
