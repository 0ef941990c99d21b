package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"awayd/sync/account"
	"awayd/sync/plan"
)

// takeUpRetry is how soon an account that could not be taken up is tried again.
const takeUpRetry = time.Minute

// load makes an owner for each account, and begins with those for whom
// something may be due: a flip waits for no other account to be read. One that
// cannot be read keeps no other from being looked after.
func (e *Engine) load(ctx context.Context, passive bool, start func(a *actor, all int)) error {
	e.mu.Lock()
	e.ctx, e.passive = ctx, passive
	e.mu.Unlock()
	pressing, err := e.store.Pressing(ctx, e.now())
	if err != nil {
		return fmt.Errorf("load what is due: %w", err)
	}
	first := make(map[string]bool, len(pressing))
	for _, jid := range pressing {
		first[jid] = true
		e.takeUp(ctx, jid, start)
	}
	accounts, err := e.store.Accounts(ctx)
	if err != nil {
		return fmt.Errorf("load accounts: %w", err)
	}
	for _, acct := range accounts {
		switch {
		case first[acct.JID]:
		case acct.Unread != nil:
			e.fail(ctx, acct.JID, acct.Unread)
		default:
			e.begin(ctx, acct, len(accounts), start)
		}
	}
	return nil
}

// takeUp reads and starts one account, or remembers why it could not.
func (e *Engine) takeUp(ctx context.Context, jid string, start func(a *actor, all int)) {
	acct, err := e.store.Account(ctx, jid)
	if err != nil {
		e.fail(ctx, jid, err)
		return
	}
	e.begin(ctx, acct, 1, start)
}

// begin starts one of some accounts, or remembers why it could not.
func (e *Engine) begin(ctx context.Context, acct account.Account, all int, start func(a *actor, all int)) {
	a, err := e.own(acct)
	if err != nil {
		e.fail(ctx, acct.JID, err)
		return
	}
	start(a, all)
}

// fail remembers why an account could not be taken up.
func (e *Engine) fail(ctx context.Context, jid string, err error) {
	e.mu.Lock()
	f := e.failed[jid]
	if f == nil {
		f = new(failure)
		e.failed[jid] = f
	}
	if f.err == nil || f.err.Error() != err.Error() {
		e.log.Error("account not started", "account", jid, "error", err)
	}
	f.err = err
	passive := e.passive
	e.mu.Unlock()
	if !passive && e.herald.ready() {
		e.tellFailed(ctx, jid, f)
	}
}

// retryFailed takes up, until ctx ends, the accounts that could not be: what kept
// the state from telling of them may have passed.
func (e *Engine) retryFailed(ctx context.Context, start func(a *actor, all int)) {
	for sleep(ctx, takeUpRetry) {
		e.mu.Lock()
		failed := slices.Sorted(maps.Keys(e.failed))
		e.mu.Unlock()
		for _, jid := range failed {
			e.retry(ctx, jid, start)
		}
	}
}

// retry takes up an account, if it still is one that could not be.
func (e *Engine) retry(ctx context.Context, jid string, start func(a *actor, all int)) {
	e.linking.Lock() // it may be forgotten meanwhile
	defer e.linking.Unlock()
	e.mu.Lock()
	_, failed := e.failed[jid]
	e.mu.Unlock()
	if failed && ctx.Err() == nil {
		e.takeUp(ctx, jid, start)
	}
}

// forget unlinks an account that could not be taken up, and leaves its node as it
// is.
func (e *Engine) forget(ctx context.Context, jid string) error {
	e.linking.Lock()
	defer e.linking.Unlock()
	e.mu.Lock()
	_, failed := e.failed[jid]
	e.mu.Unlock()
	if !failed {
		return fmt.Errorf("forget %s: it was taken up just now", jid)
	}
	if err := e.store.DeleteAccount(ctx, jid); err != nil {
		return fmt.Errorf("forget %s: %w", jid, err)
	}
	e.mu.Lock()
	delete(e.failed, jid)
	e.mu.Unlock()
	e.herald.report(jid, report{})
	if err := e.store.Append(ctx, account.Entry{
		Time: e.now(), Account: jid, Kind: account.KindUnlink, Outcome: account.OK,
		Reason: "unlinked, as it could not be read; the node is left as it is",
	}); err != nil {
		return fmt.Errorf("log the unlink: %w", err)
	}
	return nil
}

// own makes the owner of an account.
func (e *Engine) own(acct account.Account) (*actor, error) {
	e.mu.Lock()
	ctx, passive := e.ctx, e.passive
	e.mu.Unlock()
	if ctx == nil || ctx.Err() != nil {
		return nil, errStopped
	}
	a, err := newActor(ctx, e, acct)
	if err != nil {
		return nil, err
	}
	a.passive = passive
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.actors[acct.JID]; ok {
		a.stop()
		return nil, fmt.Errorf("start %s: already running", acct.JID)
	}
	e.actors[acct.JID] = a
	delete(e.failed, acct.JID)
	return a, nil
}

// beBlind has the owner of an account of which nothing is known but what awayd
// published do no more than take that back once it is over: what else there is to
// do the calendars decide, which the state does not tell of now. The first
// timeline that can be built ends it.
func (a *actor) beBlind(err error, now time.Time) {
	a.blind, a.until = true, time.Time{} // what was known before the start is no news
	a.outdated(err, now)
}

// lasts is until when what contacts may see of awayd's is meant to be seen, as far
// as the journal knows; false: they see nothing.
func lasts(j plan.Journal) (until time.Time, visible bool) {
	if b := j.Begun; b != nil {
		switch b.Kind {
		case plan.Reveal, plan.Amend:
			return b.Payload.End, true
		case plan.Withdraw:
			return time.Time{}, true // it was to go in any case
		}
	}
	if j.Seen != nil && j.Seen.ID == plan.ItemCurrent {
		return j.Seen.Payload.End, true
	}
	return time.Time{}, false
}

// over reports whether contacts may see what is over.
func (a *actor) over(now time.Time) bool {
	until, visible := lasts(a.keeper.journal)
	return visible && !until.After(now)
}

// foretellBlind returns the end of what contacts may see, which alone is certain.
func (a *actor) foretellBlind(now time.Time) *Next {
	until, visible := lasts(a.keeper.journal)
	if !visible {
		return nil
	}
	if until.Before(now) {
		until = now
	}
	return &Next{At: until.In(a.rules.Zone), Action: plan.Withdraw}
}
