package caldav

import (
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
			z = newZones(explained[b.calendar])
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
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("read %s: larger than %d MiB", name, maxFile>>20)
	}
	g, err := guardText(data, maxFileEvents)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	var objects []absence.Object
	index := map[string]int{}
	object := func(uid string) *absence.Object {
		i, ok := index[uid]
		if !ok {
			i = len(objects)
			index[uid] = i
			href := name
			if uid != "" {
				href += "#" + uid
			}
			objects = append(objects, absence.Object{Href: href})
		}
		return &objects[i]
	}
	explained := g.timezones()
	type place struct {
		calendar int
		uid      string
	}
	resolvers := map[place]*zones{}
	var places []place
	for i := range g.blocks {
		b := &g.blocks[i]
		if b.name != "VEVENT" && b.name != availabilityName {
			continue
		}
		at := place{b.calendar, b.uid()}
		if resolvers[at] == nil {
			resolvers[at] = newZones(explained[b.calendar])
			places = append(places, at)
		}
		addBlock(object(at.uid), b, resolvers[at])
	}
	for _, at := range places {
		o := object(at.uid)
		o.Zones = append(o.Zones, resolvers[at].kept()...)
	}
	if stray := strayErrors(g); stray != nil {
		o := object("")
		o.Errors = append(o.Errors, stray...)
	}
	return objects, nil
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
	e, err := newEventReader(b, z).read()
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
