package engine

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"awayd/sync/absence"
	"awayd/sync/account"
	"awayd/sync/plan"
)

const (
	// rebuildEvery moves the window of the timeline along, which reaches a year
	// ahead; each account has a time of its own within the last quarter.
	rebuildEvery  = 7 * 24 * time.Hour
	rebuildSpread = rebuildEvery / 4
	// rebuildRetry is how soon that is tried again, if the state did not tell what
	// the calendars hold.
	rebuildRetry = time.Minute
	// commandLimit bounds what a command may wait for its account's owner.
	commandLimit = 2 * time.Minute
)

// An actor owns one account. Everything below the marker is touched by its run
// goroutine alone; others send functions to it.
type actor struct {
	e      *Engine
	jid    string
	log    *slog.Logger
	ctx    context.Context
	stop   context.CancelFunc
	inbox  chan func()
	polled chan polled
	nudge  chan struct{} // the clock was changed
	back   atomic.Int64  // how far it was set back, in nanoseconds, since its owner asked

	begin   time.Time   // when to look at everything after a start; zero: at once
	stale   atomic.Bool // new defaults hold, which its owner has yet to take up
	passive bool        // nothing runs: questions are answered where they are asked

	mu     sync.Mutex
	status Status
	asking sync.Mutex // of a passive one: questions take turns

	// Owned by run.
	acct       account.Account
	rules      absence.Settings
	audience   plan.AccessModel
	presence   bool
	activity   bool
	keeper     *Keeper
	store      *sparing // the keeper's
	outlook    outlook
	calendars  []*calendar
	suppressed []account.Suppression
	result     absence.Result
	built      time.Time
	until      time.Time // the end of the window of result
	unbuilt    error     // why the timeline is an older one; nil: it is not
	blind      bool      // there is none at all
	waiting    []*syncWait
	line       line
	duty       duty
	failure    error // why the node is not in step; nil: it is
	clock      comparison
	letters    correspondence
}

// newActor loads what the state holds of an account.
func newActor(ctx context.Context, e *Engine, acct account.Account) (*actor, error) {
	ctx, cancel := context.WithCancel(ctx)
	a := &actor{
		e: e, jid: acct.JID, log: e.log.With("account", acct.JID), ctx: ctx, stop: cancel,
		inbox: make(chan func()), polled: make(chan polled), nudge: make(chan struct{}, 1),
	}
	a.store = &sparing{NodeStore: e.store}
	var err error
	if a.keeper, err = NewKeeper(ctx, KeeperConfig{
		JID: acct.JID, Store: a.store, Now: e.now, Note: a.append, Log: a.log,
		Dial: a.dial, Observer: e.observer,
	}); err != nil {
		cancel()
		return nil, err
	}
	if a.suppressed, err = e.store.Suppressions(ctx, acct.JID); err != nil {
		cancel()
		return nil, fmt.Errorf("load what was withdrawn for %s: %w", acct.JID, err)
	}
	if a.letters.told, err = e.store.Notices(ctx, acct.JID); err != nil {
		cancel()
		return nil, fmt.Errorf("load what %s was told: %w", acct.JID, err)
	}
	// The first reading comes from the cache: it is what was true before the
	// restart, and so no news.
	if err := a.adoptUnbuilt(acct); err != nil {
		cancel()
		return nil, err
	}
	now := e.now()
	built, err := a.build(now)
	a.setResult(built, now)
	if err != nil {
		a.beBlind(err, now)
	}
	for _, c := range a.calendars {
		_, c.hold = believe(c.shelf.objects, absence.Delta{}, false) // as it was before
	}
	a.release()
	a.publishStatus()
	return a, nil
}

// run is the owner's loop: reconcile, then sleep until something may have
// changed.
func (a *actor) run() {
	defer a.leave()
	a.duty.look = a.begin
	for _, c := range a.calendars {
		c.due = a.begin
	}
	for {
		a.turn()
		timer := time.NewTimer(a.nextWake())
		select {
		case <-a.ctx.Done():
			timer.Stop()
			return
		case f := <-a.inbox:
			f()
		case p := <-a.polled:
			a.merge(p)
		case <-a.nudge:
			a.follow(time.Duration(a.back.Swap(0)))
		case <-a.keeper.News():
			a.keeper.Doubt()
		case <-a.keeper.Lost():
			a.keeper.drop()
		case <-timer.C:
		}
		timer.Stop()
	}
}

// turn brings everything up to date once.
func (a *actor) turn() {
	if a.stale.Swap(false) {
		if err := a.adopt(a.acct); err != nil {
			a.log.Error("new configuration not taken up", "error", err)
		}
	}
	if now := a.e.now(); now.Sub(a.built) >= a.rebuildAfter() || now.Before(a.built) {
		a.rebuild()
	}
	a.pollDue()
	a.keep()
	a.compareClocks()
	a.correspond()
	a.publishStatus()
	a.settleWaits()
	a.release()
}

func (a *actor) rebuildAfter() time.Duration { return rebuildEvery - spread(a.jid, rebuildSpread) }

// keep brings the node in step, unless it is to be left alone.
func (a *actor) keep() {
	if a.acct.Mode == account.Paused {
		a.rest()
		a.keeper.Hurry()
		a.keeper.excuse()
		a.duty.called, a.failure = false, nil
		return
	}
	now := a.e.now()
	if a.blind && !a.over(now) {
		a.rest()
		a.duty.called = false
		return
	}
	err := a.attend(now)
	switch {
	case err != nil:
		a.failure = err
		a.countFailure()
	case a.keeper.trouble == "":
		a.failure = nil
	}
}

// nextWake is how long nothing is known to happen.
func (a *actor) nextWake() time.Duration {
	now := a.e.now()
	wake := a.built.Add(a.rebuildAfter())
	sooner := func(t time.Time) {
		if t.Before(wake) {
			wake = t
		}
	}
	if a.acct.Mode != account.Paused {
		if next, ok := a.keeper.Next(); ok && !now.Before(a.duty.queued) {
			sooner(next)
		}
		if at := a.nextDuty(now); at.After(now) {
			sooner(at)
		}
		if !a.letters.again.IsZero() {
			sooner(a.letters.again)
		}
		// Not one that is overdue: it waits for a connection, or for an instant to
		// be over, which wake by themselves.
		if at := a.clock.next(); a.clock.Off() && at.After(now) {
			sooner(at)
		}
	}
	for _, c := range a.calendars {
		sooner(c.due)
	}
	if until, visible := lasts(a.keeper.journal); a.blind && visible && until.After(now) {
		sooner(until)
	}
	return max(0, wake.Sub(now))
}

// wake has the owner follow the clock, which was changed.
func (a *actor) wake(by time.Duration) {
	a.back.Add(-int64(min(by, 0)))
	select {
	case a.nudge <- struct{}{}:
	default:
	}
}

// do runs f on the owner's goroutine and returns its error.
func (a *actor) do(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	if a.passive {
		a.asking.Lock()
		defer a.asking.Unlock()
		return f(ctx)
	}
	done := make(chan error, 1)
	select {
	case a.inbox <- func() { done <- f(ctx) }:
	case <-ctx.Done():
		return fmt.Errorf("%s is busy: %w", a.jid, ctx.Err())
	case <-a.ctx.Done():
		return errStopped
	}
	select {
	case err := <-done:
		return err
	case <-a.ctx.Done():
		return errStopped
	}
}

// leave ends the session.
func (a *actor) leave() {
	a.keeper.HangUp()
	for _, w := range a.waiting {
		w.finish(errStopped)
	}
}

// append writes an entry of the sync log. A log that cannot be written is no
// reason to stop; the daemon's own log says so.
func (a *actor) append(e account.Entry) {
	e.Account = a.jid
	if e.Time.IsZero() {
		e.Time = a.e.now()
	}
	if e.Outcome == "" {
		e.Outcome = account.OK
	}
	reason := e.Reason
	if (e.Period != "" || e.UID != "") && !a.log.Enabled(a.ctx, slog.LevelDebug) {
		reason = "" // what an absence is called stays in the sync log
	}
	a.log.Info(string(e.Kind), "outcome", e.Outcome, "reason", reason, "error", e.Error)
	if err := a.e.store.Append(context.WithoutCancel(a.ctx), e); err != nil {
		a.log.Error("sync log not written", "error", err)
	}
}
