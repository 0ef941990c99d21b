package absence

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"path"
	"strings"
	"sync"
	"time"
)

// known holds the zones of the IANA database that were asked for, by name:
// package time reads and keeps one anew for every time that names it.
var known sync.Map

// LoadZone is time.LoadLocation for names from outside: each zone is read once,
// and all who name it share it. Local, the zone of whatever machine reads it,
// is refused.
func LoadZone(name string) (*time.Location, error) {
	if loc, ok := known.Load(name); ok {
		return loc.(*time.Location), nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, err
	}
	if loc == time.Local {
		return nil, errLocal
	}
	// Of one file's many names, such as Europe//Berlin, a stranger could make
	// up any number.
	if path.Clean(name) != name {
		return loc, nil
	}
	shared, _ := known.LoadOrStore(name, loc)
	return shared.(*time.Location), nil
}

var errLocal = errors.New("the zone of this machine, which is another one elsewhere")

// IsUTC reports whether a name of the IANA database is one of UTC itself. People
// live in places, as Europe/London or Africa/Abidjan: software that does not know
// where says UTC.
func IsUTC(name string) bool {
	switch strings.TrimPrefix(name, "Etc/") {
	case "UTC", "UCT", "Universal", "Zulu", "Greenwich", "GMT", "GMT0", "GMT+0", "GMT-0":
		return true
	}
	return false
}

// A Zone is a time zone that an object explains itself (RFC 5545 §3.6.5),
// because its name says nothing to anyone else.
type Zone struct {
	Name string `json:"name"`
	TZif []byte `json:"tzif"` // RFC 9636
}

// ownZone begins the name of the location of every [Zone], so that none can be
// taken for one of the IANA database.
const ownZone = "~"

// ID is the name of the zone's location.
func (z Zone) ID() string { return ownZone + z.Name }

// Location returns the zone as one of package time.
func (z Zone) Location() (*time.Location, error) {
	loc, err := time.LoadLocationFromTZData(z.ID(), z.TZif)
	if err != nil {
		return nil, fmt.Errorf("read time zone %q: %w", z.Name, err)
	}
	return loc, nil
}

// Own reports whether a location is that of a [Zone].
func Own(loc *time.Location) bool { return loc != nil && strings.HasPrefix(loc.String(), ownZone) }

// UnmarshalJSON reads an object and gives its times the zones that it explains.
func (o *Object) UnmarshalJSON(text []byte) error {
	type plain Object
	if err := json.Unmarshal(text, (*plain)(o)); err != nil {
		return err
	}
	known := make(map[string]*time.Location, len(o.Zones))
	for _, z := range o.Zones {
		loc, err := z.Location()
		if err != nil {
			return err
		}
		known[loc.String()] = loc
	}
	for d := range o.DateTimes() {
		if !Own(d.Zone) {
			continue
		}
		loc, ok := known[d.Zone.String()]
		if !ok {
			return fmt.Errorf("read date-time %q: the object does not explain its zone", d)
		}
		d.Zone = loc
	}
	return nil
}

// DateTimes yields every DateTime in the object, to be changed in place.
func (o *Object) DateTimes() iter.Seq[*DateTime] {
	return func(yield func(*DateTime) bool) {
		for i := range o.Events {
			if !o.Events[i].dateTimes(yield) {
				return
			}
		}
		for i := range o.Availability {
			for _, d := range []*DateTime{o.Availability[i].Start, o.Availability[i].End} {
				if d != nil && !yield(d) {
					return
				}
			}
		}
		for i := range o.Errors {
			if d := o.Errors[i].Instance; d != nil && !yield(d) {
				return
			}
		}
	}
}

func (e *Event) dateTimes(yield func(*DateTime) bool) bool {
	each := func(d *DateTime) bool { return d == nil || yield(d) }
	if !each(&e.Start) || !each(e.End) || !each(e.RecurrenceID) {
		return false
	}
	for _, rules := range [][]Rule{e.Rules, e.ExRules} {
		for i := range rules {
			if !each(rules[i].Until) {
				return false
			}
		}
	}
	for _, list := range [][]DateTime{e.RDates, e.ExDates} {
		for i := range list {
			if !each(&list[i]) {
				return false
			}
		}
	}
	for i := range e.RPeriods {
		if p := &e.RPeriods[i]; !each(&p.Start) || !each(p.End) {
			return false
		}
	}
	return true
}
