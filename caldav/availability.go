package caldav

import (
	"errors"
	"fmt"

	"awayd/sync/absence"
)

const availabilityName = "VAVAILABILITY"

// readBlockOfTime reads one VAVAILABILITY.
func readBlockOfTime(b *block, z *zones) (a absence.Availability, bad *absence.ObjectError) {
	fail := func(number int, reason string) (absence.Availability, *absence.ObjectError) {
		return absence.Availability{}, &absence.ObjectError{UID: b.uid(), Line: number, Reason: reason}
	}
	defer func() {
		if r := recover(); r != nil { // as in readBlock
			a, bad = fail(b.number, "the availability cannot be decoded")
		}
	}()
	if b.fault != nil {
		return fail(b.fault.number, b.fault.reason)
	}
	a, err := (&eventReader{b, z}).availability()
	a.Hours = b.available
	if f, ok := errors.AsType[*faultError](err); ok {
		return fail(f.number, f.reason)
	}
	if err != nil {
		return fail(b.number, err.Error())
	}
	return a, nil
}

func (r *eventReader) availability() (absence.Availability, error) {
	a := absence.Availability{
		UID:         r.raw("UID"),
		BusyType:    r.word("BUSYTYPE"),
		Summary:     unescape(r.raw("SUMMARY")),
		Description: unescape(r.raw("DESCRIPTION")),
		Private:     r.raw("CLASS") != "" && r.word("CLASS") != "PUBLIC",
		Organizer:   r.raw("ORGANIZER"),
	}
	if len(a.UID) > maxUID {
		return a, r.fail("UID", 0, fmt.Errorf("longer than %d bytes", maxUID))
	}
	if r.block.one("DTSTART") != nil {
		start, err := r.dateTime("DTSTART")
		if err != nil {
			return a, err
		}
		a.Start = &start
	}
	switch {
	case r.block.one("DTEND") != nil:
		end, err := r.dateTime("DTEND")
		if err != nil {
			return a, err
		}
		if a.Start != nil && end.Date != a.Start.Date {
			return a, r.fail("DTEND", 0, errors.New("a date where DTSTART has a time, or the reverse"))
		}
		a.End = &end
	case r.block.one("DURATION") != nil:
		d, err := parseDuration(r.raw("DURATION"))
		if err != nil {
			return a, r.fail("DURATION", 0, err)
		}
		a.Duration = &d
	}
	return a, nil
}
