package engine

import (
	"fmt"
	"slices"
	"strings"

	"awayd/sync/absence"
	"awayd/sync/account"
)

// believe decides how much of a delta is taken as true. A failed or odd answer
// must not end an absence, so what is gone without the server having said so
// counts only when a second listing agrees and the listing is not empty, and what
// can no longer be read stays what it was (accept believes either at once, also
// what was not believed before). What is not believed is named in hold.
func believe(cached map[string]account.CachedObject, d absence.Delta, accept bool) (p account.Poll, hold string) {
	p.Name, p.Zone = d.Name, d.Zone
	for _, href := range d.Removed {
		if _, ok := cached[href]; ok {
			p.Removed = append(p.Removed, href)
		}
	}
	gone := believeListing(cached, d, accept, &p)
	kept := believeObjects(cached, d, accept, &p)
	return p, strings.Join(slices.DeleteFunc([]string{kept, gone}, func(s string) bool { return s == "" }), "; ")
}

// believeObjects takes over what is new, and what was held and is now accepted.
func believeObjects(cached map[string]account.CachedObject, d absence.Delta, accept bool, p *account.Poll) (hold string) {
	var held int
	changed := make(map[string]bool, len(d.Changed))
	for _, o := range d.Changed {
		if was, ok := cached[o.Href]; ok && !accept && spoilt(was.Object, o) {
			o = keep(was.Object, o)
			held++
		}
		changed[o.Href] = true
		p.Changed = append(p.Changed, o)
	}
	news := len(p.Changed)
	for href, o := range cached {
		switch {
		case o.Held == nil || changed[href] || slices.Contains(p.Removed, href):
		case accept:
			p.Changed = append(p.Changed, accepted(o.Object))
		default:
			held++
		}
	}
	slices.SortFunc(p.Changed[news:], func(a, b absence.Object) int { return strings.Compare(a.Href, b.Href) })
	if held == 0 {
		return ""
	}
	return fmt.Sprintf("%d changed objects cannot be read: kept as they were until they can be, or are accepted as they are (awayd sync --accept JID)", held)
}

// believeListing takes over what is gone.
func believeListing(cached map[string]account.CachedObject, d absence.Delta, accept bool, p *account.Poll) (hold string) {
	listed := make(map[string]bool, len(d.Listing))
	for _, href := range d.Listing {
		listed[href] = true
	}
	silent := d.Listing == nil
	empty := !silent && len(d.Listing) == 0 && len(cached) > len(p.Removed)
	for href, o := range cached {
		switch {
		case listed[href] || silent && !o.Missing || slices.Contains(p.Removed, href):
		case accept || (o.Missing && !empty && !silent):
			p.Removed = append(p.Removed, href)
		default:
			p.Missing = append(p.Missing, href)
		}
	}
	slices.Sort(p.Removed)
	slices.Sort(p.Missing)
	switch {
	case len(p.Missing) == 0:
		return ""
	case silent:
		return fmt.Sprintf("%d objects are gone without the server having said so; kept until it lists the calendar again", len(p.Missing))
	case empty:
		return fmt.Sprintf("it suddenly holds nothing; its %d objects are kept until it answers well again or is accepted as empty (awayd sync --accept JID)", len(p.Missing))
	}
	return fmt.Sprintf("%d objects are gone without the server having said so; kept until the next poll agrees", len(p.Missing))
}

// spoilt reports whether o cannot be read as far as was could: it lacks something
// of it that may be behind one of its errors, or an instance that its series had.
// What never could be read holds back nothing.
func spoilt(was, o absence.Object) bool {
	if len(was.Events)+len(was.Availability) == 0 {
		return false
	}
	known := make(map[string]bool)
	for _, e := range was.Errors {
		if e.Instance != nil {
			known[instanceOf(e)] = true
		}
	}
	// An error that may be about anything.
	vague := len(o.Errors) > 0 && len(o.Events)+len(o.Availability) == 0
	for _, e := range o.Errors {
		if e.Instance != nil && !known[instanceOf(e)] {
			return true
		}
		vague = vague || e.Instance == nil
	}
	return vague && lacks(o, was)
}

// instanceOf names the instances that an error takes out of a series.
func instanceOf(e absence.ObjectError) string {
	return fmt.Sprint(e.UID, "\x00", e.Instance, e.Onward)
}

// lacks reports whether a part of was is not in o.
func lacks(o, was absence.Object) bool {
	have := make(map[string]int)
	for _, part := range parts(o) {
		have[part]++
	}
	for _, part := range parts(was) {
		if have[part]--; have[part] < 0 {
			return true
		}
	}
	return false
}

// parts names the series, the changed instances and the blocks of an object.
func parts(o absence.Object) []string {
	var list []string
	for _, e := range o.Events {
		list = append(list, fmt.Sprint("event\x00", e.UID, "\x00", e.RecurrenceID))
	}
	for _, a := range o.Availability {
		list = append(list, "block\x00"+a.UID)
	}
	return list
}

// keep returns what was known of an object under the version of one that does
// not read: whole, because its events need the zones that came with them. The
// errors of the new one say what is wrong, but take no instance out of the old.
func keep(was, broken absence.Object) absence.Object {
	kept := was
	kept.ETag, kept.Errors, kept.Held = broken.ETag, nil, &broken
	for _, e := range was.Errors {
		if e.Instance != nil {
			kept.Errors = append(kept.Errors, e)
		}
	}
	for _, e := range broken.Errors {
		kept.Errors = append(kept.Errors, absence.ObjectError{UID: e.UID, Line: e.Line, Reason: e.Reason})
	}
	broken.Href, broken.ETag = "", ""
	return kept
}

// accepted returns what the server has in place of an object that was kept.
func accepted(kept absence.Object) absence.Object {
	o := *kept.Held
	o.Href, o.ETag = kept.Href, kept.ETag
	return o
}
