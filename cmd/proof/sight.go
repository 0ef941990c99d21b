package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"awayd/cmd/testbed"
)

// A sight is all that a contact saw of one vacation.
type sight struct {
	begun time.Time // when the contact first read the message or was told it; zero: never
	ended time.Time // when the contact had been told the end and could read nothing any more; zero: never
	faults
}

// faults are what must not be.
type faults struct {
	early, stale []string
	// other is what is wrong in another way: a gap, an incomplete message.
	other []string
}

func (f *faults) add(to *[]string, format string, args ...any) {
	*to = append(*to, fmt.Sprintf(format, args...))
}

// see holds what the contact of t saw against the vacation. From due on, no
// more of the message may be seen: the end, or later by what the network was
// broken and what awayd may take to notice.
func (t *traveller) see(due time.Time) sight {
	var s sight
	told := t.seeTold(&s)
	var refused time.Time
	for _, a := range t.watch.Answers() {
		seen := a.Err == nil && len(a.Items) > 0
		switch {
		case a.Err != nil && a.Refused == "":
			s.add(&s.other, "a question of the contact failed: %v", a.Err)
		case seen && a.At.Before(t.start):
			s.add(&s.early, "could read the message %s before the start", t.start.Sub(a.At))
		case seen && a.Asked.After(due):
			s.add(&s.stale, "could read the message %s after the end", a.Asked.Sub(t.end))
		case seen:
			if s.begun.IsZero() || a.At.Before(s.begun) {
				s.begun = a.At
			}
			t.hold(&s, a.Items[0])
		case a.Asked.Before(t.end) && a.At.After(t.start) && !s.begun.IsZero() && a.Asked.After(s.begun):
			s.add(&s.other, "was refused (%s) %s before the end", a.Refused, t.end.Sub(a.At))
		}
		if !seen && a.At.After(t.end) && refused.IsZero() {
			refused = a.At
		}
		if seen {
			refused = time.Time{}
		}
	}
	if !told.IsZero() && !refused.IsZero() {
		s.ended = told
		if told.Before(refused.Add(-askedEvery)) {
			s.ended = refused
		}
	}
	t.seePresence(&s, due)
	return s
}

// askedEvery is how long nothing is known between two questions of a contact.
const askedEvery = time.Second

// seeTold goes through the events, and returns when one told the end.
func (t *traveller) seeTold(s *sight) (end time.Time) {
	for _, r := range t.watch.Contact.Received() {
		if strings.Contains(r.Raw, secretOfTitle) {
			s.add(&s.other, "was sent what is nobody's business: %s", r.Raw)
		}
		if r.Event == nil || r.Event.Node != testbed.NodeOOO {
			continue
		}
		if r.At.Before(t.start) {
			s.add(&s.early, "was told %s before the start: %s", t.start.Sub(r.At), r.Raw)
		}
		i, current := r.Item("current")
		switch {
		case testbed.EndsIt(r):
			if r.At.Before(t.end) {
				s.add(&s.other, "was told the end %s before it", t.end.Sub(r.At))
			} else if end.IsZero() {
				end = r.At
			}
		case current:
			t.hold(s, i)
			if s.begun.IsZero() || r.At.Before(s.begun) {
				s.begun = r.At
			}
			if !end.IsZero() {
				s.add(&s.stale, "was told the message again %s after the end", r.At.Sub(t.end))
			}
		}
	}
	return end
}

// hold demands that a client could expire by itself what it was given.
func (t *traveller) hold(s *sight, i testbed.Item) {
	end, err := time.Parse(time.RFC3339, i.End)
	if err != nil || i.Start == "" || i.Message == "" || end.After(t.end) {
		s.add(&s.other, "was given an incomplete message: %+v", i)
	}
}

// seePresence demands that the person looked away during the vacation only,
// and that nothing of it is left when it is over.
func (t *traveller) seePresence(s *sight, due time.Time) {
	shown := make(map[string]bool)
	for _, r := range t.watch.Contact.Received() {
		if r.Name != "presence" || !strings.HasPrefix(r.From, t.JID+"/") {
			continue
		}
		if shown[r.From] = r.Type == ""; !shown[r.From] {
			continue
		}
		switch {
		case r.At.Before(t.start):
			s.add(&s.early, "saw the person %q %s before the start", r.Show, t.start.Sub(r.At))
		case r.At.After(due):
			s.add(&s.stale, "saw the person come online %s after the end", r.At.Sub(t.end))
		case r.Show != "xa":
			s.add(&s.other, "saw the person as %q", r.Show)
		}
	}
	for who, still := range shown {
		if still {
			s.add(&s.stale, "still sees %s", who)
		}
	}
}

// A spread tells how measured times lie.
type spread []time.Duration

func (s spread) String() string {
	if len(s) == 0 {
		return "-"
	}
	s = slices.Clone(s)
	slices.Sort(s)
	return fmt.Sprintf("%s, at most %s", inSeconds(s[len(s)/2]), inSeconds(s[len(s)-1]))
}

func inSeconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
