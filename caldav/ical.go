package caldav

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"awayd/sync/absence"
)

// maxFile bounds a file of events.
const maxFile = 32 << 20

// readObject reads one calendar object resource (RFC 4791 §4.1). What cannot be
// used is an error beside the events that can.
func readObject(data []byte) absence.Object {
	refused := func(reason string) absence.Object {
		return absence.Object{Errors: []absence.ObjectError{{Reason: reason}}}
	}
	if len(data) > maxObject {
		return refused(errObjectTooLarge)
	}
	g, err := guardText(data, maxComponents)
	if err != nil {
		return refused(err.Error())
	}
	var o absence.Object
	explained := g.timezones()
	resolvers := map[int]*zones{}
	for i := range g.blocks {
		b := &g.blocks[i]
		if b.name != "VEVENT" && b.name != availabilityName {
			continue
		}
		z, ok := resolvers[b.calendar]
		if !ok {
			z = &zones{of: explained[b.calendar]}
			resolvers[b.calendar] = z
		}
		addBlock(&o, b, z)
	}
	for _, i := range slices.Sorted(maps.Keys(resolvers)) {
		o.Zones = append(o.Zones, resolvers[i].kept()...)
	}
	o.Errors = append(o.Errors, strayErrors(g)...)
	return o
}

// addBlock adds what a VEVENT or VAVAILABILITY says to its object.
func addBlock(o *absence.Object, b *block, z *zones) {
	var bad *absence.ObjectError
	if b.name == availabilityName {
		var a absence.Availability
		if a, bad = readBlockOfTime(b, z); bad == nil {
			o.Availability = append(o.Availability, a)
		}
	} else {
		var e absence.Event
		if e, bad = readBlock(b, z); bad == nil {
			o.Events = append(o.Events, e)
		}
	}
	if bad != nil {
		o.Errors = append(o.Errors, *bad)
	}
}

func strayErrors(g *guard) []absence.ObjectError {
	var errs []absence.ObjectError
	for _, f := range g.stray {
		errs = append(errs, absence.ObjectError{Line: f.number, Reason: f.reason})
	}
	return errs
}

// ReadICS reads iCalendar text that holds any number of series, such as an
// exported calendar. Each series is an object of its own whose Href is name
// with the UID behind a #. A text that is no calendar at all is an error; a
// part that cannot be used is an ObjectError.
func ReadICS(r io.Reader, name string) ([]absence.Object, error) {
	// A buffer that is large enough from the start spares copying what was read.
	var b bytes.Buffer
	if known, ok := r.(interface{ Len() int }); ok {
		b.Grow(min(known.Len(), maxFile) + bytes.MinRead)
	}
	if _, err := b.ReadFrom(io.LimitReader(r, maxFile+1)); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	objects, err := readSeries(b.Bytes(), name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return objects, nil
}

// readSeries is [ReadICS] for a text that is in memory.
func readSeries(data []byte, name string) ([]absence.Object, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("larger than %d MiB", maxFile>>20)
	}
	g, err := guardText(data, maxFileEvents)
	if err != nil {
		return nil, err
	}
	s := newShelf(name, len(g.blocks), g.timezones())
	for i := range g.blocks {
		b := &g.blocks[i]
		if b.name != "VEVENT" && b.name != availabilityName {
			continue
		}
		at := s.place(b.uid())
		addBlock(&s.objects[at], b, s.zonesOf(at, b.calendar))
	}
	for i := range s.zones {
		o := &s.objects[s.zones[i].object]
		o.Zones = append(o.Zones, s.zones[i].kept()...)
	}
	if stray := strayErrors(g); stray != nil {
		o := &s.objects[s.place("")]
		o.Errors = append(o.Errors, stray...)
	}
	return s.objects, nil
}

// A shelf is where the series of a text are put together.
type shelf struct {
	name      string
	explained []*timezones
	objects   []absence.Object
	index     map[string]int // of objects, by UID
	zones     []shelfZones   // in the order in which they are needed
	latest    []int          // of each object, in zones
}

// shelfZones are the zones of an object as far as it stands in one calendar.
type shelfZones struct {
	zones
	object, calendar int
}

func newShelf(name string, room int, explained []*timezones) *shelf {
	return &shelf{
		name: name, explained: explained,
		objects: make([]absence.Object, 0, room), index: make(map[string]int, room),
		zones: make([]shelfZones, 0, room), latest: make([]int, 0, room),
	}
}

// place returns the index of the object of a UID.
func (s *shelf) place(uid string) int {
	at, ok := s.index[uid]
	if !ok {
		at = len(s.objects)
		s.index[uid] = at
		href := s.name
		if uid != "" {
			href += "#" + uid
		}
		s.objects = append(s.objects, absence.Object{Href: href})
		s.latest = append(s.latest, -1)
	}
	return at
}

// zonesOf returns the zones of an object in a calendar, which is that of the
// time before or a later one.
func (s *shelf) zonesOf(at, calendar int) *zones {
	i := s.latest[at]
	if i < 0 || s.zones[i].calendar != calendar {
		i = len(s.zones)
		s.latest[at] = i
		s.zones = append(s.zones, shelfZones{zones{of: s.explained[calendar]}, at, calendar})
	}
	return &s.zones[i].zones
}

// readBlock reads one VEVENT.
func readBlock(b *block, z *zones) (e absence.Event, bad *absence.ObjectError) {
	fail := func(number int, reason string) *absence.ObjectError {
		f := &absence.ObjectError{UID: b.uid(), Line: number, Reason: reason}
		f.Instance, f.Onward = b.instance(z)
		return f
	}
	// Should a stranger's event find a fault in what follows, that is about this
	// event only.
	defer func() {
		if r := recover(); r != nil {
			e, bad = absence.Event{}, fail(b.number, "the event cannot be decoded")
		}
	}()
	if b.fault != nil {
		return absence.Event{}, fail(b.fault.number, b.fault.reason)
	}
	e, err := (&eventReader{b, z}).read()
	if err == nil {
		return e, nil
	}
	if f, ok := errors.AsType[*faultError](err); ok {
		return absence.Event{}, fail(f.number, f.reason)
	}
	return absence.Event{}, fail(b.number, err.Error())
}

// instance returns which instance of a series the component is about, and
// whether also those after it, if that can be read: also of one that is broken
// otherwise, so that what it takes the place of does not come back.
func (b *block) instance(z *zones) (*absence.DateTime, bool) {
	for _, l := range b.lines {
		if l.name != "RECURRENCE-ID" {
			continue
		}
		d, err := parseDateTime(l.value, l.param("VALUE"), func() (*time.Location, error) {
			if tzid := l.param("TZID"); tzid != "" {
				return z.get(tzid)
			}
			return nil, nil
		})
		if err != nil {
			return nil, false
		}
		return &d, strings.EqualFold(l.param("RANGE"), thisAndFuture)
	}
	return nil, false
}
