package engine

import (
	"fmt"
	"slices"
	"time"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/plan"
)

// rebuild makes the timeline anew and logs what became different.
func (a *actor) rebuild() {
	was, seen, now := a.result.Timeline, a.until, a.e.now()
	r, err := a.build(now)
	if err != nil {
		a.outdated(err, now)
		return
	}
	if a.blind {
		a.pollAll(false) // what they brought meanwhile could not be weighed
	}
	if a.unbuilt != nil {
		a.append(account.Entry{Kind: account.KindError, Reason: "what the calendars hold can be read from the state again"})
	}
	a.setResult(r, now)
	if a.until.Before(seen) {
		seen = a.until
	}
	for _, e := range changes(was, a.result.Timeline, now, seen) {
		a.append(e)
	}
}

// outdated keeps the timeline as it is until the state can be read again.
func (a *actor) outdated(err error, now time.Time) {
	if a.unbuilt == nil {
		a.append(account.Entry{Kind: account.KindError, Outcome: account.Failed, Reason: "what the calendars hold cannot be read from the state", Error: err.Error()})
	}
	a.unbuilt, a.built = err, now.Add(rebuildRetry-a.rebuildAfter())
}

// changes says what became different between two timelines, for periods that
// are not over and end by until, up to where both reach: one entry for each that
// is new, gone, or another one than it was.
func changes(was, is absence.Timeline, now, until time.Time) []account.Entry {
	gone, fresh := missing(was, is, now, until), missing(is, was, now, until)
	var list []account.Entry
	for _, p := range fresh {
		i := slices.IndexFunc(gone, func(q absence.Period) bool { return sameEvent(p, q) })
		if i < 0 {
			list = append(list, change(p, "new absence: %s, %s", plan.Describe(p), inWords(p)))
			continue
		}
		q := gone[i]
		gone = slices.Delete(gone, i, i+1)
		if p.Start.Equal(q.Start) && p.End.Equal(q.End) {
			list = append(list, change(p, "%s is another one now, %s as before", plan.Describe(p), inWords(p)))
		} else {
			list = append(list, change(p, "%s is %s now, and was %s", plan.Describe(p), inWords(p), inWords(q)))
		}
	}
	for _, p := range gone {
		list = append(list, change(p, "no absence any more: %s, %s", plan.Describe(p), inWords(p)))
	}
	return list
}

// missing lists the periods of from, not yet over, that are not in to.
func missing(from, to absence.Timeline, now, until time.Time) (list []absence.Period) {
	known := make(map[string]bool, len(to.Periods))
	for _, p := range to.Periods {
		known[p.Key()] = true
	}
	for _, p := range from.Periods {
		// What lies beyond the other window is not news when it comes into it.
		if !known[p.Key()] && p.End.After(now) && !p.End.After(until) {
			list = append(list, p)
		}
	}
	return list
}

// sameEvent reports whether an event is behind both periods.
func sameEvent(p, q absence.Period) bool {
	return slices.ContainsFunc(p.Absences, func(a absence.Absence) bool {
		return slices.ContainsFunc(q.Absences, func(b absence.Absence) bool { return a.UID == b.UID })
	})
}

func change(p absence.Period, format string, args ...any) account.Entry {
	e := account.Entry{Kind: account.KindChange, Period: periodSpan(p.Start, p.End), Reason: fmt.Sprintf(format, args...)}
	if len(p.Absences) > 0 {
		e.UID = p.Absences[0].UID
	}
	return e
}

// inWords is a period as the person's own clock shows it.
func inWords(p absence.Period) string {
	const form = "2006-01-02 15:04 MST"
	return "from " + p.Start.Format(form) + " to " + p.End.Format(form)
}
