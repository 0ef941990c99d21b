package engine

import (
	"fmt"
	"hash/maphash"

	"awayd/sync/absence"
	"awayd/sync/account"
)

// A shelf is what was last downloaded of one calendar. The state has the
// objects; they are in memory only while a turn has use for them, or while the
// state has not taken them. What each turn asks is kept.
type shelf struct {
	objects map[string]account.CachedObject // by href; nil: the state has them
	unsaved bool                            // the state does not
	owed    []string                        // hrefs that the state has yet to forget

	known          bool // what follows is; else the state has yet to tell
	count, missing int
	held           int             // that are older versions
	hrefs          uint64          // the sum of their hashes
	broken         map[string]bool // UIDs of events that are as they were because they can no longer be read
}

// hrefSeed makes the hashes of hrefs what nobody outside can foresee.
var hrefSeed = maphash.MakeSeed()

// fetch has the calendar's objects in memory until [actor.release].
func (a *actor) fetch(c *calendar) error {
	if c.shelf.objects != nil {
		return nil
	}
	list, err := a.e.store.Objects(a.ctx, c.ID)
	if err != nil {
		return unloaded{fmt.Errorf("load calendar %q of %s: %w", c.Name, a.jid, err)}
	}
	c.shelf.objects = make(map[string]account.CachedObject, len(list))
	for _, o := range list {
		c.shelf.objects[o.Href] = o
	}
	c.shelf.sum()
	return nil
}

// unloaded is the error of a state that does not tell what a calendar holds, which
// is no fault of the calendar's.
type unloaded struct{ error }

// Unwrap returns the cause.
func (e unloaded) Unwrap() error { return e.error }

// release gives back what the state has, too.
func (a *actor) release() {
	for _, c := range a.calendars {
		if !c.shelf.unsaved {
			c.shelf.objects = nil
		}
	}
}

// weigh decides how much of a poll is believed. One that says nothing new needs
// no objects for that.
func (a *actor) weigh(c *calendar, p polled) (account.Poll, string, error) {
	d := p.delta
	if c.shelf.agrees(d) {
		d.Listing = nil
	} else if err := a.fetch(c); err != nil {
		return account.Poll{}, "", err
	}
	update, hold := believe(c.shelf.objects, d, p.accept && !d.More) // what is missing may be yet to be read
	update.Cursor = p.cursor
	return update, hold, nil
}

// agrees reports whether a delta tells of no object but those that are known,
// none of which is in doubt.
func (s *shelf) agrees(d absence.Delta) bool {
	if !s.known || s.missing+s.held+len(d.Changed)+len(d.Removed) > 0 {
		return false
	}
	if d.Listing == nil {
		return true
	}
	var sum uint64
	for _, href := range d.Listing {
		sum += maphash.String(hrefSeed, href)
	}
	return len(d.Listing) == s.count && sum == s.hrefs
}

// saved notes whether the state took a poll. If not, the next one brings the
// changes again, as its cursor is the old one, but what is removed here by then
// would not be removed there.
func (s *shelf) saved(u account.Poll, err error) {
	s.unsaved, s.owed = err != nil, nil
	if err != nil {
		s.owed = u.Removed
	}
}

// take changes what is known as the state was.
func (s *shelf) take(u account.Poll) {
	if s.objects == nil {
		return // the poll said nothing of them
	}
	missing := make(map[string]bool, len(u.Missing))
	for _, href := range u.Missing {
		missing[href] = true
	}
	for href, o := range s.objects {
		o.Missing = missing[href]
		s.objects[href] = o
	}
	for _, o := range u.Changed {
		s.objects[o.Href] = account.CachedObject{Object: o}
	}
	for _, href := range u.Removed {
		delete(s.objects, href)
	}
	s.sum()
}

// countAfter is how many objects there are once a poll is taken.
func (s *shelf) countAfter(u account.Poll) int {
	n := s.count - len(u.Removed)
	for _, o := range u.Changed {
		if _, known := s.objects[o.Href]; !known {
			n++
		}
	}
	return n
}

// sum counts what each turn asks.
func (s *shelf) sum() {
	s.known = true
	s.count, s.missing, s.held, s.hrefs, s.broken = len(s.objects), 0, 0, 0, nil
	for href, o := range s.objects {
		s.hrefs += maphash.String(hrefSeed, href)
		if o.Missing {
			s.missing++
		}
		if o.Held == nil {
			continue
		}
		s.held++
		for _, e := range o.Events {
			if s.broken == nil {
				s.broken = make(map[string]bool)
			}
			s.broken[e.UID] = true
		}
	}
}

// empty reports whether nothing is left of what the calendar held, but nobody
// has said that it is gone.
func (s *shelf) empty() bool { return s.count > 0 && s.missing == s.count }
