// Package notice decides what somebody is told about the trouble of an account,
// and when: once for each cause and once for its end, whatever happens in
// between. It is pure: the causes that hold now and what was told before are
// handed in, and so is the moment.
//
// What holds is compared with what was told, so that nothing depends on the
// memory of a process: a restart neither says a thing again nor forgets to say
// that it is over.
package notice

import (
	"slices"
	"strings"
	"time"

	"awayd/sync/account"
)

const (
	// Quiet is how long a cause whose end was told is not told again when it
	// comes back: one that comes and goes costs two messages a day at most. If it
	// still holds after that, it is told.
	Quiet = 24 * time.Hour
	// MaxDaily bounds the messages of one account to one recipient within
	// Quiet. What does not fit comes later, if it still holds then.
	MaxDaily = 6
	// Early is how long a cause has to last before anybody is told in a hurry;
	// what becomes due within it joins a message that is due now.
	Early = 10 * time.Minute
)

// A Recipient is who is told.
type Recipient int

// The recipients.
const (
	Person Recipient = iota // whose account it is
	Keeper                  // who looks after the daemon
)

// A Subject is something that can be in trouble for one reason or another. That
// it is well again is told once, when none of them holds any more.
type Subject struct {
	Name string // of one account's subjects: unique, the same after a restart, without a slash
	To   Recipient
	// Unknown: nothing was learnt of it yet. What was told stands.
	Unknown bool
	// Late: nobody can be told before it is over.
	Late   bool
	Causes []Cause // that hold now
	Well   string  // what its end is called: "Your calendar is read again"
	After  string  // whole sentences after that; may be empty
}

// A Cause is one reason for trouble.
type Cause struct {
	Kind string // of one subject's causes: unique, the same after a restart
	What string // "Your calendar has refused the login"
	Rest string // whole sentences after that: what is at stake, what to do
	// Patience is how long it may last before anybody is told.
	Patience time.Duration
	// By is when somebody should know at the latest, unless it has only just
	// begun; zero: no hurry.
	By time.Time
}

// A Message is what one recipient is to be told now.
type Message struct {
	To    Recipient
	Lines []string         // each a paragraph
	begun []account.Notice // of which it tells that they hold
	ended []string         // the causes whose end it tells
}

func id(s Subject, c Cause) string { return s.Name + "/" + c.Kind }

// subjectOf is the name of the subject that a notice is about.
func subjectOf(n account.Notice) string {
	name, _, _ := strings.Cut(n.Cause, "/")
	return name
}

// holds reports whether the cause that n is about is among those of s.
func (s Subject) holds(n account.Notice) bool {
	return slices.ContainsFunc(s.Causes, func(c Cause) bool { return id(s, c) == n.Cause })
}

// Update returns what was told, brought up to date with what holds now.
func Update(told []account.Notice, subjects []Subject, now time.Time) []account.Notice {
	var list []account.Notice
	for _, n := range told {
		// What a clock that was wrong has left behind must not keep anything
		// quiet for years.
		n.Since, n.Told, n.Ended = notAfter(n.Since, now), notAfter(n.Told, now), notAfter(n.Ended, now)
		i := slices.IndexFunc(subjects, func(s Subject) bool { return s.Name == subjectOf(n) })
		switch {
		case i < 0:
			n.Since, n.Open = time.Time{}, false // its calendar is no longer linked
		case !subjects[i].Unknown && !subjects[i].holds(n) && !n.Open:
			n.Since = time.Time{}
		}
		if !n.Since.IsZero() || n.Open || recent(n.Told, now) || recent(n.Ended, now) {
			list = append(list, n)
		}
	}
	for _, s := range subjects {
		for _, c := range s.Causes {
			i := slices.IndexFunc(list, func(n account.Notice) bool { return n.Cause == id(s, c) })
			if i < 0 {
				i = len(list)
				list = append(list, account.Notice{Cause: id(s, c)})
			}
			if list[i].Since.IsZero() {
				list[i].Since = now
			}
			if s.Late && !c.due(list[i]).After(now) {
				list[i].Told, list[i].Open = now, true
			}
		}
	}
	slices.SortFunc(list, func(a, b account.Notice) int { return strings.Compare(a.Cause, b.Cause) })
	return list
}

func notAfter(t, now time.Time) time.Time {
	if t.After(now) {
		return now
	}
	return t
}

func recent(t, now time.Time) bool { return !t.IsZero() && now.Sub(t) < Quiet }

// never is later than anything.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// due is when somebody is to be told of a cause that goes on.
func (c Cause) due(n account.Notice) time.Time {
	if n.Open {
		return never
	}
	at := n.Since.Add(c.Patience)
	if !c.By.IsZero() && c.By.Before(at) {
		at = earliest(at, latest(c.By, n.Since.Add(Early)))
	}
	if said := latest(n.Told, n.Ended); !said.IsZero() {
		at = latest(at, said.Add(Quiet))
	}
	return at
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// Due returns what is to be told now, at most one message for each recipient,
// and when to ask again if nothing changes before; zero: no time matters. told
// is what [Update] returned.
func Due(told []account.Notice, subjects []Subject, now time.Time, zone *time.Location) (list []Message, again time.Time) {
	again = never
	for _, to := range []Recipient{Person, Keeper} {
		m, next := due(told, subjects, now, zone, to)
		if len(m.Lines) > 0 {
			if free := room(told, subjects, now, to); free.After(now) {
				next = earliest(next, free)
			} else {
				list = append(list, m)
			}
		}
		again = earliest(again, next)
	}
	if again == never {
		again = time.Time{}
	}
	return list, again
}

func due(told []account.Notice, subjects []Subject, now time.Time, zone *time.Location, to Recipient) (Message, time.Time) {
	m, next := Message{To: to}, never
	var joining Message // what is told only because something else is
	for _, s := range subjects {
		if s.To != to || s.Unknown {
			continue
		}
		for _, c := range s.Causes {
			i := slices.IndexFunc(told, func(n account.Notice) bool { return n.Cause == id(s, c) })
			if i < 0 || s.Late {
				continue
			}
			at, into := c.due(told[i]), &m
			if at.After(now) {
				next = earliest(next, at)
				into = &joining
			}
			if at.Sub(now) <= Early && (at.Sub(now) <= 0 || now.Sub(told[i].Since) >= Early) {
				into.begun = append(into.begun, told[i])
				into.Lines = append(into.Lines, sentence(c.What+" since "+moment(told[i].Since, now, zone), c.Rest))
			}
		}
		m.end(told, s, now, zone)
	}
	if len(m.Lines) > 0 {
		m.begun, m.Lines = append(m.begun, joining.begun...), append(m.Lines, joining.Lines...)
	}
	return m, next
}

// end adds that a subject is well again, if somebody was told that it was not.
func (m *Message) end(told []account.Notice, s Subject, now time.Time, zone *time.Location) {
	var since time.Time
	for _, n := range told {
		if n.Open && subjectOf(n) == s.Name && len(s.Causes) == 0 {
			m.ended = append(m.ended, n.Cause)
			if since.IsZero() || n.Since.Before(since) {
				since = n.Since
			}
		}
	}
	if !since.IsZero() {
		m.Lines = append(m.Lines, sentence(s.Well+"; the trouble began on "+moment(since, now, zone), s.After))
	}
}

// room is from when on another message may be sent.
func room(told []account.Notice, subjects []Subject, now time.Time, to Recipient) time.Time {
	var sent []time.Time
	for _, n := range told {
		if i := slices.IndexFunc(subjects, func(s Subject) bool { return s.Name == subjectOf(n) }); i < 0 || subjects[i].To != to {
			continue
		} else if !subjects[i].Late && recent(n.Told, now) {
			sent = append(sent, n.Told)
		}
		if recent(n.Ended, now) {
			sent = append(sent, n.Ended)
		}
	}
	slices.SortFunc(sent, time.Time.Compare)
	sent = slices.CompactFunc(sent, time.Time.Equal) // several causes in one message
	if len(sent) < MaxDaily {
		return now
	}
	return sent[len(sent)-MaxDaily].Add(Quiet)
}

// Delivered returns what was told, m included. What was due when m was made may
// have changed since.
func (m Message) Delivered(told []account.Notice, now time.Time) []account.Notice {
	list := slices.Clone(told)
	for i, n := range list {
		if n.Open && slices.Contains(m.ended, n.Cause) {
			list[i].Ended, list[i].Open, list[i].Since = now, false, time.Time{}
		}
	}
	for _, b := range m.begun {
		i := slices.IndexFunc(list, func(n account.Notice) bool { return n.Cause == b.Cause })
		if i < 0 {
			i = len(list)
			list = append(list, b)
		}
		list[i].Since, list[i].Told, list[i].Open = b.Since, now, true
	}
	return list
}

// Text is the whole message to a person.
func (m Message) Text() string { return "awayd: " + strings.Join(m.Lines, "\n\n") }

func sentence(first, rest string) string {
	if rest == "" {
		return first + "."
	}
	return first + ". " + strings.TrimSpace(rest)
}

// moment is t as a person says it, with the year if it is another one.
func moment(t, now time.Time, zone *time.Location) string {
	t, now = t.In(zone), now.In(zone)
	if t.Year() != now.Year() {
		return t.Format("Mon 2 Jan 2006 15:04")
	}
	return t.Format("Mon 2 Jan 15:04")
}

// Day is the first day, or the last one, of an absence that begins or ends at
// t, with the time if that is not midnight.
func Day(t, now time.Time, zone *time.Location) string {
	t = t.In(zone)
	if day, found := strings.CutSuffix(moment(t, now, zone), " 00:00"); found {
		return day
	}
	return moment(t, now, zone)
}
