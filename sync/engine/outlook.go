package engine

import (
	"time"

	"awayd/sync/plan"
)

// outlookMost bounds for how long what comes next is remembered.
const outlookMost = 24 * time.Hour

// An outlook is what will be done next and what contacts will see of it, as far
// as it was played. Most turns change nothing of it.
type outlook struct {
	next, flip  *Next
	changes     int       // of journal and node before
	from, until time.Time // in between it holds
}

// foretell returns what will be done next, and what contacts will see of it.
func (a *actor) foretell(now time.Time) (next, flip *Next) {
	if a.blind {
		next := a.foretellBlind(now)
		return next, next
	}
	o := &a.outlook
	if now.Before(o.from) || !now.Before(o.until) || o.changes != a.store.changes {
		a.look(now)
	}
	return o.next, o.flip
}

// look makes the outlook anew. It holds until what comes next, and no longer than
// anything stays as it is that [plan.Decide] compares with the clock.
func (a *actor) look(now time.Time) {
	k := a.keeper
	o := outlook{changes: a.store.changes, from: now, until: now.Add(outlookMost)}
	next, ok := k.want.Next(now)
	// The next instant mostly brings a flip, and a year takes long to play.
	if !ok || !a.play(&o, now, next) {
		o.next = nil
		a.play(&o, now, now.Add(horizon))
	}
	turning := []time.Time{next}
	if o.next != nil && !o.next.At.After(now) {
		o.until = now // to be done
	}
	if k.journal.Override != nil {
		turning = append(turning, k.journal.Override.Until)
	}
	for _, i := range k.items() {
		turning = append(turning, i.Payload.Start, i.Payload.End)
	}
	for _, t := range turning {
		if t.After(now) && t.Before(o.until) {
			o.until = t
		}
	}
	a.outlook = o
}

// play tries what will be done until then. It reports whether contacts will see
// something of it.
func (a *actor) play(o *outlook, now, until time.Time) bool {
	for _, step := range plan.Forecast(a.keeper.want.Wish, a.keeper.observed, a.keeper.journal, now, until) {
		if step.Kind == plan.Unstage || step.Kind == plan.Yield {
			continue
		}
		next := &Next{At: step.At.In(a.rules.Zone), Action: step.Kind}
		if o.next == nil {
			o.next = next
		}
		if flips(step.Kind) {
			o.flip = next
			return true
		}
	}
	return false
}
