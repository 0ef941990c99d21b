package engine

import (
	"time"

	"awayd/sync/plan"
)

// How late what contacts see is, for those who measure. Nothing is decided by
// it.

// flips reports whether contacts can see an action.
func flips(k plan.Kind) bool { return k == plan.Reveal || k == plan.Amend || k == plan.Withdraw }

// pending is what is to be done now, judged by what was observed last.
func (k *Keeper) pending() []plan.Action {
	return plan.Decide(k.want.Wish, k.observed, k.journal, k.Now())
}

// assess notes since when contacts see something else than they should, given
// what is to be done. That is the last instant of the timeline, however long
// this process was down then, unless they were seen in step after it: what a
// calendar told too late, or the server lost, counts only since it is known.
func (k *Keeper) assess(pending []plan.Action) {
	now := k.Now()
	for _, a := range pending {
		if !flips(a.Kind) {
			continue
		}
		if k.late.IsZero() {
			k.late = k.dueSince(a, now)
		}
		return
	}
	k.inStep, k.late = now, time.Time{}
}

// dueSince is when a flip that is pending now became due.
func (k *Keeper) dueSince(a plan.Action, now time.Time) time.Time {
	since := k.inStep
	if t, ok := k.want.Last(now); ok && t.After(since) {
		since = t
	}
	// A period that ended long ago is in no timeline any more.
	if t := a.Payload.End; a.Kind == plan.Withdraw && t.After(since) && !t.After(now) {
		since = t
	}
	if since.IsZero() {
		return now
	}
	return since
}

// flipped notes that contacts see what they should again.
func (k *Keeper) flipped(kind plan.Kind) {
	now := k.Now()
	if !k.late.IsZero() {
		k.Observer.Flipped(kind, max(0, now.Sub(k.late))) // the clock may have gone back
	}
	k.inStep, k.late = now, time.Time{}
}

// excuse says that nothing was to be done until now, so that nothing is late or
// went wrong.
func (k *Keeper) excuse() { k.inStep, k.late, k.trouble = k.Now(), time.Time{}, "" }
