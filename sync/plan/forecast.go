package plan

import (
	"slices"
	"time"

	"awayd/sync/absence"
)

// A Step is an action and when it will be taken.
type Step struct {
	At time.Time
	Action
}

// maxSteps bounds a forecast; a year of weekly absences needs a few hundred.
const maxSteps = 4096

// Forecast returns what Decide will ask for from now until the given instant,
// if neither the calendars nor the person change anything. It plays the
// actions over a copy of what was observed.
func Forecast(w Wish, o Observed, j Journal, now, until time.Time) []Step {
	var steps []Step
	for at := now; len(steps) < maxSteps; {
		actions := Decide(w, o, j, at)
		for _, a := range actions {
			steps = append(steps, Step{At: at, Action: a})
			o, j = apply(w, o, j, a, at)
		}
		if len(actions) == 0 {
			j = j.Saw(o, at)
			next, ok := w.Next(at)
			if !ok || next.After(until) {
				return steps
			}
			at = next
		}
	}
	return steps
}

// apply is what an action that succeeds leaves behind.
func apply(w Wish, o Observed, j Journal, a Action, at time.Time) (Observed, Journal) {
	j = j.Begin(a)
	openly := o.Openly
	if a.Fresh && o.Exists {
		o, j = Observed{}, j.Deleted()
	}
	switch a.Kind {
	case Stage:
		j = j.Sending(a.Payload, at)
		if !o.Exists {
			j = j.Making()
		}
		o = Observed{Exists: true, Access: Whitelist, Items: []Item{{ID: ItemArchive, Payload: a.Payload}}}
	case Reveal:
		j = j.Sending(a.Payload, at).Opening()
		o = Observed{Exists: true, Access: w.Audience, Items: []Item{{ID: ItemCurrent, Payload: a.Payload}}}
	case Amend:
		j = j.Sending(a.Payload, at)
		o.Items = []Item{{ID: ItemCurrent, Payload: a.Payload}}
	case Unstage:
		o.Items = theirs(o.Items, j)
	case Withdraw:
		if a.Spare {
			o.Items = theirs(o.Items, j)
			break
		}
		o, j = Observed{}, j.Deleted()
	}
	o.Openly = openly
	return o, j.Done(a)
}

// theirs returns the items that awayd did not write.
func theirs(items []Item, j Journal) []Item {
	var kept []Item
	for _, i := range items {
		if !j.Wrote(i) {
			kept = append(kept, i)
		}
	}
	return kept
}

// PeriodOf returns the index in l of the period that a step is for: the one it
// names, or the one that holds or ends at its moment; -1 if l has none such.
func PeriodOf(l absence.Timeline, s Step) int {
	for i, p := range l.Periods {
		if s.Period != "" && p.Key() == s.Period {
			return i
		}
	}
	for i, p := range slices.Backward(l.Periods) {
		if s.Period == "" && !p.Start.After(s.At) && !p.End.Before(s.At) {
			return i
		}
	}
	return -1
}
