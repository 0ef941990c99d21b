package caldav

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"awayd/sync/absence"
)

// maxZones bounds the zones that one object may name, each of which costs a
// search on disk, and those that one calendar may explain.
const maxZones = 64

// timezones are what a VCALENDAR says about time: the zones that it explains
// (RFC 5545 §3.6.5), and the one of its floating times.
type timezones struct {
	blocks   map[string]*block // VTIMEZONEs by key
	own      map[string]*ownZone
	suffix   string // tells the zones of one VCALENDAR of a file from another's
	floating *time.Location
	budget   int // see compileTimezone

	// common are names that everybody knows, each of which stands in many
	// objects of a file.
	common map[string]*time.Location
}

// known returns the zone of a name that everybody knows.
func (t *timezones) known(tzid string) (*time.Location, bool) {
	if loc, ok := t.common[tzid]; ok {
		return loc, true
	}
	loc, err := loadZone(tzid)
	if err != nil {
		return nil, false
	}
	if len(t.common) < maxZones {
		t.common[tzid] = loc
	}
	return loc, true
}

// An ownZone is a zone that no other calendar knows.
type ownZone struct {
	def absence.Zone
	loc *time.Location
	err error
}

// timezones returns those of each VCALENDAR in the text.
func (g *guard) timezones() []*timezones {
	all := make([]*timezones, len(g.floats))
	for i, name := range g.floats {
		all[i] = &timezones{blocks: map[string]*block{}, own: map[string]*ownZone{}, common: map[string]*time.Location{}, budget: maxZoneCost}
		if i > 0 {
			all[i].suffix = fmt.Sprintf("#%d", i)
		}
		if name != "" { // a name that says nothing leaves the times floating
			all[i].floating, _ = loadZone(unescape(name))
		}
	}
	for i := range g.blocks {
		b := &g.blocks[i]
		if b.name != "VTIMEZONE" {
			continue
		}
		if z := all[b.calendar]; len(z.blocks) < maxZones {
			z.blocks[zoneKey(unescape(b.first("TZID")))] = b
		}
	}
	return all
}

// zoneKey makes the two places where a TZID stands comparable.
func zoneKey(tzid string) string { return strings.ToUpper(cleanLine(tzid)) }

// explained returns the zone that the calendar itself explains, or that a name
// says which is nothing but an offset; nil if there is none.
func (t *timezones) explained(tzid string) *ownZone {
	key := zoneKey(tzid)
	if z, ok := t.own[key]; ok {
		return z
	}
	z := &ownZone{}
	if b, ok := t.blocks[key]; ok {
		if loc, err := loadZone(b.first("X-LIC-LOCATION")); err == nil {
			z.loc = loc
		} else {
			z.def.TZif, z.err = compileTimezone(b, &t.budget)
		}
	} else if seconds, ok := parseOffsetZone(tzid); ok {
		z.def.TZif = fixedTZif(seconds)
	} else {
		return nil
	}
	if z.loc == nil && z.err == nil {
		z.def.Name = cleanLine(tzid) + t.suffix
		z.loc, z.err = z.def.Location()
	}
	t.own[key] = z
	return z
}

// zones resolves the TZIDs of one object. Most objects name one or two, so they
// are kept in lists.
type zones struct {
	of    *timezones
	named []namedZone
	own   []absence.Zone // those that the object has to keep
}

// A namedZone is what became of a TZID.
type namedZone struct {
	tzid string
	loc  *time.Location
	err  error
}

// get returns the zone of a TZID. A name that everybody knows wins over what
// the object says about it: calendars carry VTIMEZONEs of long ago. A name that
// nobody knows and nothing explains is an error.
func (z *zones) get(tzid string) (*time.Location, error) {
	for i := range z.named {
		if n := &z.named[i]; n.tzid == tzid {
			return n.loc, n.err
		}
	}
	if len(z.named) == maxZones {
		return nil, fmt.Errorf("more than %d time zones", maxZones)
	}
	loc, err := z.find(tzid)
	z.named = append(z.named, namedZone{tzid, loc, err})
	return loc, err
}

func (z *zones) find(tzid string) (*time.Location, error) {
	if loc, ok := z.of.known(tzid); ok {
		return loc, nil
	}
	own := z.of.explained(tzid)
	switch {
	case own == nil:
		return nil, fmt.Errorf("unknown time zone %q", tzid)
	case own.err != nil:
		return nil, fmt.Errorf("time zone %q: %w", tzid, own.err)
	}
	same := func(other absence.Zone) bool { return other.Name == own.def.Name }
	if own.def.Name != "" && !slices.ContainsFunc(z.own, same) {
		z.own = append(z.own, own.def)
	}
	return own.loc, nil
}

// kept returns what the object has to keep of its zones.
func (z *zones) kept() []absence.Zone {
	slices.SortFunc(z.own, func(a, b absence.Zone) int { return strings.Compare(a.Name, b.Name) })
	return z.own
}

// zoneOfTimezone returns the IANA name of the VTIMEZONE in a calendar-timezone
// property, or "".
func zoneOfTimezone(data []byte) string {
	if len(data) > maxObject {
		return ""
	}
	g, err := guardText(data, maxComponents)
	if err != nil {
		return ""
	}
	for _, b := range g.blocks {
		if b.name != "VTIMEZONE" {
			continue
		}
		for _, l := range b.lines {
			if l.name != "TZID" && l.name != "X-LIC-LOCATION" {
				continue
			}
			if place := placeOf(l.value); place != "" {
				return place
			}
		}
	}
	return ""
}

var errNoObservance = errors.New("neither STANDARD nor DAYLIGHT")
