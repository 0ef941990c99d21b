package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/plan"
)

// adopt makes acct the account that runs, and polls what is new in it.
func (a *actor) adopt(acct account.Account) error {
	login, audience, presence := a.acct.Login, a.audience, a.presence
	if err := a.adoptUnbuilt(acct); err != nil {
		return err
	}
	// A session is made for one login, one audience and one way to appear.
	if login != a.acct.Login || audience != a.audience || presence != a.presence {
		a.rest()
	}
	a.keeper.Hurry()
	a.keeper.retry.Reset()
	a.rebuild()
	a.pollAll(false)
	return nil
}

// adoptUnbuilt resolves settings and opens calendars.
func (a *actor) adoptUnbuilt(acct account.Account) error {
	defaults := a.e.Defaults()
	rules, err := Rules(acct, defaults)
	if err != nil {
		return err
	}
	audience, err := Audience(acct, defaults)
	if err != nil {
		return fmt.Errorf("settings of %s: %w", acct.JID, err)
	}
	if err := a.openCalendars(acct); err != nil {
		return err
	}
	a.acct, a.rules, a.audience, a.presence = acct, rules, audience, defaults.Presence
	a.activity = defaults.Activity
	return nil
}

// set saves changed settings and lets them hold at once.
func (a *actor) set(ctx context.Context, change func(*account.Account) error) error {
	acct := a.acct
	acct.Calendars = slices.Clone(acct.Calendars)
	if err := change(&acct); err != nil {
		return err
	}
	saved, err := a.e.store.SaveAccount(ctx, acct)
	if err != nil {
		return fmt.Errorf("save %s: %w", a.jid, err)
	}
	e := account.Entry{Kind: account.KindChange, Reason: "settings changed"}
	if gone := dropped(a.acct.Calendars, saved.Calendars); len(gone) > 0 {
		e = account.Entry{Kind: account.KindUnlink, Reason: "no longer linked to " + quoted(gone)}
	}
	if err := a.adopt(saved); err != nil {
		return err
	}
	a.append(e)
	a.call()
	a.turn()
	return nil
}

// dropped are the names of the calendars that are not linked any more.
func dropped(before, after []account.Calendar) []string {
	var names []string
	for _, c := range before {
		if !slices.ContainsFunc(after, func(d account.Calendar) bool { return d.ID == c.ID }) {
			names = append(names, c.Name)
		}
	}
	return names
}

// link changes what a new link of the account names.
func (a *actor) link(ctx context.Context, change func(*account.Account)) error {
	acct := a.acct
	acct.Calendars = slices.Clone(acct.Calendars)
	change(&acct)
	saved, err := a.e.saveLinked(ctx, acct)
	if err != nil {
		return err
	}
	a.call()
	return a.adopt(saved)
}

// setMode pauses or resumes.
func (a *actor) setMode(ctx context.Context, m account.Mode) error {
	if a.acct.Mode == m {
		return nil
	}
	acct := a.acct
	acct.Mode = m
	if _, err := a.e.store.SaveAccount(ctx, acct); err != nil {
		return fmt.Errorf("save %s: %w", a.jid, err)
	}
	a.acct = acct
	e := account.Entry{Kind: account.KindPause, Reason: "paused: the node is left alone until resumed"}
	if m == account.Auto {
		e = account.Entry{Kind: account.KindResume, Reason: "resumed"}
	}
	a.append(e)
	a.call()
	a.keeper.Doubt()
	a.keeper.excuse() // what was paused until now is not late
	a.turn()
	return nil
}

// ErrNothingLive says that there is no message to withdraw.
var ErrNothingLive = errors.New("no out-of-office of awayd's is live")

// ErrForeign says that what contacts see is none of awayd's.
var ErrForeign = errors.New("what contacts see was published by another client")

// ErrPaused says that the node is left alone.
var ErrPaused = errors.New("the account is paused, so its node is left alone")

// withdraw suppresses the absences of the live period, so that it ends and
// does not come back.
func (a *actor) withdraw(ctx context.Context) error {
	if a.acct.Mode == account.Paused {
		return ErrPaused
	}
	if a.blind {
		return fmt.Errorf("withdraw what is live: %w", a.unbuilt)
	}
	p, live := a.result.Timeline.At(a.e.now())
	if !live {
		return ErrNothingLive
	}
	if a.keeper.beside() {
		return ErrForeign
	}
	var s []account.Suppression
	for _, x := range p.Absences {
		s = append(s, account.Suppression{UID: x.UID, Fingerprint: x.Fingerprint(), Until: x.End})
	}
	// A state that cannot be written is no reason to leave the message visible.
	unkept := a.e.store.Suppress(ctx, a.jid, s)
	a.suppressed = append(a.suppressed, s...)
	now := a.e.now()
	if r, err := a.build(now); err == nil {
		a.setResult(r, now)
	} else { // nor is one that cannot be read
		a.forgo(p)
		a.outdated(err, now)
	}
	a.append(change(p, "withdrawn by command: %s; it counts again when its times or its text change", plan.Describe(p)))
	a.keeper.Hurry()
	a.turn()
	_, shown := a.keeper.shown()
	switch {
	case shown, a.keeper.observed.Unread && a.keeper.trouble != "":
		return fmt.Errorf("the withdrawal is to be done, but is not yet: %s", a.keeper.trouble)
	case unkept != nil:
		return fmt.Errorf("withdrawn, but the absence comes back when awayd starts anew: %w", unkept)
	}
	return nil
}

// forgo takes a period out of the timeline, as if its absences were suppressed.
func (a *actor) forgo(p absence.Period) {
	r := a.result
	r.Timeline.Periods = slices.DeleteFunc(slices.Clone(r.Timeline.Periods), func(q absence.Period) bool { return q.Key() == p.Key() })
	a.setResult(r, a.built)
}

// unlink withdraws, unless keep is set, and forgets the account. The owner is
// stopped by the caller.
func (a *actor) unlink(ctx context.Context, keep bool) error {
	if !keep {
		if err := a.keeper.Clear(ctx, "the account is unlinked"); err != nil {
			return &UnlinkError{JID: a.jid, Err: err}
		}
	} else if err := a.keeper.RestoreActivity(ctx); err != nil {
		a.append(account.Entry{Kind: account.KindUnlink, Outcome: account.Failed, Reason: "what the person had set as their activity could not be put back", Error: err.Error()})
	}
	if err := a.e.store.DeleteAccount(ctx, a.jid); err != nil {
		return fmt.Errorf("forget %s: %w", a.jid, err)
	}
	reason := "unlinked; what was published is withdrawn"
	if keep {
		reason = "unlinked; the node is left as it is"
	}
	a.append(account.Entry{Kind: account.KindUnlink, Reason: reason})
	a.acct.Mode = account.Paused
	return nil
}

// An UnlinkError says that what is published could not be withdrawn, so that
// the account was not forgotten.
type UnlinkError struct {
	JID string
	Err error
}

// Error implements error.
func (e *UnlinkError) Error() string {
	return fmt.Sprintf("withdraw what %s has published: %v", e.JID, e.Err)
}

// Unwrap returns the cause.
func (e *UnlinkError) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *UnlinkError) Hint() string {
	return "mend the login, or forget the account and leave its node as it is: awayd unlink --keep-published " + e.JID
}

// A SyncResult is the outcome of [Engine.Sync] for one account.
type SyncResult struct {
	JID    string   `json:"jid"`
	Errors []string `json:"errors"`
}

// A syncWait is a caller waiting for polls that are under way.
type syncWait struct {
	pending  map[*calendar]bool
	failures int // of the XMPP side since
	errs     []string
	done     chan []string
}

// waitFailures is how often the XMPP side may fail before those who wait are
// told so: what a server refuses at one moment it often does at the next.
const waitFailures = 2

// countFailure lets those who wait know of one. A login that is refused is not
// tried again for some time.
func (a *actor) countFailure() {
	for _, w := range a.waiting {
		if w.failures++; a.refused() {
			w.failures = waitFailures
		}
	}
}

// refused reports whether the login failed in a way that does not pass by itself.
func (a *actor) refused() bool { return a.line.err != nil && !temporary(a.line.err) }

func (w *syncWait) finish(err error) {
	if err != nil {
		w.errs = append(w.errs, err.Error())
	}
	w.done <- w.errs
}

// sync polls every calendar and waits until the outcome was acted on.
func (a *actor) sync(ctx context.Context, accept bool) SyncResult {
	r := SyncResult{JID: a.jid, Errors: []string{}}
	w := &syncWait{pending: make(map[*calendar]bool), done: make(chan []string, 1)}
	err := a.do(ctx, func(context.Context) error {
		for _, c := range a.calendars {
			w.pending[c] = true
		}
		a.waiting = append(a.waiting, w)
		a.call()
		a.keeper.Hurry()
		if !a.refused() { // else each sync would have it tried several times
			a.keeper.retry.Reset()
		}
		a.pollAll(accept)
		return nil
	})
	if err != nil {
		r.Errors = append(r.Errors, err.Error())
		return r
	}
	select {
	case errs := <-w.done:
		r.Errors = append(r.Errors, errs...)
	case <-ctx.Done():
		go a.onOwner(func() { a.forsake(w) })
		r.Errors = append(r.Errors, ctx.Err().Error())
	}
	return r
}

// forsake leaves nobody waiting: what is polled is urgent for those who do.
func (a *actor) forsake(w *syncWait) {
	a.waiting = slices.DeleteFunc(a.waiting, func(x *syncWait) bool { return x == w })
}

// merged tells those who wait that a calendar has answered.
func (a *actor) merged(c *calendar, err error) {
	for _, w := range a.waiting {
		if w.pending[c] {
			delete(w.pending, c)
			if err != nil {
				w.errs = append(w.errs, fmt.Sprintf("calendar %q: %v", c.Name, err))
			}
		}
	}
}

// settleWaits releases those whose calendars have all answered; the turn that
// just ended acted on it.
func (a *actor) settleWaits() {
	a.waiting = slices.DeleteFunc(a.waiting, func(w *syncWait) bool {
		if len(w.pending) > 0 || (a.duty.called && a.keeper.trouble == "") || (a.keeper.trouble != "" && w.failures < waitFailures) {
			return false
		}
		var err error
		if a.keeper.trouble != "" {
			err = errors.New(a.keeper.trouble)
		}
		w.finish(err)
		return true
	})
}

// suppressing are the account's rules, with what was withdrawn left out.
func (a *actor) suppressing() absence.Settings {
	s := a.rules
	s.Suppressed = make(map[string]bool, len(a.suppressed))
	for _, x := range a.suppressed {
		s.Suppressed[x.Fingerprint] = true
	}
	return s
}
