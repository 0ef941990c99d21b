package absence

import (
	"iter"
	"sort"
	"time"
)

// A Timeline is every period of one person within a window, in order of time
// and disjoint.
type Timeline struct {
	Periods []Period
}

// A Period is an unbroken stretch [Start, End) of being away: absences that
// overlap or touch, and those with only non-working time between them.
type Period struct {
	Start    time.Time
	End      time.Time
	Absences []Absence
	Joins    []Join
	// Texts are the messages of the period in order of time; the first holds
	// from Start. There is at least one.
	Texts []Text
}

// A Join is a gap between two absences that the period bridges.
type Join struct {
	From time.Time
	To   time.Time
	Why  string // weekend, night or holiday
}

// A Text is a message and the moment from which it is the right one.
type Text struct {
	From    time.Time
	Message string
}

// Message returns the text that holds at t.
func (p Period) Message(t time.Time) string {
	i := sort.Search(len(p.Texts), func(i int) bool { return p.Texts[i].From.After(t) })
	if i == 0 {
		i = 1
	}
	if len(p.Texts) == 0 {
		return ""
	}
	return p.Texts[i-1].Message
}

// At returns the period that holds at t.
func (l Timeline) At(t time.Time) (Period, bool) {
	for _, p := range l.Periods {
		if !p.Start.After(t) && p.End.After(t) {
			return p, true
		}
	}
	return Period{}, false
}

// After returns the first period that starts after t.
func (l Timeline) After(t time.Time) (Period, bool) {
	for _, p := range l.Periods {
		if p.Start.After(t) {
			return p, true
		}
	}
	return Period{}, false
}

// Next returns the first instant after t at which something changes: a start,
// an end, or another text within a period.
func (l Timeline) Next(t time.Time) (time.Time, bool) {
	var next time.Time
	for c := range l.instants() {
		if c.After(t) && (next.IsZero() || c.Before(next)) {
			next = c
		}
	}
	return next, !next.IsZero()
}

// Last returns the last instant at or before t at which something changed.
func (l Timeline) Last(t time.Time) (time.Time, bool) {
	var last time.Time
	for c := range l.instants() {
		if !c.After(t) && c.After(last) {
			last = c
		}
	}
	return last, !last.IsZero()
}

// instants yields when something changes, in no order.
func (l Timeline) instants() iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		for _, p := range l.Periods {
			if !yield(p.Start) || !yield(p.End) {
				return
			}
			for _, x := range p.Texts {
				if !yield(x.From) {
					return
				}
			}
		}
	}
}
