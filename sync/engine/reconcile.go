package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"awayd/sync/account"
	"awayd/sync/plan"
)

const (
	dialLimit = 30 * time.Second
	lookLimit = 15 * time.Second
	// hurriedLimit bounds a look close to an instant or while a message is live:
	// a connection that stays silent for longer is better replaced. It is for
	// the first attempt only, or a slow server would never be looked at.
	hurriedLimit = 3 * time.Second
	actionLimit  = time.Minute
	byeLimit     = 2 * time.Second
	// overdueRetry bounds the wait between attempts while contacts see, or miss,
	// something because of the failure.
	overdueRetry = 3 * time.Second
	// maxRounds bounds how often one turn looks and acts: each action converges
	// in one, so more means that somebody else is at work on the node.
	maxRounds = 4
)

// reconcile looks at the server and acts until nothing is left to do, or until
// something fails, which is then tried again later.
func (a *actor) reconcile() {
	if a.acct.Mode == account.Paused {
		a.hangUp()
		a.retryAt = time.Time{}
		return
	}
	if a.e.now().Before(a.retryAt) {
		return
	}
	for range maxRounds {
		done, err := a.round()
		if err != nil {
			a.failed(err)
			return
		}
		if done {
			a.succeeded()
			return
		}
	}
	a.failed(errors.New("the node keeps changing: another client may be at work on it"))
}

// round connects, looks, decides and acts once. It reports whether nothing was
// left to do.
func (a *actor) round() (bool, error) {
	if err := a.connect(); err != nil {
		return false, err
	}
	if err := a.look(); err != nil {
		return false, err
	}
	if err := a.settleBegun(); err != nil {
		return false, err
	}
	actions := plan.Decide(a.wish(), a.observed, a.journal, a.e.now())
	for _, action := range actions {
		if err := a.perform(a.ctx, action); err != nil {
			return false, err
		}
	}
	if len(actions) > 0 {
		a.looked = time.Time{}
		return false, nil
	}
	if err := a.saveJournal(a.journal.Saw(a.observed, a.e.now())); err != nil {
		return false, err
	}
	return true, a.showPresence()
}

// lookDue reports whether a moment to look lies between the last look and now.
func (a *actor) lookDue(now time.Time) bool {
	next, ok := a.result.Timeline.Next(a.looked)
	return ok && slices.ContainsFunc(aheadOf(next), func(t time.Time) bool {
		return t.After(a.looked) && !t.After(now)
	})
}

func (a *actor) wish() plan.Wish {
	return plan.Wish{Timeline: a.result.Timeline, Audience: a.audience}
}

func (a *actor) connect() error {
	if a.session != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(a.ctx, dialLimit)
	defer cancel()
	s, err := a.e.dialer.Dial(ctx, a.acct)
	if err != nil {
		return err
	}
	a.session, a.looked = s, time.Time{}
	return nil
}

// look reads the node, unless it was read since the last moment that calls for
// it. An instant itself does: what the person did a second before it counts.
func (a *actor) look() error {
	now := a.e.now()
	if !a.looked.IsZero() && !a.lookDue(now) {
		return nil
	}
	limit := lookLimit
	next, ok := a.result.Timeline.Next(now.Add(-lookAhead))
	if soon := ok && next.Sub(now) <= lookAhead; a.trouble == "" && (soon || a.overdue()) {
		limit = hurriedLimit
	}
	ctx, cancel := context.WithTimeout(a.ctx, limit)
	defer cancel()
	o, err := a.session.Look(ctx)
	if err != nil {
		return fmt.Errorf("look at the node: %w", err)
	}
	a.observed, a.looked = o, a.e.now()
	if err := a.e.store.SaveObserved(ctx, a.jid, o, a.looked); err != nil {
		a.log.Error("observed node not saved", "error", err)
	}
	return nil
}

// showPresence keeps the person shown as away for as long as a message is
// visible, which today's clients show and some servers need.
func (a *actor) showPresence() error {
	ctx, cancel := context.WithTimeout(a.ctx, lookLimit)
	defer cancel()
	if p, ok := a.shown(); ok && a.presence {
		return a.session.Show(ctx, p.Message)
	}
	return a.session.Hide(ctx)
}

// shown returns awayd's own message if contacts can see it now.
func (a *actor) shown() (plan.Payload, bool) {
	if a.observed.Hidden() {
		return plan.Payload{}, false
	}
	for _, i := range a.observed.Items {
		if i.ID == plan.ItemCurrent && a.journal.Wrote(i) {
			return i.Payload, true
		}
	}
	return plan.Payload{}, false
}

// settleBegun logs an action that had taken effect when awayd was cut short
// before it could say so.
func (a *actor) settleBegun() error {
	action, done := a.journal.Finished(a.observed)
	if !done {
		return nil
	}
	e := a.entry(action)
	e.Reason += " (noted after an interruption)"
	a.append(e)
	return a.saveJournal(a.journal.Done(action))
}

// entry is what the sync log says of an action.
func (a *actor) entry(action plan.Action) account.Entry {
	e := account.Entry{Time: a.e.now(), Kind: logKind(action.Kind), Reason: action.Reason, Period: a.span(action)}
	if len(action.UIDs) > 0 {
		e.UID = action.UIDs[0]
	}
	return e
}

// perform carries out one action, journalled before and after, and logs it.
func (a *actor) perform(ctx context.Context, action plan.Action) error {
	began := a.e.now()
	entry := a.entry(action)
	if action.Recover {
		lost := entry
		lost.Kind, lost.Reason = account.KindRecover, "the node is gone from the server: publishing again"
		a.append(lost)
	}
	// A broken state must not keep a message visible: withdrawing goes on, and
	// the log says what could not be kept.
	withdrawing := action.Kind == plan.Withdraw || action.Kind == plan.Unstage
	l := ledger{a, withdrawing}
	err := l.save(a.journal.Begin(action))
	if err == nil && action.Kind != plan.Yield {
		ctx, cancel := context.WithTimeout(ctx, actionLimit)
		err = a.session.Do(ctx, action, l)
		cancel()
	}
	entry.Duration = a.e.now().Sub(began)
	if err != nil {
		entry.Outcome, entry.Error = account.Failed, err.Error()
		a.looked = time.Time{}
	}
	// Logged before it is journalled as done: a crash between the two says it
	// twice rather than never.
	a.append(entry)
	if err == nil {
		err = l.save(a.journal.Done(action))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", action.Kind, err)
	}
	return nil
}

func (a *actor) span(action plan.Action) string {
	for _, p := range a.result.Timeline.Periods {
		if action.Period != "" && p.Key() == action.Period {
			return periodSpan(p.Start, p.End)
		}
	}
	if p := action.Payload; !p.Start.IsZero() {
		return periodSpan(p.Start.In(a.rules.Zone), p.End.In(a.rules.Zone))
	}
	return ""
}

// logKind names an action as the log's kinds do: taking a staged message away
// is part of staging.
func logKind(k plan.Kind) account.Kind {
	if k == plan.Unstage {
		return account.KindStage
	}
	return account.Kind(k)
}

// saveJournal makes j the journal, durably, if it differs.
func (a *actor) saveJournal(j plan.Journal) error {
	if j.Equal(a.journal) {
		return nil
	}
	// Not cancelled by a stop: what was done must be remembered.
	if err := a.e.store.SaveJournal(context.WithoutCancel(a.ctx), a.jid, j); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	a.journal = j
	return nil
}

// A ledger keeps an actor's journal while an action runs.
type ledger struct {
	a           *actor
	withdrawing bool // a journal that cannot be written is then no obstacle
}

func (l ledger) save(j plan.Journal) error {
	err := l.a.saveJournal(j)
	if err != nil && l.withdrawing {
		l.a.log.Error("journal not written, withdrawing all the same", "error", err)
		l.a.journal = j // true for as long as this process lives
		return nil
	}
	return err
}

// Sending implements [plan.Ledger].
func (l ledger) Sending(p plan.Payload) error {
	return l.save(l.a.journal.Sending(p, l.a.e.now()))
}

// Making implements [plan.Ledger].
func (l ledger) Making() error { return l.save(l.a.journal.Making()) }

// Opening implements [plan.Ledger].
func (l ledger) Opening() error { return l.save(l.a.journal.Opening()) }

// Deleted implements [plan.Ledger].
func (l ledger) Deleted() error { return l.save(l.a.journal.Deleted()) }

// failed remembers why, drops a session that may be broken, and sets the time
// of the next attempt.
func (a *actor) failed(err error) {
	if a.ctx.Err() != nil {
		return
	}
	if a.trouble != err.Error() {
		a.trouble = err.Error()
		a.append(account.Entry{Kind: account.KindError, Outcome: account.Failed, Reason: "the node cannot be kept in step", Error: a.trouble})
	}
	for _, w := range a.waiting {
		w.failures++
	}
	a.hangUp()
	wait := a.retry.NextBackOff()
	// A password that is refused is not tried every few seconds: servers would
	// lock the account.
	var e interface{ Temporary() bool }
	if a.overdue() && (!errors.As(err, &e) || e.Temporary()) {
		wait = min(wait, overdueRetry)
	}
	now := a.e.now()
	a.retryAt = now.Add(wait)
	// Whatever the backoff, an instant is prepared for and met.
	if next, ok := a.result.Timeline.Next(now); ok {
		for _, t := range aheadOf(next) {
			if t.After(now) && t.Before(a.retryAt) {
				a.retryAt = t
			}
		}
	}
}

func (a *actor) succeeded() {
	a.retry.Reset()
	a.retryAt = time.Time{}
	if a.trouble != "" {
		a.trouble = ""
		a.append(account.Entry{Kind: account.KindError, Reason: "the node is in step again"})
	}
}

// overdue reports whether contacts may see, or miss, something because of a
// failure: a period is live, or something of awayd's was visible last.
func (a *actor) overdue() bool {
	now := a.e.now()
	if _, live := a.result.Timeline.At(now); live {
		return true
	}
	return a.journal.Seen != nil && a.journal.Seen.ID == plan.ItemCurrent
}

// lost notes that the connection broke; the next turn connects again.
func (a *actor) lost() {
	a.log.Info("connection lost", "error", a.session.Err())
	a.hangUp()
	a.publishStatus()
}

func (a *actor) hangUp() {
	if a.session == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), byeLimit)
	defer cancel()
	if err := a.session.Close(ctx); err != nil {
		a.log.Debug("session closed", "error", err)
	}
	a.session, a.looked = nil, time.Time{}
}
