package state

import (
	"time"

	"awayd/sync/absence"
)

// zones lets the events of a calendar share one value for each zone. Decoding
// makes one for each time there is, and a zone is kilobytes.
type zones map[string]*time.Location

func (z zones) shareIn(events []absence.Event) {
	for i := range events {
		e := &events[i]
		z.share(&e.Start)
		z.share(e.End)
		z.share(e.RecurrenceID)
		for j := range e.Rules {
			z.share(e.Rules[j].Until)
		}
		for j := range e.RDates {
			z.share(&e.RDates[j])
		}
		for j := range e.ExDates {
			z.share(&e.ExDates[j])
		}
	}
}

func (z zones) share(d *absence.DateTime) {
	if d == nil || d.Zone == nil || d.Zone == time.UTC {
		return
	}
	name := d.Zone.String()
	if known, ok := z[name]; ok {
		d.Zone = known
	} else {
		z[name] = d.Zone
	}
}
