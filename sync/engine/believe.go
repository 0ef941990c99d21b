package engine

import (
	"fmt"
	"slices"

	"awayd/sync/absence"
	"awayd/sync/account"
)

// believe decides how much of a delta is taken as true. A failed or odd answer
// must not end an absence, so what is gone without the server having said so
// counts only when a second listing agrees and the listing is not empty
// (accept believes it at once). What is not believed is named in hold.
func believe(cached map[string]account.CachedObject, d absence.Delta, accept bool) (p account.Poll, hold string) {
	p.Name, p.Zone = d.Name, d.Zone
	for _, href := range d.Removed {
		if _, ok := cached[href]; ok {
			p.Removed = append(p.Removed, href)
		}
	}
	var broken int
	for _, o := range d.Changed {
		// An object that no longer reads keeps what was known of it.
		if was, ok := cached[o.Href]; ok && len(o.Errors) > 0 && len(was.Events)+len(was.Availability) > 0 && !accept {
			o = keep(was.Object, o)
			broken++
		}
		p.Changed = append(p.Changed, o)
	}
	if broken > 0 {
		hold = fmt.Sprintf("%d changed objects cannot be read: kept as they were", broken)
	}
	if d.Listing == nil {
		for href, o := range cached {
			if o.Missing && !slices.Contains(p.Removed, href) {
				p.Missing = append(p.Missing, href)
			}
		}
		if len(p.Missing) > 0 {
			hold = fmt.Sprintf("%d objects are gone without the server having said so; kept until it lists the calendar again", len(p.Missing))
		}
		return p, hold
	}

	listed := make(map[string]bool, len(d.Listing))
	for _, href := range d.Listing {
		listed[href] = true
	}
	empty := len(d.Listing) == 0 && len(cached) > len(p.Removed)
	for href, o := range cached {
		switch {
		case listed[href] || slices.Contains(p.Removed, href):
		case accept || (o.Missing && !empty):
			p.Removed = append(p.Removed, href)
		default:
			p.Missing = append(p.Missing, href)
		}
	}
	slices.Sort(p.Removed)
	slices.Sort(p.Missing)
	switch {
	case len(p.Missing) == 0:
	case empty:
		hold = fmt.Sprintf("it suddenly holds nothing; its %d objects are kept until it answers well again or is accepted as empty (awayd sync --accept)", len(p.Missing))
	default:
		hold = fmt.Sprintf("%d objects are gone without the server having said so; kept until the next poll agrees", len(p.Missing))
	}
	return p, hold
}

// keep returns what was known of an object under the version of one that does
// not read: whole, because its events need the zones that came with them. The
// errors of the new one say what is wrong, but take no instance out of the old.
func keep(was, broken absence.Object) absence.Object {
	kept := was
	kept.ETag, kept.Errors = broken.ETag, nil
	for _, e := range was.Errors {
		if e.Instance != nil {
			kept.Errors = append(kept.Errors, e)
		}
	}
	for _, e := range broken.Errors {
		kept.Errors = append(kept.Errors, absence.ObjectError{UID: e.UID, Line: e.Line, Reason: e.Reason})
	}
	return kept
}
