package engine

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"awayd/sync/account"
	"awayd/sync/plan"
)

// A session is there while something is due or live, and no longer: a thousand
// people who work today need no thousand connections.
const (
	// auditSpread parts the daily looks of accounts that were looked at in the
	// same moment.
	auditSpread = time.Hour
	// skewRest is how soon a clock that was found wrong calls for a login, to be
	// looked at again.
	skewRest = 15 * time.Minute
	// calmWait and urgentWait are how long an account waits for its turn to log in,
	// before it lets its commands be heard and queues again.
	calmWait   = 5 * time.Second
	urgentWait = 20 * time.Second
	// calmLogins bounds the logins under way at one host, urgentLogins with those
	// for whom something is due now; loginPace parts them while the host fails.
	calmLogins   = 8
	urgentLogins = 32
	loginPace    = 20 * time.Millisecond
)

// Sessions say how long a session is there for. The zero value stands for
// [DefaultSessions].
type Sessions struct {
	// An account logs in ahead of an instant by a time of its own between these
	// two, so that those who leave at the same moment do not log in at the same
	// moment. Servers take some hundred logins in a second.
	LeadLeast, LeadMost time.Duration
	// Stay is how soon the next instant must be for a session to wait for it:
	// longer than LeadMost, or it would end only to begin again.
	Stay time.Duration
	// Linger is how long a session outlives what it was for.
	Linger time.Duration
}

// DefaultSessions are good for every server known.
var DefaultSessions = Sessions{
	LeadLeast: time.Minute, LeadMost: 5 * time.Minute, Stay: 10 * time.Minute, Linger: 30 * time.Second,
}

// A duty is what an account's owner knows of why it needs its session.
type duty struct {
	called bool      // somebody asked for a look at the node
	look   time.Time // when to look at it in any case; zero: at once
	until  time.Time // an idle session stays until then
	queued time.Time // no turn to log in was free; not tried again before
	slot   func()    // gives back the turn to log in that is held; nil: none
	server string    // as the last session named it
}

// due reports whether a session is needed now.
func (a *actor) due(now time.Time) bool {
	k := a.keeper
	circle := k.observed.Circle
	switch {
	case a.duty.called, !now.Before(a.duty.look):
	case k.trouble != "" || a.line.err != nil: // until it is over
	case k.overdue(): // live, or last seen to be
	case k.journal.Begun != nil, k.journal.Activity != nil: // not finished
	case circle != nil && circle.Contacts == 0: // whoever joins the group ends a trouble
	case a.clock.Off() && !now.Before(a.clock.at.Add(skewRest)):
	case a.acts(now):
	default:
		next, ok := k.want.Next(now)
		return ok && !now.Before(next.Add(-a.ahead()))
	}
	return true
}

// acts reports whether what was last seen of the node calls for an action. In
// the rush of a start, what contacts can see comes first.
func (a *actor) acts(now time.Time) bool {
	return slices.ContainsFunc(a.keeper.pending(), func(x plan.Action) bool { return flips(x.Kind) || !now.Before(a.begin) })
}

// ahead is how long before an instant the session has to be there.
func (a *actor) ahead() time.Duration {
	if a.keeper.session != nil {
		return a.e.sessions.Stay
	}
	s := a.e.sessions
	return s.LeadLeast + spread(a.jid, s.LeadMost-s.LeadLeast)
}

// call has the next turn look at the node, whatever else is due.
func (a *actor) call() { a.duty.called = true }

// resting reports whether there is no session because nothing is due.
func (a *actor) resting(now time.Time) bool {
	return a.keeper.session == nil && a.acct.Mode != account.Paused && !a.due(now)
}

// rest ends the session.
func (a *actor) rest() {
	a.keeper.HangUp()
	a.line.Connection = nil // and what it holds
}

// attend gives the keeper a turn if a session is there or due.
func (a *actor) attend(now time.Time) error {
	d, linger := &a.duty, a.e.sessions.Linger
	switch {
	case a.due(now):
		d.until = now.Add(linger)
	case a.keeper.session == nil || !now.Before(d.until):
		a.rest()
		return nil
	}
	if a.keeper.session == nil && !now.Before(a.keeper.retryAt) {
		if !a.enter(now) {
			return nil
		}
		defer a.leaveQueue()
	}
	err := a.keeper.Turn(a.ctx)
	if err == nil && a.keeper.trouble == "" && a.keeper.session != nil {
		d.called = false
		d.look = a.keeper.looked.Add(auditEvery - spread(a.jid, auditSpread))
		d.server = a.keeper.session.Server()
	}
	return err
}

// enter waits for a turn to log in, and reports whether it came.
func (a *actor) enter(now time.Time) bool {
	d := &a.duty
	if now.Before(d.queued) {
		return false
	}
	urgent, wait := a.keeper.pressing(lookAhead), calmWait
	if urgent {
		wait = urgentWait
	}
	ctx, cancel := context.WithTimeout(a.ctx, wait)
	defer cancel()
	slot, err := a.e.logins.Enter(ctx, loginHost(a.acct), urgent)
	if err != nil {
		d.queued = a.e.now().Add(time.Second)
		if !urgent {
			d.queued = d.queued.Add(rand.N(calmWait))
		}
		return false
	}
	d.slot, d.queued = slot, time.Time{}
	return true
}

// leaveQueue gives back a turn to log in, if one is held.
func (a *actor) leaveQueue() {
	if a.duty.slot != nil {
		a.duty.slot()
		a.duty.slot = nil
	}
}

// nextDuty is when the session is next needed, or no longer needed, as far as
// time alone decides it.
func (a *actor) nextDuty(now time.Time) time.Time {
	d := &a.duty
	if now.Before(d.queued) {
		return d.queued
	}
	wake := d.look
	sooner := func(t time.Time) {
		if t.After(now) && (!wake.After(now) || t.Before(wake)) {
			wake = t
		}
	}
	if a.clock.Off() {
		sooner(a.clock.at.Add(skewRest))
	}
	if a.keeper.session == nil {
		if next, ok := a.keeper.want.Next(now); ok {
			sooner(next.Add(-a.ahead()))
		}
	} else if !a.due(now) {
		sooner(d.until)
	}
	return wake
}
