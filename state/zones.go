package state

import (
	"time"

	"awayd/sync/absence"
)

// zones lets the objects of a calendar share one value for each zone. Decoding
// makes one for each time there is, and a zone is kilobytes.
type zones map[string]*time.Location

func (z zones) shareIn(o *absence.Object) {
	// Objects may explain one name differently.
	own := make(map[string]string, len(o.Zones))
	for _, x := range o.Zones {
		own[x.ID()] = string(x.TZif)
	}
	for d := range o.DateTimes() {
		if d.Zone == nil || d.Zone == time.UTC {
			continue
		}
		key := d.Zone.String()
		if absence.Own(d.Zone) {
			key += "\x00" + own[key]
		}
		if known, ok := z[key]; ok {
			d.Zone = known
		} else {
			z[key] = d.Zone
		}
	}
}
