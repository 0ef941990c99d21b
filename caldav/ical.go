package caldav

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/emersion/go-ical"

	"awayd/sync/absence"
)

// maxFile bounds a file of events.
const maxFile = 32 << 20

// readObject reads one calendar object resource (RFC 4791 §4.1). What cannot be
// used is an error beside the events that can.
func readObject(data []byte) ([]absence.Event, []absence.ObjectError) {
	if len(data) > maxObject {
		return nil, []absence.ObjectError{{Reason: errObjectTooLarge}}
	}
	g, err := guardText(data, maxComponents)
	if err != nil {
		return nil, []absence.ObjectError{{Reason: err.Error()}}
	}
	var events []absence.Event
	var errs []absence.ObjectError
	z := zones{}
	for i := range g.blocks {
		b := &g.blocks[i]
		if b.name != "VEVENT" {
			continue
		}
		e, bad := readBlock(b, z)
		if bad != nil {
			errs = append(errs, *bad)
			continue
		}
		events = append(events, e)
	}
	return events, append(errs, strayErrors(g)...)
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
	z := map[string]zones{}
	for i := range g.blocks {
		b := &g.blocks[i]
		if b.name != "VEVENT" {
			continue
		}
		uid := b.uid()
		if z[uid] == nil {
			z[uid] = zones{}
		}
		e, bad := readBlock(b, z[uid])
		o := object(uid)
		if bad != nil {
			o.Errors = append(o.Errors, *bad)
			continue
		}
		o.Events = append(o.Events, e)
	}
	blocks, errs := readAvailability(data, maxFileEvents)
	for _, a := range blocks {
		o := object(a.UID)
		o.Availability = append(o.Availability, a)
	}
	if errs != nil {
		o := object("")
		o.Errors = append(o.Errors, errs...)
	}
	if stray := strayErrors(g); stray != nil {
		o := object("")
		o.Errors = append(o.Errors, stray...)
	}
	return objects, nil
}

// readBlock reads one VEVENT.
func readBlock(b *block, z zones) (e absence.Event, bad *absence.ObjectError) {
	fail := func(number int, reason string) *absence.ObjectError {
		return &absence.ObjectError{UID: b.uid(), Line: number, Reason: reason}
	}
	// The guard keeps from go-ical what it is known to panic at. Should it find
	// more, that is still about one event only.
	defer func() {
		if r := recover(); r != nil {
			e, bad = absence.Event{}, fail(b.number, "the event cannot be decoded")
		}
	}()
	if b.fault != nil {
		return absence.Event{}, fail(b.fault.number, b.fault.reason)
	}
	comp, err := decode(b)
	if err != nil {
		return absence.Event{}, fail(b.number, err.Error())
	}
	e, err = newEventReader(b, comp, z).read()
	if err == nil {
		return e, nil
	}
	if f, ok := errors.AsType[*faultError](err); ok {
		return absence.Event{}, fail(f.number, f.reason)
	}
	return absence.Event{}, fail(b.number, err.Error())
}

// decode hands the lines that the guard let through to go-ical.
func decode(b *block) (*ical.Component, error) {
	var s strings.Builder
	s.WriteString("BEGIN:VCALENDAR\r\nBEGIN:" + b.name + "\r\n")
	for _, l := range b.lines {
		s.WriteString(l.name + l.params + ":" + l.value + "\r\n")
	}
	s.WriteString("END:" + b.name + "\r\nEND:VCALENDAR\r\n")
	cal, err := ical.NewDecoder(strings.NewReader(s.String())).Decode()
	if err != nil {
		return nil, err
	}
	if len(cal.Children) != 1 {
		return nil, errors.New("not one component")
	}
	return cal.Children[0], nil
}
